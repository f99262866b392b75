import Adapter
import Bytes
import Digest
import Federation
import Foundation
import GGUF
import TestSupport
import Testing

@Suite struct ManifestTests {
    @Test func `a manifest comes back as it was written, under 4 KB, and its id is the digest of the file`() throws {
        let bytes = try ManifestFixture.bytes()
        let signed = try SignedManifest.decode(bytes)
        #expect(try signed.manifest == ManifestFixture.manifest())
        #expect(try signed.signer == ManifestFixture.identity().publicKey)
        #expect(signed.id == SHA256Digest.of(bytes))
        #expect(bytes.count < 4_096)
        #expect(try ManifestFixture.bytes() == bytes)
        try signed.manifest.verify(against: ManifestFixture.base(), root: ManifestFixture.root)
    }

    @Test func `the largest manifest that can be said fits`() throws {
        let facts = try ManifestFixture.manifest().base
        let kinds = AdapterScope.allCases.flatMap { scope in DeltaEncoding.allCases.map { (scope, $0) } }
            .sorted { ($0.0.rawValue, $0.1.rawValue) < ($1.0.rawValue, $1.1.rawValue) }
        let manifest = try SpecialistManifest(
            modelID: String(repeating: "m", count: 96), base: facts,
            urls: (0..<4).map { "https://example.org/\($0)" + String(repeating: "x", count: 490) },
            adapters: kinds.map { AcceptedAdapter(scope: $0.0, encoding: $0.1, maxBytes: NormAdapter.byteLimit) })
        let bytes = try manifest.encode(signedBy: ManifestFixture.identity())
        #expect(try SignedManifest.decode(bytes).manifest == manifest)
        let longer = try SpecialistManifest(
            modelID: "m", base: facts,
            urls: (0..<8).map { "https://example.org/\($0)" + String(repeating: "x", count: 490) },
            adapters: manifest.adapters)
        #expect(throws: ManifestError.self) { try longer.encode(signedBy: ManifestFixture.identity()) }
    }

    /// Written by a program that shares no code with ours: `Integrations/python/make_vectors.py`.
    @Test func `the published vectors are read, and made again byte for byte`() throws {
        let listing = try JSONValue.parse(WholeFile.read(Repository.root + "/Tests/Vectors/vectors.json"))
        let identity = try Identity.fromSeed(#require(listing["signer_seed"]?.asString.flatMap(Hex.decode)))
        let entries = try #require(listing["manifests"]?.asArray)
        #expect(entries.count == 2)
        for entry in entries {
            let base = try #require(entry["base"]?.asString)
            let path = try #require(listing["bases"]?[base]?["path"]?.asString)
            let root = try #require(listing["bases"]?[base]?["root"]?.asString.flatMap(SHA256Digest.init(hex:)))
            let bytes = try WholeFile.read(
                Repository.root + "/Tests/Vectors/" + #require(entry["file"]?.asString))
            let signed = try SignedManifest.decode(bytes)
            #expect(signed.id.hex == entry["id"]?.asString)
            #expect(signed.signer == identity.publicKey)
            try signed.manifest.verify(against: GGUFFile(path: Repository.root + "/" + path), root: root)
            #expect(try signed.manifest.encode(signedBy: identity) == bytes)
        }
    }

    @Test func `any changed byte is refused`() throws {
        let bytes = try ManifestFixture.bytes()
        for index in bytes.indices {
            for bit in [UInt8(1), 0x20] {
                var changed = bytes
                changed[index] ^= bit
                #expect(!ManifestFixture.refusal(changed).isEmpty, "byte \(index)")
            }
        }
    }

    @Test func `bytes around it, another order and other spellings are refused`() throws {
        let bytes = try ManifestFixture.bytes()
        let text = String(decoding: bytes, as: UTF8.self)
        for other in [
            text + "\n", " " + text, text.replacingOccurrences(of: ",\"base_root\"", with: ", \"base_root\""),
            text.replacingOccurrences(of: "\"version\":1", with: "\"version\":1.0"),
            text.replacingOccurrences(of: "people/nano-1", with: "people\\/nano-1"),
            text.replacingOccurrences(of: "people", with: "\\u0070eople"),
        ] {
            #expect(other != text)
            #expect(ManifestFixture.refusal(Array(other.utf8)).contains("not in canonical form (RFC 8785): byte"))
        }
        #expect(ManifestFixture.refusal([]).contains("not JSON"))
        #expect(ManifestFixture.refusal(Array("[]".utf8)).contains("(all of it) should be an object"))
        #expect(ManifestFixture.refusal(Array("{}".utf8)).contains("lacks the member type"))
        #expect(ManifestFixture.refusal(Array(("{\"a\":1," + text.dropFirst()).utf8)).contains("member a,"))
        let twice = "{\"type\":\"polymath.specialist\"," + text.dropFirst()
        #expect(ManifestFixture.refusal(Array(twice.utf8)).contains("twice"))
        let deep = String(repeating: "[", count: 5) + String(repeating: "]", count: 5)
        #expect(ManifestFixture.refusal(Array(deep.utf8)).contains("nested deeper than 4"))
        #expect(
            ManifestFixture.refusal([UInt8](repeating: 0x20, count: 4_096))
                == "The manifest has 4096 bytes; one has at most 4095.")
    }

    /// What a stranger with a key can send: the signature holds, the rules do not.
    static let forgeries: [(name: String, says: String, change: @Sendable (inout JSONValue) -> Void)] = [
        ("another type", "type should be", { $0["type"] = "polymath.other" }),
        ("a later version", "version should be 1", { $0["version"] = 2 }),
        ("a version in words", "version should be 1", { $0["version"] = "1" }),
        ("a member too many", "a member note,", { $0["note"] = "hello" }),
        ("a member too few", "lacks the member quantisation", { $0["quantisation"] = nil }),
        ("an inner member too many", "a member weights.mirror,", { $0["weights"]?["mirror"] = true }),
        (
            "an inner member too few", "lacks the member dimensions.head_count",
            { $0["dimensions"]?["head_count"] = nil }
        ),
        ("an empty name", "model_id should be", { $0["model_id"] = "" }),
        ("a name that steers a terminal", "model_id should be", { $0["model_id"] = "\u{1B}[2Jnano" }),
        ("a long name", "model_id should be", { $0["model_id"] = .string(String(repeating: "n", count: 97)) }),
        ("an architecture with a slash", "architecture should be", { $0["architecture"] = "../x" }),
        ("a short root", "base_root should be 32 bytes", { $0["base_root"] = "00" }),
        (
            "a root in capitals", "base_root should be 32 bytes",
            {
                $0["base_root"] = .string(String(repeating: "AB", count: 32))
            }
        ),
        ("no layers", "dimensions.block_count should be a number of 1", { $0["dimensions"]?["block_count"] = 0 }),
        (
            "layers without end", "dimensions.block_count should be",
            {
                $0["dimensions"]?["block_count"] = 4_294_967_295
            }
        ),
        ("half a head", "dimensions.head_count should be", { $0["dimensions"]?["head_count"] = 1.5 }),
        ("an unknown storage type", "quantisation should be", { $0["quantisation"] = "q4_k+q99" }),
        ("a storage type twice", "quantisation should be", { $0["quantisation"] = "f32+f32" }),
        ("weights of no size", "weights.bytes should be", { $0["weights"]?["bytes"] = 0 }),
        ("no address", "weights.urls should be a list of 1 to 8", { $0["weights"]?["urls"] = [] }),
        (
            "nine addresses", "weights.urls should be a list of 1 to 8",
            {
                $0["weights"]?["urls"] = .array((0..<9).map { .string("https://example.org/\($0)") })
            }
        ),
        (
            "an address twice", "twice, at weights.urls[1]",
            {
                $0["weights"]?["urls"] = ["https://example.org/a", "https://example.org/a"]
            }
        ),
        ("an address that is a number", "weights.urls[0] should be a text", { $0["weights"]?["urls"] = [1] }),
        ("no kinds", "adapters should be a list of 1 to 6", { $0["adapters"] = [] }),
        (
            "a kind twice", "twice, at adapters[1]",
            {
                let first: JSONValue = $0["adapters"]?[0] ?? nil
                $0["adapters"] = [first, first]
            }
        ),
        (
            "kinds in another order", "adapters should be ascending",
            {
                $0["adapters"] = .array(($0["adapters"]?.asArray ?? []).reversed())
            }
        ),
        ("an unknown scope", "adapters[0].scope should be one of", { $0.first["scope"] = "boundary" }),
        ("an unknown encoding", "adapters[0].encoding should be", { $0.first["encoding"] = "q4_0" }),
        ("an adapter of a gigabyte", "adapters[0].max_bytes should be", { $0.first["max_bytes"] = 1_073_741_824 }),
        ("another wire version", "adapters[0].version should be 1", { $0.first["version"] = 2 }),
        ("somebody else's name", "changed or forged", { $0["signer"] = .string(String(repeating: "17", count: 32)) }),
        ("a weak key", "changed or forged", { $0["signer"] = .string("01" + String(repeating: "00", count: 31)) }),
        ("no key", "signer should be 32 bytes", { $0["signer"] = "" }),
    ]

    @Test(arguments: forgeries.indices) func `a well signed manifest that breaks a rule is refused`(index: Int) throws {
        let (name, says, change) = Self.forgeries[index]
        let said = ManifestFixture.refusal(try ManifestFixture.forged(change))
        #expect(said.contains(says), "\(name): \(said)")
        #expect(said.hasSuffix(".") && !said.contains("\u{1B}"), "\(said)")
    }

    @Test(arguments: [
        "http://example.org/a", "HTTPS://example.org/a", "ftp://example.org/a", "file:///etc/passwd", "https://",
        "https:///a", "https://example.org", "https://example.org?a", "https://a b/c", "https://me@example.org/a",
        "https://example.org:0/a", "https://example.org:99999/a", "https://example.org:/a", "https://example.org:080/a",
        "https://exa\u{301}mple.org/a", "https://example..org/a", "https://-a.org/a", "https://[::1]/a",
        "https://example.org/a#b", "https://example.org/a\\b", "https://example.org/a\nb", "javascript:alert(1)", "",
    ])
    func `an address that is not plain https is refused`(url: String) throws {
        #expect(throws: ManifestError.self) { try ManifestFixture.manifest(urls: [url]) }
        let forged = try ManifestFixture.forged { $0["weights"]?["urls"] = [.string(url)] }
        #expect(ManifestFixture.refusal(forged).contains("weights.urls[0] should be an address"), "\(url)")
    }

    // Every spelling of an address that inet_aton, a browser or curl takes, and the names of the machine itself.
    @Test(arguments: [
        "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f.1", "0x7f000001", "0X7F.0.0.1", "0177.0.0.1",
        "017700000001",
        "0", "0.0.0.0", "169.254.169.254", "10.0.0.1", "1.2.3.4.5", "example.1", "example.0x1", "127.0.0.1.",
        "localhost.",
        "example.org.", "[::1]", "[::ffff:127.0.0.1]", "%31%32%37.0.0.1", "127%2e0.0.1", "localhost", "LocalHost",
        "a.localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "１２７.0.0.1", "127。0。0。1",
    ])
    func `an address that is a number, or the machine itself, is refused in every spelling`(host: String) throws {
        for port in ["", ":443"] {
            let url = "https://\(host)\(port)/a"
            #expect(throws: ManifestError.self, "\(url)") { try ManifestFixture.manifest(urls: [url]) }
            let forged = try ManifestFixture.forged { $0["weights"]?["urls"] = [.string(url)] }
            #expect(ManifestFixture.refusal(forged).contains("weights.urls[0] should be an address"), "\(url)")
        }
    }

    @Test(arguments: [
        "https://127.0.0.1.example.org/a", "https://4chan.org/a", "https://localhost.example.org/a",
        "https://0x7f.example/127.0.0.1", "https://xn--bcher-kva.example/a", "https://a.b/localhost",
        "https://example.org/a", "https://a.b-c.example:8443/x/y.gguf?download=true&r=1", "https://h/%20",
    ])
    func `an address of plain https is taken`(url: String) throws {
        #expect(try ManifestFixture.manifest(urls: [url]).urls == [url])
    }

    @Test func `a manifest of another base is refused by the fact that differs`() throws {
        let base = try ManifestFixture.base()
        let differences: [(String, (inout JSONValue) -> Void)] = [
            ("tokenizer digest", { $0["tokenizer_sha256"] = .string(String(repeating: "0", count: 64)) }),
            ("context_length", { $0["dimensions"]?["context_length"] = 7 }),
            ("quantisation", { $0["quantisation"] = "q4_0" }),
            ("size of the weights", { $0["weights"]?["bytes"] = 7 }),
            ("digest of the weights", { $0["weights"]?["sha256"] = .string(String(repeating: "0", count: 64)) }),
            ("bytes of norms in q8_0", { $0.first["max_bytes"] = 9_217 }),
            ("architecture", { $0["architecture"] = "llama" }),
        ]
        for (what, change) in differences {
            let manifest = try SignedManifest.decode(ManifestFixture.forged(change)).manifest
            let error = #expect(throws: ManifestError.self) {
                try manifest.verify(against: base, root: ManifestFixture.root)
            }
            #expect(error?.description.contains("states the \(what) ") == true, "\(what): \(String(describing: error))")
        }
        let error = #expect(throws: ManifestError.self) {
            try ManifestFixture.manifest().verify(against: base, root: SHA256Digest.of(Array("another".utf8)))
        }
        #expect(error?.description.contains("states the root ") == true)
    }

    @Test func `a base that lacks a size or is too deep cannot be described`() throws {
        for (layers, width) in [(nil, 32), (4_294_967_295, 32), (2, nil)] as [(UInt32?, UInt32?)] {
            var writer = GGUFWriter()
            writer.add("general.architecture", .string("qwen2"))
            if let layers { writer.add("qwen2.block_count", .uint32(layers)) }
            if let width { writer.add("qwen2.embedding_length", .uint32(width)) }
            let file = try GGUFFile(parsing: ByteRegion(writer.serialized()))
            #expect(throws: ManifestError.self) { try BaseFacts(of: file, root: ManifestFixture.root) }
        }
    }
}

extension JSONValue {
    /// The first accepted kind of a manifest.
    fileprivate var first: JSONValue {
        get { self["adapters"]?[0] ?? nil }
        set {
            var kinds = self["adapters"]?.asArray ?? []
            if !kinds.isEmpty { kinds[0] = newValue }
            self["adapters"] = .array(kinds)
        }
    }
}
