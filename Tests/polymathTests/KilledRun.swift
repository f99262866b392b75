import Audit
import Foundation
import TestSupport
import Testing

/// A run whose processes are killed, one after another, until one of them comes to its end; and what must hold all the
/// while.
///
/// No checkpoint is lost: whatever the chain calls good is there until two newer ones are, and no resume goes on from
/// before it; only the newest, whose row is on the medium first, may not have appeared yet. None is there without a row. The end is that of the undisturbed run.
final class KilledRun {
    let program: Program
    let name: String
    private let words: [String]
    /// Kills so far, by what stood on the disk after each.
    private(set) var kills: [String: Int] = [:]
    /// What should not have been, in sentences.
    private(set) var faults: [String] = []
    private(set) var lostCheckpoints = 0
    /// Newest checkpoint that the chain calls good.
    private var good = 0

    init(_ program: Program, name: String) {
        self.program = program
        self.name = name
        words = Self.words(out: name)
    }

    /// Four steps with a checkpoint and a validation each.
    static func words(out: String) -> [String] {
        [
            "train", "--base", Repository.reference("qwen2-tied-f32.gguf"), "--tokens",
            Repository.reference("tokens.json"), "--seq-len", "8", "--batch-size", "1", "--steps", "4",
            "--eval-every", "1", "--learning-rate", "0.01", "--checkpoint-every", "1", "--seed", "0",
            "--json", "--out", out,
        ]
    }

    /// Files that every finished run's folder holds, and its losses, as strings that tell every bit.
    struct End: Equatable {
        let names: [String]
        let losses: [String: String]
        let adapter: [UInt8]?
        let checkpoints: [String: [UInt8]]
    }

    /// Starts the run, or goes on with it.
    ///
    /// - Returns: whether the process came to its own end; false where it was killed.
    func live(
        under wrapper: [String] = [], killedAfter delay: Double? = nil
    ) throws -> Bool {
        let deadline = Date(timeIntervalSinceNow: delay ?? 0)
        let isBegun = program.holds(name + "/run.json")
        let line = isBegun ? ["train", "--resume", name, "--json"] : words
        let outcome = try program.run(
            line, watch: delay.map { _ in { _ in Date() >= deadline } }, signal: delay.map { _ in SIGKILL },
            under: wrapper)
        if let step = outcome.object("resumed")?["step"] as? Int, step < good {
            lostCheckpoints += 1
            faults.append("A resume went on from step \(step), and the chain had called \(good) good.")
        }
        if outcome.status == 128 + SIGKILL {
            lookAround(isResuming: isBegun && outcome.object("resumed") == nil)
            return false
        }
        // Between its last file and its end, a process has nothing left to do, and the next one says so.
        let isOver = outcome.status == 2 && outcome.output.contains("came to its end")
        if outcome.status != 0, !isOver {
            faults.append("A process ended with \(outcome.status): \(outcome.output.suffix(400))\(outcome.error)")
        }
        return true
    }

    /// What the kill left.
    ///
    /// - Parameter isResuming: whether the process was killed before it said from where it goes on.
    private func lookAround(isResuming: Bool) {
        let folder = program.folder.path(name)
        let names = Set((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        let inside = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/checkpoints")) ?? []
        guard names.contains("run.json") else {
            // Beside its place may lie what was made of it, under a name that says so.
            if program.holds(name) { faults.append("A run that has not begun has a folder: \(names.sorted()).") }
            return kills["start-up, before run.json", default: 0] += 1
        }
        guard let chain = try? AuditChain.read(path: folder + "/audit.jsonl") else {
            // An empty chain, or a torn first row, is a run without checkpoints.
            if !inside.isEmpty { faults.append("There are checkpoints, and the chain cannot be read.") }
            return kills["before the chain's first row", default: 0] += 1
        }
        let steps = chain.rows.filter { $0.kind == RowKind.checkpoint }.compactMap { $0.body["step"]?.asInt }
        var known = Set(steps).sorted()
        if chain.rows.last?.kind == RowKind.checkpoint, let newest = known.last,
            !inside.contains(Self.folder(of: newest))
        {
            known.removeLast()
        }
        good = max(good, known.last ?? 0)
        for step in known.suffix(2) where !inside.contains(Self.folder(of: step)) {
            lostCheckpoints += 1
            faults.append("The chain calls the checkpoint of step \(step) good, and it is not there.")
        }
        for name in inside where !name.hasPrefix(".") && !steps.contains(Int(name.dropFirst(5)) ?? -1) {
            faults.append("There is \(name), and the chain holds no row of it.")
        }
        kills[isResuming ? "start-up of a resume" : Self.place(chain, names, inside), default: 0] += 1
    }

    private static func place(_ chain: AuditChain, _ names: Set<String>, _ inside: [String]) -> String {
        if chain.status == .closed {
            if !names.contains("attestation.dsse.json") { return "closed, before the attestation" }
            return names.contains("report.html") ? "after the report" : "attested, before the report"
        }
        if names.contains(where: { $0.hasPrefix(".adapter") }) { return "adapter write" }
        if names.contains("adapter.gguf") { return "adapter written, chain not closed" }
        if inside.contains(where: { $0.hasPrefix(".") }) { return "checkpoint write or removal" }
        switch chain.rows.last?.kind {
        case RowKind.start, RowKind.resume, RowKind.recovery: return "chain begun or resumed, base not yet checked"
        case RowKind.checkpoint: return "after a checkpoint's row"
        default: return "during a step or validation"
        }
    }

    /// Name of a checkpoint's folder.
    static func folder(of step: Int) -> String { "step_" + String(format: "%08d", step) }

    /// What is there now.
    func end() throws -> End { try Self.end(of: name, program) }

    static func end(of name: String, _ program: Program) throws -> End {
        let folder = program.folder.path(name)
        let files = FileManager.default
        var checkpoints: [String: [UInt8]] = [:]
        for path in try files.subpathsOfDirectory(atPath: folder + "/checkpoints") {
            checkpoints[path] = program.bytes(name + "/checkpoints/" + path) ?? []
        }
        var losses: [String: String] = [:]
        for line in try String(contentsOfFile: folder + "/events.jsonl", encoding: .utf8).split(separator: "\n") {
            let event = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            guard let kind = event["event"] as? String, ["step", "validation"].contains(kind) else { continue }
            losses["\(kind) \(event["step"] ?? "")"] = "\(try #require(event["loss"] as? Double))"
        }
        return End(
            names: try files.contentsOfDirectory(atPath: folder).sorted(), losses: losses,
            adapter: program.bytes(name + "/adapter.gguf"), checkpoints: checkpoints)
    }

    /// Compares a run that came to its end with the undisturbed one.
    ///
    /// - Returns: how many things differ.
    func differences(from whole: End) throws -> Int {
        let found = try end()
        var differences: [String] = []
        if found.losses != whole.losses { differences.append("losses") }
        if found.adapter != whole.adapter || found.adapter == nil { differences.append("adapter") }
        if found.checkpoints != whole.checkpoints { differences.append("checkpoints") }
        if found.names != whole.names { differences.append("files: \(found.names)") }
        let verified = try program.run(["audit", "verify", name])
        if verified.status != 0 { differences.append("audit verify: \(verified.output)\(verified.error)") }
        if !differences.isEmpty { faults.append("\(name) differs: \(differences.joined(separator: "; "))") }
        return differences.count
    }
}
