// Who may take part in a round: a list of fingerprints that the operator keeps.

internal import Bytes
public import Digest

/// The signers whose adapters count.
///
/// A text file: on each line `SHA256:` and the 64 lower-case digits of a signer's fingerprint, with an optional remark after
/// `#`. Empty lines are passed over; a fingerprint that stands twice counts once. It names no files, unlike a list of
/// trusted signers: a roster may come from elsewhere, and reading it must not lead to reading anything else.
public struct Roster: Equatable, Sendable {
    /// No roster is larger than this: 64 MiB, some 800,000 signers.
    public static let byteLimit = 64 << 20

    /// SHA-256 of each signer's key.
    private let signers: Set<SHA256Digest>
    /// SHA-256 of the fingerprints in ascending order, each followed by a newline: the same for the same signers.
    public let digest: SHA256Digest

    public var count: Int { signers.count }

    /// - Throws: ``FederationError`` for a file that cannot be read, a line that is no fingerprint, or no line at all.
    public static func read(path: String) throws(FederationError) -> Roster {
        let bytes: [UInt8]
        do {
            bytes = try WholeFile.read(path, limit: byteLimit)
        } catch {
            throw .rosterUnreadable(path: path, reason: "\(error)")
        }
        return try parse(bytes, path: path)
    }

    /// - Parameter path: for messages alone.
    public static func parse(_ bytes: [UInt8], path: String = "") throws(FederationError) -> Roster {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .rosterUnreadable(path: path, reason: "it is not UTF-8 text.")
        }
        var signers: Set<SHA256Digest> = []
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            var word = line.prefix { $0 != UInt8(ascii: "#") }
            while let last = word.last, [0x20, 0x09, 0x0D].contains(last) { word.removeLast() }
            while let first = word.first, [0x20, 0x09].contains(first) { word.removeFirst() }
            if word.isEmpty { continue }
            guard let signer = digest(ofFingerprint: String(Substring(word))) else {
                throw .rosterLine(path: path, line: index + 1)
            }
            signers.insert(signer)
        }
        guard !signers.isEmpty else { throw .rosterEmpty(path: path) }
        return Roster(signers: signers)
    }

    /// The roster of these keys.
    public init(_ keys: some Sequence<PublicKey>) {
        self.init(signers: Set(keys.map { SHA256Digest.of($0.bytes) }))
    }

    private init(signers: Set<SHA256Digest>) {
        self.signers = signers
        let lines = signers.map { "SHA256:" + $0.hex + "\n" }.sorted()
        digest = SHA256Digest.of(Array(lines.joined().utf8))
    }

    public func contains(_ signer: PublicKey) -> Bool { signers.contains(SHA256Digest.of(signer.bytes)) }

    private static func digest(ofFingerprint text: String) -> SHA256Digest? {
        guard text.hasPrefix("SHA256:") else { return nil }
        return SHA256Digest(hex: String(text.dropFirst(7)))
    }
}
