// How a round is aggregated: the method, its parameters, and what they ask of the number of adapters.

public import Adapter
internal import Digest

/// How the accepted adapters become one.
public enum AggregationMethod: String, CaseIterable, Sendable {
    /// Each coordinate is the median of the adapters' values.
    case median
    /// Each coordinate is the mean of the values that are left without the `trim` smallest and the `trim` largest.
    case trimmedMean = "trimmed-mean"
    /// The mean of the adapters' delta vectors, each longer than the bound shortened to it.
    case clippedMean = "clipped-mean"
}

/// Everything that decides an aggregate besides the adapters themselves.
public struct AggregationRules: Equatable, Sendable {
    public let method: AggregationMethod
    /// Hostile adapters that the round has to stand: f.
    public let faults: Int
    /// Values left out at each end of a trimmed mean; nil for the other methods.
    public let trim: Int?
    /// The bound of a clipped mean as an L2 norm; nil means the median norm of the accepted adapters.
    public let clip: Double?
    /// The scope that every adapter of the round must have.
    public let scope: AdapterScope
    /// How the aggregate stores its deltas.
    public let encoding: DeltaEncoding

    /// - Parameters:
    ///   - trim: nil means `faults` for a trimmed mean.
    ///   - clip: above 0; nil means the median norm.
    /// - Throws: ``FederationError`` where parameters and method do not go together.
    public init(
        _ method: AggregationMethod, faults: Int = 1, trim: Int? = nil, clip: Double? = nil,
        scope: AdapterScope = .norms, encoding: DeltaEncoding = .q8_0
    ) throws(FederationError) {
        guard (0...Self.largestCount).contains(faults) else {
            throw .parameter(name: "faults", method: method.rawValue)
        }
        if let trim {
            guard method == .trimmedMean else { throw .unusedParameter(name: "trim", method: method.rawValue) }
            guard trim <= Self.largestCount else { throw .parameter(name: "trim", method: method.rawValue) }
            guard trim >= faults else { throw .trim(trim: trim, faults: faults) }
        }
        if let clip {
            guard method == .clippedMean else { throw .unusedParameter(name: "clip", method: method.rawValue) }
            guard clip > 0, clip.isFinite else { throw .parameter(name: "clip", method: method.rawValue) }
        }
        self.method = method
        self.faults = faults
        self.trim = method == .trimmedMean ? trim ?? faults : nil
        self.clip = clip
        self.scope = scope
        self.encoding = encoding
    }

    private static let largestCount = 1_000_000

    /// The fewest adapters that may be aggregated: 2 f + 3, and at least one value left between those trimmed.
    public var needed: Int { max(2 * faults + 3, 2 * (trim ?? 0) + 1) }

    /// Numbers that are no integers are strings of the digits that read back to the same bits.
    var parameters: JSONValue {
        var members: [String: JSONValue] = ["faults": .exactly(faults)]
        if let trim { members["trim"] = .exactly(trim) }
        if method == .clippedMean { members["clip"] = .string(clip.map { "\($0)" } ?? "median") }
        return .object(members)
    }

    /// Reads ``parameters``; members that the method does not have are refused.
    init(method: AggregationMethod, parameters: JSONValue, scope: AdapterScope, encoding: DeltaEncoding)
        throws(FederationError)
    {
        func bad() -> FederationError {
            .record(member: "parameters", expected: "those of the method \(method.rawValue)")
        }
        guard let faults = parameters["faults"]?.asInt else { throw bad() }
        var clip: Double?
        if let text = parameters["clip"]?.asString, text != "median" {
            guard let number = Double(text) else { throw bad() }
            clip = number
        }
        let read: AggregationRules
        do {
            read = try AggregationRules(
                method, faults: faults, trim: parameters["trim"]?.asInt, clip: clip, scope: scope, encoding: encoding)
        } catch {
            throw bad()
        }
        guard read.parameters == parameters else { throw bad() }
        self = read
    }

    /// What an aggregate's recipe is the digest of.
    ///
    /// - Parameter accepted: content ids in ascending order.
    func recipe(round: String, root: SHA256Digest, accepted: [SHA256Digest]) -> SHA256Digest {
        let json: JSONValue = [
            "aggregation": 1, "method": .string(method.rawValue), "parameters": parameters, "round": .string(round),
            "base_root": .string(root.hex), "scope": .string(scope.rawValue),
            "adapter_encoding": .string(encoding.rawValue),
            "accepted": .array(accepted.map { .string($0.hex) }),
        ]
        return SHA256Digest.of(json.canonicalBytes)
    }

    /// Whether a round may be called this: it stands in records, on command lines and in file names.
    static func isRoundName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                    || [0x2D, 0x2E, 0x5F].contains($0)
            }
    }
}
