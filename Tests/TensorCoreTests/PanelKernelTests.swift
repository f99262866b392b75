import Blocks
import CKernels
import TensorCore
import TestSupport
import Testing

/// Panels straight from quantised blocks, on every path and of both kinds.
@Suite struct PanelKernelTests {
    enum Side: CaseIterable { case transposed, straight }

    static let types: [StorageType] = [.q4_0, .q8_0, .q4_K, .q6_K]
    static let kinds = [CKBF16, CKInt8]
    static let everything = kinds.flatMap { kind in
        types.flatMap { type in Side.allCases.map { (kind, type, $0) } }
    }

    /// Blocks of normal values, as the encoders make them.
    static func stored(_ type: StorageType, rows: Int, columns: Int, seed: UInt64) throws -> [UInt8] {
        try type.encode(randomMatrix(rows, columns, seed: seed, deviation: 0.1).values.span)
    }

    static func decoded(_ type: StorageType, _ bytes: [UInt8], rows: Int, columns: Int) -> [Float] {
        var values = [Float](repeating: 0, count: rows * columns)
        let stride = columns / type.blockLength
        #expect(
            ck_decode_on(
                CKPathPlain, type.rawValue, bytes, stride * type.blockByteCount, &values, columns, rows, stride))
        return values
    }

    /// The panel of `rows` rows of `columns` values, `bytes` each row; type 0 for f32.
    static func panel(
        _ kind: CKKind, _ path: CKPath, _ side: Side, type: UInt32, _ from: UnsafeRawPointer, rowBytes: Int, rows: Int,
        columns: Int
    ) -> [UInt8]? {
        let (inner, width) = side == .straight ? (rows, columns) : (columns, rows)
        var panel = [UInt8](repeating: 0xA5, count: ck_panel_size(kind, inner, width))
        let known =
            side == .straight
            ? ck_panel_straight(kind, path, type, from, rowBytes, rows, columns, &panel)
            : ck_panel_transposed(kind, path, type, from, rowBytes, rows, columns, &panel)
        return known ? panel : nil
    }

    /// What a panel stands for, [inner, width]: products with rows of the identity, scaled to whole numbers.
    static func values(_ kind: CKKind, _ panel: [UInt8], inner: Int, width: Int) -> [Float] {
        var identity = [Float](repeating: 0, count: inner * inner)
        for k in 0..<inner { identity[k * inner + k] = 127 }
        let stride = ck_rows_stride(kind, inner)
        var rows = [UInt8](repeating: 0, count: inner * stride)
        ck_pack_rows(kind, CKPathPlain, identity, inner, inner, inner, &rows, stride)
        var values = [Float](repeating: 0, count: inner * width)
        ck_multiply(kind, ck_best_path(kind), rows, stride, inner, panel, inner, &values, width, width, false)
        return values.map { $0 / 127 }
    }

    @Test(arguments: everything) func `paths agree on whole and on ragged panels`(
        kind: CKKind, type: StorageType, side: Side
    ) throws {
        // Fewer rows than fill a group or a block, and one more; half a block of the inner dimension where blocks are 32.
        let widths = type.blockLength == 32 ? [32, 96, 256] : [256, 512]
        for (rows, columns) in zip([1, 17, 33, 65], widths + [256]) {
            let bytes = try Self.stored(type, rows: rows, columns: columns, seed: UInt64(rows))
            let rowBytes = columns / type.blockLength * type.blockByteCount
            let panels = [CKPathPlain, CKPathAVX2, CKPathAVXVNNI, CKPathAVX512, CKPathNEON, CKPathDot].map {
                Self.panel(kind, $0, side, type: type.rawValue, bytes, rowBytes: rowBytes, rows: rows, columns: columns)
            }
            #expect(panels[0] != nil && panels.allSatisfy { $0 == panels[0] }, "\(rows) × \(columns)")
        }
    }

    @Test(arguments: types, Side.allCases) func `a bfloat16 panel is that of the decoded values`(
        type: StorageType, side: Side
    ) throws {
        let (rows, columns) = (37, 256)
        // Any bytes: scales of either sign, subnormal ones among them.
        let bytes = DecodeKernelTests.blocks(type, rows * columns / type.blockLength, seed: 5)
        let values = Self.decoded(type, bytes, rows: rows, columns: columns)
        let rowBytes = columns / type.blockLength * type.blockByteCount
        for path in [CKPathPlain, CKPathAVX512] {
            let direct = Self.panel(
                CKBF16, path, side, type: type.rawValue, bytes, rowBytes: rowBytes, rows: rows, columns: columns)
            let decoded = Self.panel(
                CKBF16, path, side, type: 0, values, rowBytes: columns * 4, rows: rows, columns: columns)
            #expect(direct != nil && direct == decoded)
        }
    }

    @Test(arguments: types, Side.allCases) func `an int8 panel is near the decoded values`(
        type: StorageType, side: Side
    ) throws {
        let (rows, columns) = (70, 256)
        let bytes = try Self.stored(type, rows: rows, columns: columns, seed: 6)
        let wanted = Self.decoded(type, bytes, rows: rows, columns: columns)
        let panel = try #require(
            Self.panel(
                CKInt8, CKPathPlain, side, type: type.rawValue, bytes,
                rowBytes: columns / type.blockLength * type.blockByteCount, rows: rows, columns: columns))
        let (inner, width) = side == .straight ? (rows, columns) : (columns, rows)
        let got = Self.values(CKInt8, panel, inner: inner, width: width)
        // Whole numbers up to 120 at least for the largest of a block, each rounded once, and a tenth for the fixed point.
        let largest = wanted.reduce(0) { max($0, abs($1)) }
        var worst: Float = 0
        for row in 0..<rows {
            for column in 0..<columns {
                let (k, j) = side == .straight ? (row, column) : (column, row)
                worst = max(worst, abs(got[k * width + j] - wanted[row * columns + column]))
            }
        }
        #expect(worst <= 0.65 / 120 * largest && worst > 0)
    }

    @Test func `of Q8_0 and Q4_0 rows with one scale nothing is lost`() throws {
        for type in [StorageType.q8_0, .q4_0] {
            var bytes = try Self.stored(type, rows: 3, columns: 64, seed: 7)
            // The second block of each row gets the first one's scale.
            for row in 0..<3 {
                let start = row * 2 * type.blockByteCount
                for byte in 0..<2 { bytes[start + type.blockByteCount + byte] = bytes[start + byte] }
            }
            let wanted = Self.decoded(type, bytes, rows: 3, columns: 64)
            let panel = try #require(
                Self.panel(
                    CKInt8, CKPathPlain, .transposed, type: type.rawValue, bytes, rowBytes: 2 * type.blockByteCount,
                    rows: 3, columns: 64))
            let got = Self.values(CKInt8, panel, inner: 64, width: 3)
            for row in 0..<3 {
                for k in 0..<64 {
                    let value = wanted[row * 64 + k]
                    #expect(abs(got[k * 3 + row] - value) <= 1e-6 * abs(value), "\(type.name) \(row) \(k)")
                }
            }
        }
    }

    @Test(arguments: everything) func `a scale that is no number makes its columns none, and no others`(
        kind: CKKind, type: StorageType, side: Side
    ) throws {
        let (rows, columns) = (66, 256)
        var bytes = try Self.stored(type, rows: rows, columns: columns, seed: 8)
        let rowBytes = columns / type.blockLength * type.blockByteCount
        let half = type == .q6_K ? 208 : 0
        // f16 infinity and NaN: row 1's first block, row 65's last.
        for (at, high) in [(rowBytes + half, UInt8(0x7C)), (66 * rowBytes - type.blockByteCount + half, 0x7E)] {
            (bytes[at], bytes[at + 1]) = (0, high)
        }
        let wanted = Self.decoded(type, bytes, rows: rows, columns: columns)
        let (inner, width) = side == .straight ? (rows, columns) : (columns, rows)
        for path in [CKPathPlain, CKPathAVX512] {
            let panel = try #require(
                Self.panel(
                    kind, path, side, type: type.rawValue, bytes, rowBytes: rowBytes, rows: rows, columns: columns))
            let stride = ck_rows_stride(kind, inner)
            var ones = [UInt8](repeating: 0, count: stride)
            ck_pack_rows(
                kind, path, [Float](repeating: 1, count: inner), inner, 1, inner, &ones, stride)
            var sums = [Float](repeating: 0, count: width)
            ck_multiply(kind, path, ones, stride, 1, panel, inner, &sums, width, width, false)
            for j in 0..<width {
                let column = (0..<inner).map { wanted[side == .straight ? $0 * columns + j : j * columns + $0] }
                let isFinite = column.allSatisfy(\.isFinite)
                #expect(sums[j].isFinite == isFinite, "column \(j)")
            }
        }
    }

    @Test func `other types are refused, and nothing is written`() {
        let bytes = [UInt8](repeating: 0, count: 4_096)
        for kind in Self.kinds {
            for type in [StorageType.f16, .q5_K, .bf16] {
                for side in Side.allCases {
                    let panel = Self.panel(
                        kind, CKPathAVX512, side, type: type.rawValue, bytes, rowBytes: 1_024, rows: 2, columns: 256)
                    #expect(panel == nil)
                }
            }
        }
    }
}
