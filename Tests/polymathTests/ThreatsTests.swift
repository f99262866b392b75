import Foundation
import TestSupport
import Testing

/// `Documentation/THREATS.md` names tests; each must be there.
@Suite struct ThreatsTests {
    private func text(_ path: String) throws -> String {
        try String(contentsOfFile: Repository.root + "/" + path, encoding: .utf8)
    }

    private func quoted() throws -> [String] {
        let parts = try text("Documentation/THREATS.md").split(separator: "`", omittingEmptySubsequences: false)
        return parts.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }

    @Test func `every suite and every hostile case that the page names exists`() throws {
        let tests = Repository.root + "/Tests"
        var suites: Set<String> = []
        for case let file as String in try #require(FileManager.default.enumerator(atPath: tests))
        where file.hasSuffix(".swift") {
            for piece in try text("Tests/" + file).components(separatedBy: "struct ").dropFirst() {
                let isQuoted = piece.hasPrefix("`")
                suites.insert(
                    String(piece.drop { $0 == "`" }.prefix { isQuoted ? $0 != "`" : $0.isLetter || $0.isNumber }))
            }
        }
        var cases: Set<String> = []
        for name in try FileManager.default.contentsOfDirectory(atPath: tests + "/Hostile") where name.hasSuffix(".py")
        {
            let source = try text("Tests/Hostile/" + name)
            guard
                let kind = source.components(separatedBy: "\nKIND = \"").dropFirst().first?.prefix(while: { $0 != "\"" }
                )
            else { continue }
            let table = source.components(separatedBy: "\nNAMED = {").dropFirst().first?.prefix { $0 != "}" } ?? ""
            let words = table.split(separator: "\"", omittingEmptySubsequences: false)
            for word in words.enumerated() where word.offset % 2 == 1 { cases.insert("\(kind)/\(word.element)") }
        }
        #expect(cases.count > 50)
        let kinds = Set(cases.map { $0.prefix { $0 != "/" } })
        var found = 0
        for word in try quoted() {
            if word.hasSuffix("Tests") || word.first?.isUppercase == true && word.contains(" ") {
                let isThere = suites.contains(word)
                #expect(isThere, "\(word)")
                found += 1
            } else if kinds.contains(word.prefix { $0 != "/" }), word.contains("/"), !word.contains(".") {
                let isThere = cases.contains(word)
                #expect(isThere, "\(word)")
                found += 1
            }
        }
        #expect(found > 60)
    }
}
