import Digest
import Federation
import Testing

@Suite struct RosterTests {
    private let print = "SHA256:" + String(repeating: "ab", count: 32)
    private let other = "SHA256:" + String(repeating: "cd", count: 32)

    private func parse(_ text: String) throws -> Roster { try Roster.parse(Array(text.utf8), path: "roster.txt") }

    @Test func `fingerprints stand one on a line, with remarks, in any order and as often as one likes`() throws {
        let roster = try parse("# people\n\n\(print)  # ann\n\t\(other)\r\n\(print)\n")
        #expect(roster.count == 2)
        #expect(try parse("\(other)\n\(print)").digest == roster.digest)
        #expect(try parse(other).digest != roster.digest)
        let key = try Identity.fromSeed([UInt8](repeating: 1, count: 32)).publicKey
        #expect(!roster.contains(key))
        #expect(try parse(key.fingerprint).contains(key))
        #expect(Roster([key]).digest == (try parse(key.fingerprint)).digest)
    }

    @Test(arguments: [
        "keys/ann.pem", "SHA256:ab", "sha256:\(String(repeating: "ab", count: 32))",
        "SHA256:\(String(repeating: "AB", count: 32))", "SHA256:\(String(repeating: "ab", count: 32)) ann",
    ])
    func `a line that is no fingerprint is refused with its number`(line: String) {
        #expect(throws: FederationError.rosterLine(path: "roster.txt", line: 2)) { try parse("\(print)\n\(line)\n") }
    }

    @Test func `a roster of nobody is refused, and one that is no text`() {
        #expect(throws: FederationError.rosterEmpty(path: "roster.txt")) { try parse("# nobody\n") }
        #expect(throws: FederationError.self) { try Roster.parse([0xFF, 0xFE]) }
    }
}
