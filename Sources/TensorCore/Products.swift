// Products of packed rows with a block of a weight matrix: what linear layers, the feed-forward and their gradients are
// made of. A block is decoded or packed piece by piece; a whole matrix never is.
//
// Each sum runs over the inner dimension in ascending order, in steps that the shape fixes: which block it is computed
// in never changes a bit, as long as blocks begin at multiples of the grains below.

internal import CKernels

enum ProductGrain {
    /// x·Wᵀ: blocks of outputs begin at multiples of this; inner steps.
    static let outputs = 128
    static let innerStep = 1_024
    /// dy·W: blocks of inputs begin at multiples of this; inner steps.
    static let inputs = LinearWeight.columnGrain
    static let backwardInnerStep = 256
    /// Columns of a packed panel that are made and used at a time.
    static let panel = 64
}

extension LinearWeight {
    /// Floats of scratch that ``multiply(_:outputs:into:stride:adds:scratch:)`` needs.
    var productScratchCount: Int {
        let inner = min(inputs, ProductGrain.innerStep)
        guard let kind = arithmetic.kind else { return Self.scratchCount(rows: ProductGrain.outputs, columns: inner) }
        return panelFloats(kind, inner: inner, columns: ProductGrain.panel)
            + Self.scratchCount(rows: ProductGrain.panel, columns: inner)
    }

    /// Floats of scratch that ``multiplyTransposed(_:inputs:into:stride:adds:scratch:)`` needs.
    var transposedProductScratchCount: Int {
        let inner = min(outputs, ProductGrain.backwardInnerStep)
        let columns = min(inputs, ProductGrain.inputs)
        guard let kind = arithmetic.kind else { return Self.scratchCount(rows: inner, columns: columns) }
        return panelFloats(kind, inner: inner, columns: columns) + Self.scratchCount(rows: inner, columns: columns)
    }

    private func panelFloats(_ kind: CKKind, inner: Int, columns: Int) -> Int {
        ((ck_panel_size(kind, inner, columns) + 63) & ~63) / 4
    }

    /// c = x·Wᵀ, or c += x·Wᵀ, for a range of outputs.
    ///
    /// - Parameters:
    ///   - x: `[T, inputs]`, packed for this weight's arithmetic.
    ///   - outputs: begins at a multiple of ``ProductGrain/outputs``.
    ///   - c: `[T, outputs.count]`, `stride` floats from one row to the next.
    ///   - scratch: ``productScratchCount`` floats.
    func multiply(
        _ x: PackedRows, outputs range: Range<Int>, into c: UnsafeMutablePointer<Float>, stride: Int, adds: Bool,
        scratch: UnsafeMutablePointer<Float>
    ) {
        precondition(
            x.inner == inputs && x.arithmetic == arithmetic && range.lowerBound % ProductGrain.outputs == 0,
            "rows of \(x.inner) \(x.arithmetic) values times W \(self.outputs) × \(inputs) in \(arithmetic)")
        let width = arithmetic.kind == nil ? ProductGrain.outputs : ProductGrain.panel
        for piece in 0..<taskCount(range.count, width) {
            let part = taskRange(piece, width, range.count)
            let rows = range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound
            for step in 0..<taskCount(inputs, ProductGrain.innerStep) {
                let columns = taskRange(step, ProductGrain.innerStep, inputs)
                unsafe multiplyPiece(
                    x, rows: rows, columns: columns, into: c + part.lowerBound, stride: stride,
                    adds: adds || step > 0, scratch: scratch)
            }
        }
    }

    private func multiplyPiece(
        _ x: PackedRows, rows: Range<Int>, columns: Range<Int>, into c: UnsafeMutablePointer<Float>, stride: Int,
        adds: Bool, scratch: UnsafeMutablePointer<Float>
    ) {
        guard let kind = arithmetic.kind else {
            unsafe withBlock(rows: rows, columns: columns, scratch: scratch) { w, wStride in
                let source = unsafe UnsafePointer(x.floats) + columns.lowerBound
                if x.rows == 1 {
                    unsafe BLAS.multiply(
                        matrix: w, stride: wStride, vector: source, into: c, rows: rows.count, columns: columns.count,
                        beta: adds ? 1 : 0)
                } else {
                    unsafe BLAS.multiply(
                        .init(source, stride: x.stride / 4), .init(w, stride: wStride, transposed: true), into: c,
                        stride: stride, rows: x.rows, columns: rows.count, inner: columns.count, beta: adds ? 1 : 0)
                }
            }
            return
        }
        let path = Arithmetic.path(kind)
        let panel = UnsafeMutableRawPointer(scratch)
        let decoded = unsafe scratch + panelFloats(kind, inner: columns.count, columns: rows.count)
        unsafe withSource(rows: rows, columns: columns, scratch: decoded) { type, from, fromStride in
            unsafe ck_panel_transposed(kind, path, type, from, fromStride, rows.count, columns.count, panel)
        }
        unsafe ck_multiply(
            kind, path, x.pointer(from: columns.lowerBound), x.stride, x.rows, panel, columns.count, c, stride,
            rows.count, adds)
    }

    /// c = dy·W, or c += dy·W, for a range of inputs.
    ///
    /// - Parameters:
    ///   - dy: `[T, outputs]`, packed for this weight's arithmetic.
    ///   - inputs: at most ``ProductGrain/inputs`` of them, from a multiple of it on.
    ///   - c: `[T, inputs.count]`, `stride` floats from one row to the next.
    ///   - scratch: ``transposedProductScratchCount`` floats.
    func multiplyTransposed(
        _ dy: PackedRows, inputs range: Range<Int>, into c: UnsafeMutablePointer<Float>, stride: Int, adds: Bool,
        scratch: UnsafeMutablePointer<Float>
    ) {
        precondition(
            dy.inner == outputs && dy.arithmetic == arithmetic && range.lowerBound % ProductGrain.inputs == 0
                && range.count <= ProductGrain.inputs,
            "rows of \(dy.inner) \(dy.arithmetic) values times W \(outputs) × \(inputs) in \(arithmetic)")
        for step in 0..<taskCount(outputs, ProductGrain.backwardInnerStep) {
            let rows = taskRange(step, ProductGrain.backwardInnerStep, outputs)
            guard let kind = arithmetic.kind else {
                unsafe withBlock(rows: rows, columns: range, scratch: scratch) { w, wStride in
                    unsafe BLAS.multiply(
                        .init(dy.floats + rows.lowerBound, stride: dy.stride / 4), .init(w, stride: wStride), into: c,
                        stride: stride, rows: dy.rows, columns: range.count, inner: rows.count,
                        beta: adds || step > 0 ? 1 : 0)
                }
                continue
            }
            let path = Arithmetic.path(kind)
            let panel = UnsafeMutableRawPointer(scratch)
            let decoded = unsafe scratch + panelFloats(kind, inner: rows.count, columns: range.count)
            unsafe withSource(rows: rows, columns: range, scratch: decoded) { type, from, fromStride in
                unsafe ck_panel_straight(kind, path, type, from, fromStride, rows.count, range.count, panel)
            }
            unsafe ck_multiply(
                kind, path, dy.pointer(from: rows.lowerBound), dy.stride, dy.rows, panel, rows.count, c, stride,
                range.count, adds || step > 0)
        }
    }
}
