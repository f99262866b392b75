internal import Adapter
public import Audit
internal import Bytes
internal import Conventions
internal import Digest
internal import Foundation
internal import GGUF
internal import Seal
internal import Training

/// Trains a finished run again, in a folder that is removed afterwards, and compares what comes out.
///
/// Whoever holds the run's identity compares content ids: every byte. Anybody else signs with a key made for the
/// occasion, and compares every byte but signer, signature and the recipe's digest, which names the corpus under the
/// signer's key (Documentation/Decisions/0005). The losses on the chain are compared digit by digit in both cases.
public struct ReplayRun {
    private let folder: String
    private let home: Home
    private let listener: any RunListener
    private let stop: StopRequest
    /// Name or path of the base; nil means the one in the run's record.
    public var base: String?
    /// Path or name of the text; nil, with nil ``tokens``, means what the run's record names.
    public var corpus: String?
    public var tokens: String?
    /// Identity file that may be the run's; nil means the recorded one, then the user's own.
    public var identityPath: String?
    /// File with the run's secret seed, for who does not hold its identity and folder.
    public var secretPath: String?
    /// Threads; nil means one per core. Changes no bit of the result.
    public var threads: Int?
    /// Where a folder for the training is made, and removed again.
    public var temporaryFolder = FileManager.default.temporaryDirectory.path

    /// - Parameters:
    ///   - folder: the run's.
    ///   - home: where names of bases and collections that are given here are looked for.
    public init(folder: String, home: Home, listener: any RunListener, stop: StopRequest = StopRequest()) {
        self.folder = folder
        self.home = home
        self.listener = listener
        self.stop = stop
    }

    /// What training again showed, each line on the ground *replay* or *arithmetic*.
    ///
    /// - Throws: `ReplayError` where the run cannot be repeated here, and whatever ``TrainingRun/run()`` throws.
    public func run() throws -> Verdict {
        let chain = try judgeEvidence()
        let record = try RunRecord(path: folder + "/run.json")
        guard chain.start["run_json_sha256"]?.asString == record.digest.hex else {
            throw ReplayError.noRecord(folder: folder)
        }
        guard let export = chain.latest(RowKind.export), let file = export["file"]?.asString else {
            throw ReplayError.nothingExported(folder: folder)
        }
        let wentOn = chain.rows.contains { $0.kind == RowKind.resume && $0.body["other_kernels_allowed"] != nil }
        guard !wentOn else { throw ReplayError.wentOnOtherKernels }

        let scratch = try ScratchFolder(in: temporaryFolder, name: "polymath-replay")
        defer { withExtendedLifetime(scratch) {} }
        let owner = record.ownIdentityPath(asked: identityPath)
        let secret = try secret(record, owner: owner)
        let request = try request(
            record, identityPath: owner ?? scratch.path + "/identity.pem", out: scratch.path + "/run")
        let home = corpus == nil ? record.home : self.home
        let plan = try RunPlan(request, home: home, secret: secret)
        guard plan.kernelPath == record.kernelPath else {
            throw ReplayError.otherKernels(expected: record.kernelPath, found: plan.kernelPath)
        }
        try check(plan, record, isOwner: owner != nil)

        var verdict = Verdict()
        verdict.add("base", .passed, .arithmetic, "The base at hand has the root that the run names.")
        verdict.add(
            "corpus", owner == nil ? .notChecked : .passed, .arithmetic,
            owner == nil
                ? "The corpus id is under the signer's key, so only the outcome shows whether this is the run's text."
                : "The text at hand has the corpus id that the run names.")
        do {
            var training = TrainingRun(request, home: home, listener: listener, stop: stop)
            // Whoever asks for a replay waits for it.
            training.isPaced = false
            training.secret = secret
            _ = try training.run()
        } catch let stopped as RunStopped {
            guard case .signal(let signal) = stopped.cause else { throw stopped }
            throw ReplayError.stopped(signal: signal, step: stopped.step)
        } catch let error as TrainingError {
            verdict.add("outcome", .failed, .replay, "Trained again, the run comes to no end: \(error)")
            return verdict
        }
        let again = try AuditChain.read(path: scratch.path + "/run/audit.jsonl")
        judgeLosses(chain, again, &verdict)
        try judgeOutcome(
            folder + "/" + file, scratch.path + "/run/" + file, isOwner: owner != nil, &verdict)
        return verdict
    }

    /// Everything that can be judged without training; who signed is not the question here.
    private func judgeEvidence() throws -> AuditChain {
        let chain = try AuditChain.read(path: folder + "/audit.jsonl")
        let verdict = AuditVerification.verify(runFolder: folder, trust: SignerTrust(only: chain.signer))
        if let failed = verdict.checks.first(where: { $0.result == .failed }) {
            throw ReplayError.evidence(failed.sentence)
        }
        return chain
    }

    /// The run's secret seed, opened or handed over, and held against the recipe; nil where its seed is public.
    private func secret(_ record: RunRecord, owner: String?) throws -> SecretSeed? {
        guard let commitment = record.recipe.seedCommitment else {
            guard secretPath == nil else { throw RunSecretError.isPublic(folder: folder) }
            return nil
        }
        if let secretPath { return try RunSecret.read(handedOver: secretPath, commitment: commitment) }
        guard let owner else { throw RunSecretError.needed(folder: folder) }
        return try RunSecret.read(
            RunFolder(path: folder, name: record.run), identity: Identity.load(path: owner), commitment: commitment)
    }

    private func request(_ record: RunRecord, identityPath: String, out: String) throws -> TrainingRequest {
        var request = record.request
        request.base =
            try base.map { try BaseReference.resolve($0, home: home).path }
            ?? BaseReference.resolve(request.base, home: record.home).path
        if let corpus {
            request.corpus = try CorpusLibrary(home: home).path(of: corpus)
            request.tokens = nil
        } else if let tokens {
            request.tokens = tokens
            request.corpus = nil
        }
        request.identityPath = identityPath
        request.checkpointEvery = nil
        request.threads = threads
        request.memoryBudget = nil
        request.out = out
        return request
    }

    private func check(_ plan: RunPlan, _ record: RunRecord, isOwner: Bool) throws {
        guard !isOwner || plan.corpus.id == record.corpusID else {
            throw ReplayError.otherCorpus(name: plan.corpus.name, expected: record.corpusID, found: plan.corpus.id)
        }
        let root = try TrainingRun.seal(plan.gguf, workers: plan.threads, listener).root
        guard root == record.baseRoot else {
            throw ReplayError.otherBase(path: plan.base.path, expected: record.baseRoot, found: root)
        }
        // Under the run's own corpus id: whether the options are the recipe's does not depend on whose key is here.
        var recipe = plan.recipe(root: root).json.asObject ?? [:]
        recipe["corpus_id"] = .string(record.corpusID.hex)
        let found = Recipe(json: .object(recipe)).digest
        guard found == record.recipe.digest else {
            throw ReplayError.otherOptions(expected: record.recipe.digest, found: found)
        }
    }

    /// Losses as both chains have them; of a step that was made twice, across a kill, the last.
    private func judgeLosses(_ recorded: AuditChain, _ again: AuditChain, _ verdict: inout Verdict) {
        let first = Self.losses(recorded)
        let second = Self.losses(again)
        let differing = Set(first.keys).union(second.keys).filter { first[$0] != second[$0] }
        guard let key = differing.min() else {
            verdict.add(
                "losses", .passed, .replay,
                "Trained again, all \(first.count) losses of steps and validations are the recorded ones, digit for digit."
            )
            return
        }
        verdict.add(
            "losses", .failed, .replay,
            "Trained again, \(differing.count) of \(first.count) losses differ; the first is \(key.text): "
                + "\(second[key] ?? "none") here, \(escaped(first[key] ?? "none")) on record.")
    }

    private struct LossKey: Hashable, Comparable {
        let step: Int
        let kind: String

        var text: String { kind == "step" ? "that of step \(step)" : "the validation after step \(step)" }

        static func < (a: LossKey, b: LossKey) -> Bool { (a.step, a.kind) < (b.step, b.kind) }
    }

    private static func losses(_ chain: AuditChain) -> [LossKey: String] {
        var losses: [LossKey: String] = [:]
        for row in chain.rows where ["step", "validation"].contains(row.kind) {
            guard let step = row.body["step"]?.asInt, let loss = row.body["loss"]?.asString else { continue }
            losses[LossKey(step: step, kind: row.kind)] = loss
        }
        return losses
    }

    private func judgeOutcome(_ recorded: String, _ again: String, isOwner: Bool, _ verdict: inout Verdict) throws {
        let first = isOwner ? try contentID(recorded) : try LearnedContent.digest(path: recorded)
        let second = isOwner ? try contentID(again) : try LearnedContent.digest(path: again)
        let what = isOwner ? "content id" : "digest of everything but recipe, signer and signature"
        guard first == second else {
            verdict.add(
                "outcome", .failed, .replay,
                "Trained again, the exported file differs: its \(what) is \(second.hex), the run's is \(first.hex). The "
                    + "run's file was not made by this recipe from this base and this text.")
            return
        }
        verdict.add(
            "outcome", .passed, .replay,
            isOwner
                ? "Trained again, the exported file is the same to the last byte: content id \(first.hex)."
                : "Trained again under another key, the exported file is the same in every byte but recipe, signer and "
                    + "signature: \(first.hex).")
    }

    private func contentID(_ path: String) throws -> SHA256Digest { try SHA256Digest.ofFile(path: path) }
}
