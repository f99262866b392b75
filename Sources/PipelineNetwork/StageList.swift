internal import Foundation
public import Model
public import Pipeline

/// Who lends which layers, as a file says it: a line per stage, `layers FIRST..LAST HOST:PORT SHA256:FINGERPRINT`.
///
/// Several lines of the same layers are spares of the first. Empty lines, and what follows a `#`, are passed over.
public struct StageList: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public let layers: Range<Int>
        public let address: NetworkAddress
        /// Of the only key that is accepted there.
        public let fingerprint: String
    }

    public let entries: [Entry]

    /// - Parameter path: for messages alone.
    /// - Throws: `PeerError.badLine`.
    public init(_ text: String, path: String) throws(PeerError) {
        var entries: [Entry] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }.map(String.init)
            if words.isEmpty { continue }
            func bad(_ reason: String) -> PeerError { .badLine(path: path, line: index + 1, reason: reason) }
            guard words.count == 4, words[0] == "layers" else {
                throw bad("it has not four words, or does not begin so")
            }
            guard let layers = Self.layers(words[1]) else { throw bad("its layers are not FIRST..LAST") }
            guard let address = NetworkAddress(words[2]) else { throw bad("its address is not HOST:PORT") }
            let digits = words[3].dropFirst(7)
            guard words[3].hasPrefix("SHA256:"), digits.count == 64,
                digits.allSatisfy({ $0.isHexDigit && !$0.isUppercase })
            else { throw bad("its key is not SHA256: and 64 hexadecimal digits") }
            if let other = entries.first(where: { $0.layers != layers && $0.layers.overlaps(layers) }) {
                throw bad("its layers overlap \(other.layers.lowerBound)..\(other.layers.upperBound - 1)")
            }
            entries.append(Entry(layers: layers, address: address, fingerprint: words[3]))
        }
        self.entries = entries
    }

    /// `FIRST..LAST`, both of which belong to it; nil for anything else.
    public static func layers(_ text: String) -> Range<Int>? {
        let ends = text.split(separator: "..", omittingEmptySubsequences: false)
        guard ends.count == 2, ends.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }),
            let first = Int(ends[0]), let last = Int(ends[1]), first <= last, last < 1 << 16
        else { return nil }
        return first..<last + 1
    }

    /// The stages of a decoder: the listed ones, and between them what nobody lends.
    ///
    /// - Throws: `PipelineError.badPlan` for layers that the base does not have.
    public func roles(layerCount: Int) throws(PipelineError) -> [DecoderPart.Role] {
        var roles: [DecoderPart.Role] = [.embedding]
        var next = 0
        for range in Set(entries.map(\.layers)).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            guard range.upperBound <= layerCount else {
                throw .badPlan(
                    reason:
                        "layers \(range.lowerBound)..\(range.upperBound - 1) are listed, where the base has \(layerCount)"
                )
            }
            if range.lowerBound > next { roles.append(.layers(next..<range.lowerBound)) }
            roles.append(.layers(range))
            next = range.upperBound
        }
        if next < layerCount { roles.append(.layers(next..<layerCount)) }
        return roles + [.head]
    }
}
