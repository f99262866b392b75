public import Conventions
public import Corpus
internal import Foundation

/// The collections in the home's `Corpora` folder, and what `--corpus` may name.
public struct CorpusLibrary: Sendable {
    /// The folder that holds one folder per collection.
    public let folder: String

    public init(home: Home) {
        folder = home.corpora
    }

    /// Names of the collections, ascending: folders with a `corpus.json` or a `train.jsonl`.
    public var names: [String] {
        let found = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return found.filter { name in
            !name.hasPrefix(".")
                && ["corpus.json", "train.jsonl"].contains { InputPath.exists("\(folder)/\(name)/\($0)") }
        }.sorted()
    }

    /// The path that `--corpus` means: a path that exists, else a collection's name.
    public func path(of reference: String) throws(InputError) -> String {
        if InputPath.exists(reference) { return reference }
        guard !reference.contains("/") else { throw .missing(kind: "corpus", path: reference) }
        let known = names
        guard known.contains(reference) else { throw .unknownCorpus(name: reference, known: known, folder: folder) }
        return "\(folder)/\(reference)"
    }

    /// Loads what `--corpus` means; digests in its `corpus.json` are checked.
    public func load(_ reference: String) throws -> Corpus {
        try Corpus.load(path: path(of: reference))
    }
}
