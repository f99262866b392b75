internal import Audit
internal import CommandLineKit
internal import Corpus
internal import Digest
internal import EvidenceCommands
internal import Foundation
internal import GGUF
internal import PolymathKit
internal import Seal
internal import TensorCore

// What several commands take from their arguments in the same way.

extension Arguments {
    /// Where bases, collections and runs are looked for.
    var home: Home { Home.locate(option: text(.home)) }

    /// As many threads as asked for, else one per core.
    var workers: Workers {
        Workers(count: threadCount)
    }

    /// What `--compute` asks for; nil for `auto`.
    var arithmetic: Arithmetic? { text(.compute).flatMap(Arithmetic.init) }

    /// The text or tokens that `--corpus`, `--part` and `--tokens` name; nil where none do.
    func textSource() throws -> EvaluationRun.Source? {
        if let path = text(.tokens) { return .tokens(path: path) }
        guard let reference = text(.corpus) else { return nil }
        let part: Corpus.Part? =
            switch text(.part) {
            case "train": .training
            case "valid": .validation
            case "test": .test
            default: nil
            }
        return .corpus(try CorpusLibrary(home: home).load(reference), part: part)
    }

    /// - Throws: `UsageError` where `--out` names one of the files that a run itself writes.
    func requireOutside(run folder: String) throws {
        guard let out = text(.out), RunFolder.wouldHold(out, in: folder) else { return }
        throw UsageError.impossible("--out would stand where the run keeps a file of its own; choose another name.")
    }

    /// The base that `--base` names, mapped.
    func loadBase(workers: Workers? = nil) throws -> LoadedBase {
        try watching(
            LoadedBase(
                requiredText(.base), home: home, workers: workers ?? self.workers,
                arithmetic: takes(.compute) ? arithmetic ?? .automatic : .f32))
    }

    /// The base, with somebody to tell if its file is cut while the command reads it.
    fileprivate func watching(_ base: LoadedBase) throws -> LoadedBase {
        try base.watchFaults(output: faultOutput)
        return base
    }

    /// Where the last words go when the map of a base faults.
    var faultOutput: FaultOutput {
        takes(.json) && isOn(.json)
            ? .jsonLines(descriptor: STDOUT_FILENO) : .plain(descriptor: STDERR_FILENO, prefix: "polymath: ")
    }
}

extension Console {
    /// Progress over bytes, for hashing a base.
    func hashingProgress(of base: LoadedBase) -> @Sendable (Int) -> Void {
        hashingProgress(base.name, of: base.gguf.tensors.reduce(0) { $0 + $1.byteCount })
    }
}

/// Bases as `polymath` finds them: by name in the catalogue, or as a file.
enum CatalogueBases: BaseAccess {
    static let flags: [Flag] = [.base, .home]

    static func open(_ name: String, _ arguments: Arguments) throws -> BaseAtHand {
        let base = try arguments.watching(
            LoadedBase(name, home: arguments.home, workers: arguments.workers))
        return BaseAtHand(name: base.name, isSynthetic: base.isSynthetic, gguf: base.gguf) { progress in
            try base.manifest(progress: progress)
        }
    }

    /// Puts into the chain what the process that made this run could not, when this identity signed the run.
    static func willVerify(runFolder: String, _ console: Console) throws {
        guard FaultEntry.isLeft(in: runFolder), let path = Identity.defaultPath,
            let identity = try? Identity.load(path: path),
            let chain = try? AuditChain.read(path: runFolder + "/audit.jsonl"), chain.signer == identity.publicKey,
            try FaultEntry.enter(folder: runFolder, identity: identity, occasion: "verify") != nil
        else { return }
        console.note("polymath: the fault that ended this run is now a row of its chain.")
    }
}
