import Foundation
import GGUF
import TestSupport
import Testing

/// A base with random weights says so wherever its figures are shown.
@Suite struct SyntheticBaseTests {
    let program = Program()

    /// A reference model with the mark that `base synth` leaves, under a name that does not give it away.
    init() throws {
        let source = try GGUFFile(path: Repository.reference("qwen2-tied-f32.gguf"))
        var writer = GGUFWriter()
        for record in source.records { writer.add(record) }
        writer.add("polymath.synthetic", .bool(true))
        for tensor in source.tensors {
            writer.add(tensor: tensor.name, tensor.type, tensor.dimensions, region: source.region(of: tensor))
        }
        try FileManager.default.createDirectory(
            atPath: program.folder.path("Checkpoints"), withIntermediateDirectories: true)
        try writer.write(to: program.folder.path("Checkpoints/tiny.gguf"), sync: false)
    }

    private let tokens = ["--tokens", Repository.reference("tokens.json"), "--seq-len", "8"]

    @Test func `training on it says so at the start, at the end, in the record and in the report`() throws {
        let words = ["train", "--base", "tiny", "--steps", "1", "--validation-fraction", "0"] + tokens
        let json = try program.run(words + ["--json", "--out", "run"])
        #expect(json.status == 0, "\(json.output)")
        for event in ["run_started", "run_finished"] {
            #expect(json.object(event)?["synthetic_weights"] as? Bool == true, "\(event)")
        }
        let record = try JSONSerialization.jsonObject(with: Data(try #require(program.bytes("run/run.json"))))
        let base = try #require((record as? [String: Any])?["base"] as? [String: Any])
        #expect(base["synthetic_weights"] as? Bool == true)
        let report = String(decoding: try #require(program.bytes("run/report.html")), as: UTF8.self)
        #expect(report.contains("synthetic weights"))
        let plain = try program.run(words + ["--out", "other"])
        #expect(plain.status == 0)
        #expect((plain.output + plain.error).contains("tiny (synthetic weights)"), "\(plain.output)")
        #expect(plain.output.contains("losses of this base say nothing about language"), "\(plain.output)")
    }

    @Test func `whatever else shows the base says so`() throws {
        let trained = try program.run(
            ["train", "--base", "tiny", "--steps", "1", "--validation-fraction", "0", "--out", "run"] + tokens)
        #expect(trained.status == 0, "\(trained.error)")
        let base = ["--base", "tiny"]
        let adapter = base + ["--adapter", "run/adapter.gguf"]
        for (words, event) in [
            (["eval"] + base + tokens + ["--bootstrap", "2"], "evaluation"),
            (["adapter", "verify"] + adapter, "adapter_verified"),
            (["audit", "seal"] + base, "seal"), (["adapter", "merge"] + adapter + ["--out"], "merged"),
        ] as [([String], String)] {
            let isMerge = words.last == "--out"
            let plain = try program.run(words + (isMerge ? ["a.gguf"] : []))
            #expect(plain.status == 0, "\(plain.error)")
            #expect(plain.output.contains("tiny (synthetic weights)"), "\(event): \(plain.output)")
            let json = try program.run(words + (isMerge ? ["b.gguf"] : []) + ["--json"])
            #expect(json.object(event)?["synthetic_weights"] as? Bool == true, "\(event): \(json.output)")
        }
        let written = try program.run(["generate", "--prompt", "a", "--max-tokens", "1", "--json"] + base)
        #expect(written.object("generation")?["synthetic_weights"] as? Bool == true, "\(written.output)")
        #expect(try program.run(["base", "inspect", "tiny"]).output.hasPrefix("tiny  (synthetic weights)\n"))
        let inspected = try program.run(["base", "inspect", "tiny", "--json"])
        #expect(inspected.object("base")?["synthetic"] as? Bool == true)
        #expect(try program.run(["base", "list"]).output.contains("tiny  here, synthetic weights, "))
        // A merged file still is one.
        #expect(try program.run(["base", "inspect", "./a.gguf"]).output.contains("(synthetic weights)"))
    }

    @Test func `the name alone is enough`() throws {
        let path = program.folder.path("Checkpoints/some-synthetic.gguf")
        try FileManager.default.copyItem(atPath: Repository.reference("qwen2-tied-f32.gguf"), toPath: path)
        let outcome = try program.run(
            ["train", "--base", "some-synthetic", "--steps", "1", "--dry-run", "--json"] + tokens)
        #expect(outcome.object("plan")?["synthetic_weights"] as? Bool == true, "\(outcome.output)")
    }
}
