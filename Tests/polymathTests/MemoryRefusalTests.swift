import Foundation
import GGUF
import TestSupport
import Testing

/// Where the system gives no memory for a window that nobody planned: exit 5 and one sentence, before anything is computed.
@Suite struct MemoryRefusalTests {
    private let program = Program()
    /// KiB of address space: far more than the program and a short window map, far less than a huge window does.
    private static let limit = 2_000_000

    /// A reference model that calls itself good for a million tokens.
    private func patientBase() throws -> String {
        let source = try GGUFFile(path: Repository.reference("qwen2-tied-q4_k_m.gguf"))
        var writer = GGUFWriter()
        for record in source.records where record.key != "qwen2.context_length" { writer.add(record) }
        writer.add("qwen2.context_length", .uint32(1 << 20))
        for tensor in source.tensors {
            writer.add(tensor: tensor.name, tensor.type, tensor.dimensions, region: source.region(of: tensor))
        }
        let path = program.folder.path("patient.gguf")
        guard !program.holds("patient.gguf") else { return path }
        try writer.write(to: path, sync: false)
        return path
    }

    private func run(_ words: [String]) throws -> Program.Outcome {
        try program.run(
            words + ["--base", patientBase(), "--compute", "f32", "--threads", "1"],
            under: ["/bin/sh", "-c", "ulimit -v \(Self.limit) && exec \"$0\" \"$@\""])
    }

    private func expectRefusal(_ words: [String], sourceLocation: SourceLocation = #_sourceLocation) throws {
        let outcome = try run(words)
        #expect(outcome.status == 5, "\(outcome.error)", sourceLocation: sourceLocation)
        #expect(outcome.output.isEmpty, "\(outcome.output)", sourceLocation: sourceLocation)
        #expect(
            outcome.error.hasPrefix("polymath: The operating system refused ")
                && outcome.error.split(separator: "\n").count == 1, "\(outcome.error)", sourceLocation: sourceLocation)
    }

    @Test func `eval of windows that memory is too small for`() throws {
        func words(_ length: Int) throws -> [String] {
            let tokens = try program.write("\(length).json", "\(Array(repeating: 1, count: length + 1))")
            return ["eval", "--tokens", tokens, "--seq-len", "\(length)"]
        }
        try expectRefusal(words(1 << 18))
        let short = try run(words(64))
        #expect(short.status == 0, "\(short.error)")
    }

    @Test func `generate after a prompt that memory is too small for`() throws {
        try expectRefusal(["generate", "--prompt", String(repeating: "1", count: 120_000), "--max-tokens", "1"])
        let short = try run(["generate", "--prompt", "1", "--max-tokens", "1"])
        #expect(short.status == 0, "\(short.error)")
    }

    @Test func `a timed pass over windows that memory is too small for`() throws {
        try expectRefusal(["bench", "step", "--forward-only", "--seq-len", "\(1 << 18)", "--repeat", "1"])
    }
}
