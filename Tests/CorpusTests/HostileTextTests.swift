import Corpus
import Foundation
import TestSupport
import Testing
import Tokenizer

/// Texts whose marks would take the square of their number in time, were they compared or composed as they stand.
@Suite struct HostileTextTests {
    let folder = TemporaryFolder()
    private static let marks = "a" + String(repeating: "\u{301}\u{323}", count: 60_000)

    /// Seconds of this thread's own processor time.
    private func seconds(_ work: () throws -> Void) rethrows -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
        }
        let start = now()
        try work()
        return now() - start
    }

    @Test(arguments: [
        "{\"text\":\"MARKS\"}", "{\"prompt\":\"MARKS\",\"completion\":\"MARKS\"}",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"MARKS\"}]}",
    ])
    func `a row of marks is read, tokenized, measured and checked in a moment`(row: String) throws {
        let text = row.replacingOccurrences(of: "MARKS", with: Self.marks)
        for name in ["train", "test"] { try folder.write(name + ".jsonl", text) }
        let tokenizer = try Bytewise.tokenizer.get()
        // Hashing a single one of these strings took four seconds.
        let time = try seconds {
            let corpus = try Corpus.load(path: folder.path)
            #expect(try TokenStream(corpus.training, tokenizer: tokenizer).count > 100_000)
            #expect(try Fertility(of: corpus.training, tokenizer: tokenizer).words >= 1)
            #expect(try CorpusCheck(corpus).isClean)
        }
        #expect(time < 8, "\(time) s")
    }

    @Test(arguments: [
        "{\"MARKS\":\"a\",\"text\":\"b\"}", "{\"messages\":[{\"role\":\"MARKS\",\"content\":\"a\"}]}",
        "{\"MARKS\":1,\"MARKS \":2}",
    ])
    func `marks where a name is wanted are refused in a moment`(row: String) throws {
        let text = row.replacingOccurrences(of: "MARKS", with: Self.marks)
        let path = try folder.write("t.jsonl", text)
        let time = seconds { #expect(throws: CorpusError.self) { try Corpus.load(path: path) } }
        #expect(time < 2, "\(time) s")
    }
}
