/// The addresses a manifest may hold: `https://host[:port]/path`, in plain ASCII, and nothing that a client could read
/// in two ways.
///
/// The host is a name: no numeric address in any of its spellings, and no name that means the machine itself. Where a
/// name leads is not asked; whoever fetches compares the digest.
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
        guard !isNumeric(parts[0]), !isOwnMachine(parts[0]) else {
            return "an address with the name of a host on the net, and neither numbers nor the machine itself"
        }
        if parts.count == 2 {
            guard let port = UInt16(String(decoding: parts[1], as: UTF8.self)), port > 0,
                String(port).utf8.elementsEqual(parts[1])
            else { return "an address whose port is a number of 1 to 65535" }
        }
        guard rest.dropFirst(authority.count).first == UInt8(ascii: "/") else { return "an address with a path" }
        return nil
    }

    /// Whether the last label begins with a digit: every spelling of an address that resolvers take ends in a number,
    /// decimal (`127.0.0.1`, `127.1`, `2130706433`), octal (`0177.0.0.1`) or hexadecimal (`0x7f.1`), and no top-level
    /// domain begins with a digit.
    private static func isNumeric(_ host: Substring.UTF8View.SubSequence) -> Bool {
        guard let first = host.split(separator: UInt8(ascii: ".")).last?.first else { return true }
        return (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
    }

    /// Names that lead to the machine that asks (RFC 6761, section 6.3, and what hosts files have).
    private static func isOwnMachine(_ host: Substring.UTF8View.SubSequence) -> Bool {
        let labels = String(decoding: host, as: UTF8.self).lowercased().split(separator: ".")
        return ["localhost", "localdomain", "ip6-localhost", "ip6-loopback"].contains(labels.last ?? "")
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
