internal import Bytes
internal import Digest

/// One full run of a bet: what was claimed, what was measured, and what follows. Kept as a file.
public struct BetResult: Sendable {
    /// The claim as it stood at the run.
    public let claim: BetClaim
    public var measured: Measured
    /// Wall seconds by label.
    public var timings: [(label: String, seconds: Double)]
    public var seconds: Double
    /// As typed.
    public var command: String
    /// When it began, UTC.
    public var began: String
    /// The checkout that the run was made in, and the last commit that changed the claim.
    public var commit: String
    public var claimCommit: String
    /// Program version and kernel path, processor and threads.
    public var program: String
    public var machine: String
    /// Why it no longer counts; nil while it does.
    public var retraction: String?

    public var verdict: Verdict {
        get throws { try claim.verdict(measured.measures) }
    }

    static let byteLimit = 1 << 22

    static func folder(home root: String) -> String { root + "/Documentation/Results/bets" }

    static func path(_ claim: BetClaim, home root: String) -> String { folder(home: root) + "/" + claim.fileName }

    var json: JSONValue {
        get throws {
            let verdict = try verdict
            func flags(_ criteria: [Criterion]) -> JSONValue {
                .object(
                    Dictionary(
                        criteria.map { ($0.text, .bool($0.holds(for: measured.measures[$0.measure] ?? .nan))) },
                        uniquingKeysWith: { first, _ in first }))
            }
            var members: [String: JSONValue] = [
                "claim": claim.json, "claim_digest": .string(claim.digest.hex), "claim_commit": .string(claimCommit),
                "commit": .string(commit), "command": .string(command), "began": .string(began),
                "program": .string(program), "machine": .string(machine), "seconds": .number(seconds),
                "measures": .object(measured.measures.mapValues { .number($0) }),
                "verdict": .string(verdict.rawValue),
                "flags": [
                    "strict": flags(claim.strict), "lenient": flags(claim.lenient),
                    "catastrophic": flags(claim.catastrophic),
                ],
                "seeds": .array(measured.seeds.map { .exactly($0) }),
                "tables": .array(measured.tables.map(\.json)),
                "remarks": .array(measured.remarks.map { .string($0) }),
                "timings": .array(timings.map { ["label": .string($0.label), "seconds": .number($0.seconds)] }),
            ]
            if let retraction { members["retracted"] = .string(retraction) }
            return .object(members)
        }
    }

    package init(
        claim: BetClaim, measured: Measured, timings: [(label: String, seconds: Double)], seconds: Double,
        command: String, began: String, commit: String, claimCommit: String, program: String, machine: String,
        retraction: String? = nil
    ) {
        self.claim = claim
        self.measured = measured
        self.timings = timings
        self.seconds = seconds
        self.command = command
        self.began = began
        self.commit = commit
        self.claimCommit = claimCommit
        self.program = program
        self.machine = machine
        self.retraction = retraction
    }

    package func write(home root: String) throws {
        try AtomicFile.write(
            json.canonicalBytes + [0x0A], to: Self.path(claim, home: root), mode: 0o644, placement: .replacing,
            within: Self.byteLimit)
    }

    /// Reads a result and recomputes what follows from its figures.
    ///
    /// - Throws: `BetError.resultDiffers` where recorded flags are others, `.malformed` for a missing member.
    public static func read(path: String) throws -> BetResult {
        let json = try JSONValue.parse(WholeFile.read(path, limit: byteLimit))
        func text(_ key: String) throws(BetError) -> String {
            guard let value = json[key]?.asString else {
                throw .malformed(path: path, member: key, wanted: "a text")
            }
            return value
        }
        guard let claim = json["claim"], let figures = json["measures"]?.asObject,
            let seconds = json["seconds"]?.asDouble
        else { throw BetError.malformed(path: path, member: "claim", wanted: "a claim, measures and seconds") }
        let result = BetResult(
            claim: try BetClaim(claim, path: path),
            measured: Measured(
                measures: figures.compactMapValues(\.asDouble),
                tables: try (json["tables"]?.asArray ?? []).map { try BetTable($0, path: path) },
                seeds: (json["seeds"]?.asArray ?? []).compactMap { $0.asInt.flatMap { UInt64(exactly: $0) } },
                remarks: (json["remarks"]?.asArray ?? []).compactMap(\.asString)),
            timings: (json["timings"]?.asArray ?? []).compactMap { line in
                guard let label = line["label"]?.asString, let seconds = line["seconds"]?.asDouble else {
                    return nil
                }
                return (label, seconds)
            },
            seconds: seconds, command: try text("command"), began: try text("began"), commit: try text("commit"),
            claimCommit: try text("claim_commit"), program: try text("program"), machine: try text("machine"),
            retraction: json["retracted"]?.asString)
        let expected = try result.json
        for member in ["verdict", "flags", "claim_digest"] where json[member] != expected[member] {
            throw BetError.resultDiffers(path: path, reason: "its \(member) does not follow from its claim and figures")
        }
        return result
    }

    /// Every result of the home, by number; none where there is no folder yet.
    public static func all(home root: String) throws -> [BetResult] {
        try paths(home: root).map { try read(path: $0) }.sorted { $0.claim.number < $1.claim.number }
    }

    /// Where the results lie that ``all(home:)`` reads.
    public static func paths(home root: String) -> [String] {
        let folder = folder(home: root)
        return BetFiles.names(in: folder).map { folder + "/" + $0 }
    }
}
