import Foundation
import TestSupport
import Testing

/// The operations are read from the sources, so that one added later cannot be forgotten here.
@Suite struct CoverageTests {
    static func publicFunctions() throws -> Set<String> {
        let folder = Repository.root + "/Sources/TensorCore"
        var names = Set<String>()
        for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file.hasSuffix(".swift") {
            let text = try String(contentsOfFile: folder + "/" + file, encoding: .utf8)
            for line in text.split(separator: "\n") where line.hasPrefix("public func ") {
                names.insert(String(line.dropFirst("public func ".count).prefix { $0.isLetter || $0.isNumber }))
            }
        }
        return names
    }

    @Test func `every backward operation has a gradient test`() throws {
        let backward = try Self.publicFunctions().filter { $0.contains("Backward") || $0.contains("Gradient") }
        #expect(backward.count >= 9)
        #expect(backward.subtracting(gradientCases.map(\.operation)).isEmpty)
    }

    @Test func `every operation is tested for equal bits on any number of threads`() throws {
        #expect(try Self.publicFunctions().subtracting(determinismCases.map(\.operation)).isEmpty)
    }
}
