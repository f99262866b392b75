// What a federation says of a base, as a stranger may send it.

import Adapter
import Digest
import Federation
import GGUF

extension FuzzTarget {
    static let specialist = FuzzTarget(
        name: "specialist", heapMultiple: 512, seeds: { [try Samples.specialist()] }
    ) { bytes in
        readSpecialist(bytes)
    }

    /// As ``specialist``, but put into canonical form and signed anew where it is an object.
    static let signedSpecialist = FuzzTarget(
        name: "signed-specialist", heapMultiple: 512, seeds: { [try Samples.specialist()] }
    ) { bytes in
        guard bytes.count <= 1 << 16, var json = try? JSONValue.parse(bytes), json.asObject != nil else { return }
        json["signer"] = .string(Hex.encode(Samples.identity.publicKey.bytes))
        json["signature"] = nil
        let message = DSSEEnvelope.preAuthenticationEncoding(
            type: SpecialistManifest.payloadType, payload: json.canonicalBytes)
        guard let signature = try? Samples.identity.sign(message) else { broken("signing failed") }
        json["signature"] = .string(Hex.encode(signature))
        readSpecialist(json.canonicalBytes)
    }

    private static func readSpecialist(_ bytes: [UInt8]) {
        do throws(ManifestError) {
            let signed = try SignedManifest.decode(bytes)
            guard signed.id == SHA256Digest.of(bytes), bytes.count <= SpecialistManifest.byteLimit else {
                broken("an id that is not the file's digest")
            }
            guard signed.manifest.urls.allSatisfy({ $0.hasPrefix("https://") }) else {
                broken("an address that is not https")
            }
            try signed.manifest.verify(against: Samples.parsedBase, root: Samples.root)
        } catch {
            explain(error)
        }
    }
}

extension Samples {
    static func specialist() throws -> [UInt8] {
        let facts = try BaseFacts(of: parsedBase, root: root)
        return try SpecialistManifest(
            modelID: "sample", base: facts, urls: ["https://example.org/sample.gguf"],
            adapters: [
                AcceptedAdapter(scope: .norms, encoding: .q8_0, maxBytes: facts.adapterBytes(.norms, .q8_0))
            ]
        ).encode(signedBy: identity)
    }
}
