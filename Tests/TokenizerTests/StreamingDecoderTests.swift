import TestSupport
import Testing
import Tokenizer

@Suite struct StreamingDecoderTests {
    @Test func `a character of several tokens appears when it is complete`() throws {
        let tokenizer = try Tokenizer(vocabulary: TestVocabularies.small())
        let ids = tokenizer.encode("a😀é")
        #expect(ids.count == 7)
        var decoder = StreamingDecoder(tokenizer)
        #expect(ids.map { decoder.append($0) } == ["a", "", "", "", "😀", "", "é"])
        #expect(decoder.finish() == "")
    }

    @Test func `a character that is never completed becomes a replacement character`() throws {
        let tokenizer = try Tokenizer(vocabulary: TestVocabularies.small())
        let ids = tokenizer.encode("a😀")
        var decoder = StreamingDecoder(tokenizer)
        #expect(ids.dropLast().map { decoder.append($0) }.joined() == "a")
        #expect(decoder.finish() == "\u{FFFD}")
        #expect(decoder.finish() == "")
    }

    @Test func `any ids stream to what they decode to`() throws {
        let tokenizer = try Tokenizer(vocabulary: TestVocabularies.small())
        var random = SeededGenerator(seed: 5)
        for _ in 0..<2000 {
            let ids = (0..<8).map { _ in Int32.random(in: 120..<259, using: &random) }
            var decoder = StreamingDecoder(tokenizer)
            let streamed = ids.map { decoder.append($0) }.joined() + decoder.finish()
            #expect(TokenizerTests.isSame(streamed, tokenizer.decode(ids)), "\(ids)")
        }
    }
}
