internal import Bytes
internal import Tokenizer

/// Reads the documents of one file in bounded memory: rows one by one, a plain text in stretches.
///
/// A file is read anew whenever its documents are wanted, and must then be what it was.
struct DocumentReader {
    /// What comes next.
    enum Fragment {
        /// A row of a `.jsonl` file.
        case row(Document)
        /// The next stretch of the one document that a plain file is; its line ends are `\n`.
        case stretch([UInt8])
        /// The plain file's document ends.
        case end
    }

    private let file: CorpusFile
    private let stream: TextStream
    private var lines: TextLines
    private var text: PlainText
    private var isAtEnd = false

    /// - Parameter keepingWords: whether stretches end where words and graphemes end.
    init(_ file: CorpusFile, keepingWords: Bool = false) throws(CorpusError) {
        self.file = file
        stream = try TextStream(path: file.path, isChecked: false)
        lines = TextLines(stream)
        text = PlainText(stream, keepingWords: keepingWords)
    }

    /// - Throws: `CorpusError`; `.changed` where the file is not what it was when the corpus was loaded.
    mutating func next() throws(CorpusError) -> Fragment? {
        guard !isAtEnd else { return nil }
        if file.holdsRows {
            if let line = try lines.next() { return .row(try Document.row(line, of: file.path)) }
        } else if let stretch = try text.next() {
            return .stretch(stretch)
        }
        isAtEnd = true
        guard stream.digest == file.digest else { throw .changed(file: file.path) }
        return file.holdsRows ? nil : .end
    }
}

/// The lines of a stream that hold more than white space, numbered from 1; a line ends with `\n` or `\r\n`.
struct TextLines {
    private let stream: TextStream
    private var pending: [UInt8] = []
    /// Where the next line begins in `pending`.
    private var start = 0
    /// Bytes of `pending` that hold no line end.
    private var searched = 0
    private var number = 0
    private var isAtEnd = false

    init(_ stream: TextStream) { self.stream = stream }

    mutating func next() throws(CorpusError) -> (number: Int, bytes: [UInt8])? {
        while true {
            let end = pending[searched...].firstIndex(of: 0x0A)
            guard let end = end ?? (isAtEnd ? pending.count : nil) else {
                searched = pending.count
                guard searched - start <= Document.longestRow else {
                    throw .rowTooLong(file: stream.path, line: number + 1, limit: Document.longestRow)
                }
                try fill()
                continue
            }
            guard start < pending.count else { return nil }
            let line = pending[start..<end]
            start = end + 1
            searched = min(start, pending.count)
            start = searched
            number += 1
            guard line.count <= Document.longestRow else {
                throw .rowTooLong(file: stream.path, line: number, limit: Document.longestRow)
            }
            guard !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) else { continue }
            return (number, Array(line.last == 0x0D ? line.dropLast() : line))
        }
    }

    private mutating func fill() throws(CorpusError) {
        guard let piece = try stream.next() else {
            isAtEnd = true
            return
        }
        // Lines that were given out go once for each piece, not once for each line.
        pending.removeSubrange(..<start)
        searched -= start
        start = 0
        pending.append(contentsOf: piece)
    }
}

/// A stream's whole text, with line ends of `\r\n` turned into `\n`, in stretches that can be tokenized apart.
struct PlainText {
    private let stream: TextStream
    private var stretches: TextStretches
    private var hasReturn = false
    private var isAtEnd = false
    /// Line ends in what was given out.
    private var lineEnds = 0

    init(_ stream: TextStream, keepingWords: Bool = false) {
        self.stream = stream
        stretches = TextStretches(keepingWords: keepingWords)
    }

    /// - Throws: `CorpusError.uncuttable`, with the line in which the stretch that is too long begins.
    mutating func next() throws(CorpusError) -> [UInt8]? {
        while !isAtEnd {
            guard let piece = try stream.next() else {
                isAtEnd = true
                var rest: [UInt8] = []
                if hasReturn, let last = try add([0x0D]) { rest = last }
                rest += stretches.finish()
                return rest.isEmpty ? nil : rest
            }
            if let stretch = try add(joiningLineEnds(piece)) {
                lineEnds += stretch.count { $0 == 0x0A }
                return stretch
            }
        }
        return nil
    }

    private mutating func add(_ text: ArraySlice<UInt8>) throws(CorpusError) -> [UInt8]? {
        do throws(TokenizerError) {
            return try stretches.add(text)
        } catch {
            throw .uncuttable(file: stream.path, line: lineEnds + 1, limit: TextStretches.longest)
        }
    }

    /// The piece without the `\r` of any `\r\n`; one at its end waits for what follows.
    private mutating func joiningLineEnds(_ piece: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard hasReturn || piece.contains(0x0D) else { return piece }
        var text: [UInt8] = []
        text.reserveCapacity(piece.count + 1)
        for byte in piece {
            if hasReturn, byte != 0x0A { text.append(0x0D) }
            hasReturn = byte == 0x0D
            if !hasReturn { text.append(byte) }
        }
        return text[...]
    }
}
