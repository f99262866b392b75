import Adapter
import Blocks
import Digest
import Foundation
import GGUF
import TestSupport
import Testing

/// Signed adapters for the embedded base, made without training.
struct SampleAdapter {
    let program: Program
    var base = Repository.checkpoint("nano-q4_k_m.gguf")

    /// The base's root as `audit seal` prints it.
    func root() throws -> SHA256Digest {
        let outcome = try program.run(["audit", "seal", "--base", base, "--json"])
        let text = try #require(outcome.objects.last?["root"] as? String)
        return try #require(SHA256Digest(hex: text))
    }

    /// Writes an adapter of scope `norms` whose every delta is `delta`.
    ///
    /// - Parameter identity: nil means the one that the program itself would sign with.
    func write(
        _ name: String = "adapter.gguf", delta: Float = 0.01, root: SHA256Digest? = nil, identity: Identity? = nil
    ) throws -> String {
        let identity =
            try identity ?? Identity.loadOrCreate(path: program.folder.path("config/polymath/identity.pem"))
        let gguf = try GGUFFile(path: base)
        let layers = try #require(gguf["qwen2.block_count"]?.asInt)
        let length = try #require(gguf["qwen2.embedding_length"]?.asInt)
        let deltas = AdapterScope.norms.tensorNames(layerCount: layers).map {
            NormDelta(name: $0, values: (0..<length).map { $0 % 2 == 0 ? delta : -delta })
        }
        let bytes = try NormAdapter.encode(
            architecture: "qwen2", scope: .norms, layerCount: layers, baseRoot: try root ?? self.root(),
            recipe: SHA256Digest.of([]), deltas: deltas, identity: identity)
        return try write(bytes, name)
    }

    func write(_ bytes: [UInt8], _ name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: program.folder.path(name)))
        return program.folder.path(name)
    }
}

@Suite struct AdapterCommandTests {
    let program = Program()
    var sample: SampleAdapter { SampleAdapter(program: program) }

    @Test func `an adapter for this base is inspected, verified and merged`() throws {
        let base = sample.base
        let adapter = try sample.write()
        let inspected = try program.run(["adapter", "inspect", adapter])
        #expect(inspected.status == 0)
        #expect(inspected.output.contains("blk.0.attn_norm.weight"))
        #expect(inspected.output.contains("signature     valid"))

        let verified = try program.run(["adapter", "verify", "--base", base, "--adapter", adapter])
        #expect(verified.status == 0)
        #expect(verified.output.contains("verified: it holds the deltas of 5 norm gains"))

        let merged = try program.run(
            ["adapter", "merge", "--base", base, "--adapter", adapter, "--out", "merged.gguf", "--json"])
        #expect(merged.status == 0)
        #expect(merged.objects.last?["event"] as? String == "merged")
        #expect(merged.objects.last?["frozen_changes"] as? Int == 0)
        let file = try GGUFFile(path: program.folder.path("merged.gguf"))
        #expect(file.tensor(named: "output_norm.weight") != nil)
    }

    @Test func `a merged file measures exactly as base and adapter do`() throws {
        let adapter = try sample.write(delta: 0.05)
        let tokens = try program.write("tokens.json", "[39,486,78,11,262,7653,310,457,13,64,198,65,87]")
        let options = ["--tokens", tokens, "--seq-len", "4", "--json"]
        try program.run(["adapter", "merge", "--base", sample.base, "--adapter", adapter, "--out", "merged.gguf"])
        let separate = try program.run(["eval", "--base", sample.base, "--adapter", adapter] + options)
        let merged = try program.run(["eval", "--base", "./merged.gguf"] + options)
        let bare = try program.run(["eval", "--base", sample.base] + options)
        let loss = try #require(separate.objects.last?["loss"] as? Double)
        #expect(merged.objects.last?["loss"] as? Double == loss)
        #expect(bare.objects.last?["loss"] as? Double != loss)
    }

    @Test func `an adapter is exported for PEFT into a new folder`() throws {
        let adapter = try sample.write()
        let words = ["adapter", "export", "--base", sample.base, "--adapter", adapter, "--out", "peft", "--json"]
        let exported = try program.run(words)
        #expect(exported.status == 0)
        #expect(exported.objects.last?["event"] as? String == "exported")
        #expect(exported.objects.last?["tensors"] as? Int == 5)
        let weights = try Data(contentsOf: URL(fileURLWithPath: program.folder.path("peft/adapter_model.safetensors")))
        // 5 gains of 256 floats after a header of fewer than 2,048 bytes.
        #expect((5120...7168).contains(weights.count))
        let again = try program.run(words)
        #expect(again.status == 2)
        #expect(again.output.contains("exists already"))
    }

    @Test func `a boundary file is merged in the types asked for`() throws {
        let base = Repository.reference("qwen2-tied-f32.gguf")
        let tokens = try program.write("tokens.json", "[39,486,78,11,262,310,457,13,64,198,65,87,3,9,27,81,243]")
        try program.run([
            "train", "--base", base, "--tokens", tokens, "--scope", "boundary", "--steps", "1", "--seq-len", "8",
            "--seed", "0", "--warmup", "0", "--validation-fraction", "0", "--out", "run",
        ])
        var losses: [Double] = []
        for (types, stored) in [("f32", StorageType.f32), ("f16", .f16), ("base", .f32)] {
            let merged = try program.run([
                "adapter", "merge", "--base", base, "--adapter", "run/boundary.gguf", "--boundary-types", types,
                "--out",
                "\(types).gguf", "--json",
            ])
            #expect(merged.status == 0)
            #expect(merged.objects.last?["frozen_changes"] as? Int == 0)
            let file = try GGUFFile(path: program.folder.path("\(types).gguf"))
            #expect(file.tensor(named: "output.weight")?.type == stored)
            let measured = try program.run([
                "eval", "--base", "./\(types).gguf", "--tokens", tokens, "--seq-len", "8", "--json",
            ])
            losses.append(try #require(measured.objects.last?["loss"] as? Double))
        }
        #expect(losses[0] == losses[2] && abs(losses[0] - losses[1]) < 1e-3)
    }

    @Test func `a merge never replaces a file`() throws {
        let adapter = try sample.write()
        let taken = try program.write("taken.gguf", "mine")
        let outcome = try program.run(["adapter", "merge", "--base", sample.base, "--adapter", adapter, "--out", taken])
        #expect(outcome.status == 2)
        #expect(outcome.error.contains("exists already"))
        #expect(try String(contentsOfFile: taken, encoding: .utf8) == "mine")
    }

    @Test func `an adapter for another base exits 4`() throws {
        let adapter = try sample.write(root: SHA256Digest.of([1]))
        for words in [["adapter", "verify"], ["generate", "--prompt", "x"]] {
            let outcome = try program.run(words + ["--base", sample.base, "--adapter", adapter])
            #expect(outcome.status == 4)
            #expect(outcome.error.contains("trained on another base"))
            #expect(outcome.output.isEmpty)
        }
    }

    @Test func `an adapter with one changed byte exits 4`() throws {
        let path = try sample.write()
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        bytes[bytes.count - 40] ^= 1
        let changed = try sample.write(bytes, "changed.gguf")
        let outcome = try program.run(["adapter", "verify", "--base", sample.base, "--adapter", changed])
        #expect(outcome.status == 4)
        #expect(outcome.error.contains("changed or forged") || outcome.error.contains("no encoder"))
        #expect(try program.run(["adapter", "inspect", changed]).status == 4)
    }

    @Test(arguments: [0, 3, 100, 2000]) func `an adapter cut to a few bytes is refused`(count: Int) throws {
        let path = try sample.write(root: SHA256Digest.of([]))
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))).prefix(count)
        let outcome = try program.run(["adapter", "inspect", try sample.write(Array(bytes), "cut.gguf")])
        #expect(outcome.status == 1 || outcome.status == 4)
        #expect(outcome.error.hasPrefix("polymath: "))
        #expect(outcome.error.split(separator: "\n").count == 1)
    }

    @Test func `a genuine adapter of another signer exits 4 when one is asked for`() throws {
        let adapter = try sample.write(identity: Identity.generate())
        let words = ["adapter", "verify", "--base", sample.base, "--adapter", adapter, "--json"]
        let verified = try program.run(words + ["--any-signer"])
        let signer = try #require(verified.objects.last?["signer"] as? String)
        #expect(try program.run(words + ["--signer", signer]).status == 0)
        let other = try program.run(words + ["--signer", String(repeating: "0", count: 64)])
        #expect(other.status == 4)
    }

    @Test func `a missing adapter exits 2`() throws {
        let outcome = try program.run(["adapter", "verify", "--base", sample.base, "--adapter", "nowhere.gguf"])
        #expect(outcome.status == 2)
        #expect(outcome.error == "polymath: There is no adapter at nowhere.gguf.\n")
    }
}
