import Testing
import Tokenizer

@Suite struct VocabularyErrorTests {
    private static func change(_ change: (inout TokenizerVocabulary) -> Void) -> TokenizerVocabulary {
        var vocabulary = TestVocabularies.small([("a", "b")])
        change(&vocabulary)
        return vocabulary
    }

    static let cases: [(TokenizerVocabulary, TokenizerError)] = [
        (change { $0.model = "llama" }, .unsupportedModel("llama")),
        (change { $0.pre = "default" }, .unsupportedSplitPattern("default")),
        (change { $0.tokens = [] }, .emptyVocabulary),
        (change { $0.types.removeLast() }, .typeCountMismatch(tokens: 260, types: 259)),
        (change { $0.types[7] = 9 }, .unknownTokenType(index: 7, type: 9)),
        (change { $0.tokens[5] = [] }, .emptyToken(index: 5)),
        (change { $0.tokens[256] = Array("a b".utf8) }, .notByteLevel(index: 256)),
        (change { $0.tokens[256] = [0xFF] }, .notByteLevel(index: 256)),
        (change { $0.tokens[256] = [0xC1, 0xA1] }, .notByteLevel(index: 256)),
        (change { $0.tokens[256] = Array("日".utf8) }, .notByteLevel(index: 256)),
        (change { $0.tokens[256] = Array("a".utf8) }, .duplicateToken(first: 64, second: 256)),
        (change { $0.types[0] = 5 }, .missingByte(0x21)),
        (change { $0.merges[0] = Array("ab".utf8) }, .malformedMerge(index: 0)),
        (change { $0.merges[0] = Array("a b c".utf8) }, .malformedMerge(index: 0)),
        (change { $0.merges[0] = Array("a ".utf8) }, .malformedMerge(index: 0)),
        (change { $0.merges.append(Array("b c".utf8)) }, .mergeOfUnknownToken(index: 1)),
        (change { $0.merges.append(Array("xy c".utf8)) }, .mergeOfUnknownToken(index: 1)),
        (change { $0.merges.append($0.merges[0]) }, .duplicateMerge(first: 0, second: 1)),
        (
            change { $0.eosToken = 260 },
            .specialTokenOutOfRange(name: "end-of-text", id: 260, vocabularySize: 260)
        ),
        (
            change { $0.bosToken = -1 },
            .specialTokenOutOfRange(name: "beginning-of-text", id: -1, vocabularySize: 260)
        ),
    ]

    @Test(arguments: cases.indices)
    func `a vocabulary that cannot be used is refused`(index: Int) {
        let (vocabulary, error) = Self.cases[index]
        #expect(throws: error) { try Tokenizer(vocabulary: vocabulary) }
        #expect(error.description.hasSuffix("."))
    }

    @Test func `what is not supported is named, and nothing in the name reaches the terminal raw`() {
        #expect(TokenizerError.unsupportedModel("bert").description.contains("\"bert\""))
        #expect(TokenizerError.unsupportedSplitPattern("llama-bpe").description.contains("\"llama-bpe\""))
        let hostile = TokenizerError.unsupportedModel("\u{1B}[2J\u{202E}" + String(repeating: "x", count: 500))
        #expect(hostile.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x202E })
        #expect(hostile.description.count < 250)
    }

    @Test func `a vocabulary without types is all ordinary tokens`() throws {
        var vocabulary = TestVocabularies.small()
        vocabulary.tokens.removeLast(3)
        vocabulary.types = []
        vocabulary.eosToken = nil
        let tokenizer = try Tokenizer(vocabulary: vocabulary)
        #expect(tokenizer.controlTokenIDs.isEmpty && tokenizer.eosToken == nil)
        #expect(tokenizer.decode(tokenizer.encode("ü 日", parsingControlTokens: true)) == "ü 日")
    }
}
