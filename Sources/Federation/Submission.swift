// The first pass over a round's files: each one is read, judged by every rule, and forgotten but for a few bytes.

internal import Adapter
internal import Bytes
internal import Digest
internal import GGUF

/// An adapter that counts, as far as it is kept between the two passes.
struct Submission: Sendable {
    let path: String
    let contentID: SHA256Digest
    let signer: PublicKey
    let encoding: DeltaEncoding
    /// L2 norm of all deltas, summed in file order.
    let norm: Double
}

/// What every file of a round is held against.
struct SubmissionRules: Sendable {
    let base: GGUFFile
    let root: SHA256Digest
    let scope: AdapterScope
    /// nil where it does not matter who signed.
    let roster: Roster?
    /// Content ids that earlier rounds have seen.
    let seen: Set<SHA256Digest>

    enum Outcome: Sendable {
        case accepted(Submission)
        case refused(Refusal)
    }

    /// Judges one file by itself; copies and second adapters of a signer show only beside the others.
    ///
    /// Others fill the place where it lies. So a link is not followed, whose target might be a file of the operator's that
    /// is nobody's business: its digest would stand in the record. A pipe or a device is not even opened.
    func judge(path: String) -> Outcome {
        switch PathKind.at(path, followingLinks: false) {
        case .regularFile, nil: break
        case .link: return .refused(Refusal(.unreadable, "It is a symbolic link, and none is followed."))
        case .folder, .other: return .refused(Refusal(.unreadable, "It is no regular file."))
        }
        let bytes: [UInt8]
        do {
            bytes = try WholeFile.read(path, limit: NormAdapter.byteLimit, followingLinks: false)
        } catch BytesError.tooLarge(_, let byteCount, let limit) {
            return .refused(
                Refusal(.size, AdapterError.tooLarge(byteCount: byteCount, limit: limit).description))
        } catch BytesError.notARegularFile {
            return .refused(Refusal(.unreadable, "It is no regular file."))
        } catch {
            return .refused(Refusal(.unreadable, "It cannot be read."))
        }
        let contentID = SHA256Digest.of(bytes)
        func refused(_ reason: Refusal.Reason, _ sentence: String, by signer: PublicKey? = nil) -> Outcome {
            .refused(Refusal(reason, contentID: contentID, signer: signer?.fingerprint, asSentence(sentence)))
        }
        let adapter: NormAdapter
        do {
            adapter = try NormAdapter.decode(bytes)
        } catch {
            switch error {
            case .signature, .signerKey: return refused(.signature, error.description)
            default: return refused(.form, error.description)
            }
        }
        let signer = adapter.signer
        guard roster?.contains(signer) ?? true else {
            return refused(.roster, "Its signer \(signer.fingerprint) is not on the roster.", by: signer)
        }
        guard adapter.scope == scope else {
            return refused(
                .scope, "Its scope is \(adapter.scope.rawValue), and this round's is \(scope.rawValue).", by: signer)
        }
        do {
            try adapter.verify(against: base, root: root)
        } catch .deltaTooLarge(let tensor, let magnitude, let limit) {
            return refused(
                .magnitude,
                AdapterError.deltaTooLarge(tensor: tensor, magnitude: magnitude, limit: limit).description, by: signer)
        } catch {
            return refused(.base, error.description, by: signer)
        }
        guard !seen.contains(contentID) else {
            return refused(.replay, "It was handed in for an earlier round, and an adapter counts once.", by: signer)
        }
        var squares = 0.0
        for delta in adapter.deltas { for value in delta.values { squares += Double(value) * Double(value) } }
        return .accepted(
            Submission(
                path: path, contentID: contentID, signer: signer, encoding: adapter.encoding,
                norm: squares.squareRoot()))
    }
}
