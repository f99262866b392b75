import Foundation
import TestSupport
import Testing

/// What a run leaves behind holds nothing of its text, in whatever way that could be written.
@Suite struct NoTextTests {
    let program = Program()

    /// Sentences that no file can hold by chance.
    static let rare = [
        "Zwirbelgrund Pfannholz 4711-0815", "qüixótic—ÞORN ☂ 88 42 17", "vlk0nb7r xyppe9 quorzle", "墨海拾贝 七三九",
    ]

    /// All ways in which a text, or its tokens, could stand in a file.
    static func traces(of text: String, tokens: [Int]) -> [(name: String, bytes: [UInt8])] {
        func words<Word: FixedWidthInteger>(_ values: [Int], as: Word.Type) -> [UInt8] {
            values.flatMap { value in withUnsafeBytes(of: Word(truncatingIfNeeded: value).littleEndian) { Array($0) } }
        }
        let utf16 = text.utf16.map { Int($0) }
        let escaped = text.unicodeScalars.map { scalar in
            scalar.isASCII ? String(scalar) : String(scalar).utf16.map { String(format: "\\u%04x", $0) }.joined()
        }
        let run = tokens.prefix(6)
        return [
            ("UTF-8", Array(text.utf8)), ("lower case", Array(text.lowercased().utf8)),
            ("UTF-16", words(utf16, as: UInt16.self)),
            ("UTF-16, big-endian", words(utf16.map { $0.byteSwapped >> 48 }, as: UInt16.self)),
            ("UTF-32", words(text.unicodeScalars.map { Int($0.value) }, as: UInt32.self)),
            ("JSON", Array(escaped.joined().utf8)),
            ("Base64", Array(Data(text.utf8).base64EncodedString().dropLast(4).utf8)),
            ("token ids of 16 bits", words(Array(run), as: UInt16.self)),
            ("token ids of 32 bits", words(Array(run), as: UInt32.self)),
            ("token ids of 64 bits", words(Array(run), as: UInt64.self)),
            ("token ids as numbers", Array(run.map { String($0) }.joined(separator: ",").utf8)),
        ]
    }

    private func tokens(of text: String) throws -> [Int] {
        let outcome = try program.run(
            ["tokenize", "--base", Repository.checkpoint("nano-q4_k_m.gguf"), "--json"], input: "\"\(text)\"\n")
        return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [Int])
    }

    private func holds(_ file: Data, _ bytes: [UInt8]) -> Bool { file.range(of: Data(bytes)) != nil }

    @Test(arguments: ["norms", "boundary"])
    func `no file of a run or of its export holds a rare string of the text`(scope: String) throws {
        let base = Repository.checkpoint("nano-q4_k_m.gguf")
        let rows = (0..<12).map { "{\"text\": \"\(Self.rare[$0 % Self.rare.count])\"}\n" }
        _ = try program.write("text.jsonl", rows.joined())
        let trained = try program.run([
            "train", "--base", base, "--corpus", "text.jsonl", "--scope", scope, "--steps", "2", "--seq-len", "16",
            "--checkpoint-every", "1", "--out", "run",
        ])
        #expect(trained.status == 0, "\(trained.error)")
        #expect(try program.run(["audit", "export", "run", "--out", "handed"]).status == 0)
        let traces = try Self.rare.flatMap { Self.traces(of: $0, tokens: try tokens(of: $0)) }
        var seen: Set<String> = []
        for folder in ["run", "handed"] {
            let files = try #require(FileManager.default.enumerator(atPath: program.folder.path(folder)))
            for case let name as String in files {
                let path = program.folder.path(folder + "/" + name)
                guard FileManager.default.isReadableFile(atPath: path),
                    let content = try? Data(contentsOf: URL(fileURLWithPath: path))
                else { continue }
                seen.insert(folder + "/" + (name.hasPrefix("checkpoints") ? "checkpoints" : name))
                for trace in traces {
                    #expect(!holds(content, trace.bytes), "\(folder)/\(name) holds text as \(trace.name)")
                }
            }
        }
        let exported = scope == "norms" ? "adapter.gguf" : "boundary.gguf"
        #expect(seen.isSuperset(of: ["run/" + exported, "handed/" + exported, "run/checkpoints", "run/events.jsonl"]))
    }

    @Test func `every way of writing a text is found where it stands`() throws {
        let text = Self.rare[1]
        let ids = try tokens(of: text)
        #expect(ids.count >= 6)
        for trace in Self.traces(of: text, tokens: ids) {
            #expect(trace.bytes.count >= 12, "\(trace.name) is too short to be no chance")
            #expect(holds(Data([1, 2, 3] + trace.bytes + [0]), trace.bytes))
        }
        #expect(
            holds(
                Data("a".utf8) + (text.data(using: .utf16BigEndian) ?? Data()),
                Self.traces(of: text, tokens: ids)[3].bytes))
        #expect(!holds(Data(text.utf8), Self.traces(of: Self.rare[0], tokens: ids)[0].bytes))
    }
}
