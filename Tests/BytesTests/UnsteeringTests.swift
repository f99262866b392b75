import Bytes
import Foundation
import Testing

@Suite struct UnsteeringTests {
    @Test func `what steers a terminal is shown by its number, and nothing else is touched`() {
        #expect(unsteering("a\u{1B}[31mb\u{9B}c\r\u{07}") == "a\\u{1b}[31mb\\u{9b}c\\u{d}\\u{7}")
        #expect(unsteering("\u{202E}x\u{2066}y\u{2028}\u{FEFF}") == "\\u{202e}x\\u{2066}y\\u{2028}\\u{feff}")
        // Joined letters and signs are text.
        for text in ["می‌خواهم", "👩‍👧 e\u{301}", "a\tb\nc", "C:\\x", ""] { #expect(unsteering(text) == text) }
        #expect(unsteering("a\tb\nc", onOneLine: true) == "a\\u{9}b\\u{a}c")
    }

    @Test func `JSON keeps its value`() throws {
        let text = "a\u{9B}b\u{202E}c\u{E0041}d\u{7F}"
        let json = String(decoding: try JSONEncoder().encode(["x": text]), as: UTF8.self)
        let safe = unsteering(json: json)
        #expect(safe.utf8.allSatisfy { $0 < 0x80 })
        #expect(try JSONDecoder().decode([String: String].self, from: Data(safe.utf8)) == ["x": text])
    }

    @Test func `an error tells of a file by its name alone where its place must not show`() {
        let place = "/home/alice \\ example/" + String(repeating: "long/", count: 40)
        for error in [
            BytesError.cannotOpen(path: place + "b.gguf", reason: "no"), .notFound(path: place + "b.gguf"),
            .io(path: place + "b.gguf", operation: "read", reason: "no"), .moved(path: place + "b.gguf"),
            .noSpace(path: place + "b.gguf"), .tooLarge(path: place + "b.gguf", byteCount: 2, limit: 1),
            .beyondLimit(path: place + "b.gguf", byteCount: 2, limit: 1), .notARegularFile(path: place + "b.gguf"),
        ] {
            #expect(error.placeless.contains("'b.gguf'") && !error.placeless.contains("alice"))
            #expect(error.description.contains("alice"))
        }
    }
}

/// What a reader would refuse is not written.
@Suite struct ByteLimitTests {
    private let path = NSTemporaryDirectory() + "/limit-\(UUID().uuidString)"

    @Test func `a file is written up to its limit and not beyond`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: BytesError.beyondLimit(path: path, byteCount: 5, limit: 4)) {
            try AtomicFile.write([1, 2, 3, 4, 5], to: path, within: 4)
        }
        #expect(!FileManager.default.fileExists(atPath: path))
        try AtomicFile.write([1, 2, 3, 4], to: path, within: 4)
        let file = try AppendFile(path: path)
        try file.append([5], within: 5)
        #expect(throws: BytesError.beyondLimit(path: path, byteCount: 6, limit: 5)) {
            try file.append([6], within: 5)
        }
        #expect(try WholeFile.read(path, limit: 5) == [1, 2, 3, 4, 5])
    }
}
