import TestSupport
import Testing
import Tokenizer

@Suite struct ByteStringsTests {
    private static func text(using random: inout SeededGenerator) -> [UInt8] {
        (0..<Int.random(in: 0...4, using: &random)).map { _ in UInt8.random(in: 97...99, using: &random) }
    }

    @Test func `after any edits it holds what an array of arrays holds`() {
        var random = SeededGenerator(seed: 11)
        var plain: [[UInt8]] = []
        var packed = ByteStrings()
        for _ in 0..<400 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where !plain.isEmpty:
                let index = Int.random(in: plain.indices, using: &random)
                let text = Self.text(using: &random)
                plain[index] = text
                packed[index] = text
            case 1 where !plain.isEmpty:
                let bounds = [0, 0].map { _ in Int.random(in: 0...plain.count, using: &random) }.sorted()
                let texts = (0..<Int.random(in: 0...3, using: &random)).map { _ in Self.text(using: &random) }
                plain.replaceSubrange(bounds[0]..<bounds[1], with: texts)
                packed.replaceSubrange(bounds[0]..<bounds[1], with: texts)
            default:
                let text = Self.text(using: &random)
                plain.append(text)
                packed.append(text)
            }
            #expect(Array(packed) == plain)
        }
        #expect(packed == ByteStrings(plain) && packed.bytes == plain.flatMap(\.self))
        #expect(ByteStrings([[1], [2]]) != ByteStrings([[1, 2], []]))
    }

    @Test func `a merge's product is found wherever it stands in the vocabulary`() throws {
        let merges = [("a", "b"), ("c", "d"), ("ab", "cd"), ("cd", "ab"), ("a", "a")]
        let ordered = TestVocabularies.small(merges)
        let expected = try Tokenizer(vocabulary: ordered)
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let order = ordered.tokens.indices.shuffled(using: &random)
            var other = ordered
            other.tokens = ByteStrings(order.map { ordered.tokens[$0] })
            other.types = order.map { ordered.types[$0] }
            other.eosToken = nil
            let tokenizer = try Tokenizer(vocabulary: other)
            for text in ["abcd", "cdab", "aaab", "abcdcdaba"] {
                #expect(tokenizer.encode(text).map { Int32(order[Int($0)]) } == expected.encode(text))
            }
        }
    }
}
