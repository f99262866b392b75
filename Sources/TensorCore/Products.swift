// Products of packed rows with a block of a weight matrix: what linear layers, the feed-forward and their gradients are
// made of. A block is decoded or packed piece by piece; a whole matrix never is.
//
// Each sum runs over the inner dimension in ascending order, in steps that the shape fixes: which block it is computed
// in never changes a bit, as long as blocks begin at multiples of the grains below.

internal import CKernels

enum ProductGrain {
    /// x·Wᵀ: blocks of outputs begin at multiples of this; inner steps, in f32 and of packed panels.
    static let outputs = 128
    static let innerStep = 1_024
    static let packedInnerStep = 1_792
    /// dy·W: blocks of inputs begin at multiples of this; inner steps, in f32 and of packed panels.
    static let inputs = LinearWeight.columnGrain
    static let backwardInnerStep = 256
    static let packedBackwardInnerStep = 512
    /// Columns of a packed panel that are made and used at a time.
    static let panel = 64
}

extension LinearWeight {
    /// Floats of scratch that ``multiply(_:outputs:into:stride:adds:then:scratch:)`` needs.
    var productScratchCount: Int {
        let inner = min(inputs, innerStep)
        guard let kind = arithmetic.kind else { return Self.scratchCount(rows: ProductGrain.outputs, columns: inner) }
        return panelFloats(kind, inner: inner, columns: ProductGrain.panel)
            + Self.scratchCount(rows: ProductGrain.panel, columns: inner)
    }

    /// Floats of scratch that ``multiplyTransposed(_:inputs:into:stride:adds:scratch:)`` needs.
    var transposedProductScratchCount: Int {
        let inner = min(outputs, backwardInnerStep)
        let columns = min(inputs, ProductGrain.inputs)
        guard let kind = arithmetic.kind else { return Self.scratchCount(rows: inner, columns: columns) }
        return panelFloats(kind, inner: inner, columns: columns) + Self.scratchCount(rows: inner, columns: columns)
    }

    private var innerStep: Int { arithmetic.kind == nil ? ProductGrain.innerStep : ProductGrain.packedInnerStep }

    private var backwardInnerStep: Int {
        arithmetic.kind == nil ? ProductGrain.backwardInnerStep : ProductGrain.packedBackwardInnerStep
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
    ///   - next: what the thread is likely to read next; it may be fetched while the last panel is multiplied.
    ///   - scratch: ``productScratchCount`` floats.
    func multiply(
        _ x: PackedRows, outputs range: Range<Int>, into c: UnsafeMutablePointer<Float>, stride: Int, adds: Bool,
        then next: CKAhead = unsafe CKAhead(), scratch: UnsafeMutablePointer<Float>
    ) {
        precondition(
            x.inner == inputs && x.arithmetic == arithmetic && range.lowerBound % ProductGrain.outputs == 0,
            "rows of \(x.inner) \(x.arithmetic) values times W \(self.outputs) × \(inputs) in \(arithmetic)")
        let width = arithmetic.kind == nil ? ProductGrain.outputs : ProductGrain.panel
        let steps = taskCount(inputs, innerStep)
        let pieces = taskCount(range.count, width) * steps
        func piece(_ index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
            let part = taskRange(index / steps, width, range.count)
            return (
                range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound,
                taskRange(index % steps, innerStep, inputs)
            )
        }
        for index in 0..<pieces {
            let (rows, columns) = piece(index)
            let following = index + 1 < pieces ? piece(index + 1) : nil
            unsafe multiplyPiece(
                x, rows: rows, columns: columns, into: c + (rows.lowerBound - range.lowerBound), stride: stride,
                adds: adds || columns.lowerBound > 0,
                then: following.map { unsafe ahead(rows: $0.rows, columns: $0.columns) } ?? next, scratch: scratch)
        }
    }

    /// What the first panel of outputs from `first` on is made from: nothing beyond the last output.
    func ahead(outputs first: Int) -> CKAhead {
        guard first < outputs else { return unsafe CKAhead() }
        let rows = first..<min(first + ProductGrain.panel, outputs)
        return unsafe ahead(rows: rows, columns: 0..<min(innerStep, inputs))
    }

    private func multiplyPiece(
        _ x: PackedRows, rows: Range<Int>, columns: Range<Int>, into c: UnsafeMutablePointer<Float>, stride: Int,
        adds: Bool, then next: CKAhead, scratch: UnsafeMutablePointer<Float>
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
        unsafe ck_multiply_ahead(
            kind, path, x.pointer(from: columns.lowerBound), x.stride, x.rows, panel, columns.count, c, stride,
            rows.count, adds, next)
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
        for step in 0..<taskCount(outputs, backwardInnerStep) {
            let rows = taskRange(step, backwardInnerStep, outputs)
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
            let following = rows.upperBound..<min(rows.upperBound + backwardInnerStep, outputs)
            unsafe ck_multiply_ahead(
                kind, path, dy.pointer(from: rows.lowerBound), dy.stride, dy.rows, panel, rows.count, c, stride,
                range.count, adds || step > 0,
                following.isEmpty ? CKAhead() : ahead(rows: following, columns: range))
        }
    }
}
