/// Random numbers that depend on (seed, purpose, step) and the draw's index alone, so a resumed run draws the same.
///
/// SHA-256 of the three, or for a secret seed HMAC-SHA-256 of the other two under it, makes two keys; draw `n` is
/// `mix(mix(n · γ + key0) ⊕ key1)` with the finaliser of SplitMix64. Good for shuffles, weights and dithers, never for
/// keys: who sees enough draws of one stream may work out the rest of that stream, though nothing of another and nothing
/// of the seed.
public struct CounterRandom: Sendable {
    private let key0: UInt64
    private let key1: UInt64
    /// The index of the next draw; set it to jump.
    public var counter: UInt64 = 0

    /// - Parameters:
    ///   - purpose: what the numbers are for, for example `shuffle`; two purposes never share a stream.
    ///   - step: the step, epoch or row they belong to.
    public init(seed: UInt64, purpose: String, step: UInt64 = 0) {
        let name = Array(purpose.utf8)
        self.init(
            key: SHA256Digest.of(
                Array("polymath random 1".utf8) + Self.littleEndian(seed) + Self.littleEndian(step) + name))
    }

    /// The same from a seed of either kind. All 256 bits of a secret one count.
    public init(of seed: RandomSeed, purpose: String, step: UInt64 = 0) {
        switch seed {
        case .number(let number): self.init(seed: number, purpose: purpose, step: step)
        case .secret(let secret):
            self.init(
                key: HMACSHA256.code(
                    key: secret.bytes,
                    message: Array("polymath random 2".utf8) + Self.littleEndian(step) + Array(purpose.utf8)))
        }
    }

    private init(key: SHA256Digest) {
        key0 = Self.word(key.bytes, at: 0)
        key1 = Self.word(key.bytes, at: 8)
    }

    /// 64 uniform bits.
    public mutating func nextUInt64() -> UInt64 {
        let draw = counter
        counter &+= 1
        return Self.mix(Self.mix(draw &* 0x9e37_79b9_7f4a_7c15 &+ key0) ^ key1)
    }

    /// Uniform in [0, 1), a multiple of 2⁻⁵³.
    public mutating func nextDouble() -> Double {
        Double(nextUInt64() >> 11) * 0x1p-53
    }

    /// Uniform in 0 ..< bound without bias (Lemire's method); may use more than one draw.
    ///
    /// - Precondition: `bound` > 0.
    public mutating func nextInt(below bound: Int) -> Int {
        precondition(bound > 0, "a random integer needs a bound above 0")
        let range = UInt64(bound)
        let threshold = (0 &- range) % range
        while true {
            let (high, low) = nextUInt64().multipliedFullWidth(by: range)
            if low >= threshold { return Int(high) }
        }
    }

    /// Fisher–Yates, from the last element down; the order is ours and not the standard library's, so it never moves.
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        for last in stride(from: elements.count - 1, to: 0, by: -1) {
            elements.swapAt(last, nextInt(below: last + 1))
        }
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var word = value
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    private static func littleEndian(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func word(_ bytes: [UInt8], at offset: Int) -> UInt64 {
        bytes[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
