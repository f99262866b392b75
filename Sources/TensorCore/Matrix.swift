// An owned block of floats with two dimensions. It refuses to be a tensor library: no views, no broadcasting, no
// arithmetic operators. Operations take matrices, check their shapes once and go straight to the memory.

/// An f32 matrix, row-major, 64-byte aligned; zeroed and freed with its last reference unless it lies in an arena.
///
/// Sendable by contract, not by lock: while several workers run, each writes elements that no other reads or writes.
/// The operations of this room keep that promise; callers never write a matrix that an operation is reading.
@safe
public final class Matrix: @unchecked Sendable {
    public let rows: Int
    public let columns: Int

    /// The first element; `rows * columns` floats are valid for the life of the matrix.
    package let pointer: UnsafeMutablePointer<Float>

    /// What the memory belongs to, or nil where it is the matrix's own.
    private let owner: AnyObject?

    public var count: Int { rows &* columns }

    /// - Precondition: both dimensions are at least 0 and their product in bytes fits in `Int`.
    public init(rows: Int, columns: Int) {
        precondition(rows >= 0 && columns >= 0, "matrix dimensions \(rows) × \(columns) must not be negative")
        let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
        precondition(
            !overflow && count <= Int.max / 8, "a matrix of \(rows) × \(columns) floats does not fit in memory")
        self.rows = rows
        self.columns = columns
        unsafe pointer = FloatMemory.allocate(count, zeroed: true)
        owner = nil
    }

    /// In the memory of an arena; not cleared.
    /// - Precondition: `arena` has room for it.
    public init(rows: Int, columns: Int, in arena: Arena) {
        precondition(rows >= 0 && columns >= 0, "matrix dimensions \(rows) × \(columns) must not be negative")
        self.rows = rows
        self.columns = columns
        unsafe pointer = arena.take(rows * columns * MemoryLayout<Float>.stride)
            .bindMemory(to: Float.self, capacity: rows * columns)
        owner = arena
    }

    /// - Precondition: `values` has `rows * columns` elements, row after row.
    public convenience init(rows: Int, columns: Int, values: [Float]) {
        self.init(rows: rows, columns: columns)
        precondition(values.count == count, "\(values.count) values for a matrix of \(rows) × \(columns)")
        unsafe values.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            unsafe pointer.update(from: base, count: source.count)
        }
    }

    /// The first `count` rows, in the same memory.
    /// - Precondition: there are as many.
    public func firstRows(_ count: Int) -> Matrix {
        precondition(count >= 0 && count <= rows, "the first \(count) rows of \(rows)")
        return unsafe Matrix(rows: count, columns: columns, at: pointer, owner: self)
    }

    private init(rows: Int, columns: Int, at pointer: UnsafeMutablePointer<Float>, owner: AnyObject) {
        self.rows = rows
        self.columns = columns
        unsafe self.pointer = pointer
        self.owner = owner
    }

    deinit {
        if owner == nil { unsafe FloatMemory.free(pointer) }
    }

    public subscript(row: Int, column: Int) -> Float {
        get {
            precondition(row >= 0 && row < rows && column >= 0 && column < columns, "element outside the matrix")
            return unsafe pointer[row &* columns &+ column]
        }
        set {
            precondition(row >= 0 && row < rows && column >= 0 && column < columns, "element outside the matrix")
            unsafe pointer[row &* columns &+ column] = newValue
        }
    }
}
