import Corpus
import Testing
import Tokenizer

@Suite struct TokenStreamTests {
    private func stream(_ contents: Document.Content...) throws -> TokenStream {
        try TokenStream(
            contents.map { Document(content: $0, file: "f") }, tokenizer: Bytewise.tokenizer.get())
    }

    @Test func `all of a text row counts, and end-of-text follows`() throws {
        let stream = try stream(.text("hi"))
        #expect(try stream.tokens == Bytewise.ids("hi") + [Bytewise.end])
        #expect(try stream.counted == [true, true, true])
    }

    @Test func `of a pair the completion and end-of-text count`() throws {
        let stream = try stream(.completion(prompt: "ab", completion: "c"))
        #expect(try stream.tokens == Bytewise.ids("abc") + [Bytewise.end])
        #expect(try stream.counted == [false, false, true, true])
    }

    @Test func `prompt and completion are tokenized apart`() throws {
        var vocabulary = Bytewise.vocabulary
        vocabulary.tokens.append(Array("ab".utf8))
        vocabulary.types.append(1)
        vocabulary.merges = [Array("a b".utf8)]
        let tokenizer = try Tokenizer(vocabulary: vocabulary)
        let apart = try TokenStream.layout(
            Document(content: .completion(prompt: "a", completion: "b"), file: "f"), tokenizer: tokenizer)
        #expect(apart.tokens == [97, 98, Bytewise.end])
        #expect(tokenizer.encode("ab") == [259])
    }

    @Test func `of a conversation what the assistant says counts, and no end-of-text follows`() throws {
        let stream = try stream(
            .messages([ChatMessage(role: "user", content: "u"), ChatMessage(role: "assistant", content: "v")]))
        let user = [Bytewise.imStart] + Bytewise.ids("user\nu") + [Bytewise.imEnd] + Bytewise.ids("\n")
        let heading = [Bytewise.imStart] + Bytewise.ids("assistant\n")
        #expect(try stream.tokens == user + heading + Bytewise.ids("v") + [Bytewise.imEnd] + Bytewise.ids("\n"))
        #expect(
            try stream.counted
                == Array(repeating: false, count: user.count + heading.count) + [true, true, false])
    }

    @Test func `documents are laid end to end`() throws {
        let stream = try stream(.text("a"), .completion(prompt: "", completion: "b"), .text(""))
        #expect(
            try stream.tokens == Bytewise.ids("a") + [Bytewise.end] + Bytewise.ids("b") + [Bytewise.end, Bytewise.end])
        #expect(stream.count == 5 && stream.countedCount == 5)
    }

    @Test func `a vocabulary without the token that a layout needs is refused`() throws {
        var vocabulary = Bytewise.vocabulary
        vocabulary.eosToken = nil
        vocabulary.types = vocabulary.types.map { _ in 1 }
        let tokenizer = try Tokenizer(vocabulary: vocabulary)
        #expect(throws: CorpusError.tokenizer(.missingEndOfText)) {
            try TokenStream([Document(content: .text("a"), file: "f")], tokenizer: tokenizer)
        }
        #expect(throws: CorpusError.tokenizer(.missingControlToken("<|im_start|>"))) {
            try TokenStream(
                [Document(content: .messages([ChatMessage(role: "user", content: "a")]), file: "f")],
                tokenizer: tokenizer)
        }
    }
}
