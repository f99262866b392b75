internal import Bytes
internal import Digest

/// A text file as read: checked to be UTF-8, without a byte order mark.
struct TextFile {
    let path: String
    /// UTF-8, after the byte order mark if there was one.
    let bytes: [UInt8]
    /// Length and digest of the file as stored, byte order mark included.
    let storedByteCount: Int
    let digest: SHA256Digest

    /// - Parameter isRead: false for a file of which only length and digest are wanted; ``bytes`` is empty then.
    /// - Throws: `CorpusError.missing`, `.unreadable` or `.notUTF8`.
    init(path: String, isRead: Bool = true) throws(CorpusError) {
        let stored: [UInt8]
        do throws(BytesError) {
            stored = try WholeFile.read(path)
        } catch {
            if case .notFound = error { throw .missing(path: path) }
            throw .unreadable(path: path, reason: error.description)
        }
        if isRead, let offset = Self.firstInvalidByte(stored) {
            let line = 1 + stored[..<offset].count { $0 == UInt8(ascii: "\n") }
            throw .notUTF8(file: path, line: line, offset: offset)
        }
        self.path = path
        storedByteCount = stored.count
        digest = SHA256Digest.of(stored)
        guard isRead else {
            bytes = []
            return
        }
        bytes = stored.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(stored.dropFirst(3)) : stored
    }

    /// The whole text with line ends of `\r\n` turned into `\n`.
    var text: String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        for (index, byte) in bytes.enumerated() {
            if byte == 0x0D, index + 1 < bytes.count, bytes[index + 1] == 0x0A { continue }
            text.append(byte)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The lines that hold more than white space, numbered from 1; a line ends with `\n` or `\r\n`.
    var lines: [(number: Int, bytes: [UInt8])] {
        var lines: [(number: Int, bytes: [UInt8])] = []
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
        where !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) {
            lines.append((index + 1, Array(line.last == 0x0D ? line.dropLast() : line)))
        }
        return lines
    }

    /// The offset of the first byte that is not part of well-formed UTF-8, or nil.
    private static func firstInvalidByte(_ bytes: [UInt8]) -> Int? {
        var index = 0
        while index < bytes.count {
            let lead = bytes[index]
            let (length, second): (Int, ClosedRange<UInt8>)
            switch lead {
            case 0x00...0x7F:
                index += 1
                continue
            case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
            case 0xE0: (length, second) = (3, 0xA0...0xBF)
            case 0xED: (length, second) = (3, 0x80...0x9F)
            case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
            case 0xF0: (length, second) = (4, 0x90...0xBF)
            case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
            case 0xF4: (length, second) = (4, 0x80...0x8F)
            default: return index
            }
            guard index + length <= bytes.count, second.contains(bytes[index + 1]),
                bytes[(index + 2)..<(index + length)].allSatisfy({ $0 & 0xC0 == 0x80 })
            else { return index }
            index += length
        }
        return nil
    }
}
