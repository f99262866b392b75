// Rows that the run's signer vouches for one by one: where a run begins, goes on, saves its state, or fails.

internal import Digest

/// The signature of a row, in its body under ``member``: base64 of Ed25519 over the DSSE pre-authentication encoding of
/// ``payloadType`` and the canonical JSON of the row's `body` (without the signature), `kind`, `prev`, `run`, `seq` and
/// `time`.
///
/// Through `prev` it vouches for every row before. Rows in between are only linked: whoever can write to the folder can
/// write them too, until the next signed row.
enum SignedRow {
    static let payloadType = "application/vnd.polymath.audit-row.v1+json"
    static let member = "signature"

    static func signed(_ row: AuditRow, by identity: Identity) throws(IdentityError) -> AuditRow {
        var body = row.body.asObject ?? [:]
        body[member] = nil
        let unsigned = row.with(body: body)
        body[member] = .string(Base64.encode(try identity.sign(message(unsigned))))
        return unsigned.with(body: body)
    }

    static func verify(_ row: AuditRow, line: Int, signer: PublicKey) throws(AuditChainError) {
        var body = row.body.asObject ?? [:]
        guard let text = body.removeValue(forKey: member)?.asString else {
            throw .unsignedRow(line: line, kind: row.kind)
        }
        guard let signature = Base64.decode(text),
            signer.isValid(signature: signature, of: message(row.with(body: body)))
        else { throw .signature(line: line, signer: signer.fingerprint) }
    }

    private static func message(_ row: AuditRow) -> [UInt8] {
        let payload: JSONValue = [
            "body": row.body, "kind": .string(row.kind), "prev": .string(row.prev.hex), "run": .string(row.run),
            "seq": .exactly(row.seq), "time": .string(row.time),
        ]
        return DSSEEnvelope.preAuthenticationEncoding(type: payloadType, payload: payload.canonicalBytes)
    }
}

extension AuditRow {
    /// This row with another body, and the hash that goes with it.
    fileprivate func with(body: [String: JSONValue]) -> AuditRow {
        AuditRow(seq: seq, time: time, run: run, kind: kind, body: .object(body), prev: prev)
    }
}
