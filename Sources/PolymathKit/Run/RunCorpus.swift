internal import Conventions
internal import Corpus
internal import Digest
internal import Foundation
internal import Tokenizer

/// A run's text as windows, and what may be said of it without showing it.
struct RunCorpus {
    /// Folder's or file's own name, for people.
    let name: String
    /// HMAC of the corpus's digests under a key of the identity (design, section 6).
    let id: SHA256Digest
    let isDefault: Bool
    let training: Windows
    /// nil where no validation was wanted or possible.
    let validation: Windows?
    let trainingTokens: Int

    /// Reads `tokens` or `corpus`, tokenizes, and cuts windows of `sequenceLength`.
    ///
    /// No more of the text is in memory than a stretch or a row of it, and of its tokens what `storage` allows.
    ///
    /// - Throws: `CorpusError`, naming file and line; `RunError` when both or neither can be found.
    static func load(
        _ request: TrainingRequest, library: CorpusLibrary, key: [UInt8], sequenceLength: Int, vocabularySize: Int,
        storage: TokenStorage, tokenizer: () throws -> Tokenizer
    ) throws -> RunCorpus {
        if request.corpus != nil, request.tokens != nil { throw RunError.bothCorpusAndTokens }
        if let path = request.tokens {
            try InputPath.requireFile(path, kind: "token file")
            let file = try TokenFile(path: path, vocabularySize: vocabularySize, storage: storage)
            return try RunCorpus(
                name: path.lastComponent, id: file.id(key: key), isDefault: false, stream: file.stream,
                validation: nil, request, sequenceLength)
        }
        let preset = library.folder + "/" + TrainingRequest.Defaults.collection
        if request.corpus == nil, !FileManager.default.fileExists(atPath: preset) {
            throw RunError.noDefaultCorpus(folder: library.folder)
        }
        // The test part is for published figures alone: a run must not depend on what it says.
        let corpus = try Corpus.load(
            path: request.corpus.map { try library.path(of: $0) } ?? preset, parts: [.training, .validation])
        let tokenizer = try tokenizer()
        let validation =
            corpus.validation.isEmpty || request.validationFraction == 0
            ? nil : try TokenStream(corpus.validation, tokenizer: tokenizer, storage: storage)
        return try RunCorpus(
            name: corpus.name, id: corpus.id(key: key), isDefault: request.corpus == nil,
            stream: try TokenStream(corpus.training, tokenizer: tokenizer, storage: storage), validation: validation,
            request,
            sequenceLength)
    }

    private init(
        name: String, id: SHA256Digest, isDefault: Bool, stream: TokenStream, validation: TokenStream?,
        _ request: TrainingRequest, _ sequenceLength: Int
    ) throws {
        self.name = name
        self.id = id
        self.isDefault = isDefault
        let windows = try Windows(stream, sequenceLength: sequenceLength)
        if let validation {
            training = windows
            self.validation = try Windows(validation, sequenceLength: sequenceLength)
        } else {
            let parts = try windows.split(validationFraction: request.validationFraction)
            training = parts.training
            self.validation = parts.validation
        }
        trainingTokens = stream.count
    }
}

extension String {
    /// What follows the last slash.
    var lastComponent: String { split(separator: "/").last.map(String.init) ?? self }
}
