import Digest

/// Mutations of a seed that depend on the seed number and index alone, so that a failing input can be made again.
///
/// What libFuzzer does with coverage, this does blindly; it is for runs in which no instrumented build is at hand.
public struct Mutator {
    private let seeds: [[UInt8]]
    private let seed: UInt64

    /// Counts and sizes that readers are most often wrong about.
    private static let edges: [UInt64] = [
        0, 1, 2, 3, 31, 32, 33, 63, 64, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFF_FFFF, 0x8000_0000,
        0xFFFF_FFFF,
        0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFE0, .max,
    ]
    private static let words: [[UInt8]] = [
        "\"", "\\", "{", "}", "[", "]", "[[[[[[[[", ",", ":", "null", "1e999", "-0", "\\ud800", "\\u0000", "\n", "\r\n",
        "GGUF",
        "general.architecture", "\u{FEFF}", "\u{202E}", "<script>", "e\u{301}\u{301}\u{301}",
    ].map { Array($0.utf8) }

    public init(seeds: [[UInt8]], seed: UInt64) {
        self.seeds = seeds.isEmpty ? [[]] : seeds
        self.seed = seed
    }

    /// The `index`-th input; 0 ..< the number of seeds are the seeds themselves.
    public func input(_ index: Int) -> [UInt8] {
        if index < seeds.count { return seeds[index] }
        var random = CounterRandom(seed: seed, purpose: "fuzz", step: UInt64(index))
        var bytes = seeds[random.nextInt(below: seeds.count)]
        for _ in 0...random.nextInt(below: 4) { mutate(&bytes, &random) }
        return bytes
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout CounterRandom) {
        let place = random.nextInt(below: bytes.count + 1)
        switch random.nextInt(below: 9) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(random.nextInt(below: 8))
        case 1 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: random.nextUInt64())
        case 2: bytes.removeSubrange(place...)
        case 3:
            let end = min(bytes.count, place + 1 + random.nextInt(below: 16))
            bytes.removeSubrange(place..<end)
        case 4: bytes.insert(contentsOf: Self.words[random.nextInt(below: Self.words.count)], at: place)
        case 5:
            let length = min(bytes.count - place, 1 + random.nextInt(below: 64))
            bytes.insert(contentsOf: Array(bytes[place..<(place + length)]), at: place)
        case 6, 7:
            let value = Self.edges[random.nextInt(below: Self.edges.count)]
            let width = [1, 2, 4, 8][random.nextInt(below: 4)]
            for index in 0..<width where place + index < bytes.count {
                bytes[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
            }
        default:
            let other = seeds[random.nextInt(below: seeds.count)]
            let cut = random.nextInt(below: other.count + 1)
            bytes.replaceSubrange(place..., with: other[cut...])
        }
    }
}
