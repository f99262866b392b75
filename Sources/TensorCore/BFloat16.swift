// Products in bfloat16: operands are packed in pairs along the inner dimension and multiplied by CKernels.
//
// Each sum runs over the inner dimension in ascending order, a pair at a time, whatever the tiles and the other rows are:
// splitting the work never changes a bit.

internal import CKernels

/// Sizes of the pieces of W that are decoded and packed at a time.
private enum BFloat16Tile {
    /// Columns of a panel that lie together.
    static let group = Int(CK_BF16_GROUP)
    /// Forward: inputs per step.
    static let inputs = 1_024
    /// Gradient of x: inputs per task, outputs per step.
    static let backwardInputs = 256
    static let backwardOutputs = 256
}

/// A matrix packed in pairs: `[rows, ⌈columns ÷ 2⌉]` words, each row 16 words longer so that rows do not crowd one cache
/// set. Lives in memory that the workers keep.
@unsafe
struct BFloat16Rows {
    let start: UnsafeMutablePointer<UInt32>
    let stride: Int

    static func stride(columns: Int) -> Int { (((columns + 1) / 2 + 15) & ~15) + 16 }
}

/// The kernels, on the fastest path that this processor has; every path gives the same bits.
enum BFloat16 {
    static let path = ck_bf16_is_native() ? CKPathAVX512 : CKPathPlain

    /// Words as the floats of a scratch.
    static func words(_ scratch: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<UInt32> {
        unsafe UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: UInt32.self)
    }

    static func panelCount(inner: Int, columns: Int) -> Int {
        (inner + 1) / 2 * ((columns + BFloat16Tile.group - 1) / BFloat16Tile.group * BFloat16Tile.group)
    }

    /// Packs every row of `x` on all threads and lends the result.
    static func withRows(_ x: Matrix, workers: Workers, _ body: (BFloat16Rows) -> Void) {
        let stride = unsafe BFloat16Rows.stride(columns: x.columns)
        unsafe workers.withKept(x.rows * stride) { memory in
            let packed = unsafe BFloat16Rows(start: words(memory), stride: stride)
            workers.forEach(tasks: taskCount(x.rows, 16)) { task in
                let rows = taskRange(task, 16, x.rows)
                unsafe ck_bf16_pack_rows(
                    path, x.pointer + rows.lowerBound * x.columns, x.columns, rows.count, x.columns,
                    packed.start + rows.lowerBound * stride, stride)
            }
            unsafe body(packed)
        }
    }
}

extension LinearWeight {
    /// Floats of scratch that a panel of a block of W, `[outputs, inputs]`, needs together with the block decoded.
    static func panelScratchCount(outputs: Int, inputs: Int) -> Int {
        scratchCount(rows: outputs, columns: inputs)
            + max(
                BFloat16.panelCount(inner: inputs, columns: outputs),
                BFloat16.panelCount(inner: outputs, columns: inputs))
    }

    /// Lends the panel whose columns are rows of W, `[columns.count ÷ 2 pairs, rows.count]`: the right operand of x·Wᵀ.
    func withTransposedPanel(
        rows: Range<Int>, columns: Range<Int>, scratch: UnsafeMutablePointer<Float>,
        _ body: (UnsafePointer<UInt32>) -> Void
    ) {
        let decoded = unsafe scratch + BFloat16.panelCount(inner: columns.count, columns: rows.count)
        unsafe withBlock(rows: rows, columns: columns, scratch: decoded) { w, stride in
            let panel = unsafe BFloat16.words(scratch)
            unsafe ck_bf16_pack_transposed(BFloat16.path, w, stride, rows.count, columns.count, panel)
            unsafe body(panel)
        }
    }

    /// Lends the panel that is a block of W itself, `[rows.count ÷ 2 pairs, columns.count]`: the right operand of dy·W.
    func withStraightPanel(
        rows: Range<Int>, columns: Range<Int>, scratch: UnsafeMutablePointer<Float>,
        _ body: (UnsafePointer<UInt32>) -> Void
    ) {
        let decoded = unsafe scratch + BFloat16.panelCount(inner: rows.count, columns: columns.count)
        unsafe withBlock(rows: rows, columns: columns, scratch: decoded) { w, stride in
            let panel = unsafe BFloat16.words(scratch)
            unsafe ck_bf16_pack_straight(BFloat16.path, w, stride, rows.count, columns.count, panel)
            unsafe body(panel)
        }
    }
}

/// y = x·Wᵀ in bfloat16; shapes as in `linear`.
func linearBFloat16(_ x: Matrix, _ weight: LinearWeight, into y: Matrix, workers: Workers) {
    let group = BFloat16Tile.group
    let steps = taskCount(weight.inputs, BFloat16Tile.inputs)
    let scratch = LinearWeight.panelScratchCount(outputs: group, inputs: BFloat16Tile.inputs)
    unsafe BFloat16.withRows(x, workers: workers) { packed in
        unsafe workers.forEach(tasks: taskCount(weight.outputs, group), scratch: scratch) { task, scratch in
            let rows = taskRange(task, group, weight.outputs)
            for step in 0..<steps {
                let columns = taskRange(step, BFloat16Tile.inputs, weight.inputs)
                unsafe weight.withTransposedPanel(rows: rows, columns: columns, scratch: scratch) { panel in
                    unsafe ck_bf16_multiply(
                        BFloat16.path, packed.start + columns.lowerBound / 2, packed.stride, x.rows, panel,
                        (columns.count + 1) / 2, y.pointer + rows.lowerBound, y.columns, rows.count, step > 0)
                }
            }
        }
    }
}

/// dx += dy·W in bfloat16; shapes as in `linearBackwardInput`.
func linearBackwardInputBFloat16(_ dy: Matrix, _ weight: LinearWeight, into dx: Matrix, workers: Workers) {
    let steps = taskCount(weight.outputs, BFloat16Tile.backwardOutputs)
    let scratch = LinearWeight.panelScratchCount(
        outputs: BFloat16Tile.backwardOutputs, inputs: BFloat16Tile.backwardInputs)
    unsafe BFloat16.withRows(dy, workers: workers) { packed in
        unsafe workers.forEach(tasks: taskCount(weight.inputs, BFloat16Tile.backwardInputs), scratch: scratch) {
            task, scratch in
            let columns = taskRange(task, BFloat16Tile.backwardInputs, weight.inputs)
            for step in 0..<steps {
                let rows = taskRange(step, BFloat16Tile.backwardOutputs, weight.outputs)
                unsafe weight.withStraightPanel(rows: rows, columns: columns, scratch: scratch) { panel in
                    unsafe ck_bf16_multiply(
                        BFloat16.path, packed.start + rows.lowerBound / 2, packed.stride, dy.rows, panel,
                        (rows.count + 1) / 2, dx.pointer + columns.lowerBound, dx.columns, columns.count, true)
                }
            }
        }
    }
}
