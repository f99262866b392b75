import Foundation
import TestSupport
import Testing
import Tokenizer

@Suite struct TokenizerTests {
    private struct Case: Decodable {
        var text: String
        var ids: [Int32]
    }

    @Test(
        .enabled(
            if: TestVocabularies.qwen2Folder != nil,
            "the real Qwen2 vocabulary is neither in ../shared/tokenizer nor where POLYMATH_QWEN2_VOCAB points"))
    func `every expected case of the real Qwen2 vocabulary is met`() throws {
        let tokenizer = try TestVocabularies.qwen2.get()
        let folder = try #require(TestVocabularies.qwen2Folder)
        let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/qwen2-tokens.json"))
        let cases = try JSONDecoder().decode([Case].self, from: data)
        #expect(cases.count >= 189)
        for expected in cases {
            let ids = tokenizer.encode(expected.text)
            #expect(ids == expected.ids, "\(expected.text.debugDescription)")
            #expect(Array(tokenizer.decode(ids).utf8) == Normalization.composed(Array(expected.text.utf8)))
        }
        #expect(tokenizer.vocabularySize == 151_936)
        #expect(tokenizer.controlToken(named: "<|im_end|>") == 151_645)
    }

    @Test func `the reference text gives the reference tokens`() throws {
        let tokenizer = try TestVocabularies.reference.get()
        let text = try String(contentsOfFile: Repository.reference("text.txt"), encoding: .utf8)
        let data = try Data(contentsOf: URL(fileURLWithPath: Repository.reference("tokens.json")))
        let ids = try JSONDecoder().decode([Int32].self, from: data)
        #expect(tokenizer.encode(text) == ids)
    }

    @Test func `the small base has three control tokens and reads English`() throws {
        let tokenizer = try TestVocabularies.nano.get()
        #expect(tokenizer.vocabularySize == 8192)
        #expect(tokenizer.controlTokenIDs == [8189, 8190, 8191])
        #expect(tokenizer.eosToken == tokenizer.controlToken(named: "<|endoftext|>"))
        #expect(tokenizer.controlToken(named: "<|im_start|>") == 8190)
        #expect(tokenizer.controlToken(named: "the") == nil)
        #expect(tokenizer.isControl(8191) && !tokenizer.isControl(8188))
        #expect(!tokenizer.isControl(-1) && !tokenizer.isControl(8192))
        let text = "It was the best of times, it was the worst of times."
        let ids = tokenizer.encode(text)
        #expect(ids.count < text.utf8.count / 3)
        #expect(tokenizer.decode(ids) == text)
    }

    @Test func `decoding what was encoded gives the text in NFC`() throws {
        let tokenizer = try TestVocabularies.nano.get()
        var random = SeededGenerator(seed: 3)
        for _ in 0..<500 {
            let text = RandomText.make(using: &random)
            let decoded = tokenizer.decode(tokenizer.encode(text))
            #expect(
                Self.isSame(decoded, text.precomposedStringWithCanonicalMapping), "\(text.debugDescription)")
        }
    }

    @Test func `composed and decomposed spellings give the same tokens`() throws {
        let tokenizer = try TestVocabularies.nano.get()
        #expect(tokenizer.encode("cafe\u{301}") == tokenizer.encode("caf\u{E9}"))
        #expect(tokenizer.encode("\u{1112}\u{1161}\u{11AB}") == tokenizer.encode("\u{D55C}"))
        #expect(tokenizer.encode("\u{D558}\u{11AB}\u{11AB}") == tokenizer.encode("\u{D55C}\u{11AB}"))
        #expect(tokenizer.encode("\u{D55C}\u{11A7}") != tokenizer.encode("\u{D55C}"))
    }

    @Test func `the lowest rank is merged first, the leftmost among equals`() throws {
        let tokenizer = try Tokenizer(
            vocabulary: TestVocabularies.small([("b", "c"), ("a", "b"), ("a", "a"), ("aa", "aa")]))
        func spell(_ text: String) -> [String] { tokenizer.encode(text).map { tokenizer.decode([$0]) } }
        #expect(spell("abc") == ["a", "bc"])
        #expect(spell("ab") == ["ab"])
        #expect(spell("aaa") == ["aa", "a"])
        #expect(spell("aaaaaaa") == ["aaaa", "aa", "a"])
        #expect(spell("") == [])
    }

    @Test func `control tokens in text are text unless asked for`() throws {
        let tokenizer = try TestVocabularies.nano.get()
        let text = "a<|im_end|><|im_end|>b<|im_"
        let plain = tokenizer.encode(text)
        #expect(!plain.contains { tokenizer.isControl($0) })
        #expect(tokenizer.decode(plain) == text)
        let parsed = tokenizer.encode(text, parsingControlTokens: true)
        #expect(parsed == tokenizer.encode("a") + [8191, 8191] + tokenizer.encode("b<|im_"))
        #expect(tokenizer.decode(parsed) == text)
        #expect(tokenizer.encode("<|im_start|>", parsingControlTokens: true) == [8190])
    }

    @Test func `bytes that are not UTF-8 are read as replacement characters`() throws {
        let tokenizer = try TestVocabularies.nano.get()
        #expect(tokenizer.encode(utf8: [0x61, 0xFF, 0x62]) == tokenizer.encode("a\u{FFFD}b"))
        #expect(tokenizer.encode(utf8: [0x80]) == tokenizer.encode("\u{FFFD}"))
        #expect(tokenizer.encode(utf8: [0xC3]) == tokenizer.encode("\u{FFFD}"))
    }

    @Test func `ids outside the vocabulary stand for nothing`() throws {
        let tokenizer = try TestVocabularies.nano.get()
        #expect(tokenizer.bytes(of: -1).isEmpty && tokenizer.bytes(of: 8192).isEmpty)
        #expect(tokenizer.decode([-1, .max]).isEmpty)
    }

    @Test(arguments: ["x", "ab", "the", "日本"])
    func `a line of a megabyte without spaces takes seconds`(piece: String) throws {
        let tokenizer = try TestVocabularies.nano.get()
        let text = String(repeating: piece, count: 1_000_000 / piece.utf8.count)
        let clock = ContinuousClock()
        var ids: [Int32] = []
        let time = clock.measure { ids = tokenizer.encode(text) }
        #expect(tokenizer.decode(ids) == text)
        #expect(time < .seconds(60), "\(time)")
    }

    static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
}
