// Pause and close rows: a state that the run's signer vouches for.

internal import Digest

/// The body of a pause or close row.
///
///     {"state":{"kind":…,"step":…,"time":…, …},"signer":hex,"signature":base64}
///
/// The signature covers the DSSE pre-authentication encoding of ``payloadType`` and the canonical JSON of
/// `{"prev":…,"run":…,"seq":…,"state":…}`: through `prev` it vouches for every row before.
enum SignedState {
    static let payloadType = "application/vnd.polymath.audit-state.v1+json"

    static func body(
        state: JSONValue, run: String, seq: Int, prev: SHA256Digest, identity: Identity
    ) throws(IdentityError) -> JSONValue {
        let state = AuditRow.exact(state)
        let signature = try identity.sign(message(state: state, run: run, seq: seq, prev: prev))
        return [
            "state": state, "signer": .string(Hex.encode(identity.publicKey.bytes)),
            "signature": .string(Base64.encode(signature)),
        ]
    }

    /// Checks the signed state of a row and returns its step.
    static func verify(_ row: AuditRow, line: Int, signer: PublicKey?) throws(AuditChainError) -> Int {
        guard let members = row.body.asObject, Set(members.keys) == ["state", "signer", "signature"] else {
            throw .signedState(line: line, reason: "it must hold state, signer and signature, and nothing else.")
        }
        guard let state = members["state"], let kind = state["kind"]?.asString, kind == row.kind,
            state["time"]?.asString == row.time, let step = state["step"]?.asInt, step >= 0
        else {
            throw .signedState(line: line, reason: "the state must repeat the row's kind and time, and name a step.")
        }
        guard let key = members["signer"]?.asString.flatMap(Hex.decode).flatMap({ PublicKey(bytes: $0) }),
            let signature = members["signature"]?.asString.flatMap(Base64.decode)
        else { throw .signedState(line: line, reason: "signer or signature is not a key or a signature.") }
        if let signer, key != signer {
            throw .otherSigner(line: line, expected: signer.fingerprint, found: key.fingerprint)
        }
        guard
            key.isValid(
                signature: signature, of: message(state: state, run: row.run, seq: row.seq, prev: row.prev))
        else { throw .signature(line: line, signer: key.fingerprint) }
        return step
    }

    private static func message(state: JSONValue, run: String, seq: Int, prev: SHA256Digest) -> [UInt8] {
        let payload: JSONValue = [
            "run": .string(run), "seq": .exactly(seq), "prev": .string(prev.hex), "state": state,
        ]
        return DSSEEnvelope.preAuthenticationEncoding(type: payloadType, payload: payload.canonicalBytes)
    }
}
