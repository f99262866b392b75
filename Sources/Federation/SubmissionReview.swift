// What came in for a round, sorted into what counts and what does not.

internal import Bytes
internal import Digest
internal import Foundation

/// A file of a round that does not count, and where it lay.
public struct RefusedFile: Equatable, Sendable {
    public let path: String
    public let refusal: Refusal
}

/// All files of a round after the first pass.
struct SubmissionReview {
    /// Ascending by content id.
    let accepted: [Submission]
    /// In a record's order.
    let refused: [RefusedFile]

    /// - Parameters:
    ///   - paths: files; their order decides nothing.
    ///   - wanted: content ids of the only files that are looked at; nil means all.
    init(
        of paths: [String], by rules: SubmissionRules, threads: Int, wanted: Set<SHA256Digest>? = nil,
        progress: (@Sendable (Int) -> Void)? = nil
    ) {
        let outcomes = Tasks.map(count: paths.count, threads: threads, progress: progress) {
            rules.judge(path: paths[$0])
        }
        var accepted: [Submission] = []
        var refused: [RefusedFile] = []
        for (path, outcome) in zip(paths, outcomes) {
            switch outcome {
            case .accepted(let submission):
                if wanted?.contains(submission.contentID) ?? true { accepted.append(submission) }
            case .refused(let refusal): refused.append(RefusedFile(path: path, refusal: refusal))
            }
        }
        // Equal content ids are equal bytes; the path only decides which of two copies is read.
        accepted.sort { one, other in
            one.contentID == other.contentID
                ? one.path < other.path : one.contentID.bytes.lexicographicallyPrecedes(other.contentID.bytes)
        }
        var signers: Set<SHA256Digest> = []
        var kept: [Submission] = []
        for one in accepted {
            func refuse(_ reason: Refusal.Reason, _ sentence: String) {
                let refusal = Refusal(reason, contentID: one.contentID, signer: one.signer.fingerprint, sentence)
                refused.append(RefusedFile(path: one.path, refusal: refusal))
            }
            if kept.last?.contentID == one.contentID {
                refuse(.copy, "The same bytes were handed in already.")
            } else if !signers.insert(SHA256Digest.of(one.signer.bytes)).inserted {
                refuse(.second, "Its signer has another adapter in this round, with a lower content id, which counts.")
            } else {
                kept.append(one)
            }
        }
        self.accepted = kept
        self.refused = refused.sorted { one, other in
            if Refusal.precedes(one.refusal, other.refusal) { return true }
            return !Refusal.precedes(other.refusal, one.refusal) && one.path < other.path
        }
    }

    /// The files that `inputs` name: files as they are, of a folder what lies directly in it and ends in `.gguf`.
    ///
    /// A file that is named twice counts once, whatever it is called: two spellings of a path, two hard links and two ways
    /// through linked folders are one file. Of its names, the first in order is kept. A folder that is a link itself is
    /// one only with a slash behind its name: anybody could have put the link where `*` finds it.
    static func files(of inputs: [String]) throws(FederationError) -> [String] {
        var paths: Set<String> = []
        for input in inputs {
            guard PathKind.at(input, followingLinks: false) == .folder else {
                paths.insert(input)
                continue
            }
            let folder = input.hasSuffix("/") ? input : input + "/"
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: input) else {
                throw .folder(path: input)
            }
            for name in names where name.hasSuffix(".gguf") && !name.hasPrefix(".") { paths.insert(folder + name) }
        }
        var seen: Set<PathIdentity> = []
        return paths.sorted().filter { path in
            // What cannot be looked at is refused later, by its name.
            PathIdentity(at: path, followingLinks: false).map { seen.insert($0).inserted } ?? true
        }
    }
}
