/// Why a DSSE envelope cannot be read or believed.
public enum DSSEError: Error, Equatable, Sendable, CustomStringConvertible {
    case notJSON(JSONError)
    /// A member is missing, of another type, or not one of the format's.
    case malformed(member: String, expected: String)
    case noValidSignature(signer: String)

    public var description: String {
        switch self {
        case .notJSON(let error): "The DSSE envelope is not JSON: \(error)"
        case .malformed(let member, let expected): "The DSSE envelope's member \(member) should be \(expected)."
        case .noValidSignature(let signer): "The DSSE envelope has no valid signature by \(signer)."
        }
    }
}

/// A signed message: Dead Simple Signing Envelope v1, with Ed25519.
///
///     {"payload": base64, "payloadType": text, "signatures": [{"keyid": text, "sig": base64}, …]}
///
/// What is signed is ``preAuthenticationEncoding(type:payload:)``, so that the type cannot be swapped.
public struct DSSEEnvelope: Equatable, Sendable {
    public struct Signature: Equatable, Sendable {
        /// A hint only; here the signer's fingerprint. Empty when absent.
        public let keyID: String
        public let bytes: [UInt8]

        public init(keyID: String, bytes: [UInt8]) {
            self.keyID = keyID
            self.bytes = bytes
        }
    }

    /// The payload type of in-toto statements.
    public static let inTotoType = "application/vnd.in-toto+json"

    public let payloadType: String
    public let payload: [UInt8]
    public let signatures: [Signature]

    public init(payloadType: String, payload: [UInt8], signatures: [Signature]) {
        self.payloadType = payloadType
        self.payload = payload
        self.signatures = signatures
    }

    /// Wraps and signs a payload.
    public static func sign(
        payloadType: String, payload: [UInt8], by identity: Identity
    ) throws(IdentityError) -> DSSEEnvelope {
        let message = preAuthenticationEncoding(type: payloadType, payload: payload)
        let signature = Signature(keyID: identity.publicKey.fingerprint, bytes: try identity.sign(message))
        return DSSEEnvelope(payloadType: payloadType, payload: payload, signatures: [signature])
    }

    /// PAE = `DSSEv1` SP length(type) SP type SP length(payload) SP payload; lengths are decimal byte counts.
    public static func preAuthenticationEncoding(type: String, payload: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
    }

    /// Whether one of the signatures is this key's; key ids are not believed.
    public func isSigned(by key: PublicKey) -> Bool {
        let message = Self.preAuthenticationEncoding(type: payloadType, payload: payload)
        return signatures.contains { key.isValid(signature: $0.bytes, of: message) }
    }

    /// The payload, once a signature of the key over it has been checked.
    public func verifiedPayload(by key: PublicKey) throws(DSSEError) -> [UInt8] {
        guard isSigned(by: key) else { throw .noValidSignature(signer: key.fingerprint) }
        return payload
    }
}

// MARK: - JSON

extension DSSEEnvelope {
    public var json: JSONValue {
        [
            "payload": .string(Base64.encode(payload)),
            "payloadType": .string(payloadType),
            "signatures": .array(
                signatures.map { ["keyid": .string($0.keyID), "sig": .string(Base64.encode($0.bytes))] }),
        ]
    }

    /// The envelope's file: canonical JSON in one line.
    public var encoded: [UInt8] { json.canonicalBytes + [0x0a] }

    /// Reads an envelope; members that the format does not name, bad base64 and an empty list are refused.
    public static func decode(_ bytes: [UInt8]) throws(DSSEError) -> DSSEEnvelope {
        let value: JSONValue
        do { value = try JSONValue.parse(bytes) } catch { throw .notJSON(error) }
        return try DSSEEnvelope(json: value)
    }

    public init(json: JSONValue) throws(DSSEError) {
        let members = try Self.members(of: json, named: ["payload", "payloadType", "signatures"], at: "envelope")
        guard let type = members["payloadType"]?.asString, !type.isEmpty else {
            throw .malformed(member: "payloadType", expected: "a text")
        }
        guard let payload = members["payload"]?.asString.flatMap(Base64.decode) else {
            throw .malformed(member: "payload", expected: "base64")
        }
        guard let list = members["signatures"]?.asArray, (1...64).contains(list.count) else {
            throw .malformed(member: "signatures", expected: "a list of 1 to 64 signatures")
        }
        var signatures: [Signature] = []
        for item in list {
            let parts = try Self.members(of: item, named: ["keyid", "sig"], at: "signatures")
            guard let bytes = parts["sig"]?.asString.flatMap(Base64.decode) else {
                throw .malformed(member: "sig", expected: "base64")
            }
            let keyID = parts["keyid"] ?? ""
            guard let keyID = keyID.asString else { throw .malformed(member: "keyid", expected: "a text") }
            signatures.append(Signature(keyID: keyID, bytes: bytes))
        }
        self.init(payloadType: type, payload: payload, signatures: signatures)
    }

    private static func members(
        of value: JSONValue, named names: Set<String>, at place: String
    ) throws(DSSEError) -> [String: JSONValue] {
        guard let members = value.asObject else { throw .malformed(member: place, expected: "an object") }
        guard members.keys.allSatisfy(names.contains) else {
            throw .malformed(member: place, expected: "an object with only \(names.sorted().joined(separator: ", "))")
        }
        return members
    }
}
