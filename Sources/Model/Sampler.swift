internal import Foundation

/// Chooses the next token from logits: greedy at temperature 0, else temperature and nucleus (top-p) sampling.
///
/// Nucleus sampling: Holtzman et al., "The Curious Case of Neural Text Degeneration", section 3.1. Every draw is a
/// function of (seed, step) alone, so equal requests give equal tokens.
public struct Sampler: Sendable {
    /// 0 is greedy; else logits are divided by it.
    public let temperature: Double
    /// Smallest probability mass that is kept, in (0, 1].
    public let topP: Double
    public let seed: UInt64

    /// - Precondition: `temperature` ≥ 0 and `topP` in (0, 1].
    public init(temperature: Double, topP: Double, seed: UInt64) {
        precondition(temperature >= 0 && topP > 0 && topP <= 1, "sampler options out of range")
        self.temperature = temperature
        self.topP = topP
        self.seed = seed
    }

    /// - Parameters:
    ///   - logits: `V` values.
    ///   - step: index of the generated token, from 0.
    ///   - position: the token's place in the whole sequence, from 0, prompt included; for the error alone.
    /// - Returns: a token id; ties go to the lower id.
    /// - Throws: `ModelError.scoresNotFinite`: where a score is infinite or no number, no draw would mean anything.
    /// - Complexity: O(V log V) with sampling, O(V) greedy.
    public func next(_ logits: [Float], step: Int, position: Int) throws(ModelError) -> Int32 {
        try next(scores: logits.map { Double($0) }, step: step, position: position)
    }

    /// As ``next(_:step:position:)``, for logits or log-probabilities in f64: only their differences count.
    public func next(scores logits: [Double], step: Int, position: Int) throws(ModelError) -> Int32 {
        if let token = logits.firstIndex(where: { !$0.isFinite }) {
            throw .scoresNotFinite(position: position, token: token)
        }
        var best = 0
        for index in logits.indices where logits[index] > logits[best] { best = index }
        guard temperature > 0 else { return Int32(best) }
        let top = logits[best]
        var candidates: [(token: Int, weight: Double)] = []
        candidates.reserveCapacity(logits.count)
        var total = 0.0
        for (token, logit) in logits.enumerated() {
            let weight = exp((logit - top) / temperature)
            total += weight
            candidates.append((token, weight))
        }
        candidates.sort { ($0.weight, $1.token) > ($1.weight, $0.token) }
        var kept = 0.0
        var count = 0
        while count < candidates.count, kept < topP * total {
            kept += candidates[count].weight
            count += 1
        }
        var target = Self.uniform(seed: seed, step: UInt64(step)) * kept
        for candidate in candidates.prefix(max(1, count)) {
            target -= candidate.weight
            if target < 0 { return Int32(candidate.token) }
        }
        return Int32(candidates[max(0, count - 1)].token)
    }

    /// A number in [0, 1) from a counter: SplitMix64's finaliser (Steele, Lea and Flood 2014, figure 17) over
    /// seed and step.
    static func uniform(seed: UInt64, step: UInt64) -> Double {
        var z = mixed(seed) &+ (step &+ 1) &* 0x9E37_79B9_7F4A_7C15
        z = mixed(z)
        return Double(z >> 11) * 0x1p-53
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
