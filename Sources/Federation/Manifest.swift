// A specialist manifest: what a federation says of one base, in a file that fits in a few packets.
//
// One JSON object in canonical form (RFC 8785), nothing before or after it, of at most 4,095 bytes:
//
//   {"adapters":[{"encoding":"q8_0","max_bytes":N,"scope":"norms","version":1}, …],   ascending by scope, then encoding
//    "architecture":"qwen2","base_root":HEX,
//    "dimensions":{"block_count":N,"context_length":N, …},"model_id":"nano","quantisation":"q4_k+q6_k+f32",
//    "signature":HEX,"signer":HEX,"tokenizer_sha256":HEX,"type":"polymath.specialist","version":1,
//    "weights":{"bytes":N,"sha256":HEX,"urls":["https://…", …]}}
//
// The signature is Ed25519 over the DSSE pre-authentication encoding of the same object without its member `signature`,
// in canonical form. The manifest's id is the SHA-256 of the file. It is no licence, no route and no promise that a URL
// answers: whoever fetches the weights compares their digest.

public import Adapter

/// What a specialist is: its base, where the weights lie, and which adapters it takes.
public struct SpecialistManifest: Equatable, Sendable {
    /// The largest manifest, in bytes: under 4 KB.
    public static let byteLimit = 4_095
    public static let type = "polymath.specialist"
    public static let version = 1
    /// The type that is signed with the bytes.
    public static let payloadType = "application/vnd.polymath.specialist+json"
    /// Places from which the weights may be had, and kinds of adapters.
    public static let largestLists = (urls: 8, adapters: 6)

    /// What people call the specialist: see ``isModelID(_:)``.
    public let modelID: String
    /// What the base's file decides, all of it checked by ``verify(against:root:)``.
    public let base: BaseFacts
    /// Where the base's file can be had, one of which is enough; all lead to the same bytes.
    public let urls: [String]
    /// Ascending by scope, then encoding; each at most once.
    public let adapters: [AcceptedAdapter]

    /// - Throws: ``ManifestError`` for a name, an address or a list that no reader accepts.
    public init(
        modelID: String, base: BaseFacts, urls: [String], adapters: [AcceptedAdapter]
    ) throws(ManifestError) {
        guard Self.isModelID(modelID) else { throw .malformed(member: "model_id", expected: Self.modelIDRule) }
        guard (1...Self.largestLists.urls).contains(urls.count) else {
            throw .malformed(member: "weights.urls", expected: "a list of 1 to \(Self.largestLists.urls) addresses")
        }
        for (index, url) in urls.enumerated() {
            let member = "weights.urls[\(index)]"
            if let rule = ManifestURL.brokenRule(url) { throw .malformed(member: member, expected: rule) }
            guard !urls[..<index].contains(where: { $0 == url }) else { throw .repeated(member: member) }
        }
        guard (1...Self.largestLists.adapters).contains(adapters.count) else {
            throw .malformed(member: "adapters", expected: "a list of 1 to \(Self.largestLists.adapters) kinds")
        }
        for (index, pair) in zip(adapters, adapters.dropFirst()).enumerated() where !(pair.0.order < pair.1.order) {
            throw pair.0.order == pair.1.order
                ? .repeated(member: "adapters[\(index + 1)]")
                : .malformed(member: "adapters", expected: "ascending by scope, then encoding")
        }
        self.modelID = modelID
        self.base = base
        self.urls = urls
        self.adapters = adapters
    }

    /// What ``isModelID(_:)`` asks for, to complete "must be".
    public static let modelIDRule =
        "1 to 96 letters, digits, dots, dashes, underscores or slashes, the first a letter or digit"

    /// Whether a text can name a specialist: 1 to 96 of `A–Z a–z 0–9 . - _ /`, the first a letter or digit.
    public static func isModelID(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 96 else { return false }
        return isLetterOrDigit(first) && text.utf8.allSatisfy { isLetterOrDigit($0) || ".-_/".utf8.contains($0) }
    }

    /// What an address should be and is not, to complete "must be"; nil for one that a manifest may hold.
    public static func brokenRule(ofURL url: String) -> String? { ManifestURL.brokenRule(url) }

    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}

/// A kind of adapter that a specialist takes; the wire version is that of ``NormAdapter``.
public struct AcceptedAdapter: Equatable, Sendable {
    /// The wire format's version, the only one there is.
    public static let version = 1

    public let scope: AdapterScope
    public let encoding: DeltaEncoding
    /// The size of every such adapter on this base, in bytes: more is refused before it is read.
    public let maxBytes: Int

    public init(scope: AdapterScope, encoding: DeltaEncoding, maxBytes: Int) {
        self.scope = scope
        self.encoding = encoding
        self.maxBytes = maxBytes
    }

    /// By which a manifest's list is sorted.
    var order: String { scope.rawValue + " " + encoding.rawValue }
}
