import Corpus
import Testing
import Tokenizer

@Suite struct WindowsTests {
    private func bare(_ count: Int) -> TokenStream { TokenStream(tokens: (0..<Int32(count)).map { $0 }) }

    @Test(arguments: [(9, 4, 2, 0), (10, 4, 2, 1), (12, 4, 2, 3), (13, 4, 3, 0), (5, 4, 1, 0), (2, 1, 1, 0)])
    func `a stream of N tokens has (N - 1) / T windows`(tokens: Int, length: Int, windows: Int, left: Int) throws {
        let cut = try Windows(bare(tokens), sequenceLength: length)
        #expect(cut.count == windows && cut.leftOverTokens == left && cut.droppedWindows == 0)
        #expect(try cut.countedTargets == windows * length)
        for index in 0..<cut.count {
            let first = Int32(index * length)
            #expect(try cut[index].inputs == (first..<first + Int32(length)).map { $0 })
            #expect(try cut[index].targets == cut[index].inputs.map { $0 + 1 })
            #expect(try cut[index].countedCount == length)
        }
    }

    @Test func `the mask belongs to the targets, and windows without a counted one are dropped`() throws {
        let documents = [
            Document(content: .completion(prompt: "0123456789", completion: "ab"), file: "f"),
            Document(content: .completion(prompt: "xxxxxx", completion: ""), file: "f"),
        ]
        let stream = try TokenStream(documents, tokenizer: Bytewise.tokenizer.get())
        #expect(stream.count == 20)
        let windows = try Windows(stream, sequenceLength: 4)
        // Targets 1–4 and 5–8 are prompt; 9–12 are "9", "a", "b", end; 13–16 are prompt; 17–20 is not complete.
        #expect(windows.starts == [8] && windows.droppedWindows == 3 && windows.leftOverTokens == 3)
        #expect(try windows[0].counted == [false, true, true, true])
        #expect(try windows[0].targets == Bytewise.ids("9ab") + [Bytewise.end])
        #expect(try windows.countedTargets == 3)
    }

    @Test(arguments: [0, 1, 4])
    func `fewer tokens than one window is an error that says how many are needed`(count: Int) {
        let error = CorpusError.tooFewTokens(count: count, needed: 5, sequenceLength: 4)
        #expect(throws: error) { try Windows(bare(count), sequenceLength: 4) }
        #expect(error.description.contains("\(count) tokens") && error.description.contains("needs 5"))
    }

    @Test func `impossible lengths and fractions are errors`() throws {
        #expect(throws: CorpusError.invalidSequenceLength(0)) { try Windows(bare(9), sequenceLength: 0) }
        #expect(throws: CorpusError.tooFewTokens(count: 9, needed: .max, sequenceLength: .max)) {
            try Windows(bare(9), sequenceLength: .max)
        }
        let windows = try Windows(bare(9), sequenceLength: 4)
        for fraction in [-0.1, 1, .infinity] {
            #expect(throws: CorpusError.invalidValidationFraction(fraction)) {
                try windows.split(validationFraction: fraction)
            }
        }
        #expect(throws: CorpusError.self) { try windows.split(validationFraction: .nan) }
    }

    @Test func `a corpus in which nothing counts is an error`() throws {
        let documents = [Document(content: .messages([ChatMessage(role: "user", content: "hello")]), file: "f")]
        let stream = try TokenStream(documents, tokenizer: Bytewise.tokenizer.get())
        #expect(throws: CorpusError.nothingCounted(windows: 3)) { try Windows(stream, sequenceLength: 4) }
    }

    @Test(arguments: [(1, 0.1, 0), (2, 0.1, 1), (10, 0.1, 1), (19, 0.1, 1), (20, 0.1, 2), (20, 0, 0), (3, 0.99, 2)])
    func `the last windows are set aside for validation`(count: Int, fraction: Double, aside: Int) throws {
        let windows = try Windows(bare(count * 2 + 1), sequenceLength: 2)
        let (training, validation) = try windows.split(validationFraction: fraction)
        #expect(training.count == count - aside)
        #expect(validation?.count ?? 0 == aside)
        #expect(training.starts + (validation?.starts ?? []) == windows.starts)
    }
}
