import Bytes
public import Digest

/// The lines that `llama-gguf-hash --sha256` prints, written and checked.
///
///     sha256    <64 digits>  file.gguf:tensor.name
public enum HashList {
    /// One line of a list.
    public struct Line: Equatable, Sendable {
        public let fileName: String
        /// Nil for the line over all tensors of the file, which that tool adds at the end.
        public let tensor: String?
        public let digest: SHA256Digest

        public init(fileName: String, tensor: String?, digest: SHA256Digest) {
            self.fileName = fileName
            self.tensor = tensor
            self.digest = digest
        }
    }

    /// One line per tensor, in the order in which they lie in the file.
    public static func lines(of manifest: SealManifest, fileName: String? = nil) -> [String] {
        let name = escaped(fileName ?? manifest.fileName, limit: 4_096)
        return manifest.tensors.sorted { $0.offset < $1.offset }.map {
            "sha256    \($0.digest.hex)  \(name):\(escaped($0.name, limit: 4_096))"
        }
    }

    /// Reads the SHA-256 lines of a list; other digests of the same tool, comments and empty lines are passed over.
    ///
    /// - Throws: ``SealError/malformed(member:expected:)`` with the number of the first bad line.
    public static func parse(_ text: String) throws(SealError) -> [Line] {
        var lines: [Line] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let fields = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
            guard let kind = fields.first, !kind.hasPrefix("#"), !["xxh64", "sha1", "uuid"].contains(kind) else {
                continue
            }
            let rest = fields.count > 1 ? fields[1].drop { $0 == " " } : ""
            guard kind == "sha256", let digest = SHA256Digest(hex: String(rest.prefix(64))),
                rest.dropFirst(64).hasPrefix("  "), rest.count > 66
            else {
                throw .malformed(member: "line \(index + 1)", expected: "\"sha256    <64 digits>  file.gguf:tensor\"")
            }
            let place = rest.dropFirst(66)
            // Tensor names hold no colon; file names may.
            if let colon = place.lastIndex(of: ":") {
                let tensor = String(place[place.index(after: colon)...])
                lines.append(Line(fileName: String(place[..<colon]), tensor: tensor, digest: digest))
            } else {
                lines.append(Line(fileName: String(place), tensor: nil, digest: digest))
            }
        }
        return lines
    }

    /// How a manifest compares with a list.
    public struct Comparison: Equatable, Sendable {
        /// Tensors whose digest differs.
        public var different: [String] = []
        /// Tensors that only the list names.
        public var missing: [String] = []
        /// Tensors that only the file holds.
        public var unlisted: [String] = []
        public var matching = 0

        /// Whether every tensor is listed with its digest, and nothing else is.
        public var isComplete: Bool { different.isEmpty && missing.isEmpty && unlisted.isEmpty && matching > 0 }
    }

    public static func compare(_ manifest: SealManifest, with lines: [Line]) -> Comparison {
        var result = Comparison()
        var seen = Set<String>()
        for line in lines {
            guard let name = line.tensor else { continue }
            seen.insert(name)
            guard let tensor = manifest.tensor(named: name) else {
                result.missing.append(name)
                continue
            }
            if tensor.digest == line.digest { result.matching += 1 } else { result.different.append(name) }
        }
        result.unlisted = manifest.tensors.map(\.name).filter { !seen.contains($0) }
        return result
    }
}
