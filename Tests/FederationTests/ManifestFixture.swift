import Adapter
import Bytes
import Digest
import Federation
import GGUF
import TestSupport
import Testing

/// The manifest of the small reference base, by an identity of a fixed seed.
enum ManifestFixture {
    static func identity(_ seed: UInt8 = 7) throws -> Identity {
        try Identity.fromSeed([UInt8](repeating: seed, count: 32))
    }

    static let root = SHA256Digest.of(Array("a base".utf8))

    static func base() throws -> GGUFFile { try GGUFFile(path: Repository.reference("qwen2-tied-f32.gguf")) }

    static func manifest(
        modelID: String = "people/nano-1", urls: [String] = ["https://example.org/nano.gguf"]
    ) throws -> SpecialistManifest {
        let facts = try BaseFacts(of: base(), root: root)
        return try SpecialistManifest(
            modelID: modelID, base: facts, urls: urls,
            adapters: [AdapterScope.norms, .tail].map {
                AcceptedAdapter(scope: $0, encoding: .q8_0, maxBytes: try facts.adapterBytes($0, .q8_0))
            })
    }

    static func bytes() throws -> [UInt8] { try manifest().encode(signedBy: identity()) }

    /// The manifest with something changed, signed anew by whoever its signer is not.
    static func forged(_ change: (inout JSONValue) -> Void) throws -> [UInt8] {
        var json = try JSONValue.parse(bytes())
        change(&json)
        json["signature"] = nil
        let message = DSSEEnvelope.preAuthenticationEncoding(
            type: SpecialistManifest.payloadType, payload: json.canonicalBytes)
        json["signature"] = .string(Hex.encode(try identity().sign(message)))
        return json.canonicalBytes
    }

    /// The sentence with which bytes are refused; empty where they are not.
    static func refusal(_ bytes: [UInt8]) -> String {
        do throws(ManifestError) {
            _ = try SignedManifest.decode(bytes)
            return ""
        } catch {
            return error.description
        }
    }
}
