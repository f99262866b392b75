import Corpus
import Foundation
import TestSupport
import Testing
import Tokenizer

@Suite struct CorpusCheckTests {
    let folder = TemporaryFolder()

    private func check(train: String, test: String) throws -> CorpusCheck {
        try folder.write("train.jsonl", train)
        try folder.write("test.jsonl", test)
        return try CorpusCheck(Corpus.load(path: folder.path))
    }

    @Test func `eight words in two parts are found, whatever their case and punctuation`() throws {
        let found = try check(
            train: "{\"text\":\"x One two, three four. Five six seven EIGHT nine\"}\n",
            test: "{\"text\":\"nothing\"}\n{\"text\":\"one two three — four five six seven eight\"}\n")
        #expect(!found.isClean && !found.hasRecord)
        let run = try #require(found.sharedRuns.first)
        #expect(run.words == ["one", "two", "three", "four", "five", "six", "seven", "eight"])
        #expect(run.first.line == 1 && run.second.line == 2 && run.second.part == .test)
        #expect(run.second.description == folder.path("test.jsonl") + ":2")
        #expect(found.parts.map(\.words) == [10, 9] && found.parts.map(\.documents) == [1, 2])
    }

    @Test func `seven words, or eight across two rows, or eight within one part are not shared`() throws {
        let found = try check(
            train: "{\"text\":\"a b c d e f g h\"}\n{\"text\":\"a b c d e f g h\"}\n",
            test: "{\"text\":\"a b c d e f g\"}\n{\"text\":\"h i\"}\n{\"text\":\"z b c d e f g h\"}\n")
        #expect(found.isClean)
    }
}

@Suite struct WordsTests {
    @Test(arguments: [
        ("Hello, world!", ["Hello", "world"]),
        ("don't 'quote' rock\u{2019}n\u{2019} roll", ["don't", "quote", "rock\u{2019}n", "roll"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("e\u{301}te\u{301} 42nd", ["e\u{301}te\u{301}", "42nd"]),
        ("日本語 text", ["日", "本", "語", "text"]),
        ("a日b", ["a", "日", "b"]),
        ("👩‍👧 — …", []),
        ("", []),
        ("'a' b'", ["a", "b"]),
    ])
    func `text is cut along graphemes`(text: String, words: [String]) {
        #expect(Words.words(of: text).map(String.init) == words)
    }

    @Test func `folding removes case`() {
        #expect(Words.folded("Straße ÄÖ") == ["straße", "äö"])
    }
}

@Suite struct FertilityTests {
    @Test func `tokens are counted per byte, grapheme and word, and beside a parallel text`() throws {
        let tokenizer = try Bytewise.tokenizer.get()
        let english = Fertility(of: "two words", tokenizer: tokenizer)
        #expect(english.tokens == 9 && english.bytes == 9 && english.graphemes == 9 && english.words == 2)
        #expect(english.tokensPerByte == 1 && english.tokensPerWord == 4.5)
        let hindi = Fertility(of: "दो शब्द", tokenizer: tokenizer)
        #expect(hindi.tokens == 19 && hindi.graphemes == 4 && hindi.words == 2)
        #expect(hindi.relative(to: english) == 19.0 / 9)
        #expect(Fertility().tokensPerByte == nil && english.relative(to: Fertility()) == nil)
        let folder = TemporaryFolder()
        let rows = try Corpus.load(path: folder.write("f.jsonl", #"{"prompt":"a b","completion":"c"}"#)).training
        #expect(try Fertility(of: rows, tokenizer: tokenizer).words == 3)
    }

    @Test func `the listing marks the counted tokens`() throws {
        let listing = MaskListing(try Bytewise.tokenizer.get())
        let document = Document(content: .completion(prompt: "é", completion: "\n"), file: "a/b.jsonl", line: 3)
        #expect(
            try listing.lines(for: document) == [
                "a/b.jsonl:3, 4 tokens, 2 counted", "       195  <C3>", "       169  <A9>", "  +     10  \\u{a}",
                "  +    256  <|endoftext|>",
            ])
    }
}
