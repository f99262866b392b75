// Whose signature counts. A valid signature says that a file is intact; only a trusted signer makes it evidence.

internal import Bytes
public import Digest
internal import Foundation

/// Why a signer is not believed, or a list of signers cannot be used.
public enum TrustError: Error, Equatable, CustomStringConvertible, Sendable {
    /// `isNamed` is whether other signers were asked for.
    case untrusted(fingerprint: String, isNamed: Bool)
    case unreadable(path: String, reason: String)
    case badLine(path: String, line: Int)

    public var description: String {
        switch self {
        case .untrusted(let fingerprint, let isNamed):
            "The signature is valid, but its signer \(fingerprint) is \(isNamed ? "not one you named" : "unknown here"): "
                + "if you know that key, give --signer \(fingerprint) or list it in --trusted FILE; --any-signer asks only "
                + "whether the file is intact."
        case .unreadable(let path, let reason):
            "The list of signers “\(escaped(path, limit: 200))” cannot be used: \(reason)"
        case .badLine(let path, let line):
            "Line \(line) of “\(escaped(path, limit: 200))” is neither a fingerprint (SHA256: and 64 digits) nor the path "
                + "of an Ed25519 public key in PEM."
        }
    }
}

/// The signers that somebody trusts: those that were named, or, when none was, oneself.
public struct SignerTrust: Sendable {
    /// What is known of a signer.
    public enum Standing: Equatable, Sendable {
        /// `reason` completes the sentence "The signer SHA256:… is …".
        case trusted(reason: String)
        /// Nobody vouches for it, and nobody was asked to.
        case unknown
    }

    /// By fingerprint, why it is trusted.
    private var reasons: [String: String] = [:]
    private var isNamed = false
    /// The keys themselves, where more than their fingerprint is known.
    public private(set) var keys: [PublicKey] = []
    /// Whether an unknown signer is enough.
    public let acceptsAny: Bool

    /// - Parameters:
    ///   - signer: the fingerprint that was named.
    ///   - list: path of a list of signers; one on each line, as a fingerprint or the path of a PEM public key, seen from the
    ///     list's folder; empty lines, and what follows a `#`, are passed over.
    ///   - oneself: the key of the identity at hand; it counts when neither of the others is given.
    ///   - acceptsAny: whether an unknown signer is enough.
    public init(
        signer: String? = nil, list: String? = nil, oneself: PublicKey? = nil, acceptsAny: Bool = false
    ) throws(TrustError) {
        self.acceptsAny = acceptsAny
        isNamed = signer != nil || list != nil
        if let list {
            let found = try Self.read(list: list)
            for fingerprint in found.fingerprints {
                reasons[fingerprint] = "in the list “\(escaped(list, limit: 200))”"
            }
            keys = found.keys
        }
        if let signer { reasons[signer] = "the one you named" }
        if let oneself { keys.append(oneself) }
        if !isNamed, let oneself { reasons[oneself.fingerprint] = "you" }
    }

    /// Trust in one key alone.
    public init(only key: PublicKey) {
        acceptsAny = false
        isNamed = true
        keys = [key]
        reasons[key.fingerprint] = "the trusted key"
    }

    /// What is known of the signer.
    ///
    /// - Throws: ``TrustError/untrusted(fingerprint:isNamed:)`` unless it is trusted or anyone will do.
    public func standing(of signer: PublicKey) throws(TrustError) -> Standing {
        if let reason = reasons[signer.fingerprint] { return .trusted(reason: reason) }
        guard acceptsAny else { throw .untrusted(fingerprint: signer.fingerprint, isNamed: isNamed) }
        return .unknown
    }

    private static func read(list path: String) throws(TrustError) -> (fingerprints: [String], keys: [PublicKey]) {
        let text: String
        do {
            let bytes = try WholeFile.read(path, limit: 1 << 20)
            guard let valid = String(validating: bytes, as: UTF8.self) else {
                throw TrustError.unreadable(path: path, reason: "it is not UTF-8 text.")
            }
            text = valid
        } catch let error as TrustError {
            throw error
        } catch {
            throw .unreadable(path: path, reason: "\(error)")
        }
        var fingerprints: [String] = []
        var keys: [PublicKey] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let content = line.prefix { $0 != "#" }
            let word = content.trimmingCharacters(in: .whitespaces)
            if word.isEmpty { continue }
            if let fingerprint = fingerprint(word) {
                fingerprints.append(fingerprint)
            } else if let key = publicKey(at: word, besideList: path) {
                keys.append(key)
            } else {
                throw .badLine(path: path, line: index + 1)
            }
        }
        return (fingerprints + keys.map(\.fingerprint), keys)
    }

    /// `SHA256:` and 64 lower-case digits, or the digits alone.
    public static func fingerprint(_ text: String) -> String? {
        let digits = text.hasPrefix("SHA256:") ? String(text.dropFirst(7)) : text
        return SHA256Digest(hex: digits).map { "SHA256:" + $0.hex }
    }

    private static func publicKey(at path: String, besideList list: String) -> PublicKey? {
        let folder = URL(fileURLWithPath: list).deletingLastPathComponent().path
        return PublicKey(pemFile: path.hasPrefix("/") ? path : folder + "/" + path)
    }
}

extension PublicKey {
    /// Reads an Ed25519 public key's PEM file; nil where there is none.
    public init?(pemFile path: String) {
        guard let bytes = try? WholeFile.read(path, limit: 65_536), let text = String(validating: bytes, as: UTF8.self)
        else { return nil }
        self.init(pem: text)
    }
}
