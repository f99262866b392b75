import Corpus
import Digest
import Foundation
import TestSupport
import Testing
import Tokenizer

/// Texts larger than what is read of them at a time.
@Suite struct CorpusStreamTests {
    let folder = TemporaryFolder()

    /// Bytes, and some merges, so that words and normal form show in the tokens.
    private static let tokenizer = Result {
        var vocabulary = Bytewise.vocabulary
        let merges = [
            ("a", "b"), ("e", "e"), ("\u{120}", "a"), ("\u{10A}", "\u{10A}"), ("Ã", "©"), (".", "."), ("s", "t"),
        ]
        for (left, right) in merges {
            vocabulary.tokens.append(Array((left + right).utf8))
            vocabulary.types.append(1)
        }
        vocabulary.merges = ByteStrings(merges.map { Array("\($0.0) \($0.1)".utf8) })
        return try Tokenizer(vocabulary: vocabulary)
    }

    private static let pieces = [
        "ab", "e\u{301}e", "é", " a", "\r\n", "\n", "\n\n", "\r", "日本語", "、", "😀", "\u{1112}\u{1161}\u{11AB}", "...",
        "'st ",
        "  \n", "\u{323}\u{301}", "3", "\u{2028}", "\u{FEFF}", "St. ",
    ]

    /// About `byteCount` bytes.
    private static func text(_ byteCount: Int, _ random: inout SeededGenerator) -> String {
        var text = ""
        var size = 0
        while size < byteCount {
            let piece = pieces.randomElement(using: &random) ?? ""
            text += piece
            size += piece.utf8.count
        }
        return text
    }

    @Test func `a plain text in pieces gives the tokens, the digest and the id of the whole`() throws {
        let tokenizer = try Self.tokenizer.get()
        var random = SeededGenerator(seed: 41)
        for round in 0..<6 {
            // Piece ends, at multiples of 64 KiB, fall into whatever stands there.
            let filler = String(repeating: "x", count: Int.random(in: 0..<9, using: &random))
            let text = (round % 2 == 0 ? "\u{FEFF}" : "") + filler + Self.text(150_000, &random)
            let path = try folder.write("t\(round).txt", text)
            let corpus = try Corpus.load(path: path)
            #expect(corpus.files[0].digest == SHA256Digest.of(Array(text.utf8)))
            #expect(corpus.files[0].byteCount == text.utf8.count)
            let scalars = Array(text.unicodeScalars)
            var plain = String.UnicodeScalarView()
            for (index, scalar) in scalars.enumerated() where index > 0 || scalar != "\u{FEFF}" {
                if scalar == "\r", index + 1 < scalars.count, scalars[index + 1] == "\n" { continue }
                plain.append(scalar)
            }
            var encoder = StreamingEncoder(tokenizer, stretches: TextStretches(shortest: .max))
            var expected: [Int32] = []
            try encoder.append(Array(String(plain).utf8)[...], to: &expected)
            encoder.finish(to: &expected)
            for limit in [1 << 30, 1_000] {
                let storage = TokenStorage(memoryLimit: limit, folder: folder.path)
                let stream = try TokenStream(corpus.training, tokenizer: tokenizer, storage: storage)
                let isSame = try stream.tokens == expected + [Bytewise.end]
                #expect(isSame, "round \(round), at most \(limit) bytes in memory")
                #expect(stream.countedCount == stream.count)
            }
        }
    }

    @Test func `tokens in a file are read as those in memory, masks too, and nobody sees the file`() throws {
        let rows = (0..<400).map { #"{"prompt":"question \#($0)","completion":"\#($0 % 7 == 0 ? "" : "ab é")"}"# }
        let corpus = try Corpus.load(path: folder.write("rows.jsonl", rows.joined(separator: "\n")))
        let tokenizer = try Self.tokenizer.get()
        let whole = try TokenStream(corpus.training, tokenizer: tokenizer)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let spilled = try TokenStream(
            corpus.training, tokenizer: tokenizer, storage: TokenStorage(memoryLimit: 64, folder: folder.path))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == names)
        #expect(try spilled.tokens == whole.tokens && spilled.counted == whole.counted)
        #expect(spilled.countedCount == whole.countedCount && whole.countedCount < whole.count)
        for length in [1, 5, 16] {
            let (first, second) = try (Windows(whole, sequenceLength: length), Windows(spilled, sequenceLength: length))
            #expect(first.starts == second.starts && first.droppedWindows == second.droppedWindows)
            #expect(try first.countedTargets == second.countedTargets)
            #expect(try (0..<first.count).allSatisfy { try first[$0] == second[$0] })
        }
    }

    @Test func `a disk without room for the tokens is told`() throws {
        let corpus = try Corpus.load(path: folder.write("t.txt", String(repeating: "ab ", count: 1_000)))
        let tokenizer = try Self.tokenizer.get()
        let storage = TokenStorage(memoryLimit: 64, folder: folder.path, reserve: 1 << 60)
        let error = #expect(throws: CorpusError.self) {
            try TokenStream(corpus.training, tokenizer: tokenizer, storage: storage)
        }
        guard case .storage = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.description.contains("no space is left") == true)
    }

    @Test(arguments: [65_533, 65_534, 65_535, 65_536, 131_071])
    func `a byte that is not UTF-8 is named wherever a piece ends`(offset: Int) throws {
        // Characters of three bytes, so that pieces end inside of some.
        var bytes = Array("\n\n".utf8) + Array(String(repeating: "日", count: 60_000).utf8)
        bytes = Array(bytes.prefix((offset - 2) / 3 * 3 + 2))
        let path = try folder.write("bad.jsonl", bytes + [0xE6, 0x97])
        #expect(throws: CorpusError.notUTF8(file: path, line: 3, offset: bytes.count)) { try Corpus.load(path: path) }
    }

    @Test func `a row as long as is read, and one that is a byte longer`() throws {
        func row(_ byteCount: Int) -> String {
            #"{"text":""# + String(repeating: "a ", count: (byteCount - 11) / 2)
                + (byteCount % 2 == 0 ? "a" : "") + #""}"#
        }
        let limit = Document.longestRow
        let fits = try folder.write("fits.jsonl", row(limit) + "\r\n" + row(20) + "\n")
        #expect(row(limit).utf8.count == limit)
        // The line end's own byte counts as the row's.
        #expect(throws: CorpusError.rowTooLong(file: fits, line: 1, limit: limit)) { try Corpus.load(path: fits) }
        try folder.write("fits.jsonl", "\n" + row(limit) + "\n" + row(20))
        #expect(try Corpus.load(path: fits).training.count == 2)
        let long = try folder.write("long.jsonl", "\n" + row(20) + "\n" + row(limit + 1))
        #expect(throws: CorpusError.rowTooLong(file: long, line: 3, limit: limit)) { try Corpus.load(path: long) }
    }

    @Test(arguments: ["a", "-", "\u{0}", " ", "é"])
    func `a plain text without a place to cut is refused with its line`(piece: String) throws {
        let path = try folder.write("t.txt", "one\ntwo\n" + String(repeating: piece, count: 600_000 / piece.utf8.count))
        // A line end in front of white space is part of it.
        let line = piece == " " ? 2 : 3
        let error = CorpusError.uncuttable(file: path, line: line, limit: TextStretches.longest)
        #expect(throws: error) { try Corpus.load(path: path) }
        #expect(error.description.contains("line \(line)"))
    }

    @Test func `a sparse file beyond any memory is refused at its first stretch`() throws {
        for name in ["t.txt", "t.jsonl", "t.json"] {
            let path = try folder.write(name, "")
            try #require(truncate(path, 200 << 30) == 0)
            let clock = ContinuousClock()
            let time = clock.measure {
                _ = #expect(throws: CorpusError.self) {
                    if name == "t.json" {
                        _ = try TokenFile(path: path, vocabularySize: 512)
                    } else {
                        _ = try Corpus.load(path: path)
                    }
                }
            }
            #expect(time < .seconds(20), "\(name): \(time)")
        }
    }

    @Test func `a file that changed after it was loaded is refused when it is read`() throws {
        let path = try folder.write("t.txt", "one two")
        let corpus = try Corpus.load(path: path)
        try folder.write("t.txt", "one twx")
        let tokenizer = try Self.tokenizer.get()
        #expect(throws: CorpusError.changed(file: path)) { try TokenStream(corpus.training, tokenizer: tokenizer) }
        #expect(throws: CorpusError.changed(file: path)) { try corpus.training.all() }
    }

    @Test func `figures of a long text add up from its stretches`() throws {
        var random = SeededGenerator(seed: 43)
        var scalars = String.UnicodeScalarView("x".unicodeScalars)
        scalars.append(contentsOf: Self.text(200_000, &random).unicodeScalars.filter { $0 != "\r" })
        let text = String(scalars)
        let corpus = try Corpus.load(path: folder.write("t.txt", text))
        let tokenizer = try Self.tokenizer.get()
        let (parts, whole) = (
            try Fertility(of: corpus.training, tokenizer: tokenizer), Fertility(of: text, tokenizer: tokenizer)
        )
        #expect(parts == whole, "\(parts), not \(whole)")
        #expect(try CorpusCheck(corpus).parts.map(\.words) == [Words.words(of: text).count])
    }

    @Test func `a run of words across stretches and texts of a row is found, within a limit of memory`() throws {
        let run = "alpha beta gamma delta epsilon zeta eta theta"
        let filler = (0..<9_000).map { "word\($0)" }.joined(separator: " ")
        try folder.write("train.jsonl", #"{"prompt":"x alpha beta gamma delta","completion":"epsilon zeta eta theta"}"#)
        try folder.write("test.jsonl", #"{"text":"\#(filler) \#(run)"}"#)
        let corpus = try Corpus.load(path: folder.path)
        #expect(try CorpusCheck(corpus).sharedRuns.map(\.words) == [run.split(separator: " ").map(String.init)])
        #expect(throws: CorpusError.self) { try CorpusCheck(corpus, memoryLimit: 100) }
    }

    @Test func `a long token file is read in pieces`() throws {
        let tokens = (0..<60_000).map { Int32($0 % 512) }
        let path = try folder.write("t.json", "[" + tokens.map(String.init).joined(separator: ", ") + "]\n")
        let file = try TokenFile(
            path: path, vocabularySize: 512, storage: TokenStorage(memoryLimit: 1_000, folder: folder.path))
        let isSame = try file.stream.tokens == tokens
        #expect(isSame)
        let digest = SHA256Digest.of([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
        #expect(file.digest == digest)
    }
}
