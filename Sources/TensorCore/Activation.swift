// Activations as they are kept for backward. A value is rounded when it is stored: whoever loads it, now or after a
// recomputation, gets the same bits.

internal import CKernels

/// How activations are kept.
public enum ActivationFormat: String, Sendable {
    case f32
    /// Rounded to nearest, ties to even.
    case bf16
    /// A signed byte and, per 32 values of a row, a scale: absmax / 127.
    case int8

    /// Bytes of one row, a multiple of 64 so that rows begin on cache lines.
    func rowByteCount(columns: Int) -> Int {
        let bytes =
            switch self {
            case .f32: columns * 4
            case .bf16: columns * 2
            case .int8: Self.byteOffsetOfScales(columns: columns) + Self.blocks(columns) * 2
            }
        return (bytes + 63) & ~63
    }

    fileprivate static let block = Int(CK_SAVED_BLOCK)

    fileprivate static func blocks(_ columns: Int) -> Int { (columns + block - 1) / block }

    fileprivate static func byteOffsetOfScales(columns: Int) -> Int { blocks(columns) * block }
}

/// `[rows, columns]` activations in one format.
///
/// Sendable by contract, as `Matrix` is: while several workers run, each stores elements that no other touches.
@safe
public final class Activation: @unchecked Sendable {
    public let rows: Int
    public let columns: Int
    public let format: ActivationFormat
    private let start: UnsafeMutableRawPointer
    /// Bytes from one row to the next.
    private let stride: Int
    /// What owns the memory.
    private let arena: Arena

    /// - Precondition: `arena` has room for `rows` rows.
    public init(rows: Int, columns: Int, format: ActivationFormat, in arena: Arena) {
        precondition(rows >= 0 && columns > 0, "activations of \(rows) × \(columns)")
        self.rows = rows
        self.columns = columns
        self.format = format
        self.arena = arena
        stride = format.rowByteCount(columns: columns)
        unsafe start = arena.take(rows * stride)
    }

    public var byteCount: Int { rows * stride }

    /// Every byte that belongs to it: what a seal hashes.
    public func withBytes<R>(_ body: (RawSpan) -> R) -> R {
        body(unsafe RawSpan(_unsafeStart: UnsafeRawPointer(start), byteCount: byteCount))
    }

    // MARK: Runs of one row

    /// Writes the values of a run of one row to `target`.
    /// - Precondition: the run begins at a multiple of 32; `target` holds it.
    func load(row: Int, _ run: Range<Int>, into target: UnsafeMutablePointer<Float>) {
        let line = unsafe start + row * stride
        switch format {
        case .f32:
            unsafe target.update(
                from: line.assumingMemoryBound(to: Float.self) + run.lowerBound, count: run.count)
        case .bf16:
            unsafe ck_load_bf16(line.assumingMemoryBound(to: UInt16.self) + run.lowerBound, target, run.count)
        case .int8:
            let scales = unsafe (line + ActivationFormat.byteOffsetOfScales(columns: columns))
                .assumingMemoryBound(to: UInt16.self)
            unsafe ck_load_int8(
                line.assumingMemoryBound(to: Int8.self) + run.lowerBound,
                scales + run.lowerBound / ActivationFormat.block, target, run.count)
        }
    }

    /// Stores a run of one row, rounded to the format.
    /// - Precondition: the run begins at a multiple of 32 and ends at one or at the row's end.
    func store(row: Int, _ run: Range<Int>, from source: UnsafePointer<Float>) {
        let line = unsafe start + row * stride
        switch format {
        case .f32:
            unsafe (line.assumingMemoryBound(to: Float.self) + run.lowerBound).update(from: source, count: run.count)
        case .bf16:
            unsafe ck_store_bf16(source, line.assumingMemoryBound(to: UInt16.self) + run.lowerBound, run.count)
        case .int8:
            let scales = unsafe (line + ActivationFormat.byteOffsetOfScales(columns: columns))
                .assumingMemoryBound(to: UInt16.self)
            unsafe ck_store_int8(
                source, line.assumingMemoryBound(to: Int8.self) + run.lowerBound,
                scales + run.lowerBound / ActivationFormat.block, run.count)
        }
    }

    /// Where the values of a row lie from `column` on, in bfloat16, and the bytes between rows.
    /// - Precondition: the format is bf16.
    func bfloat16Rows(from row: Int, column: Int) -> (start: UnsafeMutableRawPointer, stride: Int) {
        precondition(format == .bf16, "activations in \(format.rawValue) read as bf16")
        return unsafe (start + row * stride + column * 2, stride)
    }

    // MARK: Whole rows

    /// Stores every row of `matrix`.
    /// - Precondition: equal shapes.
    public func store(_ matrix: Matrix, workers: Workers) {
        precondition(matrix.hasShape(rows, columns), "\(matrix.shape) stored as \(rows) × \(columns)")
        workers.forEach(tasks: taskCount(rows, 16)) { task in
            for row in taskRange(task, 16, rows) {
                unsafe store(row: row, 0..<columns, from: matrix.pointer + row * columns)
            }
        }
    }

    /// Writes every row to `matrix`.
    /// - Precondition: equal shapes.
    public func load(into matrix: Matrix, workers: Workers) {
        precondition(matrix.hasShape(rows, columns), "\(rows) × \(columns) loaded into \(matrix.shape)")
        workers.forEach(tasks: taskCount(rows, 16)) { task in
            for row in taskRange(task, 16, rows) {
                unsafe load(row: row, 0..<columns, into: matrix.pointer + row * columns)
            }
        }
    }

    /// Copies the first `count` rows of `other` to the rows from `row` on, bit by bit.
    /// - Precondition: equal columns and formats; the rows exist.
    public func copyRows(from other: Activation, count: Int, toRow row: Int) {
        precondition(
            other.columns == columns && other.format == format && count >= 0 && count <= other.rows && row >= 0
                && row <= rows - count, "\(count) rows of \(other.columns) values do not fit at row \(row)")
        unsafe (start + row * stride).copyMemory(from: other.start, byteCount: count * stride)
    }
}

extension ActivationFormat {
    /// Rounds `count` values in place, as storing and loading them would.
    ///
    /// - Precondition: the first is a run's first; `bytes` holds as many bytes as values, and `count / 16` more.
    func round(_ values: UnsafeMutablePointer<Float>, count: Int) {
        switch self {
        case .f32: break
        case .bf16:
            unsafe withUnsafeTemporaryAllocation(of: UInt16.self, capacity: count) { kept in
                guard let kept = kept.baseAddress else { return }
                unsafe ck_store_bf16(values, kept, count)
                unsafe ck_load_bf16(kept, values, count)
            }
        case .int8:
            let blocks = Self.blocks(count)
            unsafe withUnsafeTemporaryAllocation(of: UInt16.self, capacity: blocks) { scales in
                unsafe withUnsafeTemporaryAllocation(of: Int8.self, capacity: count) { kept in
                    guard let kept = kept.baseAddress, let scales = scales.baseAddress else { return }
                    unsafe ck_store_int8(values, kept, scales, count)
                    unsafe ck_load_int8(kept, scales, values, count)
                }
            }
        }
    }
}
