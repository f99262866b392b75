public import Digest
internal import Bytes

/// A bet as it was written down before it was run: one file in the folder `Bets`.
public struct BetClaim: Equatable, Sendable {
    public let number: Int
    /// As in the file's name and in ``Experiment/name``.
    public let name: String
    public let title: String
    public let hypothesis: String
    /// What others report, with their figures.
    public let known: String
    public let setup: String
    /// What could sink it.
    public let control: String
    /// Every measure that the criteria name, and its unit.
    public let measures: [String: String]
    /// All must hold.
    public let strict: [Criterion]
    /// All must hold.
    public let lenient: [Criterion]
    /// Any that holds is a catastrophe.
    public let catastrophic: [Criterion]
    /// The members of the file, for results to carry along.
    public let json: JSONValue

    /// SHA-256 of the claim's canonical JSON.
    public var digest: SHA256Digest { SHA256Digest.of(json.canonicalBytes) }

    /// `07-ternary.json`: what the bet and its result are called on disk.
    public var fileName: String { "\(number < 10 ? "0" : "")\(number)-\(name).json" }

    static let byteLimit = 1 << 16

    /// - Parameter json: the file's members.
    /// - Throws: `BetError.malformed`, naming the member.
    public init(_ json: JSONValue, path: String) throws(BetError) {
        func text(_ key: String) throws(BetError) -> String {
            guard let value = json[key]?.asString, !value.isEmpty else {
                throw .malformed(path: path, member: key, wanted: "a text")
            }
            return value
        }
        let members = [
            "number", "name", "title", "hypothesis", "known", "setup", "control", "measures", "strict", "lenient",
            "catastrophic",
        ]
        if let other = json.asObject?.keys.sorted().first(where: { !members.contains($0) }) {
            throw .malformed(path: path, member: other, wanted: "nothing: a bet has no such member")
        }
        guard let number = json["number"]?.asInt, (1...99).contains(number) else {
            throw .malformed(path: path, member: "number", wanted: "a number from 1 to 99")
        }
        self.json = json
        self.number = number
        name = try text("name")
        title = try text("title")
        hypothesis = try text("hypothesis")
        known = try text("known")
        setup = try text("setup")
        control = try text("control")
        guard let described = json["measures"]?.asObject else {
            throw .malformed(path: path, member: "measures", wanted: "an object of texts")
        }
        var measures: [String: String] = [:]
        for (name, value) in described {
            guard let meaning = value.asString else {
                throw .malformed(path: path, member: "measures.\(name)", wanted: "a text")
            }
            measures[name] = meaning
        }
        self.measures = measures
        func criteria(_ key: String) throws(BetError) -> [Criterion] {
            guard let lines = json[key]?.asArray, !lines.isEmpty else {
                throw .malformed(path: path, member: key, wanted: "a list of criteria")
            }
            var read: [Criterion] = []
            for line in lines {
                guard let criterion = line.asString.flatMap(Criterion.init), measures[criterion.measure] != nil else {
                    throw .malformed(
                        path: path, member: key, wanted: "criteria as \"measure >= 1\", of measures that are described")
                }
                read.append(criterion)
            }
            return read
        }
        strict = try criteria("strict")
        lenient = try criteria("lenient")
        catastrophic = try criteria("catastrophic")
    }

    /// Reads one bet's file.
    public static func read(path: String) throws -> BetClaim {
        let json = try JSONValue.parse(WholeFile.read(path, limit: byteLimit))
        return try BetClaim(json, path: path)
    }

    /// Every bet of the home, by number.
    ///
    /// - Throws: `BetError.noBets` where there is no folder `Bets`; what ``read(path:)`` throws.
    public static func all(home root: String) throws -> [BetClaim] {
        let folder = folder(home: root)
        let names = BetFiles.names(in: folder)
        guard !names.isEmpty else { throw BetError.noBets(folder: folder) }
        var claims: [BetClaim] = []
        for name in names {
            let claim = try read(path: folder + "/" + name)
            guard claim.fileName == name else {
                throw BetError.malformed(
                    path: folder + "/" + name, member: "name", wanted: "number and name of the file")
            }
            claims.append(claim)
        }
        return claims.sorted { $0.number < $1.number }
    }

    static func folder(home root: String) -> String { root + "/Bets" }

    /// What figures make of it.
    ///
    /// - Throws: `BetError.missingMeasure` for a figure that a criterion wants and the run has not.
    public func verdict(_ figures: [String: Double]) throws(BetError) -> Verdict {
        func value(_ criterion: Criterion) throws(BetError) -> Double {
            guard let value = figures[criterion.measure] else {
                throw .missingMeasure(bet: number, measure: criterion.measure)
            }
            return value
        }
        var isCatastrophe = false
        for criterion in catastrophic where criterion.holds(for: try value(criterion)) { isCatastrophe = true }
        var isStrict = true
        for criterion in strict where !criterion.holds(for: try value(criterion)) { isStrict = false }
        var isLenient = true
        for criterion in lenient where !criterion.holds(for: try value(criterion)) { isLenient = false }
        if isCatastrophe { return .catastrophe }
        return isStrict ? .strict : isLenient ? .lenient : .falsified
    }
}
