// The left operand of products with weights, in the form that their arithmetic multiplies.

internal import CKernels

extension Arithmetic {
    /// The form in which CKernels holds operands; nil for f32, whose products are the BLAS library's.
    var kind: CKKind? {
        switch self {
        case .f32: nil
        case .bf16: CKBF16
        case .int8: CKInt8
        }
    }

    /// The fastest path of this processor; every path of a kind gives the same bits.
    static func path(_ kind: CKKind) -> CKPath { ck_best_path(kind) }

    /// How activations of a pass in this arithmetic are kept.
    public var activationFormat: ActivationFormat { self == .f32 ? .f32 : .bf16 }

    /// How those are kept that are many and only multiplied element by element: the feed-forward's.
    public var wideActivationFormat: ActivationFormat { self == .f32 ? .f32 : .int8 }
}

/// `[rows, inner]` values as products of one arithmetic read them.
///
/// Sendable by contract, as `Matrix` is.
@safe
public final class PackedRows: @unchecked Sendable {
    public let rows: Int
    public let inner: Int
    public let arithmetic: Arithmetic
    private let start: UnsafeMutableRawPointer
    /// Bytes from one row to the next.
    let stride: Int
    private let owner: AnyObject?

    /// Ranges of inner values that are packed or multiplied on their own begin at multiples of this.
    static let grain = Int(CK_INNER_BLOCK)

    static func stride(_ arithmetic: Arithmetic, inner: Int) -> Int {
        guard let kind = arithmetic.kind else { return (inner * 4 + 63) & ~63 }
        return ck_rows_stride(kind, inner)
    }

    /// - Precondition: `arena` has room for it.
    public init(rows: Int, inner: Int, arithmetic: Arithmetic, in arena: Arena) {
        self.rows = rows
        self.inner = inner
        self.arithmetic = arithmetic
        stride = Self.stride(arithmetic, inner: inner)
        unsafe start = arena.take(rows * stride)
        owner = arena
    }

    /// In memory that somebody else keeps alive: `rows` times ``stride(_:inner:)`` bytes.
    init(rows: Int, inner: Int, arithmetic: Arithmetic, at memory: UnsafeMutablePointer<Float>) {
        self.rows = rows
        self.inner = inner
        self.arithmetic = arithmetic
        stride = Self.stride(arithmetic, inner: inner)
        unsafe start = UnsafeMutableRawPointer(memory)
        owner = nil
    }

    /// The first `count` rows, in the same memory.
    /// - Precondition: there are as many.
    public func firstRows(_ count: Int) -> PackedRows {
        precondition(count >= 0 && count <= rows, "the first \(count) rows of \(rows)")
        return PackedRows(first: count, of: self)
    }

    private init(first count: Int, of whole: PackedRows) {
        rows = count
        inner = whole.inner
        arithmetic = whole.arithmetic
        stride = whole.stride
        unsafe start = whole.start
        owner = whole
    }

    /// Where the values from `inner` index `first` on begin, in the first row.
    /// - Precondition: `first` is a multiple of ``grain``.
    func pointer(from first: Int) -> UnsafeMutableRawPointer {
        guard let kind = arithmetic.kind else { return unsafe start + first * 4 }
        return unsafe start + ck_rows_offset(kind, first)
    }

    /// The same in f32, where a row's values lie as they are.
    var floats: UnsafeMutablePointer<Float> { unsafe start.assumingMemoryBound(to: Float.self) }

    /// Packs `run` of `count` rows from `row` on.
    ///
    /// - Parameters:
    ///   - source: the first of these values; `sourceStride` floats from one row to the next.
    /// - Precondition: `run` begins at a multiple of ``grain`` and ends at one or at the row's end.
    func pack(
        row: Int, count: Int, _ run: Range<Int>, from source: UnsafePointer<Float>, stride sourceStride: Int
    ) {
        let target = unsafe pointer(from: run.lowerBound) + row * stride
        guard let kind = arithmetic.kind else {
            for index in 0..<count {
                unsafe (target + index * stride).assumingMemoryBound(to: Float.self)
                    .update(from: source + index * sourceStride, count: run.count)
            }
            return
        }
        unsafe ck_pack_rows(kind, Arithmetic.path(kind), source, sourceStride, count, run.count, target, stride)
    }

    /// Packs every row of `matrix`.
    /// - Precondition: equal shapes.
    public func pack(_ matrix: Matrix, workers: Workers) {
        workers.times?.begin(.packing)
        defer { workers.times?.end() }
        precondition(matrix.hasShape(rows, inner), "\(matrix.shape) packed as \(rows) × \(inner)")
        workers.forEach(tasks: taskCount(rows, 16)) { task in
            let lines = taskRange(task, 16, rows)
            unsafe pack(
                row: lines.lowerBound, count: lines.count, 0..<inner, from: matrix.pointer + lines.lowerBound * inner,
                stride: inner)
        }
    }

    /// Packs every row of `activation`.
    /// - Precondition: equal shapes.
    public func pack(_ activation: Activation, workers: Workers) {
        workers.times?.begin(.packing)
        defer { workers.times?.end() }
        precondition(
            activation.rows == rows && activation.columns == inner,
            "\(activation.rows) × \(activation.columns) packed as \(rows) × \(inner)")
        unsafe workers.forEach(tasks: taskCount(rows, 16), scratch: inner) { task, scratch in
            for row in taskRange(task, 16, rows) {
                unsafe activation.load(row: row, 0..<inner, into: scratch)
                unsafe pack(row: row, count: 1, 0..<inner, from: scratch, stride: inner)
            }
        }
    }
}

extension Workers {
    /// Lends `matrix` packed for `arithmetic`, in memory that is kept for the next call; not to be nested.
    func withPacked(_ matrix: Matrix, _ arithmetic: Arithmetic, _ body: (PackedRows) -> Void) {
        let floats = matrix.rows * PackedRows.stride(arithmetic, inner: matrix.columns) / 4
        unsafe withKept(floats) { memory in
            let packed = unsafe PackedRows(
                rows: matrix.rows, inner: matrix.columns, arithmetic: arithmetic, at: memory)
            packed.pack(matrix, workers: self)
            body(packed)
        }
    }
}
