import Corpus
import Digest
import Foundation
import TestSupport
import Testing
import Tokenizer

@Suite struct CorpusLoadTests {
    let folder = TemporaryFolder()

    private func contents(_ documents: Documents) throws -> [Document.Content] { try documents.all().map(\.content) }

    @Test func `all three kinds of row are read, blank lines and line ends passed over`() throws {
        let path = try folder.write(
            "rows.jsonl",
            "\u{FEFF}{\"text\": \"a\\r\\nb\", \"id\": 7}\r\n\r\n{\"prompt\":\"p\",\"completion\":\"c\"}\n  \n"
                + "{\"messages\":[{\"role\":\"user\",\"content\":\"u\"},{\"role\":\"assistant\",\"content\":\"v\"}]}")
        let corpus = try Corpus.load(path: path)
        #expect(
            try contents(corpus.training) == [
                .text("a\r\nb"), .completion(prompt: "p", completion: "c"),
                .messages([ChatMessage(role: "user", content: "u"), ChatMessage(role: "assistant", content: "v")]),
            ])
        #expect(try corpus.training.all().map(\.line) == [1, 3, 5])
        #expect(corpus.files.map(\.documentCount) == [3])
        #expect(corpus.validation.isEmpty && corpus.test.isEmpty && corpus.name == "rows.jsonl")
    }

    @Test func `a plain file is one document, with line ends of one kind`() throws {
        let path = try folder.write("a.TXT", "\u{FEFF}one\r\ntwo\rthree\n")
        let corpus = try Corpus.load(path: path)
        #expect(try contents(corpus.training) == [.text("one\ntwo\rthree\n")])
        #expect(try corpus.training.all()[0].line == nil)
        #expect(corpus.byteCount(of: .training) == 18)
    }

    @Test func `a plain folder is read in the order of names, hidden and other files passed over`() throws {
        try folder.write("b.md", "B")
        try folder.write("a/z.txt", "Z")
        try folder.write("a/y.jsonl", "{\"text\":\"Y\"}")
        try folder.write("Upper.txt", "U")
        try folder.write(".hidden.txt", "H")
        try folder.write("image.png", [0xFF, 0xD8])
        try folder.write("empty.txt", "")
        try folder.write("test.jsonl", "{\"text\":\"T\"}\n")
        try FileManager.default.createSymbolicLink(atPath: folder.path("loop"), withDestinationPath: folder.path)
        let corpus = try Corpus.load(path: folder.path + "/")
        #expect(try contents(corpus.training) == [.text("U"), .text("Y"), .text("Z"), .text("B")])
        #expect(try contents(corpus.test) == [.text("T")])
        #expect(corpus.validation.isEmpty)
    }

    @Test func `a collection is its three parts and nothing else`() throws {
        for name in ["train", "valid", "test"] { try folder.write(name + ".jsonl", "{\"text\":\"\(name)\"}\n") }
        try folder.write("README.md", "not training text")
        try folder.writeRecord(of: ["train.jsonl", "valid.jsonl", "test.jsonl"])
        let corpus = try Corpus.load(path: folder.path)
        #expect(try contents(corpus.training) == [.text("train")])
        #expect(try contents(corpus.validation) == [.text("valid")])
        #expect(try contents(corpus.test) == [.text("test")])
        #expect(corpus.name == "Test" && corpus.record?.licence == "CC0-1.0")
        #expect(corpus.files.map(\.name) == ["train.jsonl", "valid.jsonl", "test.jsonl"])
    }

    @Test func `what is missing or empty is named`() throws {
        let nowhere = folder.path("nowhere")
        #expect(throws: CorpusError.missing(path: nowhere)) { try Corpus.load(path: nowhere) }
        #expect(throws: CorpusError.noDocuments(folder: folder.path)) { try Corpus.load(path: folder.path) }
        let empty = try folder.write("empty.txt", "")
        #expect(throws: CorpusError.empty(path: empty)) { try Corpus.load(path: empty) }
        #expect(throws: CorpusError.noDocuments(folder: folder.path)) { try Corpus.load(path: folder.path) }
        let mark = try folder.write("mark.txt", [0xEF, 0xBB, 0xBF])
        #expect(throws: CorpusError.empty(path: mark)) { try Corpus.load(path: mark) }
        let blank = try folder.write("blank.jsonl", "\n \n")
        #expect(throws: CorpusError.empty(path: blank)) { try Corpus.load(path: blank) }
        let other = try folder.write("image.png", "x")
        #expect(throws: CorpusError.unsupportedFile(path: other)) { try Corpus.load(path: other) }
        try folder.write("c/train.jsonl", "{\"text\":\"a\"}")
        let valid = try folder.write("c/valid.jsonl", "")
        #expect(throws: CorpusError.empty(path: valid)) { try Corpus.load(path: folder.path("c")) }
    }

    @Test(arguments: [
        ([0x61, 0x0A, 0x62, 0xFF], 2, 3), ([0xC3], 1, 0), ([0xE0, 0x80, 0x80], 1, 0), ([0xED, 0xA0, 0x80], 1, 0),
        ([0xF4, 0x90, 0x80, 0x80], 1, 0), ([0xC1, 0xBF], 1, 0), ([0xFF, 0xFE, 0x61, 0x00], 1, 0),
        ([0x0A, 0xF0, 0x9F, 0x98], 2, 1), ([0xE6, 0x97, 0xA5, 0x80], 1, 3),
    ])
    func `a file that is not UTF-8 is refused at its line and byte`(bytes: [UInt8], line: Int, offset: Int) throws {
        let path = try folder.write("bad.txt", bytes)
        #expect(throws: CorpusError.notUTF8(file: path, line: line, offset: offset)) { try Corpus.load(path: path) }
    }

    @Test(arguments: [
        ("{\"text\": \"a\"", "too early"), ("[1]", "must be a JSON object"), ("{}", "needs either"),
        ("{\"txt\": \"a\"}", "\"txt\""), ("{\"text\": 3}", "must be a string"),
        ("{\"text\": \"a\", \"messages\": []}", "only one"), ("{\"text\": \"a\", \"prompt\": \"b\"}", "only one"),
        ("{\"prompt\": \"a\"}", "\"completion\" is missing"), ("{\"completion\": \"a\"}", "\"prompt\" is missing"),
        ("{\"messages\": []}", "at least one message"), ("{\"messages\": \"x\"}", "must be an array"),
        ("{\"messages\": [3]}", "Message 1 must be"), ("{\"messages\": [{\"role\": \"user\"}]}", "\"content\""),
        ("{\"messages\": [{\"role\": \"asistant\", \"content\": \"a\"}]}", "asistant"),
        ("{\"messages\": [{\"role\": \"user\", \"content\": null}]}", "message 1 must be a string"),
        ("{\"text\": \"\\ud800\"}", "surrogate"), ("{\"text\": \"a\", \"text\": \"b\"}", "twice"),
        ("{\"text\": \"a\"} {\"text\": \"b\"}", "more after"), ("\u{FEFF}{\"text\": \"a\"}", "JSON has byte"),
    ])
    func `a malformed row is refused with file and line`(row: String, reason: String) throws {
        let path = try folder.write("bad.jsonl", "{\"text\": \"fine\"}\n\n\(row)\n{\"text\": \"fine\"}\n")
        let error = #expect(throws: CorpusError.self) { try Corpus.load(path: path) }
        guard case .malformedRow(path, 3, let told) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(told.contains(reason), "\(told)")
        #expect(error?.description.contains("line 3") == true)
    }

    @Test func `a collection that differs from its record is refused`() throws {
        let train = try folder.write("train.jsonl", "{\"text\":\"a\"}\n")
        try folder.writeRecord(of: ["train.jsonl"])
        #expect(try Corpus.load(path: folder.path).training.count == 1)
        let expected = try #require(Corpus.load(path: folder.path).record?.files["train.jsonl"]?.digest)

        try folder.write("train.jsonl", "{\"text\":\"b\"}\n")
        let actual = SHA256Digest.of(Array("{\"text\":\"b\"}\n".utf8))
        #expect(throws: CorpusError.digestMismatch(file: train, expected: expected.hex, actual: actual.hex)) {
            try Corpus.load(path: folder.path)
        }
        let test = try folder.write("test.jsonl", "{\"text\":\"t\"}\n")
        try folder.writeRecord(of: ["train.jsonl"])
        #expect(throws: CorpusError.unrecordedFile(file: test, record: folder.path("corpus.json"))) {
            try Corpus.load(path: folder.path)
        }
        try folder.writeRecord(of: ["train.jsonl", "test.jsonl"]) { $0.files["train.jsonl"]?.byteCount += 1 }
        #expect(throws: CorpusError.self) { try Corpus.load(path: folder.path) }
        try folder.writeRecord(of: ["train.jsonl", "test.jsonl"])
        try FileManager.default.removeItem(atPath: test)
        #expect(throws: CorpusError.missing(path: test)) { try Corpus.load(path: folder.path) }
        try FileManager.default.removeItem(atPath: train)
        #expect(throws: CorpusError.missing(path: train)) { try Corpus.load(path: folder.path) }
    }

    @Test(arguments: [
        "", "[]", "{}", "{\"name\":\"n\",\"licence\":\"l\",\"description\":\"d\",\"author\":\"a\",\"languages\":[]}",
        "{\"name\":\"n\",\"licence\":\"l\",\"description\":\"d\",\"author\":\"a\",\"languages\":[\"en\"]}",
        "{\"name\":\"n\",\"licence\":\"l\",\"description\":\"d\",\"author\":\"a\",\"languages\":[\"en\"],"
            + "\"digests\":{\"train.jsonl\":\"12\"},\"bytes\":{\"train.jsonl\":3}}",
    ])
    func `a malformed record is refused`(text: String) throws {
        try folder.write("train.jsonl", "{\"text\":\"a\"}\n")
        let path = try folder.write("corpus.json", text)
        let error = #expect(throws: CorpusError.self) { try Corpus.load(path: folder.path) }
        guard case .malformedRecord(path, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a record survives its own JSON`() throws {
        let record = CorpusRecord(
            name: "n", licence: "CC0-1.0", languages: ["en", "sw"], description: "d", author: "a",
            files: ["train.jsonl": CorpusRecord.File(digest: SHA256Digest.of([UInt8]()), byteCount: 0)])
        #expect(try CorpusRecord(parsing: record.json.canonicalBytes, path: "corpus.json") == record)
    }

    @Test func `the corpus id depends on key and contents, not on names`() throws {
        let first = try Corpus.load(path: folder.write("a.txt", "same"))
        let second = try Corpus.load(path: folder.write("b.txt", "same"))
        let third = try Corpus.load(path: folder.write("c.txt", "other"))
        #expect(first.id(key: [1]) == second.id(key: [1]))
        #expect(first.id(key: [1]) != first.id(key: [2]))
        #expect(first.id(key: [1]) != third.id(key: [1]))
        let digest = SHA256Digest.of(Array("same".utf8)).hex
        let expected = HMACSHA256.code(key: [1], message: Array("{\"training\":[\"\(digest)\"]}".utf8))
        #expect(first.id(key: [1]) == expected)
    }
}
