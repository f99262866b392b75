import Corpus
import Foundation
import TestSupport
import Testing

@Suite struct TokenFileTests {
    let folder = TemporaryFolder()

    @Test func `the reference tokens are read`() throws {
        let path = Repository.reference("tokens.json")
        let file = try TokenFile(path: path, vocabularySize: 512)
        let expected = try JSONDecoder().decode([Int32].self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(try file.stream.tokens == expected)
        #expect(file.stream.countedCount == expected.count)
        #expect(file.id(key: [1]) != file.id(key: [2]))
    }

    @Test(arguments: [("[1]", [1]), (" [ 0 ,\n511\t] \r\n", [0, 511])])
    func `white space is free`(text: String, tokens: [Int32]) throws {
        #expect(try TokenFile(path: folder.write("t.json", text), vocabularySize: 512).stream.tokens == tokens)
    }

    @Test(
        arguments: [
            ("[0, 512]", 1, 512), ("[-1]", 0, -1), ("[1,2,99999999999999999999999]", 2, 1 << 53),
            ("[2147483648]", 0, 1 << 31),
        ] as [(String, Int, Int64)])
    func `an id outside the vocabulary is refused at its index`(text: String, index: Int, id: Int64) throws {
        let path = try folder.write("t.json", text)
        #expect(throws: CorpusError.tokenOutOfRange(file: path, index: index, id: id, vocabularySize: 512)) {
            try TokenFile(path: path, vocabularySize: 512)
        }
    }

    @Test(arguments: [
        "{\"a\": 1}", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1.5]", "[1e2]", "[01]", "[\"1\"]", "[null]", "[[1]]",
        "[1] 2",
        "[-]", "1", "[--1]",
    ])
    func `anything but an array of whole numbers is refused`(text: String) throws {
        let path = try folder.write("t.json", text)
        let error = #expect(throws: CorpusError.self) { try TokenFile(path: path, vocabularySize: 512) }
        guard case .malformedTokens(path, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a missing file, an empty one and an empty array are named`() throws {
        let nowhere = folder.path("nowhere.json")
        #expect(throws: CorpusError.missing(path: nowhere)) { try TokenFile(path: nowhere, vocabularySize: 512) }
        for text in ["", " \n", "[]", "[ ]"] {
            let path = try folder.write("t.json", text)
            #expect(throws: CorpusError.empty(path: path)) { try TokenFile(path: path, vocabularySize: 512) }
        }
        #expect(throws: CorpusError.self) { try TokenFile(path: folder.path, vocabularySize: 512) }
    }
}
