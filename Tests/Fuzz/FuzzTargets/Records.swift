// Text that others may have written: envelopes, chains, manifests, keys.

import Audit
import Bytes
import Digest
import Seal

extension FuzzTarget {
    static let dsse = FuzzTarget(name: "dsse", heapMultiple: 512, seeds: { [try Samples.attestation()] }) { bytes in
        do throws(DSSEError) {
            let envelope = try DSSEEnvelope.decode(bytes)
            _ = envelope.isSigned(by: Samples.identity.publicKey)
        } catch {
            explain(error)
        }
    }

    /// The statement inside, signed anew after the mutation.
    static let attestation = FuzzTarget(
        name: "attestation", heapMultiple: 512, seeds: { [try Samples.statement()] }
    ) { bytes in
        guard
            let envelope = try? DSSEEnvelope.sign(
                payloadType: DSSEEnvelope.inTotoType, payload: bytes, by: Samples.identity)
        else { broken("signing failed") }
        do throws(AttestationError) {
            _ = try Attestation.verify(envelope.json.canonicalBytes, signer: Samples.identity.publicKey)
        } catch {
            explain(error)
        }
    }

    static let chain = FuzzTarget(name: "chain", heapMultiple: 512, seeds: { [try Samples.chain()] }) { bytes in
        do throws(AuditChainError) {
            _ = try AuditChain.decode(bytes)
        } catch {
            explain(error)
        }
    }

    static let seal = FuzzTarget(name: "seal", heapMultiple: 512, seeds: { [Samples.seal()] }) { bytes in
        guard let json = try? JSONValue.parse(bytes) else { return }
        do throws(SealError) {
            _ = try SealManifest(json: json)
        } catch {
            explain(error)
        }
    }

    /// What is read is written the same way each time, and read again as itself.
    static let json = FuzzTarget(
        name: "json", heapMultiple: 512, seeds: { [Samples.seal(), try Samples.attestation()] }
    ) {
        bytes in
        do throws(JSONError) {
            let value = try JSONValue.parse(bytes)
            let written = value.canonicalBytes
            guard try JSONValue.parse(written).canonicalBytes == written else {
                broken("canonical JSON that is read as something else: \(value.canonicalString.prefix(200))")
            }
        } catch {
            explain(error)
        }
    }

    static let pem = FuzzTarget(name: "pem", heapMultiple: 64, seeds: { [Array(Samples.identity.publicKey.pem.utf8)] })
    {
        bytes in
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        _ = PublicKey(pem: text)
    }

    static let trusted = FuzzTarget(
        name: "trusted", heapMultiple: 256,
        seeds: { [Array("\(Samples.identity.publicKey.fingerprint) # a friend\n".utf8)] }
    ) { bytes in
        do throws(TrustError) {
            _ = try SignerTrust(list: Scratch.file(bytes))
        } catch {
            explain(error)
        }
    }
}
