import Bytes
import Foundation
import GGUF
import TestSupport
import Testing

/// Bases made to do harm, through the real binary.
@Suite struct HostileBaseTests {
    let program = Program()
    let nano = Repository.checkpoint("nano-q4_k_m.gguf")

    /// The small base with one more record, or with `key`'s value exchanged.
    private func base(_ name: String, _ key: String, _ value: GGUFValue) throws -> String {
        let original = try GGUFFile(path: nano)
        var writer = GGUFWriter()
        for record in original.records where record.key != key { writer.add(record) }
        writer.add(key, value)
        for tensor in original.tensors {
            writer.add(tensor: tensor.name, tensor.type, tensor.dimensions, region: original.region(of: tensor))
        }
        let path = program.folder.path(name)
        try? FileManager.default.removeItem(atPath: path)
        try writer.write(to: path, sync: false)
        return path
    }

    @Test func `a chat template is data: what it says runs nowhere and changes nothing`() throws {
        let words = ["--prompt", "Good day", "--chat", "--max-tokens", "6", "--temperature", "0"]
        let plain = try program.run(["generate", "--base", nano] + words)
        #expect(plain.status == 0)
        let mark = program.folder.path("mark")
        for template in [
            "{{ self.__init__.__globals__.__builtins__.__import__('os').popen('touch \(mark)').read() }}",
            "{% for i in range(1000000000) %}x{% endfor %}", "{{ messages[0].content * 100000000 }}", "{{",
            "$(touch \(mark))",
        ] {
            let hostile = try base("template.gguf", "tokenizer.chat_template", .string(template))
            let outcome = try program.run(["generate", "--base", hostile] + words)
            #expect(outcome.status == 0 && outcome.output == plain.output, "\(template)")
        }
        #expect(!FileManager.default.fileExists(atPath: mark))
    }

    @Test(
        arguments: [
            ("qwen2.block_count", .uint32(.max)), ("qwen2.block_count", .uint32(0)),
            ("qwen2.embedding_length", .uint32(.max)), ("qwen2.embedding_length", .uint64(.max)),
            ("qwen2.feed_forward_length", .uint32(1)), ("qwen2.attention.head_count", .uint32(0)),
            ("qwen2.attention.head_count", .uint32(.max)), ("qwen2.attention.head_count_kv", .uint32(3)),
            ("qwen2.context_length", .uint32(0)), ("qwen2.rope.freq_base", .float32(.nan)),
            ("qwen2.rope.freq_base", .float32(0)), ("qwen2.attention.layer_norm_rms_epsilon", .float32(-1)),
            ("qwen2.attention.layer_norm_rms_epsilon", .string("tiny")),
        ] as [(String, GGUFValue)])
    func `a shape that is a lie ends with one sentence and exit 1`(key: String, value: GGUFValue) throws {
        let hostile = try base("shape.gguf", key, value)
        let outcome = try program.run(["generate", "--base", hostile, "--prompt", "x", "--max-tokens", "1"])
        #expect(outcome.status == 1, "\(outcome.error)")
        #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
    }
}
