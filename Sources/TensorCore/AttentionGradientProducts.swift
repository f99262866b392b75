// The products of attention's backward pass, tile by tile: in f32 by the BLAS library, or in bfloat16 by CKernels.

// MARK: f32

@unsafe
struct FloatAttentionGradient: AttentionGradientProducts {
    private let operands: AttentionOperands
    /// `[block, h]` each.
    private let q: UnsafeMutablePointer<Float>
    private let k: UnsafeMutablePointer<Float>
    private let v: UnsafeMutablePointer<Float>

    static func scratchCount(_ shape: AttentionShape) -> Int { 3 * shape.tile }

    init(_ operands: AttentionOperands, at scratch: UnsafeMutablePointer<Float>) {
        unsafe self.operands = operands
        unsafe q = scratch
        unsafe k = scratch + operands.shape.tile
        unsafe v = scratch + 2 * operands.shape.tile
    }

    func begin(keys: Range<Int>) {
        let shape = unsafe operands.shape
        unsafe shape.load(operands.k, keys, head: operands.keyHead, into: k)
        unsafe shape.load(operands.v, keys, head: operands.keyHead, into: v)
    }

    func score(
        queries: Range<Int>, keys: Range<Int>, p: UnsafeMutablePointer<Float>, dP: UnsafeMutablePointer<Float>
    ) {
        let operands = unsafe operands
        let h = operands.shape.headLength
        unsafe operands.shape.load(operands.q, queries, head: operands.head, into: q)
        unsafe BLAS.multiply(
            .init(q, stride: h), .init(k, stride: h, transposed: true), into: p, stride: AttentionShape.stride,
            rows: queries.count, columns: keys.count, inner: h, beta: 0)
        unsafe BLAS.multiply(
            .init(operands.dO.pointer + operands.offset(queries.lowerBound), stride: operands.width),
            .init(v, stride: h, transposed: true), into: dP, stride: AttentionShape.stride, rows: queries.count,
            columns: keys.count, inner: h, beta: 0)
    }

    func add(
        queries: Range<Int>, keys: Range<Int>, p: UnsafeMutablePointer<Float>, dS: UnsafeMutablePointer<Float>
    ) {
        let operands = unsafe operands
        let h = operands.shape.headLength
        let stride = AttentionShape.stride
        let upper = operands.offset(queries.lowerBound)
        let lower = operands.offset(keys.lowerBound)
        unsafe BLAS.multiply(
            .init(p, stride: stride, transposed: true), .init(operands.dO.pointer + upper, stride: operands.width),
            into: operands.gradients.valueShares.pointer + lower, stride: operands.width, rows: keys.count, columns: h,
            inner: queries.count, beta: 1)
        unsafe BLAS.multiply(
            .init(dS, stride: stride, transposed: true), .init(q, stride: h),
            into: operands.gradients.keyShares.pointer + lower, stride: operands.width, rows: keys.count, columns: h,
            inner: queries.count, beta: 1)
        unsafe BLAS.multiply(
            .init(dS, stride: stride), .init(k, stride: h), into: operands.gradients.dq.pointer + upper,
            stride: operands.width, rows: queries.count, columns: h, inner: keys.count, beta: 1)
    }

    func end(keys: Range<Int>) {}
}

// MARK: bfloat16

/// A tile of probabilities must be turned around for Pᵀ·dO, or else dO and the result must: (dOᵀ·P)ᵀ. The second costs a
/// head's rows once instead of a tile's scores each time.
@unsafe
struct PackedAttentionGradient: AttentionGradientProducts {
    private let operands: AttentionOperands
    /// `[block, h]`: whatever is being packed.
    private let values: UnsafeMutablePointer<Float>
    /// `[h, block]`: the same turned around.
    private let turned: UnsafeMutablePointer<Float>
    /// `[h, keys]`: gradients of a block of keys and values, turned around.
    private let dk: UnsafeMutablePointer<Float>
    private let dv: UnsafeMutablePointer<Float>
    /// Panels of a block of keys: kᵀ, k and vᵀ.
    private let keyColumns: UnsafeMutableRawPointer
    private let keyRows: UnsafeMutableRawPointer
    private let valueColumns: UnsafeMutableRawPointer
    /// The panel of a tile of scores, and its packed rows.
    private let tile: UnsafeMutableRawPointer
    private let tileRows: UnsafeMutableRawPointer
    /// dO, `[tokens, h]`, and qᵀ and dOᵀ, `[h, tokens]`, packed.
    private let dRows: UnsafeMutableRawPointer
    private let turnedQueries: UnsafeMutableRawPointer
    private let turnedD: UnsafeMutableRawPointer

    static func scratchCount(_ shape: AttentionShape) -> Int {
        4 * shape.tile + 4 * BFloat16Tile.panelFloats(shape) + BFloat16Tile.rowFloats(AttentionShape.block)
            + shape.tokens * BFloat16Tile.rowStride(shape.headLength) / 4 + 2 * BFloat16Tile.turnedFloats(shape)
    }

    init(_ operands: AttentionOperands, at scratch: UnsafeMutablePointer<Float>) {
        let shape = operands.shape
        var next = unsafe scratch
        func take(_ count: Int) -> UnsafeMutablePointer<Float> {
            defer { unsafe next += count }
            return unsafe next
        }
        unsafe self.operands = operands
        unsafe values = take(shape.tile)
        unsafe turned = take(shape.tile)
        unsafe dk = take(shape.tile)
        unsafe dv = take(shape.tile)
        let panel = BFloat16Tile.panelFloats(shape)
        unsafe keyColumns = UnsafeMutableRawPointer(take(panel))
        unsafe keyRows = UnsafeMutableRawPointer(take(panel))
        unsafe valueColumns = UnsafeMutableRawPointer(take(panel))
        unsafe tile = UnsafeMutableRawPointer(take(panel))
        unsafe tileRows = UnsafeMutableRawPointer(take(BFloat16Tile.rowFloats(AttentionShape.block)))
        unsafe dRows = UnsafeMutableRawPointer(take(shape.tokens * BFloat16Tile.rowStride(shape.headLength) / 4))
        unsafe turnedQueries = UnsafeMutableRawPointer(take(BFloat16Tile.turnedFloats(shape)))
        unsafe turnedD = UnsafeMutableRawPointer(take(BFloat16Tile.turnedFloats(shape)))
        unsafe packHead()
    }

    /// Packs what every block of keys meets: dO, and q and dO turned around.
    private func packHead() {
        let operands = unsafe operands
        let shape = operands.shape
        let h = shape.headLength
        let stride = BFloat16Tile.rowStride(h)
        for block in 0..<shape.blocks {
            let rows = taskRange(block, AttentionShape.block, shape.tokens)
            let dO = unsafe operands.dO.pointer + operands.offset(rows.lowerBound)
            unsafe BFloat16Tile.packRows(
                dO, stride: operands.width, rows: rows.count, inner: h, into: dRows + rows.lowerBound * stride, stride)
            unsafe turn(dO, stride: operands.width, rows, into: turnedD)
            unsafe shape.load(operands.q, rows, head: operands.head, into: values)
            unsafe turn(values, stride: h, rows, into: turnedQueries)
        }
    }

    /// Packs rows of one head as columns `rows` of `[h, tokens]`.
    private func turn(
        _ from: UnsafePointer<Float>, stride: Int, _ rows: Range<Int>, into target: UnsafeMutableRawPointer
    ) {
        let shape = unsafe operands.shape
        let h = shape.headLength
        unsafe transpose(from, stride: stride, rows: rows.count, columns: h, into: turned, AttentionShape.block)
        // A block begins at a multiple of 64 tokens: a whole number of the kernels' inner blocks.
        unsafe BFloat16Tile.packRows(
            turned, stride: AttentionShape.block, rows: h, inner: rows.count, into: target + rows.lowerBound * 2,
            BFloat16Tile.rowStride(shape.tokens))
    }

    func begin(keys: Range<Int>) {
        let operands = unsafe operands
        let h = operands.shape.headLength
        unsafe operands.shape.load(operands.v, keys, head: operands.keyHead, into: values)
        unsafe BFloat16Tile.packTransposed(values, stride: h, rows: keys.count, inner: h, into: valueColumns)
        unsafe operands.shape.load(operands.k, keys, head: operands.keyHead, into: values)
        unsafe BFloat16Tile.packTransposed(values, stride: h, rows: keys.count, inner: h, into: keyColumns)
        unsafe BFloat16Tile.packStraight(values, stride: h, inner: keys.count, columns: h, into: keyRows)
        unsafe dk.update(repeating: 0, count: operands.shape.tile)
        unsafe dv.update(repeating: 0, count: operands.shape.tile)
    }

    func score(
        queries: Range<Int>, keys: Range<Int>, p: UnsafeMutablePointer<Float>, dP: UnsafeMutablePointer<Float>
    ) {
        let operands = unsafe operands
        let h = operands.shape.headLength
        let (q, stride) = unsafe operands.q.bfloat16Rows(from: queries.lowerBound, column: operands.head * h)
        unsafe BFloat16Tile.multiply(
            q, stride: stride, rows: queries.count, keyColumns, inner: h, into: p,
            targetStride: AttentionShape.stride, columns: keys.count, adds: false)
        let dStride = BFloat16Tile.rowStride(h)
        unsafe BFloat16Tile.multiply(
            dRows + queries.lowerBound * dStride, stride: dStride, rows: queries.count, valueColumns, inner: h,
            into: dP, targetStride: AttentionShape.stride, columns: keys.count, adds: false)
    }

    func add(
        queries: Range<Int>, keys: Range<Int>, p: UnsafeMutablePointer<Float>, dS: UnsafeMutablePointer<Float>
    ) {
        let operands = unsafe operands
        let h = operands.shape.headLength
        let (inner, columns) = (queries.count, keys.count)
        let block = AttentionShape.block
        let offset = queries.lowerBound * 2
        let turnedStride = BFloat16Tile.rowStride(operands.shape.tokens)
        for unsafe(scores, left, sum) in unsafe [(p, turnedD, dv), (dS, turnedQueries, dk)] {
            unsafe BFloat16Tile.packStraight(
                scores, stride: AttentionShape.stride, inner: inner, columns: columns, into: tile)
            unsafe BFloat16Tile.multiply(
                left + offset, stride: turnedStride, rows: h, tile, inner: inner, into: sum, targetStride: block,
                columns: columns, adds: true)
        }
        let stride = BFloat16Tile.rowStride(block)
        unsafe BFloat16Tile.packRows(
            dS, stride: AttentionShape.stride, rows: inner, inner: columns, into: tileRows, stride)
        unsafe BFloat16Tile.multiply(
            tileRows, stride: stride, rows: inner, keyRows, inner: columns,
            into: operands.gradients.dq.pointer + operands.offset(queries.lowerBound), targetStride: operands.width,
            columns: h, adds: true)
    }

    func end(keys: Range<Int>) {
        let operands = unsafe operands
        let target = operands.offset(keys.lowerBound)
        let (block, h) = (AttentionShape.block, operands.shape.headLength)
        for unsafe(sum, shares) in unsafe [(dk, operands.gradients.keyShares), (dv, operands.gradients.valueShares)] {
            unsafe transpose(
                sum, stride: block, rows: h, columns: keys.count, into: shares.pointer + target, operands.width)
        }
    }

    /// to[c][r] = from[r][c]
    private func transpose(
        _ from: UnsafePointer<Float>, stride: Int, rows: Int, columns: Int, into to: UnsafeMutablePointer<Float>,
        _ toStride: Int
    ) {
        for row in 0..<rows {
            for column in 0..<columns {
                unsafe to[column &* toStride &+ row] = from[row &* stride &+ column]
            }
        }
    }
}
