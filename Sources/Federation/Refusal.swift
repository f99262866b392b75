// Why one file of a round does not count. What is said of it is the same wherever it lay and in whatever order it came.

public import Digest

/// A file that does not count, and why.
public struct Refusal: Equatable, Sendable {
    /// The rules in the order in which they are tried; the first that is broken is the reason.
    public enum Reason: String, CaseIterable, Sendable {
        /// It cannot be read, or is no regular file.
        case unreadable
        /// It is larger than any adapter.
        case size
        /// The same bytes were handed in already in this round.
        case copy
        /// It breaks the wire format: keys, names, shapes, a value that is not finite.
        case form
        /// Its signature is not its signer's over these bytes.
        case signature
        /// Its signer is not on the roster.
        case roster
        /// It is of another scope than the round's.
        case scope
        /// It is for another base: architecture, root, layers or shape of a gain.
        case base
        /// A delta is larger than the largest gain of its tensor in the base.
        case magnitude
        /// It was in an earlier round.
        case replay
        /// Its signer has another adapter with a lower content id in this round.
        case second
    }

    public let reason: Reason
    /// SHA-256 of the file; nil where it was not read whole.
    public let contentID: SHA256Digest?
    /// Fingerprint of who signed it; nil until the signature is known to be valid, since anybody can write a name into a file.
    public let signer: String?
    /// One sentence; it names no path.
    public let sentence: String

    public init(_ reason: Reason, contentID: SHA256Digest? = nil, signer: String? = nil, _ sentence: String) {
        self.reason = reason
        self.contentID = contentID
        self.signer = signer
        self.sentence = sentence
    }

    var json: JSONValue {
        [
            "content_id": contentID.map { .string($0.hex) } ?? .null,
            "signer": signer.map { .string($0) } ?? .null,
            "reason": .string(reason.rawValue), "sentence": .string(sentence),
        ]
    }

    init?(json: JSONValue) {
        guard let reason = json["reason"]?.asString.flatMap(Reason.init), let sentence = json["sentence"]?.asString
        else { return nil }
        self.init(
            reason, contentID: json["content_id"]?.asString.flatMap(SHA256Digest.init(hex:)),
            signer: json["signer"]?.asString, sentence)
    }

    /// The fixed order of a record: by content id, those without one last; then by everything else that is said.
    static func precedes(_ first: Refusal, _ second: Refusal) -> Bool {
        let order = [first, second].map { [$0.contentID?.hex ?? "~", $0.reason.rawValue, $0.sentence] }
        return order[0].lexicographicallyPrecedes(order[1])
    }
}
