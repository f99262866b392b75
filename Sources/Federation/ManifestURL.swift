/// The addresses a manifest may hold: `https://host[:port]/path`, in plain ASCII, and nothing that a client could read
/// in two ways.
enum ManifestURL {
    static let byteLimit = 512

    /// What an address should be and is not; nil for a good one.
    static func brokenRule(_ url: String) -> String? {
        guard url.utf8.count <= byteLimit else { return "an address of at most \(byteLimit) bytes" }
        guard url.utf8.starts(with: "https://".utf8) else { return "an address that begins with https://" }
        // What RFC 3986 allows, less the brackets of literal addresses.
        let isPlain = url.utf8.allSatisfy {
            SpecialistManifest.isLetterOrDigit($0) || "-._~:/?@!$&'()*+,;=%".utf8.contains($0)
        }
        guard isPlain else { return "an address of unreserved characters, percent signs and separators, without #" }
        let rest = url.utf8.dropFirst("https://".utf8.count)
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        guard !authority.contains(UInt8(ascii: "@")) else { return "an address without a user's name" }
        let parts = authority.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard isHost(parts[0]) else { return "an address with a host's name" }
        if parts.count == 2 {
            guard let port = UInt16(String(decoding: parts[1], as: UTF8.self)), port > 0,
                String(port).utf8.elementsEqual(parts[1])
            else { return "an address whose port is a number of 1 to 65535" }
        }
        guard rest.dropFirst(authority.count).first == UInt8(ascii: "/") else { return "an address with a path" }
        return nil
    }

    /// Labels of letters, digits and inner dashes, with dots between them.
    private static func isHost(_ bytes: Substring.UTF8View.SubSequence) -> Bool {
        guard !bytes.isEmpty, bytes.count <= 253 else { return false }
        return bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.first, let last = label.last, label.count <= 63 else { return false }
            return SpecialistManifest.isLetterOrDigit(first) && SpecialistManifest.isLetterOrDigit(last)
                && label.allSatisfy { SpecialistManifest.isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
        }
    }
}
