import Foundation
import TestSupport
import Testing
import Tokenizer

/// Form C against Foundation's, which is right and, on long texts, slow.
@Suite struct NormalizationTests {
    /// Decomposed first, since Foundation on Linux leaves a composed syllable and its final apart.
    private static func expected(_ text: String) -> [UInt8] {
        Array(text.decomposedStringWithCanonicalMapping.precomposedStringWithCanonicalMapping.utf8)
    }

    private static func composed(_ text: String) -> [UInt8] { Normalization.composed(Array(text.utf8)) }

    private static func text(_ scalars: [Unicode.Scalar]) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    @Test func `every character composes alone, behind a letter, and from its decomposition`() {
        var wrong: [Unicode.Scalar] = []
        // One call of Foundation for each would take minutes: characters are told apart by a digit between them.
        for block in stride(from: UInt32(0), to: 0x32000, by: 0x400) {
            let scalars = (block..<block + 0x400).compactMap(Unicode.Scalar.init)
            for make in [
                { [$0, "1"] }, { ["a", $0, "1"] },
                { Array(Self.text([$0]).decomposedStringWithCanonicalMapping.unicodeScalars) + ["1"] },
            ] as [(Unicode.Scalar) -> [Unicode.Scalar]] {
                let all = Self.text(scalars.flatMap(make))
                guard Self.composed(all) != Self.expected(all) else { continue }
                wrong += scalars.filter { Self.composed(Self.text(make($0))) != Self.expected(Self.text(make($0))) }
            }
        }
        #expect(wrong.isEmpty)
    }

    @Test func `random marks, starters and Hangul compose as Foundation composes them`() {
        let marks = (0x300..<0x3100).compactMap { Unicode.Scalar($0 as UInt32) }
            .filter { $0.properties.canonicalCombiningClass != .notReordered }
        let others: [Unicode.Scalar] = [
            "a", "e", "é", "\u{1E0B}", "<", "q", "\u{1100}", "\u{1112}", "\u{1161}", "\u{11A8}", "\u{11AB}", "\u{D558}",
            "\u{D55C}", "\u{958}", "\u{CC6}", "\u{CC2}", "\u{CD5}", "\u{CC2}", "\u{9C7}", "\u{9BE}", "\u{9D7}",
            "\u{DD9}", "\u{DCF}", "\u{DCA}", "\u{F73}",
            "\u{F40}", "\u{344}", "\u{340}", "\u{1D15F}", "\u{2126}", "\u{3046}", "\u{3099}", "漢", "😀", "\u{200D}", " ",
        ]
        var random = SeededGenerator(seed: 31)
        for round in 0..<400 {
            let count = Int.random(in: 1...(round % 10 == 0 ? 900 : 40), using: &random)
            let share = Int.random(in: 1...10, using: &random)
            let few = (0..<Int.random(in: 1...6, using: &random)).map { _ in marks.randomElement(using: &random)! }
            let scalars = (0..<count).map { _ -> Unicode.Scalar in
                if Int.random(in: 0..<10, using: &random) >= share { return others.randomElement(using: &random)! }
                return (Bool.random(using: &random) ? few : marks).randomElement(using: &random)!
            }
            let text = Self.text(scalars)
            let isSame = Self.composed(text) == Self.expected(text)
            #expect(isSame, "\(scalars.map { String($0.value, radix: 16) })")
        }
    }

    @Test(arguments: [
        "a\u{301}\u{323}", "\u{301}\u{323}\u{334}\u{345}", "e\u{301}te\u{301} ", "\u{1112}\u{1161}\u{11AB}", "\u{958}",
        "\u{1D15F}", "\u{344}", "\u{F40}\u{F73}\u{F80}", "\u{F73}\u{F80}", "\u{9C7}\u{9BE}", "\u{301}\u{9BE}",
        "\u{9BE}",
    ])
    func `four times the text takes about four times as long`(piece: String) {
        // A letter first, then nothing but the piece; 64 kB took Foundation seconds, 256 kB a minute.
        func time(_ byteCount: Int) -> Double {
            let text = Array(("a" + String(repeating: piece, count: byteCount / piece.utf8.count)).utf8)
            return (0..<3).map { _ in
                let start = Self.threadSeconds
                _ = Normalization.composed(text)
                return Self.threadSeconds - start
            }.min() ?? 0
        }
        let (short, long) = (time(1 << 15), time(1 << 17))
        #expect(long < short * 8 + 0.02, "\(short) s, then \(long) s")
    }

    /// Processor time, which other tests beside this one do not stretch.
    private static var threadSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
