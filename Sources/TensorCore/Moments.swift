// What an optimiser remembers of a tensor between updates: a number for each element, in f32 or in eight bits.
//
// Eight bits follow Dettmers et al., 2021 (arXiv:2110.02861): blocks of 256 neighbours share a scale, and codes lie close
// together where values are small. Ours are floats of eight bits instead of their table: sign, three bits of exponent and
// four of mantissa for first moments; three and five, without sign, for the root of second moments, whose range is half
// of theirs. What lies between two codes goes up or down by a number of the step's, so that moments that move by less
// than a code still move on average; a root that is not zero never becomes zero, since an update is divided by it.

internal import CKernels

/// Moments of one tensor `[rows, columns]`, all zero at first.
///
/// Sendable by contract, as a matrix is.
public final class Moments: @unchecked Sendable {
    /// How each is kept.
    public enum Form: String, CaseIterable, Sendable {
        case f32
        /// A byte each, and an f32 for each block of 256 in a row.
        case int8
    }

    /// Which of an optimiser's it is.
    public enum Order: Sendable {
        /// A mean of gradients.
        case first
        /// A mean of their squares; eight bits hold its root.
        case second
    }

    public let rows: Int
    public let columns: Int
    public let form: Form
    public let order: Order
    /// f32: the elements, row after row. int8: the blocks' scales, row after row, and then, where their words end, the
    /// codes in the same order.
    public let words: Matrix

    /// Elements of a row that share a scale.
    static let block = 256

    public init(rows: Int, columns: Int, form: Form, order: Order) {
        self.rows = rows
        self.columns = columns
        self.form = form
        self.order = order
        words = Matrix(rows: 1, columns: Self.wordCount(form, rows: rows, columns: columns))
    }

    /// Four-byte words that the moments of a tensor take.
    public static func wordCount(_ form: Form, rows: Int, columns: Int) -> Int {
        switch form {
        case .f32: rows * columns
        case .int8: numberCount(form, rows: rows, columns: columns) + (rows * columns + 3) / 4
        }
    }

    /// How many of the words, from the first on, are f32 numbers.
    public static func numberCount(_ form: Form, rows: Int, columns: Int) -> Int {
        switch form {
        case .f32: rows * columns
        case .int8: rows * blocks(columns)
        }
    }

    func isFor(_ value: Matrix, _ order: Order) -> Bool {
        value.hasShape(rows, columns) && self.order == order
    }

    /// How many of ``words``, from the first on, are f32 numbers.
    public var numberCount: Int { Self.numberCount(form, rows: rows, columns: columns) }

    static func blocks(_ columns: Int) -> Int { (columns + block - 1) / block }

    /// Every element, row after row: for inspection.
    public var values: [Float] {
        switch form {
        case .f32: return words.values
        case .int8:
            var all = [Float]()
            unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.block) { buffer in
                guard let decoded = buffer.baseAddress else { return }
                for row in 0..<rows {
                    for block in 0..<Self.blocks(columns) {
                        let count = min(Self.block, columns - block * Self.block)
                        unsafe load(row: row, block: block, count: count, into: decoded)
                        for index in 0..<count {
                            let value = unsafe decoded[index]
                            all.append(order == .second ? value * value : value)
                        }
                    }
                }
            }
            return all
        }
    }

    // MARK: Places

    /// The f32 moments from the first element of a row on.
    func numbers(row: Int) -> UnsafeMutablePointer<Float> { unsafe words.pointer + row &* columns }

    /// The scale of a block: what one unit of its codes is worth.
    private func scale(row: Int, block: Int) -> UnsafeMutablePointer<Float> {
        unsafe words.pointer + (row &* Self.blocks(columns) &+ block)
    }

    private func codes(row: Int, block: Int) -> UnsafeMutablePointer<UInt8> {
        let first = rows &* Self.blocks(columns)
        return unsafe UnsafeMutableRawPointer(words.pointer + first).assumingMemoryBound(to: UInt8.self)
            + (row &* columns &+ block &* Self.block)
    }

    // MARK: Blocks of eight bits

    private var kernel: CKMoment { order == .first ? CKMomentFirst : CKMomentRoot }

    /// Decodes a block: first moments, or the roots of second ones.
    func load(row: Int, block: Int, count: Int, into target: UnsafeMutablePointer<Float>) {
        let unit = unsafe scale(row: row, block: block).pointee
        unsafe ck_load_moments(kernel, codes(row: row, block: block), unit, target, count)
    }

    /// Encodes a block.
    ///
    /// - Parameters:
    ///   - largest: the largest magnitude among the values.
    ///   - dither: decides, with the place in the row, which way a value between two codes goes.
    func store(
        row: Int, block: Int, count: Int, from values: UnsafePointer<Float>, largest: Float, dither: UInt32
    ) {
        let units: Float = order == .first ? 1_984 : 4_032
        // Blocks that are next to nothing are nothing: their scale could not be divided by.
        let isSomething = largest > 1e-30
        unsafe scale(row: row, block: block).pointee = isSomething ? largest / units : 0
        // The multiples of 2³² ÷ the golden ratio are spread evenly, however many are taken.
        let place = dither &+ UInt32(truncatingIfNeeded: block &* Self.block) &* 0x9E37_79B9
        unsafe ck_store_moments(
            kernel, values, isSomething ? units / largest : 0, place, codes(row: row, block: block), count)
    }
}
