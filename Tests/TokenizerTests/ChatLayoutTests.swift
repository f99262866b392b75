import Testing
import Tokenizer

@Suite struct ChatLayoutTests {
    @Test func `only the assistant's content and its end are counted`() throws {
        let tokenizer = try TestVocabularies.nano.get()
        let chat = try tokenizer.encodeChat([
            ChatMessage(role: "user", content: "Hello <|im_end|>"),
            ChatMessage(role: "assistant", content: "Good day."),
        ])
        let counted = zip(chat.tokens, chat.counted).filter(\.1).map(\.0)
        #expect(counted == tokenizer.encode("Good day.") + [8191])
        #expect(
            tokenizer.decode(chat.tokens)
                == "<|im_start|>user\nHello <|im_end|><|im_end|>\n<|im_start|>assistant\nGood day.<|im_end|>\n")
        #expect(chat.tokens.count { $0 == 8191 } == 2)
        #expect(chat.tokens.count { $0 == 8190 } == 2)
        #expect(chat.counted.last == false)
    }

    @Test func `a prompt for a reply ends with the assistant's heading`() throws {
        let tokenizer = try TestVocabularies.nano.get()
        let message = ChatMessage(role: "user", content: "Hi")
        let open = try tokenizer.encodeChat([message], promptingReply: true)
        #expect(tokenizer.decode(open.tokens) == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
        #expect(!open.counted.contains(true))
        let whole = try tokenizer.encodeChat([message, ChatMessage(role: "assistant", content: "Yes")])
        #expect(whole.tokens.starts(with: open.tokens))
    }

    @Test func `a vocabulary without chat tokens is refused`() throws {
        var vocabulary = TestVocabularies.small()
        vocabulary.types = vocabulary.types.map { $0 == 3 ? 4 : $0 }
        let tokenizer = try Tokenizer(vocabulary: vocabulary)
        #expect(throws: TokenizerError.missingControlToken("<|im_start|>")) {
            try tokenizer.encodeChat([ChatMessage(role: "user", content: "Hi")])
        }
    }
}
