// What attention multiplies, tile by tile: in f32 by the BLAS library, or in bfloat16 by CKernels. int8 has no part in it:
// scores and probabilities are sums and ratios of their own, which eight bits would spoil for little time.

internal import CKernels

// MARK: f32

/// Forward products in f32.
@unsafe
struct FloatAttention: AttentionProducts {
    private let shape: AttentionShape
    private let head: Int
    private let q: Activation
    private let k: Activation
    private let v: Activation
    /// `[block, h]` each.
    private let queries: UnsafeMutablePointer<Float>
    private let other: UnsafeMutablePointer<Float>

    static func scratchCount(_ shape: AttentionShape) -> Int { 2 * shape.tile }

    init(
        shape: AttentionShape, head: Int, q: Activation, k: Activation, v: Activation,
        at scratch: UnsafeMutablePointer<Float>
    ) {
        unsafe self.shape = shape
        unsafe self.head = head
        unsafe (self.q, self.k, self.v) = (q, k, v)
        unsafe queries = scratch
        unsafe other = scratch + shape.tile
    }

    func score(queries rows: Range<Int>, keys: Range<Int>, into target: UnsafeMutablePointer<Float>) {
        let h = unsafe shape.headLength
        if keys.lowerBound == 0 { unsafe shape.load(q, rows, head: head, into: queries) }
        unsafe shape.load(k, keys, head: head / shape.group, into: other)
        unsafe BLAS.multiply(
            .init(queries, stride: h), .init(other, stride: h, transposed: true), into: target,
            stride: AttentionShape.stride, rows: rows.count, columns: keys.count, inner: h, beta: 0)
    }

    func addValues(
        _ p: UnsafeMutablePointer<Float>, count: Int, keys: Range<Int>, into target: UnsafeMutablePointer<Float>
    ) {
        let h = unsafe shape.headLength
        unsafe shape.load(v, keys, head: head / shape.group, into: other)
        unsafe BLAS.multiply(
            .init(p, stride: AttentionShape.stride), .init(other, stride: h), into: target, stride: h, rows: count,
            columns: h, inner: keys.count, beta: 1)
    }
}

// MARK: bfloat16

/// Forward products in bfloat16. Stored queries are packed rows as they lie.
@unsafe
struct PackedAttention: AttentionProducts {
    private let shape: AttentionShape
    private let head: Int
    private let q: Activation
    private let k: Activation
    private let v: Activation
    /// `[block, h]` keys or values, their panel, and the packed probabilities.
    private let other: UnsafeMutablePointer<Float>
    private let panel: UnsafeMutableRawPointer
    private let packed: UnsafeMutableRawPointer

    static func scratchCount(_ shape: AttentionShape) -> Int {
        shape.tile + BFloat16Tile.panelFloats(shape) + BFloat16Tile.rowFloats(AttentionShape.block)
    }

    init(
        shape: AttentionShape, head: Int, q: Activation, k: Activation, v: Activation,
        at scratch: UnsafeMutablePointer<Float>
    ) {
        unsafe self.shape = shape
        unsafe self.head = head
        unsafe (self.q, self.k, self.v) = (q, k, v)
        unsafe other = scratch
        unsafe panel = UnsafeMutableRawPointer(scratch + shape.tile)
        unsafe packed = UnsafeMutableRawPointer(scratch + shape.tile + BFloat16Tile.panelFloats(shape))
    }

    func score(queries rows: Range<Int>, keys: Range<Int>, into target: UnsafeMutablePointer<Float>) {
        let h = unsafe shape.headLength
        unsafe shape.load(k, keys, head: head / shape.group, into: other)
        unsafe BFloat16Tile.packTransposed(other, stride: h, rows: keys.count, inner: h, into: panel)
        let (start, stride) = unsafe q.bfloat16Rows(from: rows.lowerBound, column: head * h)
        unsafe BFloat16Tile.multiply(
            start, stride: stride, rows: rows.count, panel, inner: h, into: target,
            targetStride: AttentionShape.stride, columns: keys.count, adds: false)
    }

    func addValues(
        _ p: UnsafeMutablePointer<Float>, count: Int, keys: Range<Int>, into target: UnsafeMutablePointer<Float>
    ) {
        let h = unsafe shape.headLength
        unsafe shape.load(v, keys, head: head / shape.group, into: other)
        unsafe BFloat16Tile.packStraight(other, stride: h, inner: keys.count, columns: h, into: panel)
        let stride = BFloat16Tile.rowStride(AttentionShape.block)
        unsafe BFloat16Tile.packRows(
            p, stride: AttentionShape.stride, rows: count, inner: keys.count, into: packed, stride)
        unsafe BFloat16Tile.multiply(
            packed, stride: stride, rows: count, panel, inner: keys.count, into: target, targetStride: h, columns: h,
            adds: true)
    }
}

/// CKernels' products in bfloat16, as attention's tiles use them.
enum BFloat16Tile {
    static let path = Arithmetic.path(CKBF16)

    static func rowStride(_ inner: Int) -> Int { ck_rows_stride(CKBF16, inner) }

    /// Floats of a block of packed rows.
    static func rowFloats(_ inner: Int) -> Int { AttentionShape.block * rowStride(inner) / 4 }

    /// Floats of a panel of a block of rows of one head, or of a tile of scores, whichever way it lies.
    static func panelFloats(_ shape: AttentionShape) -> Int {
        let block = AttentionShape.block
        let size = max(
            ck_panel_size(CKBF16, shape.headLength, block), ck_panel_size(CKBF16, block, shape.headLength),
            ck_panel_size(CKBF16, block, block))
        return ((size + 63) & ~63) / 4
    }

    /// Floats of one head's rows turned around: `[h, tokens]`, packed.
    static func turnedFloats(_ shape: AttentionShape) -> Int { shape.headLength * rowStride(shape.tokens) / 4 }

    static func packRows(
        _ from: UnsafePointer<Float>, stride: Int, rows: Int, inner: Int, into to: UnsafeMutableRawPointer,
        _ toStride: Int
    ) {
        unsafe ck_pack_rows(CKBF16, path, from, stride, rows, inner, to, toStride)
    }

    static func packTransposed(
        _ from: UnsafePointer<Float>, stride: Int, rows: Int, inner: Int, into panel: UnsafeMutableRawPointer
    ) {
        _ = unsafe ck_panel_transposed(CKBF16, path, 0, from, stride * 4, rows, inner, panel)
    }

    static func packStraight(
        _ from: UnsafePointer<Float>, stride: Int, inner: Int, columns: Int, into panel: UnsafeMutableRawPointer
    ) {
        _ = unsafe ck_panel_straight(CKBF16, path, 0, from, stride * 4, inner, columns, panel)
    }

    static func multiply(
        _ a: UnsafeRawPointer, stride: Int, rows: Int, _ panel: UnsafeRawPointer, inner: Int,
        into target: UnsafeMutablePointer<Float>, targetStride: Int, columns: Int, adds: Bool
    ) {
        unsafe ck_multiply(CKBF16, path, a, stride, rows, panel, inner, target, targetStride, columns, adds)
    }
}
