internal import Bytes
public import Conventions
public import Digest

/// `seed.sealed` in a run's folder: the run's secret seed, readable to the run's identity alone.
///
/// The file, 68 bytes: `PMSEED1\n`, then a ``SealedBox`` (nonce, 32 encrypted bytes, tag) under a key of the identity, bound
/// to the run's name. It never leaves the folder: no report reads it and no export takes it.
package enum RunSecret {
    private static let magic = Array("PMSEED1\n".utf8)
    static let byteCount = magic.count + SealedBox.overhead + SecretSeed.byteCount

    /// The file's bytes.
    ///
    /// - Parameter run: the run's name.
    static func encode(_ seed: SecretSeed, run: String, identity: Identity) throws -> [UInt8] {
        magic + (try SealedBox.seal(seed.bytes, key: key(identity), context: context(run)))
    }

    /// The seed of a run that has a secret one.
    ///
    /// - Parameters:
    ///   - identity: the run's; another one opens nothing.
    ///   - commitment: what the run's recipe says of it.
    /// - Throws: ``RunSecretError``, `BytesError`.
    static func read(
        _ folder: RunFolder, identity: Identity, commitment: SHA256Digest
    ) throws -> SecretSeed {
        let path = folder.secretFile
        let bytes: [UInt8]
        do {
            bytes = try WholeFile.read(path, limit: byteCount)
        } catch BytesError.notFound {
            throw RunSecretError.missing(path: path)
        } catch BytesError.tooLarge {
            throw RunSecretError.changed(path: path)
        }
        guard bytes.starts(with: magic),
            let message = try SealedBox.open(
                Array(bytes.dropFirst(magic.count)), key: key(identity), context: context(folder.name)),
            let seed = SecretSeed(bytes: message)
        else { throw RunSecretError.changed(path: path) }
        return try checked(seed, against: commitment, path: path)
    }

    /// The secret seed of a finished or unfinished run of one's own.
    ///
    /// - Parameter identityPath: nil means the one that the run names, then the user's own.
    package static func open(runFolder: String, identityPath: String?) throws -> SecretSeed {
        let record = try RunRecord(path: runFolder + "/run.json")
        guard let commitment = record.recipe.seedCommitment else {
            throw RunSecretError.isPublic(folder: runFolder)
        }
        guard let path = record.ownIdentityPath(asked: identityPath) else {
            throw RunSecretError.otherIdentity(folder: runFolder, signer: record.signer)
        }
        return try read(
            RunFolder(path: runFolder, name: record.run), identity: Identity.load(path: path), commitment: commitment)
    }

    /// A seed that was handed over: 64 hexadecimal digits, as `audit secret` prints them, or the 32 bytes themselves.
    static func read(handedOver path: String, commitment: SHA256Digest) throws -> SecretSeed {
        let bytes = try WholeFile.read(path, limit: 4_096)
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        var seed = SecretSeed(bytes: bytes)
        if seed == nil { seed = SecretSeed(hex: text) }
        guard let seed else { throw RunSecretError.malformed(path: path) }
        return try checked(seed, against: commitment, path: path)
    }

    private static func checked(_ seed: SecretSeed, against commitment: SHA256Digest, path: String) throws -> SecretSeed
    {
        guard seed.commitment == commitment else {
            throw RunSecretError.other(path: path, expected: commitment, found: seed.commitment)
        }
        return seed
    }

    private static func key(_ identity: Identity) -> [UInt8] { identity.derivedKey(purpose: "secret-seed") }

    private static func context(_ run: String) -> [UInt8] { Array("polymath secret seed\n\(run)".utf8) }
}

/// Why a run's secret seed cannot be had.
public enum RunSecretError: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    case missing(path: String)
    /// The file does not open under the run's identity.
    case changed(path: String)
    /// What was handed over is no secret seed.
    case malformed(path: String)
    /// A seed, and not the one that the run's recipe commits to.
    case other(path: String, expected: SHA256Digest, found: SHA256Digest)
    /// A replay by somebody who has neither the run's identity nor its seed.
    case needed(folder: String)
    /// The seed is asked for, and this identity is not the run's.
    case otherIdentity(folder: String, signer: String)
    /// The run was started with `--seed`: nothing about it is secret.
    case isPublic(folder: String)

    public var exitStatus: ExitStatus {
        switch self {
        case .malformed: .failure
        case .isPublic: .usage
        default: .mismatch
        }
    }

    public var description: String {
        switch self {
        case .missing(let path):
            "The run's secret seed \(shown(path)) is not there, and without it the run cannot be made again or gone on with."
        case .changed(let path):
            "The run's secret seed \(shown(path)) does not open with the run's identity: the file was changed, or belongs to "
                + "another run."
        case .malformed(let path):
            "\(shown(path)) holds no secret seed: that is 64 hexadecimal digits, as polymath audit secret prints them, or 32 "
                + "bytes."
        case .other(let path, let expected, let found):
            "The secret seed in \(shown(path)) is not the run's: its commitment is \(found.hex), the recipe's is "
                + "\(expected.hex)."
        case .needed(let folder):
            "The run in \(shown(folder)) drew a secret seed, so it can be trained again by its owner, with the run's identity "
                + "and folder, and by whoever was given the seed (--secret FILE; the owner gets it from polymath audit secret)."
        case .otherIdentity(let folder, let signer):
            "The secret seed of the run in \(shown(folder)) opens with the identity of its signer \(escaped(signer)) alone."
        case .isPublic(let folder):
            "The run in \(shown(folder)) was started with --seed: its seed is in run.json, and there is no secret one."
        }
    }

    private func shown(_ path: String) -> String { escaped(path, limit: 200) }
}
