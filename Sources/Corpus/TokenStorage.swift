internal import Bytes
public import Foundation
internal import Tokenizer

/// Where the tokens of a text are kept: in memory up to a limit, beyond it in a file without a name.
public struct TokenStorage: Sendable {
    /// Bytes that they may take in memory.
    public var memoryLimit: Int
    /// Where the file is made.
    public var folder: String
    /// Bytes that are left free on the folder's file system.
    public var reserve: Int

    public static let defaultMemoryLimit = 4 << 20
    public static let defaultReserve = 16 << 20

    public init(
        memoryLimit: Int = Self.defaultMemoryLimit, folder: String = FileManager.default.temporaryDirectory.path,
        reserve: Int = Self.defaultReserve
    ) {
        self.memoryLimit = memoryLimit
        self.folder = folder
        self.reserve = reserve
    }
}

/// Tokens in four bytes each: the id, and in the highest bit whether it does not count when it is the target.
enum PackedToken {
    static let uncounted: UInt32 = 1 << 31

    static func id(_ word: UInt32) -> Int32 { Int32(bitPattern: word & ~uncounted) }
    static func isCounted(_ word: UInt32) -> Bool { word & uncounted == 0 }
}

/// Takes tokens in their order and puts them where a ``TokenStorage`` says.
struct TokenPacker {
    private let storage: TokenStorage
    /// Those that are not in the file.
    private var words: [UInt32] = []
    private var file: ScratchFile?
    private var written = 0
    private var countedCount = 0

    /// Tokens that are gathered for one write.
    private static let gathered = 1 << 16

    init(_ storage: TokenStorage) { self.storage = storage }

    /// - Throws: `CorpusError.storage` for a disk that is full or cannot be written.
    mutating func append(_ tokens: [Int32], counted: Bool) throws(CorpusError) {
        for token in tokens { words.append(UInt32(bitPattern: token) | (counted ? 0 : PackedToken.uncounted)) }
        if counted { countedCount += tokens.count }
        try settle()
    }

    /// Takes a row's parts: their texts are tokenized a stretch at a time.
    mutating func append(
        _ parts: [(part: LayoutPart, counted: Bool)], _ tokenizer: Tokenizer
    ) throws(CorpusError) {
        for (part, isCounted) in parts {
            switch part {
            case .token(let token): try append([token], counted: isCounted)
            case .text(let text):
                // A row is short enough for any word in it.
                var encoder = StreamingEncoder(tokenizer, stretches: TextStretches(longest: .max))
                var rest = Array(text.utf8)[...]
                var tokens: [Int32] = []
                while !rest.isEmpty {
                    let piece = rest.prefix(TextStretches.shortest)
                    rest = rest.dropFirst(piece.count)
                    do throws(TokenizerError) {
                        try encoder.append(piece, to: &tokens)
                    } catch {
                        throw .tokenizer(error)
                    }
                    try append(tokens, counted: isCounted)
                    tokens.removeAll(keepingCapacity: true)
                }
                encoder.finish(to: &tokens)
                try append(tokens, counted: isCounted)
            }
        }
    }

    private mutating func settle() throws(CorpusError) {
        guard words.count > (file == nil ? storage.memoryLimit / 4 : Self.gathered) else { return }
        try flush()
    }

    private mutating func flush() throws(CorpusError) {
        do throws(BytesError) {
            let target: ScratchFile
            if let file { target = file } else { target = try ScratchFile(in: storage.folder) }
            file = target
            let byteCount = words.count * 4
            if let free = target.availableByteCount, free - storage.reserve < byteCount {
                throw .noSpace(path: storage.folder, needed: byteCount + storage.reserve, free: free)
            }
            try target.write(words: words.span, at: written * 4)
        } catch {
            throw .storage(error)
        }
        written += words.count
        words = []
    }

    consuming func finish() throws(CorpusError) -> TokenStream {
        if file != nil { try flush() }
        let kept = words
        return TokenStream(
            count: written + kept.count, countedCount: countedCount,
            words: file.map { .file($0) } ?? .memory(kept))
    }
}
