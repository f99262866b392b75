internal import Bytes
internal import Digest
internal import Tokenizer

/// A text file that is read piece by piece: checked to be UTF-8, without a byte order mark, and hashed as stored.
final class TextStream {
    let path: String
    /// Bytes read so far, as stored.
    private(set) var byteCount = 0
    /// Of the file as stored, byte order mark included; nil before its end.
    private(set) var digest: SHA256Digest?
    private let file: FileStream
    private var hasher: SHA256Hasher? = SHA256Hasher()
    private var check = UTF8Check()
    private let isText: Bool
    private let isChecked: Bool

    /// - Parameters:
    ///   - isText: false for a file of which only length and digest are wanted.
    ///   - isChecked: false for a file that was checked before, and whose digest will be held against that.
    /// - Throws: `CorpusError.missing` or `.unreadable`.
    init(path: String, isText: Bool = true, isChecked: Bool = true) throws(CorpusError) {
        do throws(BytesError) {
            file = try FileStream(path: path)
        } catch {
            throw Self.error(error, path)
        }
        self.path = path
        self.isText = isText
        self.isChecked = isText && isChecked
    }

    /// The next bytes of the text, which may end inside a character; nil at the end.
    ///
    /// - Throws: `CorpusError.unreadable` or `.notUTF8`.
    func next() throws(CorpusError) -> ArraySlice<UInt8>? {
        guard digest == nil else { return nil }
        while true {
            var piece: [UInt8]
            do throws(BytesError) {
                piece = try file.next()
                // A mark may be cut off in a file of one or two bytes alone.
                while byteCount == 0, !piece.isEmpty, piece.count < 3 {
                    let more = try file.next()
                    if more.isEmpty { break }
                    piece += more
                }
            } catch {
                throw Self.error(error, path)
            }
            if piece.isEmpty {
                if isChecked, let offset = check.unfinished { throw notUTF8(at: offset) }
                digest = hasher.take()?.finalize()
                return nil
            }
            hasher?.update(piece)
            if isChecked, let offset = check.firstInvalidByte(piece) { throw notUTF8(at: offset) }
            let isMarked = isText && byteCount == 0 && piece.starts(with: [0xEF, 0xBB, 0xBF])
            byteCount += piece.count
            let text = piece[(isMarked ? 3 : 0)...]
            if !text.isEmpty { return text }
        }
    }

    /// Reads on to the end, for length and digest.
    func drain() throws(CorpusError) {
        while try next() != nil {}
    }

    private func notUTF8(at offset: Int) -> CorpusError {
        .notUTF8(file: path, line: check.line, offset: offset)
    }

    private static func error(_ error: BytesError, _ path: String) -> CorpusError {
        if case .notFound = error { return .missing(path: path) }
        return .unreadable(path: path, reason: error.description)
    }
}

/// Finds the first byte that is not part of well-formed UTF-8, in bytes that arrive piece by piece.
struct UTF8Check {
    /// Line of the byte that was found, or that comes next, from 1.
    private(set) var line = 1
    /// Bytes seen before the piece.
    private var offset = 0
    /// The beginning of a character that the last piece ended in.
    private var begun: [UInt8] = []

    /// Where a character that was never finished begins; nil where there is none.
    var unfinished: Int? { begun.isEmpty ? nil : offset - begun.count }

    /// - Returns: its offset from the first piece's beginning; then nothing more may be asked.
    mutating func firstInvalidByte(_ piece: [UInt8]) -> Int? {
        if begun.isEmpty, (try? UTF8Span(validating: piece.span)) != nil {
            offset += piece.count
            for byte in piece where byte == 0x0A { line += 1 }
            return nil
        }
        let bytes = begun.isEmpty ? piece : begun + piece
        let start = offset - begun.count
        begun = []
        var index = 0
        while index < bytes.count {
            let lead = bytes[index]
            if lead < 0x80 {
                if lead == 0x0A { line += 1 }
                index += 1
                continue
            }
            let (length, second): (Int, ClosedRange<UInt8>)
            switch lead {
            case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
            case 0xE0: (length, second) = (3, 0xA0...0xBF)
            case 0xED: (length, second) = (3, 0x80...0x9F)
            case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
            case 0xF0: (length, second) = (4, 0x90...0xBF)
            case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
            case 0xF4: (length, second) = (4, 0x80...0x8F)
            default: return start + index
            }
            let end = min(index + length, bytes.count)
            if index + 1 < end, !second.contains(bytes[index + 1]) { return start + index }
            if index + 2 < end, !bytes[(index + 2)..<end].allSatisfy({ $0 & 0xC0 == 0x80 }) { return start + index }
            if index + length > bytes.count {
                begun = Array(bytes[index...])
                break
            }
            index += length
        }
        offset += piece.count
        return nil
    }
}
