package import Audit
package import CommandLineKit
internal import Conventions
package import Digest
internal import Foundation

// Whose word counts, as every verifying command takes it.

extension Flag {
    /// The flags of every command that judges a signature.
    package static let trustFlags: [Flag] = [.trusted, .signer, .anySigner]
    package static let exclusiveTrust: [[Flag]] = [[.trusted, .anySigner], [.signer, .anySigner]]
}

extension Arguments {
    /// The signers that count: those named, else the identity of whoever runs this, if there is one.
    package func signerTrust() throws -> SignerTrust {
        var fingerprint: String?
        if let text = text(.signer) {
            fingerprint = SignerTrust.fingerprint(text)
            guard fingerprint != nil else {
                throw UsageError.badValue(
                    flag: Flag.signer.name, value: text, expected: "SHA256: and 64 hexadecimal digits")
            }
        }
        if let list = text(.trusted) { try InputPath.requireFile(list, kind: "list of signers") }
        return try SignerTrust(
            signer: fingerprint, list: text(.trusted), oneself: Self.oneself, acceptsAny: isOn(.anySigner))
    }

    /// The public key of the identity in the configuration folder; none is made.
    package static var oneself: PublicKey? {
        guard let path = Identity.defaultPath, FileManager.default.fileExists(atPath: path) else { return nil }
        return (try? Identity.load(path: path))?.publicKey
    }

    /// 32 bytes in hexadecimal.
    package func digest(_ flag: Flag) throws -> SHA256Digest? {
        guard let text = text(flag) else { return nil }
        guard let digest = SHA256Digest(hex: text) else {
            throw UsageError.badValue(flag: flag.name, value: text, expected: "64 hexadecimal digits")
        }
        return digest
    }
}

extension SignerTrust.Standing {
    /// What stands before a sentence about a file that passed: its signer is known, or it is merely whole.
    package var word: String {
        switch self {
        case .trusted: "verified"
        case .unknown: "intact, signer unknown"
        }
    }

    /// The row of a table.
    package var row: String {
        switch self {
        case .trusted(let reason): "trusted: \(reason)"
        case .unknown: "not judged (--any-signer)"
        }
    }
}
