// Two programs in one. Built with --sanitize=fuzzer -Xswiftc -DLIBFUZZER, libFuzzer calls `testOneInput` and steers by
// coverage; built plainly, it replays files and seeded mutations. The environment's POLYMATH_FUZZ names the reader.

import CFuzz
import Digest
import Foundation
import FuzzTargets

/// Runs one input and holds the heap against what the target states.
private func run(_ bytes: [UInt8], _ target: FuzzTarget) {
    fuzz_reset_heap_peak()
    let before = fuzz_heap_bytes()
    target.run(bytes)
    let cost = fuzz_heap_peak() - before
    let bound = FuzzTarget.heapSlack + target.heapMultiple * bytes.count
    guard cost <= bound else {
        fatalError("broken: \(bytes.count) bytes of input took \(cost) bytes of memory, more than \(bound)")
    }
}

private func selected() -> FuzzTarget {
    let name = ProcessInfo.processInfo.environment["POLYMATH_FUZZ"] ?? ""
    guard let target = FuzzTarget.named(name) else {
        let names = FuzzTarget.all.map(\.name).joined(separator: ", ")
        FileHandle.standardError.write(Data("POLYMATH_FUZZ must name one of \(names), not “\(name)”.\n".utf8))
        exit(2)
    }
    // Once unmeasured: tables that are made on first use are no input's fault.
    for seed in (try? target.seeds()) ?? [] { target.run(seed) }
    return target
}

/// Made at the first input.
private let target = selected()

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    run(Array(UnsafeBufferPointer(start: start, count: count)), target)
    return 0
}

#if !LIBFUZZER
    /// `polymath-fuzz [FILE …] [--mutations N] [--seed S] [--first I] [--write-seeds DIR]`
    @main enum Replay {
        static func main() { exit(replay(Array(CommandLine.arguments.dropFirst()))) }
    }
#endif

private func replay(_ arguments: [String]) -> CInt {
    var words = arguments
    func value(_ name: String) -> String? {
        guard let index = words.firstIndex(of: name), index + 1 < words.count else { return nil }
        defer { words.removeSubrange(index...index + 1) }
        return words[index + 1]
    }
    let mutations = value("--mutations").flatMap { Int($0) } ?? 0
    let seed = value("--seed").flatMap { UInt64($0) } ?? 0
    let first = value("--first").flatMap { Int($0) } ?? 0
    let seeds = (try? target.seeds()) ?? []
    if let folder = value("--write-seeds") {
        for (index, bytes) in seeds.enumerated() {
            _ = FileManager.default.createFile(atPath: "\(folder)/seed-\(index)", contents: Data(bytes))
        }
    }
    for path in words {
        guard let data = FileManager.default.contents(atPath: path) else {
            FileHandle.standardError.write(Data("No such file: \(path)\n".utf8))
            return 2
        }
        FileHandle.standardError.write(Data("\(path)\n".utf8))
        run(Array(data), target)
    }
    let mutator = Mutator(seeds: seeds, seed: seed)
    for index in first..<first + mutations {
        // An input that takes longer than this hangs: the alarm ends the process.
        alarm(20)
        progress.note(index)
        run(mutator.input(index), target)
    }
    alarm(0)
    print("\(target.name): \(words.count) files and \(mutations) mutations of seed \(seed), none broken")
    return 0
}

/// Tells on standard error which input is under way, so that a crash names it.
private enum progress {
    static func note(_ index: Int) {
        guard index % 1000 == 0 else { return }
        FileHandle.standardError.write(Data("from input \(index)\n".utf8))
    }
}
