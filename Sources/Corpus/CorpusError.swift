public import Bytes
public import Tokenizer

/// Why a corpus, a token file or a selection of windows cannot be used.
public enum CorpusError: Error, Equatable, Sendable {
    case missing(path: String)
    case unreadable(path: String, reason: String)
    case unsupportedFile(path: String)
    case empty(path: String)
    case noDocuments(folder: String)
    /// `line` counts from 1, `offset` is the first bad byte's place in the file.
    case notUTF8(file: String, line: Int, offset: Int)
    case malformedRow(file: String, line: Int, reason: String)
    /// A line of a `.jsonl` file has more than `limit` bytes.
    case rowTooLong(file: String, line: Int, limit: Int)
    /// A plain text has more than `limit` bytes, and is wanted whole.
    case documentTooLong(file: String, limit: Int)
    /// More than `limit` bytes of a plain text, from `line` on, without a place at which it could be cut.
    case uncuttable(file: String, line: Int, limit: Int)
    /// A file is not what it was when the corpus was loaded.
    case changed(file: String)
    /// Eight-word runs of earlier parts take more than `limit` bytes of memory.
    case tooManyRuns(file: String, limit: Int)
    /// Tokens can no longer be put aside, or read back.
    case storage(BytesError)
    case malformedTokens(file: String, reason: String)
    case tokenOutOfRange(file: String, index: Int, id: Int64, vocabularySize: Int)
    case malformedRecord(file: String, reason: String)
    case digestMismatch(file: String, expected: String, actual: String)
    case unrecordedFile(file: String, record: String)
    case tooFewTokens(count: Int, needed: Int, sequenceLength: Int)
    case nothingCounted(windows: Int)
    case invalidSequenceLength(Int)
    case invalidValidationFraction(Double)
    case tokenizer(TokenizerError)
}

extension CorpusError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missing(let path):
            "There is no file or folder \(shown(path))."
        case .unreadable(let path, let reason):
            "\(shown(path)) cannot be read: \(reason)"
        case .unsupportedFile(let path):
            "\(shown(path)) is not a corpus: it must be a folder or a .jsonl, .txt or .md file."
        case .empty(let path):
            "\(shown(path)) is empty: it holds no document."
        case .noDocuments(let folder):
            "The folder \(shown(folder)) holds no document: it needs train.jsonl, or .jsonl, .txt or .md files."
        case .notUTF8(let file, let line, let offset):
            "\(shown(file)), line \(line): byte \(offset) is not UTF-8 text; save the file as UTF-8."
        case .malformedRow(let file, let line, let reason):
            "\(shown(file)), line \(line): \(reason)"
        case .rowTooLong(let file, let line, let limit):
            "\(shown(file)), line \(line): the row has more than \(limit) bytes; put a longer text into a .txt file of its "
                + "own, or into several rows."
        case .documentTooLong(let file, let limit):
            "\(shown(file)) has more than \(limit) bytes, which is too long for one row; cut it into several files."
        case .uncuttable(let file, let line, let limit):
            "\(shown(file)), line \(line): more than \(limit) bytes follow without a space, line end or digit between "
                + "words, so they are no text that can be read."
        case .changed(let file):
            "\(shown(file)) changed while it was read; try again when nobody writes to it."
        case .tooManyRuns(let file, let limit):
            "Comparing the words of \(shown(file)) with the other parts takes more than the \(limit) bytes of memory that "
                + "this process may still hold."
        case .storage(let error):
            "The tokens of the text cannot be kept: \(error.description)."
        case .malformedTokens(let file, let reason):
            "\(shown(file)) is not a JSON array of token ids: \(reason)"
        case .tokenOutOfRange(let file, let index, let id, let size):
            "\(shown(file)): token id \(id) at index \(index) is outside the vocabulary, 0 to \(size - 1)."
        case .malformedRecord(let file, let reason):
            "\(shown(file)) is not a corpus record: \(reason)"
        case .digestMismatch(let file, let expected, let actual):
            "\(shown(file)) has changed: its SHA-256 is \(actual), its record says \(expected)."
        case .unrecordedFile(let file, let record):
            "\(shown(file)) is not recorded in \(shown(record)), which must name the digest of every part."
        case .tooFewTokens(let count, let needed, let length):
            "The corpus has \(count) tokens, but one window of \(length) tokens and their targets needs \(needed)."
        case .nothingCounted(let windows):
            "None of the \(windows) windows has a target that counts: the rows hold prompts but no completions."
        case .invalidSequenceLength(let length):
            "A sequence length of \(length) is impossible; it must be at least 1."
        case .invalidValidationFraction(let fraction):
            "A validation fraction of \(fraction) is impossible; it must be at least 0 and below 1."
        case .tokenizer(let error):
            error.description
        }
    }

    private func shown(_ path: String) -> String { escaped(path, limit: 200) }
}
