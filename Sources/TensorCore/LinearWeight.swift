// One weight matrix, however it is kept: quantised blocks in a file map, or an f32 matrix. It hands out decoded blocks
// and never a whole matrix, except to `decoded()`, which makes the masters.

public import Blocks
public import Bytes
internal import CKernels

/// W: `[outputs, inputs]`, row-major; a product with it is y = x·Wᵀ.
public struct LinearWeight: Sendable {
    public let outputs: Int
    public let inputs: Int
    /// How products with this weight are computed.
    public let arithmetic: Arithmetic
    private let storage: Storage

    private enum Storage: Sendable {
        case dense(Matrix)
        case stored(StorageType, ByteRegion, rowByteCount: Int)
    }

    /// A weight that stays in its stored form; tiles are decoded as a product goes.
    ///
    /// - Precondition: `type` can be decoded, a row is a whole number of its blocks, and `region` holds exactly the rows.
    public init(
        stored type: StorageType, region: ByteRegion, outputs: Int, inputs: Int, arithmetic: Arithmetic = .f32
    ) {
        precondition(outputs > 0 && inputs > 0, "a weight of \(outputs) × \(inputs)")
        precondition(type.isDecodable, "weights of type \(type.name) cannot be decoded")
        precondition(
            Self.columnGrain % type.blockLength == 0, "blocks of \(type.blockLength) values would be split by a tile")
        guard let rowByteCount = type.byteCount(elements: inputs) else {
            preconditionFailure("rows of \(inputs) values are not whole \(type.name) blocks")
        }
        let (byteCount, overflow) = rowByteCount.multipliedReportingOverflow(by: outputs)
        precondition(
            !overflow && region.byteCount == byteCount,
            "\(region.byteCount) bytes for \(outputs) rows of \(rowByteCount) bytes")
        self.outputs = outputs
        self.inputs = inputs
        self.arithmetic = arithmetic
        storage = .stored(type, region, rowByteCount: rowByteCount)
    }

    /// A weight whose values are those of `dense` at the time of each product.
    public init(dense: Matrix, arithmetic: Arithmetic = .f32) {
        precondition(dense.rows > 0 && dense.columns > 0, "a weight of \(dense.shape)")
        outputs = dense.rows
        inputs = dense.columns
        self.arithmetic = arithmetic
        storage = .dense(dense)
    }

    /// Writes the decoded row `index` to `output`.
    /// - Precondition: `index` is in `0..<outputs`; `output` holds `inputs` values.
    public func row(_ index: Int, into output: inout MutableSpan<Float>) {
        precondition(index >= 0 && index < outputs, "row \(index) outside 0..<\(outputs)")
        precondition(output.count == inputs, "\(output.count) values for a row of \(inputs)")
        unsafe output.withUnsafeMutableBufferPointer { buffer in
            guard let target = buffer.baseAddress else { return }
            unsafe copyBlock(rows: index..<index + 1, columns: 0..<inputs, to: target, stride: inputs)
        }
    }

    /// Every value, decoded exactly as its storage type defines it.
    public func decoded() -> Matrix {
        let result = Matrix(rows: outputs, columns: inputs)
        unsafe copyBlock(rows: 0..<outputs, columns: 0..<inputs, to: result.pointer, stride: inputs)
        return result
    }

    // MARK: Blocks for products

    /// Columns of a block are cut at multiples of this, so that no storage block is split.
    static let columnGrain = 256

    /// The floats of scratch that `withBlock` needs for a block of this size.
    static func scratchCount(rows: Int, columns: Int) -> Int { rows * (columns + 16) }

    /// Calls `body` with the first value of a block of W and the distance between its rows.
    ///
    /// f32 values are lent where they lie; others are decoded into `scratch`, whose rows are 16 floats apart so that
    /// they do not crowd one cache set.
    /// - Precondition: ranges inside the matrix; columns begin at a multiple of `columnGrain` and end at one or at the
    ///   row's end; `scratch` holds `scratchCount` floats.
    func withBlock(
        rows: Range<Int>, columns: Range<Int>, scratch: UnsafeMutablePointer<Float>,
        _ body: (UnsafePointer<Float>, _ stride: Int) -> Void
    ) {
        if case .dense(let matrix) = storage {
            unsafe body(UnsafePointer(matrix.pointer) + (rows.lowerBound * inputs + columns.lowerBound), inputs)
            return
        }
        let stride = columns.count + 16
        unsafe copyBlock(rows: rows, columns: columns, to: scratch, stride: stride)
        unsafe body(UnsafePointer(scratch), stride)
    }

    /// Lends a block of W in its stored form: GGML's type number (0 is f32), its first byte and the bytes between rows.
    ///
    /// - Parameters:
    ///   - scratch: `scratchCount` floats, for a block that `body` cannot read as it is stored: when it returns false, it
    ///     is called again with the block in f32.
    /// - Precondition: as for ``withBlock(rows:columns:scratch:_:)``.
    func withSource(
        rows: Range<Int>, columns: Range<Int>, scratch: UnsafeMutablePointer<Float>,
        _ body: (_ type: UInt32, _ start: UnsafeRawPointer, _ stride: Int) -> Bool
    ) {
        if case .stored(let type, let region, let rowByteCount) = storage, type.rawValue != 0,
            columns.count.isMultiple(of: type.blockLength)
        {
            let offset = rows.lowerBound * rowByteCount + columns.lowerBound / type.blockLength * type.blockByteCount
            let isRead = region.withBytes { bytes in
                unsafe bytes.withUnsafeBytes { stored in
                    guard let first = stored.baseAddress else { return false }
                    return unsafe body(type.rawValue, first + offset, rowByteCount)
                }
            }
            if isRead { return }
        }
        unsafe withBlock(rows: rows, columns: columns, scratch: scratch) { w, stride in
            _ = unsafe body(0, UnsafeRawPointer(w), stride * 4)
        }
    }

    /// Where a block of W lies as it is stored, for a product to fetch while another block is multiplied.
    /// - Precondition: as for ``withBlock(rows:columns:scratch:_:)``.
    func ahead(rows: Range<Int>, columns: Range<Int>) -> CKAhead {
        switch storage {
        case .dense(let matrix):
            let first = unsafe UnsafePointer(matrix.pointer) + rows.lowerBound * inputs + columns.lowerBound
            return unsafe CKAhead(from: first, stride: inputs * 4, rows: rows.count, bytes: columns.count * 4)
        case .stored(let type, let region, let rowByteCount):
            let start = columns.lowerBound / type.blockLength * type.blockByteCount
            let end = (columns.upperBound + type.blockLength - 1) / type.blockLength * type.blockByteCount
            return unsafe region.withBytes { bytes in
                unsafe bytes.withUnsafeBytes { stored in
                    let first = unsafe stored.baseAddress.map { unsafe $0 + (rows.lowerBound * rowByteCount + start) }
                    return unsafe CKAhead(
                        from: first, stride: rowByteCount, rows: first == nil ? 0 : rows.count, bytes: end - start)
                }
            }
        }
    }

    private func copyBlock(
        rows: Range<Int>, columns: Range<Int>, to target: UnsafeMutablePointer<Float>, stride: Int
    ) {
        switch storage {
        case .dense(let matrix):
            for row in rows {
                unsafe (target + (row - rows.lowerBound) * stride)
                    .update(from: matrix.pointer + (row * inputs + columns.lowerBound), count: columns.count)
            }
        case .stored(let type, let region, let rowByteCount):
            let start = columns.lowerBound / type.blockLength * type.blockByteCount
            let length = (columns.count + type.blockLength - 1) / type.blockLength * type.blockByteCount
            region.withBytes { bytes in
                let whole = bytes.extracting(rows.lowerBound * rowByteCount..<rows.upperBound * rowByteCount)
                let isDecoded = unsafe whole.withUnsafeBytes { stored in
                    guard let first = stored.baseAddress, columns.count.isMultiple(of: type.blockLength) else {
                        return false
                    }
                    return unsafe ck_decode(
                        type.rawValue, first + start, rowByteCount, target, stride, rows.count,
                        columns.count / type.blockLength)
                }
                if isDecoded { return }
                for row in rows {
                    let offset = row * rowByteCount + start
                    var output = unsafe MutableSpan(
                        _unsafeStart: target + (row - rows.lowerBound) * stride, count: columns.count)
                    type.decode(bytes.extracting(offset..<offset + length), into: &output)
                }
            }
        }
    }
}
