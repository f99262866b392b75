internal import Bytes
public import Digest

/// A JSON array of token ids: training and evaluation without a tokenizer.
public struct TokenFile: Equatable, Sendable {
    public let path: String
    public let tokens: [Int32]
    /// Length as stored, in bytes.
    public let byteCount: Int
    public let digest: SHA256Digest

    /// Reads a token file.
    ///
    /// - Parameter vocabularySize: every id must be at least 0 and below this.
    /// - Throws: `CorpusError` naming the file, and the index of an id outside the vocabulary.
    public init(path: String, vocabularySize: Int) throws(CorpusError) {
        let bytes: [UInt8]
        do throws(BytesError) {
            bytes = try WholeFile.read(path)
        } catch {
            if case .notFound = error { throw .missing(path: path) }
            throw .unreadable(path: path, reason: error.description)
        }
        guard bytes.contains(where: { !IntegerArray.isSpace($0) }) else { throw .empty(path: path) }
        var array = IntegerArray(bytes: bytes)
        var tokens: [Int32] = []
        do throws(IntegerArray.Problem) {
            while let id = try array.next() {
                guard id >= 0, id < vocabularySize, let token = Int32(exactly: id) else {
                    throw IntegerArray.Problem.outOfRange(id)
                }
                tokens.append(token)
            }
        } catch {
            switch error {
            case .outOfRange(let id):
                throw .tokenOutOfRange(file: path, index: tokens.count, id: id, vocabularySize: vocabularySize)
            case .malformed(let offset, let expected):
                throw .malformedTokens(
                    file: path, reason: "at byte \(offset), after \(tokens.count) ids, there should be \(expected).")
            }
        }
        guard !tokens.isEmpty else { throw .empty(path: path) }
        self.path = path
        self.tokens = tokens
        byteCount = bytes.count
        digest = SHA256Digest.of(bytes)
    }

    /// The tokens as one document in which every token counts.
    public var stream: TokenStream { TokenStream(tokens: tokens) }

    /// The corpus id of a token file, keyed like `Corpus.id(key:)`.
    public func id(key: [UInt8]) -> SHA256Digest {
        Corpus.id(key: key, digests: [.training: [digest]])
    }
}

/// A strict reader of a JSON array of integers, without the cost of a JSON tree per id.
private struct IntegerArray {
    enum Problem: Error {
        case malformed(offset: Int, expected: String)
        case outOfRange(Int64)
    }

    let bytes: [UInt8]
    private var offset = 0
    private var hasBegun = false

    init(bytes: [UInt8]) { self.bytes = bytes }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    /// The next integer, or nil after the array's end, with nothing but white space behind it.
    mutating func next() throws(Problem) -> Int64? {
        if !hasBegun {
            hasBegun = true
            guard take("[") else { throw .malformed(offset: offset, expected: "\"[\"") }
            if take("]") { return try end() }
        } else {
            if take("]") { return try end() }
            guard take(",") else { throw .malformed(offset: offset, expected: "\",\" or \"]\"") }
        }
        skipSpace()
        return try integer()
    }

    private mutating func end() throws(Problem) -> Int64? {
        skipSpace()
        guard offset == bytes.count else { throw .malformed(offset: offset, expected: "nothing more") }
        return nil
    }

    private mutating func integer() throws(Problem) -> Int64 {
        let start = offset
        let isNegative = offset < bytes.count && bytes[offset] == UInt8(ascii: "-")
        if isNegative { offset += 1 }
        let firstDigit = offset
        var value: Int64 = 0
        while offset < bytes.count, bytes[offset] >= 0x30, bytes[offset] <= 0x39 {
            // Past this bound the id is out of every vocabulary's range; its exact value no longer matters.
            value = min(value * 10 + Int64(bytes[offset] - 0x30), 1 << 53)
            offset += 1
        }
        let hasLeadingZero = offset - firstDigit > 1 && bytes[firstDigit] == 0x30
        let isFraction =
            offset < bytes.count && [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[offset])
        guard offset > firstDigit, !hasLeadingZero, !isFraction else {
            throw .malformed(offset: start, expected: "a whole number")
        }
        return isNegative ? -value : value
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    private mutating func skipSpace() {
        while offset < bytes.count, Self.isSpace(bytes[offset]) { offset += 1 }
    }
}
