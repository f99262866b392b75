public import Digest

/// A JSON array of token ids: training and evaluation without a tokenizer.
public struct TokenFile: Sendable {
    public let path: String
    /// The tokens as one document in which every token counts.
    public let stream: TokenStream
    /// Length as stored, in bytes.
    public let byteCount: Int
    public let digest: SHA256Digest

    /// Reads a token file, piece by piece.
    ///
    /// - Parameters:
    ///   - vocabularySize: every id must be at least 0 and below this.
    ///   - storage: where the tokens are kept.
    /// - Throws: `CorpusError` naming the file, and the index of an id outside the vocabulary.
    public init(path: String, vocabularySize: Int, storage: TokenStorage = TokenStorage()) throws(CorpusError) {
        let stream = try TextStream(path: path, isText: false)
        var array = IntegerArray(stream)
        var packer = TokenPacker(storage)
        var gathered: [Int32] = []
        var count = 0
        do throws(IntegerArray.Problem) {
            while let id = try array.next() {
                guard id >= 0, id < vocabularySize, let token = Int32(exactly: id) else { throw .outOfRange(id) }
                gathered.append(token)
                count += 1
                guard gathered.count == 1 << 12 else { continue }
                do throws(CorpusError) { try packer.append(gathered, counted: true) } catch { throw .other(error) }
                gathered.removeAll(keepingCapacity: true)
            }
        } catch {
            switch error {
            case .outOfRange(let id):
                throw .tokenOutOfRange(file: path, index: count, id: id, vocabularySize: vocabularySize)
            case .malformed(let offset, let expected):
                throw .malformedTokens(
                    file: path, reason: "at byte \(offset), after \(count) ids, there should be \(expected).")
            case .nothing: throw .empty(path: path)
            case .other(let error): throw error
            }
        }
        guard count > 0, let digest = stream.digest else { throw .empty(path: path) }
        try packer.append(gathered, counted: true)
        self.path = path
        self.stream = try packer.finish()
        self.byteCount = stream.byteCount
        self.digest = digest
    }

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
        /// Nothing but white space.
        case nothing
        case other(CorpusError)
    }

    private let stream: TextStream
    private var piece: ArraySlice<UInt8> = []
    /// Of the next byte in the file.
    private var offset = 0
    private var hasBegun = false

    init(_ stream: TextStream) { self.stream = stream }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    /// The next integer, or nil after the array's end, with nothing but white space behind it.
    mutating func next() throws(Problem) -> Int64? {
        if !hasBegun {
            hasBegun = true
            try skipSpace()
            guard try peek() != nil else { throw .nothing }
            guard try take("[") else { throw .malformed(offset: offset, expected: "\"[\"") }
            if try take("]") { return try end() }
        } else {
            if try take("]") { return try end() }
            guard try take(",") else { throw .malformed(offset: offset, expected: "\",\" or \"]\"") }
        }
        try skipSpace()
        return try integer()
    }

    private mutating func end() throws(Problem) -> Int64? {
        try skipSpace()
        guard try peek() == nil else { throw .malformed(offset: offset, expected: "nothing more") }
        return nil
    }

    private mutating func integer() throws(Problem) -> Int64 {
        let start = offset
        let isNegative = try peek() == UInt8(ascii: "-")
        if isNegative { advance() }
        let firstDigit = offset
        var beginsWithZero = false
        var value: Int64 = 0
        while let byte = try peek(), byte >= 0x30, byte <= 0x39 {
            if offset == firstDigit { beginsWithZero = byte == 0x30 }
            // Past this bound the id is out of every vocabulary's range; its exact value no longer matters.
            value = min(value * 10 + Int64(byte - 0x30), 1 << 53)
            advance()
        }
        let hasLeadingZero = beginsWithZero && offset - firstDigit > 1
        let isFraction = try peek().map { [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains($0) }
        guard offset > firstDigit, !hasLeadingZero, isFraction != true else {
            throw .malformed(offset: start, expected: "a whole number")
        }
        return isNegative ? -value : value
    }

    private mutating func take(_ character: Unicode.Scalar) throws(Problem) -> Bool {
        try skipSpace()
        guard try peek() == UInt8(ascii: character) else { return false }
        advance()
        return true
    }

    private mutating func skipSpace() throws(Problem) {
        while let byte = try peek(), Self.isSpace(byte) { advance() }
    }

    /// The next byte; nil at the end of the file.
    private mutating func peek() throws(Problem) -> UInt8? {
        if let byte = piece.first { return byte }
        do throws(CorpusError) {
            piece = try stream.next() ?? []
        } catch {
            throw .other(error)
        }
        return piece.first
    }

    /// Passes over a byte that was peeked at.
    private mutating func advance() {
        piece = piece.dropFirst()
        offset += 1
    }
}
