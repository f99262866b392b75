import Bytes
import Foundation
import GGUF

/// Makes bases of a known shape with seeded random weights, where the real file cannot be had.
///
/// The same shape, layout, seed and vocabulary give the same bytes. The file says in its name, in `general.name`,
/// in `general.description` and in `polymath.synthetic` that its weights are random: it speaks no language.
public struct BaseSynthesis: Sendable {
    /// The catalogue's names whose shape is known.
    public static let names = ["qwen-1.5b-q4"]

    public let shape: SyntheticShape
    public let layout: SyntheticShape.Layout
    public let seed: UInt64
    /// A GGUF file whose tokenizer records are copied; without one, 256 byte tokens and unused fillers.
    public let vocabularyPath: String?

    public init(
        shape: SyntheticShape, layout: SyntheticShape.Layout = .q4_k_m, seed: UInt64 = 0, vocabularyPath: String? = nil
    ) {
        self.shape = shape
        self.layout = layout
        self.seed = seed
        self.vocabularyPath = vocabularyPath
    }

    /// - Parameters:
    ///   - name: a name of the catalogue, such as `qwen-1.5b-q4`.
    ///   - layers: another depth than the shape's own.
    public init(
        name: String, layers: Int? = nil, layout: SyntheticShape.Layout = .q4_k_m, seed: UInt64 = 0,
        vocabularyPath: String? = nil
    ) throws(BaseError) {
        guard Self.names.contains(name) else { throw .noShape(name: name, known: Self.names) }
        let shape = SyntheticShape.qwen1_5B
        self.init(shape: layers.map(shape.with) ?? shape, layout: layout, seed: seed, vocabularyPath: vocabularyPath)
    }

    /// `Checkpoints/NAME-synthetic.gguf`.
    public static func defaultPath(name: String, home: Home) -> String {
        home.checkpoints + "/" + name + "-synthetic.gguf"
    }

    /// Writes the file in one step; a synthetic base that is there already is replaced, anything else is not.
    ///
    /// - Parameter progress: bytes of tensors written and their total, about once per megabyte.
    /// - Returns: the file's size in bytes.
    @discardableResult
    public func write(to path: String, progress: (@Sendable (Int, Int) -> Void)? = nil) throws -> Int {
        if let vocabularyPath, PathIdentity.isSamePlace(vocabularyPath, path) {
            throw BaseError.wouldReplaceInput(path: path)
        }
        let isThere = PathKind.at(path, followingLinks: false) != nil
        if isThere, !Self.isSynthetic(path) { throw BaseError.exists(path: path) }
        let meter = Meter(progress: progress)
        let writer = try writer(meter: meter)
        let byteCount = try writer.byteCount()
        meter.total = byteCount
        try DiskSpace.require(byteCount, for: path)
        let folders = try DiskSpace.makeFolder(of: path)
        do {
            let staged = try writer.stage(for: path)
            // What is there now need not be what was there before.
            if isThere, !Self.isSynthetic(path) {
                staged.discard()
                throw BytesError.exists(path: path)
            }
            try staged.put(isThere ? .replacing : .new)
        } catch {
            folders.remove()
            throw error
        }
        return byteCount
    }

    private static func isSynthetic(_ path: String) -> Bool {
        PathKind.at(path, followingLinks: false) == .regularFile
            && (try? GGUFFile(path: path))?[BaseReference.syntheticKey] == .bool(true)
    }

    private final class Meter {
        var total = 0
        private var done = 0
        private let progress: (@Sendable (Int, Int) -> Void)?

        init(progress: (@Sendable (Int, Int) -> Void)?) { self.progress = progress }

        func add(_ byteCount: Int) {
            done += byteCount
            progress?(done, total)
        }
    }

    private func writer(meter: Meter) throws -> GGUFWriter {
        var writer = GGUFWriter()
        for (key, value) in metadata { writer.add(key, value) }
        if let vocabularyPath {
            for record in try SyntheticVocabulary.records(from: vocabularyPath, count: shape.vocabulary) {
                writer.add(record)
            }
        } else {
            for (key, value) in SyntheticVocabulary.ofBytes(count: shape.vocabulary) { writer.add(key, value) }
        }
        for tensor in shape.tensors(layout: layout) {
            let rows = SyntheticRows(tensor: tensor, seed: seed)
            writer.add(tensor: tensor.name, tensor.type, tensor.dimensions) { sink in
                let pieceLimit = 1 << 20
                var piece: [UInt8] = []
                piece.reserveCapacity(pieceLimit + (1 << 16))
                for row in 0..<rows.count {
                    rows.append(row: row, to: &piece)
                    if piece.count >= pieceLimit || row == rows.count - 1 {
                        try sink.write(piece)
                        meter.add(piece.count)
                        piece.removeAll(keepingCapacity: true)
                    }
                }
            }
        }
        return writer
    }

    private var metadata: [(String, GGUFValue)] {
        [
            ("general.architecture", .string("qwen2")),
            ("general.type", .string("model")),
            ("general.name", .string("\(shape.title), \(layout.rawValue), synthetic weights")),
            (
                "general.description",
                .string("Synthetic weights: seeded random numbers in a published shape. For tests and timings only.")
            ),
            (BaseReference.syntheticKey, .bool(true)),
            ("polymath.synthetic.seed", .uint64(seed)),
            ("general.file_type", .uint32(layout.fileType)),
            ("general.quantization_version", .uint32(2)),
            ("qwen2.block_count", .uint32(UInt32(shape.layers))),
            ("qwen2.context_length", .uint32(UInt32(shape.context))),
            ("qwen2.embedding_length", .uint32(UInt32(shape.width))),
            ("qwen2.feed_forward_length", .uint32(UInt32(shape.feedForward))),
            ("qwen2.attention.head_count", .uint32(UInt32(shape.heads))),
            ("qwen2.attention.head_count_kv", .uint32(UInt32(shape.keyValueHeads))),
            ("qwen2.rope.freq_base", .float32(shape.rotaryBase)),
            ("qwen2.attention.layer_norm_rms_epsilon", .float32(shape.epsilon)),
        ]
    }
}
