import Adapter
import Bytes
import Digest
import GGUF
import TestSupport
import Testing

/// The published test vectors: another program wrote them, and a third one judges them in `make interop`.
struct Vectors {
    struct Vector: CustomTestStringConvertible {
        let file: String
        let base: String
        let isAccepted: Bool
        let sha256: String
        /// Whether the file alone shows what is wrong; else only the base does.
        let isRefusedAlone: Bool
        let gainsDigest: String?
        /// What the encoder was given, where the file was not trained.
        let deltas: [NormDelta]?

        var testDescription: String { file }
    }

    let list: [Vector]
    let bases: [String: (path: String, root: SHA256Digest)]
    let identity: Identity
    let recipe: SHA256Digest

    static func path(_ file: String) -> String { Repository.root + "/Tests/Vectors/" + file }

    init() throws {
        let listing = try JSONValue.parse(WholeFile.read(Self.path("vectors.json")))
        var list: [Vector] = []
        for entry in try #require(listing["vectors"]?.asArray) { list.append(try Vector(entry)) }
        self.list = list
        var bases: [String: (path: String, root: SHA256Digest)] = [:]
        for (name, base) in try #require(listing["bases"]?.asObject) {
            let path = try #require(base["path"]?.asString)
            let root = try #require(base["root"]?.asString)
            bases[name] = (Repository.root + "/" + path, try #require(SHA256Digest(hex: root)))
        }
        self.bases = bases
        let seed = try #require(listing["signer_seed"]?.asString)
        identity = try Identity.fromSeed(#require(Hex.decode(seed)))
        let recipe = try #require(listing["recipe"]?.asString)
        self.recipe = try #require(SHA256Digest(hex: recipe))
    }
}

extension Vectors.Vector {
    init(_ entry: JSONValue) throws {
        file = try #require(entry["file"]?.asString)
        base = try #require(entry["base"]?.asString)
        isAccepted = entry["accepted"] == true
        sha256 = try #require(entry["sha256"]?.asString)
        isRefusedAlone = entry["shown_by"]?.asString == "file"
        gainsDigest = entry["effective_gains_sha256"]?.asString
        deltas = try entry["deltas"]?.asObject?.map { name, hex in
            NormDelta(name: name, values: try Self.floats(#require(hex.asString)))
        }
    }

    private static func floats(_ hex: String) throws -> [Float] {
        let bytes = try #require(Hex.decode(hex))
        return stride(from: 0, to: bytes.count, by: 4).map { at in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) })
        }
    }
}

@Suite struct `Test vectors` {
    let vectors: Vectors

    init() throws { vectors = try Vectors() }

    @Test func `are many, valid and invalid, and the listed bytes`() throws {
        #expect(vectors.list.count(where: \.isAccepted) >= 8)
        #expect(vectors.list.count(where: { !$0.isAccepted }) >= 40)
        for vector in vectors.list {
            let digest = SHA256Digest.of(try WholeFile.read(Vectors.path(vector.file)))
            #expect(digest.hex == vector.sha256, "\(vector.file)")
        }
    }

    @Test func `are accepted with the listed gains`() throws {
        for vector in vectors.list where vector.isAccepted {
            let (path, root) = try #require(vectors.bases[vector.base])
            let base = try GGUFFile(path: path)
            let adapter = try NormAdapter.read(path: Vectors.path(vector.file))
            try adapter.verify(against: base, root: root)
            #expect(adapter.contentID.hex == vector.sha256 && adapter.signer == vectors.identity.publicKey)
            var bytes = ByteWriter()
            for gain in try adapter.effectiveGains(on: base) { gain.values.forEach { bytes.append($0) } }
            #expect(SHA256Digest.of(bytes.bytes).hex == vector.gainsDigest, "\(vector.file)")
        }
    }

    @Test func `are the bytes that our encoder gives`() throws {
        var encoded = 0
        for vector in vectors.list {
            guard let deltas = vector.deltas, let root = vectors.bases[vector.base]?.root else { continue }
            let there = try NormAdapter.read(path: Vectors.path(vector.file))
            let bytes = try NormAdapter.encode(
                architecture: "qwen2", scope: there.scope, encoding: there.encoding, layerCount: there.layerCount,
                baseRoot: root, recipe: vectors.recipe, deltas: deltas, identity: vectors.identity)
            #expect(SHA256Digest.of(bytes).hex == vector.sha256, "\(vector.file)")
            encoded += 1
        }
        #expect(encoded == 6)
    }

    @Test func `are refused by the file or by the base, as listed`() throws {
        let (path, root) = try #require(vectors.bases["small"])
        let base = try GGUFFile(path: path)
        for vector in vectors.list where !vector.isAccepted {
            let bytes = try WholeFile.read(Vectors.path(vector.file))
            if vector.isRefusedAlone {
                #expect(throws: AdapterError.self, "\(vector.file)") { try NormAdapter.decode(bytes) }
            } else {
                let adapter = try NormAdapter.decode(bytes)
                #expect(throws: AdapterError.self, "\(vector.file)") { try adapter.verify(against: base, root: root) }
            }
        }
    }
}
