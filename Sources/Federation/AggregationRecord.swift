// The record of a round: who was in, who was refused and why, and what came of it; signed by the operator.

internal import Adapter
internal import Bytes
public import Digest

/// What an operator says of one round: canonical JSON in a DSSE envelope.
///
/// It holds no time and no path, so the same adapters, roster and rules always give the same bytes. The operator's key
/// stands in it, so that whoever trusts that key's fingerprint needs nothing else to check the signature.
public struct AggregationRecord: Equatable, Sendable {
    public static let payloadType = "application/vnd.polymath.aggregation+json"
    /// No record is larger than this: 256 MiB, some 1,000,000 adapters.
    public static let byteLimit = 256 << 20

    public struct Accepted: Equatable, Sendable {
        public let contentID: SHA256Digest
        /// Fingerprint.
        public let signer: String
    }

    public let round: String
    public let baseRoot: SHA256Digest
    public let architecture: String
    public let layerCount: Int
    public let embeddingLength: Int
    public let rules: AggregationRules
    /// The bound that a clipped mean was made with.
    public let clipNorm: Double?
    public let rosterDigest: SHA256Digest
    public let rosterCount: Int
    /// Digests of the earlier rounds' records (of what is signed, without the envelope), ascending.
    public let previous: [SHA256Digest]
    /// Ascending by content id.
    public let accepted: [Accepted]
    public let refused: [Refusal]
    /// Content id of the aggregate.
    public let contentID: SHA256Digest
    /// What the aggregate's recipe field holds.
    public let recipe: SHA256Digest
    public let `operator`: PublicKey

    /// SHA-256 of what is signed.
    public var digest: SHA256Digest { SHA256Digest.of(json.canonicalBytes) }

    public var json: JSONValue {
        var members: [String: JSONValue] = [
            "type": "polymath.aggregation", "version": 1, "round": .string(round),
            "base": [
                "root": .string(baseRoot.hex), "architecture": .string(architecture), "layers": .exactly(layerCount),
                "embedding_length": .exactly(embeddingLength),
            ],
            "scope": .string(rules.scope.rawValue), "method": .string(rules.method.rawValue),
            "parameters": rules.parameters,
            "roster": ["sha256": .string(rosterDigest.hex), "signers": .exactly(rosterCount)],
            "previous": .array(previous.map { .string($0.hex) }),
            "accepted": .array(accepted.map { .array([.string($0.contentID.hex), .string($0.signer)]) }),
            "refused": .array(refused.map(\.json)),
            "aggregate": [
                "content_id": .string(contentID.hex), "recipe": .string(recipe.hex),
                "encoding": .string(rules.encoding.rawValue),
            ],
            "operator": .string(Hex.encode(`operator`.bytes)),
        ]
        if let clipNorm { members["clip_norm"] = .string("\(clipNorm)") }
        return .object(members)
    }

    /// The bytes of the record's file.
    public func encode(signedBy identity: Identity) throws(IdentityError) -> [UInt8] {
        try DSSEEnvelope.sign(payloadType: Self.payloadType, payload: json.canonicalBytes, by: identity).encoded
    }

    /// Reads a record that nobody trusts yet. Its signature is the operator's that it names; whether to believe that
    /// operator is for the reader to say.
    ///
    /// - Throws: ``FederationError``.
    public static func decode(_ bytes: [UInt8]) throws(FederationError) -> AggregationRecord {
        let envelope: DSSEEnvelope
        let json: JSONValue
        do throws(DSSEError) {
            envelope = try DSSEEnvelope.decode(bytes)
            do throws(JSONError) {
                json = try JSONValue.parse(envelope.payload, maxDepth: 8)
            } catch {
                throw .notJSON(error)
            }
        } catch {
            throw .envelope(error)
        }
        guard envelope.payloadType == payloadType else { throw .payloadType(envelope.payloadType) }
        let record = try AggregationRecord(json)
        // One text for one record: what is signed has no second spelling.
        guard record.json == json, record.json.canonicalBytes == envelope.payload else {
            throw .record(member: "record", expected: "exactly what this format writes")
        }
        guard envelope.isSigned(by: record.operator) else {
            throw .envelope(.noValidSignature(signer: record.operator.fingerprint))
        }
        return record
    }

    private init(_ json: JSONValue) throws(FederationError) {
        func bad(_ member: String, _ expected: String) -> FederationError {
            .record(member: member, expected: expected)
        }
        func digest(_ value: JSONValue?, _ member: String) throws(FederationError) -> SHA256Digest {
            guard let digest = value?.asString.flatMap(SHA256Digest.init(hex:)) else {
                throw bad(member, "a SHA-256 of 64 digits")
            }
            return digest
        }
        func list(_ member: String) throws(FederationError) -> [JSONValue] {
            guard let values = json[member]?.asArray else { throw bad(member, "a list") }
            return values
        }
        guard json["type"]?.asString == "polymath.aggregation", json["version"]?.asInt == 1 else {
            throw bad("type", "polymath.aggregation, and version 1")
        }
        guard let round = json["round"]?.asString, AggregationRules.isRoundName(round) else {
            throw bad("round", "a round's name")
        }
        self.round = round
        guard let base = json["base"], let architecture = base["architecture"]?.asString,
            let layerCount = base["layers"]?.asInt, let embeddingLength = base["embedding_length"]?.asInt
        else { throw bad("base", "root, architecture, layers and embedding_length") }
        baseRoot = try digest(base["root"], "base")
        self.architecture = architecture
        self.layerCount = layerCount
        self.embeddingLength = embeddingLength
        guard let method = json["method"]?.asString.flatMap(AggregationMethod.init),
            let scope = json["scope"]?.asString.flatMap(AdapterScope.init),
            let encoding = json["aggregate"]?["encoding"]?.asString.flatMap(DeltaEncoding.init)
        else { throw bad("method", "a method, with a scope and an encoding") }
        rules = try AggregationRules(
            method: method, parameters: json["parameters"] ?? .null, scope: scope, encoding: encoding)
        clipNorm = json["clip_norm"]?.asString.flatMap(Double.init)
        guard (clipNorm != nil) == (method == .clippedMean), clipNorm?.isFinite ?? true, clipNorm ?? 0 >= 0 else {
            throw bad("clip_norm", "the bound of a clipped mean")
        }
        rosterDigest = try digest(json["roster"]?["sha256"], "roster")
        guard let rosterCount = json["roster"]?["signers"]?.asInt else { throw bad("roster", "a count of signers") }
        self.rosterCount = rosterCount
        var previous: [SHA256Digest] = []
        for value in try list("previous") { previous.append(try digest(value, "previous")) }
        self.previous = previous
        var accepted: [Accepted] = []
        for value in try list("accepted") {
            guard let pair = value.asArray, pair.count == 2, let signer = pair[1].asString,
                signer.hasPrefix("SHA256:"), SHA256Digest(hex: String(signer.dropFirst(7))) != nil
            else { throw bad("accepted", "a list of pairs of content id and signer") }
            accepted.append(Accepted(contentID: try digest(pair[0], "accepted"), signer: signer))
        }
        guard
            zip(accepted, accepted.dropFirst()).allSatisfy({
                $0.contentID.bytes.lexicographicallyPrecedes($1.contentID.bytes)
            }), accepted.count >= rules.needed, Set(accepted.map(\.signer)).count == accepted.count
        else {
            throw bad("accepted", "ascending content ids of different signers, enough for its faults")
        }
        self.accepted = accepted
        var refused: [Refusal] = []
        for value in try list("refused") {
            guard let refusal = Refusal(json: value) else { throw bad("refused", "a list of refusals") }
            refused.append(refusal)
        }
        self.refused = refused
        contentID = try digest(json["aggregate"]?["content_id"], "aggregate")
        recipe = try digest(json["aggregate"]?["recipe"], "aggregate")
        guard let key = json["operator"]?.asString.flatMap(Hex.decode).flatMap({ PublicKey(bytes: $0) }) else {
            throw bad("operator", "a public key of 64 digits")
        }
        `operator` = key
        guard recipe == rules.recipe(round: round, root: baseRoot, accepted: accepted.map(\.contentID)) else {
            throw bad("aggregate", "the recipe of this round, method and list")
        }
    }

    init(
        round: String, baseRoot: SHA256Digest, architecture: String, layerCount: Int, embeddingLength: Int,
        rules: AggregationRules, clipNorm: Double?, roster: Roster, previous: [SHA256Digest], accepted: [Accepted],
        refused: [Refusal], contentID: SHA256Digest, recipe: SHA256Digest, operator: PublicKey
    ) {
        self.round = round
        self.baseRoot = baseRoot
        self.architecture = architecture
        self.layerCount = layerCount
        self.embeddingLength = embeddingLength
        self.rules = rules
        self.clipNorm = clipNorm
        rosterDigest = roster.digest
        rosterCount = roster.count
        self.previous = previous
        self.accepted = accepted
        self.refused = refused
        self.contentID = contentID
        self.recipe = recipe
        self.operator = `operator`
    }
}
