// Valid inputs, small enough that a mutation hits something that matters.

import Adapter
import Audit
import Bytes
import Digest
import Foundation
import GGUF
import Model
import Seal
import TestSupport
import Tokenizer

enum Samples {
    static let width = 32
    static let layers = 2
    /// Of a fixed seed that everybody can read: it signs nothing that counts.
    static let identity = made { try Identity.fromSeed([UInt8](repeating: 9, count: 32)) }
    static let root = SHA256Digest.of(Array("a base".utf8))
    static let recipe = SHA256Digest.of(Array("a recipe".utf8))
    static let parsedBase = made { try GGUFFile(parsing: ByteRegion(base())) }
    /// The small base's own tokenizer, real merges included.
    static let tokenizer: Tokenizer? = made {
        try Tokenizer(
            vocabulary: TokenizerVocabulary(GGUFFile(path: Repository.checkpoint("nano-q4_k_m.gguf"))))
    }

    private static func made<T>(_ make: () throws -> T) -> T {
        do { return try make() } catch { broken("a sample cannot be made: \(error)") }
    }

    /// Two layers, a tied head, one quantised tensor, a vocabulary of a few tokens, arrays of several types.
    static func base() throws -> [UInt8] {
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("qwen2"))
        writer.add("general.name", .string("sample"))
        for (key, value) in [
            ("block_count", 2), ("context_length", 64), ("embedding_length", 32), ("feed_forward_length", 64),
            ("attention.head_count", 4), ("attention.head_count_kv", 2),
        ] { writer.add("qwen2.\(key)", .uint32(UInt32(value))) }
        writer.add("qwen2.rope.freq_base", .float32(10_000))
        writer.add("qwen2.attention.layer_norm_rms_epsilon", .float32(1e-6))
        let letters = (0..<256).map { TokenizerSample.symbol(UInt8($0)) }
        let tokens = letters + ["he", "<|endoftext|>"].map { Array($0.utf8) }
        writer.add("tokenizer.ggml.model", .string("gpt2"))
        writer.add("tokenizer.ggml.pre", .string("qwen2"))
        writer.add("tokenizer.ggml.tokens", .array(GGUFArray(strings: tokens)))
        writer.add("tokenizer.ggml.token_type", .array(GGUFArray(int32: tokens.indices.map { $0 == 257 ? 3 : 1 })))
        writer.add("tokenizer.ggml.merges", .array(GGUFArray(strings: [Array("h e".utf8)])))
        writer.add("tokenizer.ggml.eos_token_id", .uint32(257))
        writer.add("tokenizer.chat_template", .string("{% for m in messages %}{{ m.__class__ }}{% endfor %}"))
        writer.add("scales", .array(GGUFArray(float32: [1, 2, 3])))
        func floats(_ name: String, _ dimensions: [Int]) {
            var bytes = ByteWriter()
            for index in 0..<dimensions.reduce(1, *) { bytes.append(Float(index % 7) * 0.25 + 0.5) }
            writer.add(tensor: name, .f32, dimensions, bytes: bytes.bytes)
        }
        floats("token_embd.weight", [width, 2])
        for layer in 0..<layers {
            floats("blk.\(layer).attn_norm.weight", [width])
            floats("blk.\(layer).ffn_norm.weight", [width])
            writer.add(
                tensor: "blk.\(layer).attn_q.weight", .q8_0, [width, 1], bytes: [UInt8](repeating: 1, count: 34))
        }
        floats("output_norm.weight", [width])
        return try writer.serialized()
    }

    static func smallest() throws -> [UInt8] {
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("qwen2"))
        return try writer.serialized()
    }

    /// One adapter for each scope and encoding.
    static func adapters() throws -> [[UInt8]] {
        try [AdapterScope.norms, .tail, .allNorms].flatMap { scope in
            try [DeltaEncoding.q8_0, .f32].map { encoding in
                let deltas = scope.tensorNames(layerCount: layers).map { name in
                    NormDelta(name: name, values: (0..<width).map { Float($0 % 5) * 0.01 - 0.02 })
                }
                return try NormAdapter.encode(
                    architecture: "qwen2", scope: scope, encoding: encoding, layerCount: layers, baseRoot: root,
                    recipe: recipe, deltas: deltas, identity: identity)
            }
        }
    }

    static func boundary() throws -> [UInt8] {
        let path = Scratch.file([])
        let names = (0..<layers).flatMap { layer in
            ["attn_norm", "ffn_norm", "attn_q"].map { "blk.\(layer).\($0).weight" }
        }
        try BoundaryFile.write(
            to: path, architecture: "qwen2", layerCount: layers, baseRoot: root, recipe: recipe,
            sources: (names + ["output_norm.weight", "output.weight"]).map {
                BoundaryFile.Source(name: $0, dimensions: shape(of: $0)) { range in range.map { Float($0) } }
            }, identity: identity)
        return try WholeFile.read(path)
    }

    private static func shape(of name: String) -> [Int] {
        switch name {
        case "output.weight": [width, 2]
        case let name where name.contains("attn_q"): [width, 1]
        default: [width]
        }
    }

    /// The file with our key in its signer's place and our signature over the rest, if it has such places.
    static func signed(
        _ bytes: [UInt8], signer: String, signature: String, message: ([UInt8]) -> [UInt8]
    ) -> [UInt8] {
        guard let file = try? GGUFFile(parsing: ByteRegion(bytes)),
            let signerEnd = end(of: signer, in: file, atLeast: 32),
            let signatureEnd = end(of: signature, in: file, atLeast: 64)
        else { return bytes }
        var bytes = bytes
        bytes.replaceSubrange(signerEnd - 32..<signerEnd, with: identity.publicKey.bytes)
        bytes.replaceSubrange(signatureEnd - 64..<signatureEnd, with: [UInt8](repeating: 0, count: 64))
        guard let made = try? identity.sign(message(bytes)) else { broken("signing failed") }
        bytes.replaceSubrange(signatureEnd - 64..<signatureEnd, with: made)
        return bytes
    }

    private static func end(of key: String, in file: GGUFFile, atLeast count: Int) -> Int? {
        guard let record = file.records.first(where: { $0.key == key }), record.rawBytes.byteCount > count else {
            return nil
        }
        return record.rawBytes.baseOffset + record.rawBytes.byteCount
    }

    static func chain() throws -> [UInt8] {
        let path = Scratch.file([])
        try FileManager.default.removeItem(atPath: path)
        let first = try AuditWriter.start(
            path: path, run: "run", identity: identity, baseRoot: root, recipe: recipe, corpusID: nil,
            now: { "2027-01-05T08:00:00Z" })
        try first.append(kind: RowKind.step, body: ["step": 1, "loss": "3.25"])
        try first.append(kind: RowKind.checkpoint, body: ["step": 1, "sha256": .string(root.hex)])
        try first.pause(step: 1)
        let writer = try AuditWriter.resume(
            path: path, identity: identity, from: 1, checkpoint: root, now: { "2027-01-05T09:00:00Z" })
        try writer.append(kind: "step", body: ["step": 2, "loss": "3.125"])
        try writer.export(file: "adapter.gguf", contentID: root, byteCount: 2304)
        _ = try writer.close(step: 2)
        return try WholeFile.read(path)
    }

    static func attestation() throws -> [UInt8] { try sampleAttestation.encode(signedBy: identity) }

    static func statement() throws -> [UInt8] { try DSSEEnvelope.decode(attestation()).payload }

    private static let sampleAttestation = Attestation(
        baseName: "nano", baseRoot: root, artefact: .init(name: "adapter.gguf", digest: recipe), corpusID: recipe,
        recipe: recipe, chainHead: root, passedTests: ["one", "two"], failedTests: [])

    static func seal() -> [UInt8] {
        let chunk = SHA256Digest.of([1])
        return SealManifest(
            metadataDigest: root,
            tensors: ["a", "b"].map {
                SealedTensor(
                    name: $0, type: 0, typeName: "F32", dimensions: [4], offset: 64, byteCount: 16, digest: chunk,
                    chunkDigests: [chunk])
            }, fileName: "base.gguf", fileByteCount: 128
        ).json(withChunks: true).canonicalBytes
    }

    static let rows: [[UInt8]] = [
        #"{"text": "Wind W 9, sea in a temper. \u00e9 Lamp lit at six, out at seven, and the goat is well."}"#,
        #"{"prompt": "How much?", "completion": "Four, and four more when the bread is out of the oven tomorrow."}"#
            + "\n",
        #"{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day to you, and what may it be this morning: rye, or the other?"}]}"#,
    ].map { Array($0.utf8) }

    static let record = Array(
        """
        {"name": "diary", "description": "d", "author": "a", "licence": "CC0-1.0", "languages": ["en"], "digests": {"train.jsonl": \
        "195ad9cdb81cc81147f5d9cae286d563d875efe6f317b121c62dcd9c6017dcdf"}, "bytes": {"train.jsonl": 36180}}
        """.utf8)

    static let catalog = Array(
        """
        {"version": 1, "bases": [{"name": "a", "title": "A", "architecture": "qwen2", "file": "a.gguf", \
        "licence": "CC0-1.0", "bytes": 12, "source": {"url": "https://example.org/a.gguf", "revision": "1"}, \
        "sha256": "195ad9cdb81cc81147f5d9cae286d563d875efe6f317b121c62dcd9c6017dcdf", "root": null}]}
        """.utf8)

    static let run = Array(
        """
        {"base":{"architecture":"qwen2","file":"nano-q4_k_m.gguf","name":"nano","root":"060113d1451aad46\
        0dc3f3234937beca1c58a9097c66bdd70edd64dd1f0cb0e9","shape":{"embedding_length":256,"feed_forward_\
        length":768,"heads":4,"kv_heads":2,"layers":6,"vocabulary":8192},"synthetic_weights":false,"tens\
        ors":74,"title":"Polymath nano"},"corpus":{"default":false,"dropped_windows":0,"id":"34aef1339af\
        35136ed4bc71561b918c14f29f23c5a40d3dc30f1ba6a54c89464","left_over_tokens":117,"name":"wendle-not\
        es","training_windows":88,"validation_windows":17},"created":"2026-11-21T17:19:19Z","recipe":{"a\
        dapter_encoding":"q8_0","base_root":"060113d1451aad460dc3f3234937beca1c58a9097c66bdd70edd64dd1f0\
        cb0e9","batch_size":1,"compute":"f32","corpus_id":"34aef1339af35136ed4bc71561b918c14f29f23c5a40d\
        3dc30f1ba6a54c89464","eval_every":26,"grad_clip":"1.0","kernel_path":"openblas-0.3.21-Cooperlake\
         polymath-0.1.0","learning_rate":"0.04","optimizer":"adamw","patience":0,"schedule":"cosine","sc\
        ope":"norms","seed":"0","seq_len":128,"shuffle":true,"steps":264,"validation_fraction":"0.1","wa\
        rmup":10,"weight_decay":"0.0"},"recipe_sha256":"43ec8c5e63cfa873d5396ccd60934578b4461f5cbcdef8a4\
        366488f66698ccd3","request":{"adapter_encoding":"q8_0","base":"nano","batch_size":1,"checkpoint_\
        every":null,"corpus":"notes","epochs":null,"eval_every":26,"grad_clip":"1.0","identity":null,"le\
        arning_rate":"0.04","optimizer":"adamw","patience":0,"schedule":"cosine","scope":"norms","seed":\
        "0","seq_len":128,"shuffle":true,"steps":264,"threads":null,"tokens":null,"validation_fraction":\
        "0.1","warmup":10,"weight_decay":"0.0"},"run":"20261121T171919Z-c30b3431","signer":"SHA256:fb89d\
        b2d6e52e78f24129add11feae10c9168fff5d73875669165fac450994a4","threads":2,"version":"0.1.0"}
        """.utf8)

    static let checkpoint = Array(
        """
        {"version":1,"recipe":"\(recipe.hex)","step":1,"num_tokens":128,"last_loss":"3.5","validation_before":"4.0",\
        "validation_last":null,"best_loss":"3.25","best_step":1,"validations_since_best":0,"optimizer":"adamw",\
        "updates":1,"moments_per_tensor":2,"has_best":false,"tensors":[{"name":"a","count":16}],"state_bytes":192}
        """.utf8)

    static let texts: [[UInt8]] = [
        "It's 1990; naïve cafés, e\u{301}.\r\n\r\n  Über 12345 Möwen!",
        "한국어 텍스트\u{1100}\u{1161}\u{11A8} नमस्ते \u{200D}👩\u{200D}👩",
        "<|im_start|>user\n\tx = y  <|endoftext|>",
    ].map { Array($0.utf8) }
}

/// Byte-level symbols as a GPT-2 vocabulary writes them.
enum TokenizerSample {
    static func symbol(_ byte: UInt8) -> [UInt8] {
        let isPlain = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
        let earlier = (0..<byte).filter { !((0x21...0x7E).contains($0) || (0xA1...0xAC).contains($0) || $0 >= 0xAE) }
            .count
        let value = isPlain ? UInt32(byte) : 256 + UInt32(earlier)
        return Array(String(Character(Unicode.Scalar(value) ?? " ")).utf8)
    }
}

/// A file that readers of paths are given, written anew for each input; in memory where the system has such a folder.
enum Scratch {
    static let folder: String = {
        let parent = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        let path = "\(parent)/polymath-fuzz-\(ProcessInfo.processInfo.processIdentifier)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: Scratch.folder) }
        return path
    }()

    static func file(_ bytes: [UInt8], extension suffix: String = "bin") -> String {
        file(bytes, name: "input.\(suffix)")
    }

    static func makeFolder(_ path: String) {
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    static func file(_ bytes: [UInt8], name: String) -> String {
        let path = "\(folder)/\(name)"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        defer { close(descriptor) }
        guard descriptor >= 0, write(descriptor, bytes, bytes.count) == bytes.count else { broken("no scratch file") }
        return path
    }
}
