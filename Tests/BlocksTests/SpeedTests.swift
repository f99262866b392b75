import Blocks
import Foundation
import TestSupport
import Testing

/// Prints nanoseconds per value, least of several runs on one core; asserts nothing, since machines differ. Runs when
/// POLYMATH_BENCH is set, and means something only in release builds:
/// `POLYMATH_BENCH=1 swift test -c release --filter BlocksTests.SpeedTests`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["POLYMATH_BENCH"] != nil))
struct SpeedTests {
    /// Decoded, this stays in the second-level cache, as a product's tile does.
    private static let count = 128 * 1_024

    private func nanoseconds(_ repeats: Int, _ body: () throws -> Void) rethrows -> Double {
        let clock = ContinuousClock()
        var best = Double.infinity
        for _ in 0..<5 {
            let time = try clock.measure { for _ in 0..<repeats { try body() } }
            best = min(best, time / .nanoseconds(1))
        }
        return best / Double(repeats * Self.count)
    }

    @Test(arguments: [StorageType.f32, .f16, .bf16, .q4_0, .q8_0, .q4_K, .q6_K])
    func `decoding and encoding`(type: StorageType) throws {
        var generator = SeededGenerator(seed: 11)
        let values = (0..<Self.count).map { _ in Float.random(in: -1...1, using: &generator) }
        let stored = try type.encode(values.span, effort: .fast)
        var output = [Float](repeating: 0, count: Self.count)
        let decode = nanoseconds(100) {
            var span = output.mutableSpan
            type.decode(stored.span.bytes, into: &span)
        }
        let encode = try nanoseconds(2) { _ = try type.encode(values.span, effort: .fast) }
        let figures = String(format: "decode %.3f, encode %.2f ns per value", decode, encode)
        print("\(type.name): \(figures)")
    }
}
