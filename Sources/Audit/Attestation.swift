// What a run claims, in the form that supply-chain tools read: a DSSE envelope around an in-toto Statement v1.

public import Digest

/// Why an attestation cannot be read or believed.
public enum AttestationError: Error, Equatable, CustomStringConvertible, Sendable {
    case envelope(DSSEError)
    case payloadType(String)
    case statement(member: String, expected: String)

    public var description: String {
        switch self {
        case .envelope(let error): error.description
        case .payloadType(let found):
            "The attestation's payload type is \(JSONValue.string(String(found.prefix(80))).canonicalString); "
                + "it must be \(DSSEEnvelope.inTotoType)."
        case .statement(let member, let expected): "The attestation's member \(member) should be \(expected)."
        }
    }
}

/// A test result about a base and what was made from it.
///
/// Subjects are the base (digest `polymathRoot`: the Merkle root, not a file digest) and the exported file (`sha256`).
/// The configuration lists what decided the run: corpus (`hmacSha256`, under a key of the signer), base, recipe and the
/// head of the audit chain.
public struct Attestation: Equatable, Sendable {
    public static let predicateType = "https://in-toto.io/attestation/test-result/v0.1"
    /// No attestation is larger: 16 MiB. Writers and readers keep to it.
    public static let byteLimit = 16 << 20
    public static let statementType = "https://in-toto.io/Statement/v1"

    public struct Artefact: Equatable, Sendable {
        public var name: String
        public var digest: SHA256Digest

        public init(name: String, digest: SHA256Digest) {
            self.name = name
            self.digest = digest
        }
    }

    public var baseName: String
    public var baseRoot: SHA256Digest
    /// What was exported; `nil` where a run exported nothing.
    public var artefact: Artefact?
    public var corpusID: SHA256Digest?
    public var recipe: SHA256Digest
    public var chainHead: SHA256Digest
    public var passedTests: [String]
    public var failedTests: [String]

    public init(
        baseName: String, baseRoot: SHA256Digest, artefact: Artefact?, corpusID: SHA256Digest?, recipe: SHA256Digest,
        chainHead: SHA256Digest, passedTests: [String], failedTests: [String]
    ) {
        self.baseName = baseName
        self.baseRoot = baseRoot
        self.artefact = artefact
        self.corpusID = corpusID
        self.recipe = recipe
        self.chainHead = chainHead
        self.passedTests = passedTests
        self.failedTests = failedTests
    }

    /// The bytes of `attestation.dsse.json`.
    public func encode(signedBy identity: Identity) throws -> [UInt8] {
        try DSSEEnvelope.sign(
            payloadType: DSSEEnvelope.inTotoType, payload: statement.canonicalBytes, by: identity
        ).encoded
    }

    /// Reads an attestation whose signature is `signer`'s.
    public static func verify(_ bytes: [UInt8], signer: PublicKey) throws(AttestationError) -> Attestation {
        let envelope: DSSEEnvelope
        let payload: [UInt8]
        do throws(DSSEError) {
            envelope = try DSSEEnvelope.decode(bytes)
            payload = try envelope.verifiedPayload(by: signer)
        } catch {
            throw .envelope(error)
        }
        guard envelope.payloadType == DSSEEnvelope.inTotoType else { throw .payloadType(envelope.payloadType) }
        let statement: JSONValue
        do throws(JSONError) {
            statement = try JSONValue.parse(payload)
        } catch {
            throw .envelope(.notJSON(error))
        }
        return try Attestation(statement: statement)
    }

    /// The in-toto statement that is signed.
    public var statement: JSONValue {
        func resource(_ name: String, _ algorithm: String, _ digest: SHA256Digest) -> JSONValue {
            ["name": .string(name), "digest": [algorithm: .string(digest.hex)]]
        }
        var subjects = [resource(baseName, "polymathRoot", baseRoot)]
        if let artefact { subjects.append(resource(artefact.name, "sha256", artefact.digest)) }
        var configuration = [
            resource("base", "polymathRoot", baseRoot), resource("recipe", "sha256", recipe),
            resource("audit-chain-head", "sha256", chainHead),
        ]
        if let corpusID { configuration.append(resource("corpus", "hmacSha256", corpusID)) }
        return [
            "_type": .string(Self.statementType),
            "subject": .array(subjects),
            "predicateType": .string(Self.predicateType),
            "predicate": [
                "result": .string(failedTests.isEmpty ? "PASSED" : "FAILED"),
                "configuration": .array(configuration),
                "passedTests": .array(passedTests.map { .string($0) }),
                "failedTests": .array(failedTests.map { .string($0) }),
            ],
        ]
    }

    private init(statement: JSONValue) throws(AttestationError) {
        func digest(_ resource: JSONValue?, _ algorithm: String) -> SHA256Digest? {
            resource?["digest"]?[algorithm]?.asString.flatMap(SHA256Digest.init(hex:))
        }
        guard statement["_type"]?.asString == Self.statementType else {
            throw .statement(member: "_type", expected: Self.statementType)
        }
        guard statement["predicateType"]?.asString == Self.predicateType else {
            throw .statement(member: "predicateType", expected: Self.predicateType)
        }
        guard let subjects = statement["subject"]?.asArray, (1...2).contains(subjects.count),
            let baseName = subjects[0]["name"]?.asString, let baseRoot = digest(subjects[0], "polymathRoot")
        else { throw .statement(member: "subject", expected: "the base with its root, then at most one exported file") }
        var artefact: Artefact?
        if subjects.count == 2 {
            guard let name = subjects[1]["name"]?.asString, let found = digest(subjects[1], "sha256") else {
                throw .statement(member: "subject", expected: "a file with its sha256 digest in second place")
            }
            artefact = Artefact(name: name, digest: found)
        }
        let predicate = statement["predicate"]
        let resources = predicate?["configuration"]?.asArray ?? []
        func resource(_ name: String) -> JSONValue? { resources.first { $0["name"]?.asString == name } }
        guard let recipe = digest(resource("recipe"), "sha256"),
            let chainHead = digest(resource("audit-chain-head"), "sha256"),
            digest(resource("base"), "polymathRoot") == baseRoot
        else {
            throw .statement(
                member: "predicate.configuration", expected: "base, recipe and audit-chain-head with digests")
        }
        self.init(
            baseName: baseName, baseRoot: baseRoot, artefact: artefact,
            corpusID: digest(resource("corpus"), "hmacSha256"), recipe: recipe, chainHead: chainHead,
            passedTests: predicate?["passedTests"]?.asArray?.compactMap(\.asString) ?? [],
            failedTests: predicate?["failedTests"]?.asArray?.compactMap(\.asString) ?? [])
        guard self.statement == statement else {
            throw .statement(member: "statement", expected: "exactly what this format writes, its result included")
        }
    }
}
