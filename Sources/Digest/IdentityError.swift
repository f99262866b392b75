internal import Bytes

/// Why an identity cannot be read, made or used.
public enum IdentityError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No home folder and no `XDG_CONFIG_HOME`.
    case noConfigurationFolder
    case cannotRead(path: String, reason: String)
    case cannotCreate(path: String, reason: String)
    /// The file is not the PKCS#8 PEM of an Ed25519 private key; `found` says what it is.
    case notAnIdentity(path: String, found: String)
    /// Others may read or write the file; `mode` holds its permission bits.
    case tooOpen(path: String, mode: Int)
    case wrongSeedLength(expected: Int, got: Int)
    case signingFailed

    public var description: String {
        switch self {
        case .noConfigurationFolder:
            "There is no place for an identity: set HOME or XDG_CONFIG_HOME, or name a file with --identity."
        case .cannotRead(let path, let reason): "The identity \(escaped(path, limit: 200)) cannot be read: \(reason)."
        case .cannotCreate(let path, let reason):
            "The identity \(escaped(path, limit: 200)) cannot be created: \(reason)."
        case .notAnIdentity(let path, let found):
            "\(escaped(path, limit: 200)) is no identity: it should be an Ed25519 private key in PKCS#8 PEM, but it is \(found)."
        case .tooOpen(let path, let mode):
            "The identity \(escaped(path, limit: 200)) has mode 0\(String(mode, radix: 8)) and is open to others: run chmod 600 on it."
        case .wrongSeedLength(let expected, let got):
            "An Ed25519 private key has \(expected) bytes, not \(got)."
        case .signingFailed: "libcrypto could not make an Ed25519 signature."
        }
    }
}
