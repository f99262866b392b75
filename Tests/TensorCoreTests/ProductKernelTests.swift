import CKernels
import TensorCore
import TestSupport
import Testing

/// Products of packed operands of every kind: the plain path is the oracle of the others.
@Suite struct ProductKernelTests {
    static let kinds = [CKBF16, CKInt8]
    static let shapes = [(1, 1, 1), (2, 63, 31), (7, 64, 33), (13, 65, 70), (20, 300, 64)]

    /// What one path packs and computes: rows, both panels, and c = or += a·b.
    struct Outcome: Equatable {
        var rows: [UInt8]
        var transposed: [UInt8]
        var straight: [UInt8]
        var products: [[UInt32]]
    }

    /// a: [rows, inner]; b: [columns, inner], the panel's columns in rows.
    static func run(_ kind: CKKind, _ path: CKPath, _ a: Matrix, _ b: Matrix) -> Outcome {
        let (rows, inner, columns) = (a.rows, a.columns, b.rows)
        let stride = ck_rows_stride(kind, inner)
        let size = ck_panel_size(kind, inner, columns)
        var left = [UInt8](repeating: 0, count: rows * stride)
        var transposed = [UInt8](repeating: 0, count: size)
        var straight = transposed
        let turned = Matrix(rows: inner, columns: columns)
        for column in 0..<columns { for k in 0..<inner { turned[k, column] = b[column, k] } }
        ck_pack_rows(kind, path, a.values, inner, rows, inner, &left, stride)
        let known =
            ck_panel_transposed(kind, path, 0, b.values, inner * 4, columns, inner, &transposed)
            && ck_panel_straight(kind, path, 0, turned.values, columns * 4, inner, columns, &straight)
        #expect(known)
        let products = [false, true].map { adds in
            var c = randomMatrix(rows, columns + 3, seed: 3).values
            ck_multiply(kind, path, left, stride, rows, transposed, inner, &c, columns + 3, columns, adds)
            return c.map(\.bitPattern)
        }
        return Outcome(rows: left, transposed: transposed, straight: straight, products: products)
    }

    @Test(arguments: kinds, shapes) func `every path gives the same bits`(
        kind: CKKind, shape: (rows: Int, inner: Int, columns: Int)
    ) {
        let a = randomMatrix(shape.rows, shape.inner, seed: 1)
        let b = randomMatrix(shape.columns, shape.inner, seed: 2)
        let plain = Self.run(kind, CKPathPlain, a, b)
        for path in [CKPathAVX2, CKPathAVXVNNI, CKPathAVX512, CKPathNEON, CKPathDot] where ck_has_path(kind, path) {
            #expect(Self.run(kind, path, a, b) == plain, "path \(path.rawValue)")
        }
        #expect(plain.straight == plain.transposed)
    }

    @Test(arguments: shapes) func `int8 products are those of rounded operands, within half a step each`(
        rows: Int, inner: Int, columns: Int
    ) {
        let a = randomMatrix(rows, inner, seed: 4)
        let b = randomMatrix(columns, inner, seed: 5)
        let got = Self.run(CKInt8, ck_best_path(CKInt8), a, b).products[0].map(Float.init(bitPattern:))
        for row in 0..<rows {
            for column in 0..<columns {
                var (sum, bound) = (0.0, 1e-5)
                for first in stride(from: 0, to: inner, by: Int(CK_INNER_BLOCK)) {
                    let block = first..<min(first + Int(CK_INNER_BLOCK), inner)
                    let stepOfA = block.reduce(0) { max($0, Double(abs(a[row, $1]))) } / 127
                    let stepOfB = block.reduce(0) { max($0, Double(abs(b[column, $1]))) } / 127
                    for k in block {
                        let (x, w) = (Double(a[row, k]), Double(b[column, k]))
                        sum += x * w
                        bound += (abs(x) + stepOfA / 2) * stepOfB / 2 + abs(w) * stepOfA / 2
                    }
                }
                #expect(abs(Double(got[row * (columns + 3) + column]) - sum) <= bound)
            }
        }
    }

    @Test(arguments: kinds) func `what is no finite number never becomes one, and zeros stay exact`(kind: CKKind) {
        let (rows, inner, columns) = (18, 130, 36)
        let a = randomMatrix(rows, inner, seed: 6)
        let b = randomMatrix(columns, inner, seed: 7)
        for k in 0..<inner { (a[2, k], b[34, k]) = (0, 0) }
        (a[0, 3], a[17, 129], b[1, 70], b[35, 0]) = (.infinity, .nan, -.infinity, .nan)
        for path in [CKPathPlain, CKPathAVX512] {
            let outcome = Self.run(kind, path, a, b)
            let c = outcome.products[0].map(Float.init(bitPattern:))
            for row in 0..<rows {
                for column in 0..<columns {
                    let value = c[row * (columns + 3) + column]
                    let isBroken = row == 0 || row == 17 || column == 1 || column == 35
                    #expect(value.isFinite != isBroken, "\(row), \(column)")
                    if !isBroken && (row == 2 || column == 34) { #expect(value == 0) }
                }
            }
        }
    }

    @Test(arguments: kinds) func `a stretch of the inner dimension may be packed and multiplied on its own`(
        kind: CKKind
    ) {
        let (rows, inner, columns, cut) = (9, 200, 40, 128)
        let a = randomMatrix(rows, inner, seed: 8)
        let b = randomMatrix(columns, inner, seed: 9)
        let path = ck_best_path(kind)
        let stride = ck_rows_stride(kind, inner)
        var whole = [UInt8](repeating: 0, count: rows * stride)
        var pieces = whole
        ck_pack_rows(kind, path, a.values, inner, rows, inner, &whole, stride)
        var c = [Float](repeating: 0, count: rows * columns)
        for (first, count) in [(cut, inner - cut), (0, cut)] {
            pieces.withUnsafeMutableBytes {
                ck_pack_rows(
                    kind, path, Array(a.values[first...]), inner, rows, count,
                    $0.baseAddress! + ck_rows_offset(kind, first), stride)
            }
        }
        #expect(pieces == whole)
        for (first, count) in [(0, cut), (cut, inner - cut)] {
            var panel = [UInt8](repeating: 0, count: ck_panel_size(kind, count, columns))
            #expect(
                ck_panel_transposed(
                    kind, path, 0, Array(b.values[first...]), inner * 4, columns, count, &panel))
            pieces.withUnsafeBytes {
                ck_multiply(
                    kind, path, $0.baseAddress! + ck_rows_offset(kind, first), stride, rows, panel, count, &c, columns,
                    columns, first > 0)
            }
        }
        // In one go the order is the same, and so is every bit.
        let once = Self.run(kind, path, a, b).products[0]
        for row in 0..<rows {
            #expect(
                c[row * columns..<(row + 1) * columns].map(\.bitPattern)
                    == Array(once[row * (columns + 3)..<row * (columns + 3) + columns]))
        }
    }

    @Test(arguments: kinds) func `other rows and columns change no bit`(kind: CKKind) {
        let (a, b) = (randomMatrix(27, 150, seed: 10), randomMatrix(75, 150, seed: 11))
        let all = Self.run(kind, ck_best_path(kind), a, b).products[0]
        for (row, column) in [(0, 0), (26, 74), (13, 40)] {
            let one = Self.run(
                kind, ck_best_path(kind),
                Matrix(rows: 1, columns: 150, values: Array(a.values[row * 150..<(row + 1) * 150])),
                Matrix(rows: 1, columns: 150, values: Array(b.values[column * 150..<(column + 1) * 150])))
            #expect(one.products[0][0] == all[row * 78 + column])
        }
    }

    @Test(arguments: kinds) func `fetching what comes next changes no bit`(kind: CKKind) {
        let (rows, inner, columns) = (30, 128, 70)
        let path = ck_best_path(kind)
        let stride = ck_rows_stride(kind, inner)
        var left = [UInt8](repeating: 0, count: rows * stride)
        var panel = [UInt8](repeating: 0, count: ck_panel_size(kind, inner, columns))
        ck_pack_rows(kind, path, randomMatrix(rows, inner, seed: 12).values, inner, rows, inner, &left, stride)
        #expect(
            ck_panel_transposed(
                kind, path, 0, randomMatrix(columns, inner, seed: 13).values, inner * 4, columns, inner, &panel))
        func product(_ next: CKAhead) -> [UInt32] {
            var c = [Float](repeating: 0, count: rows * columns)
            ck_multiply_ahead(kind, path, left, stride, rows, panel, inner, &c, columns, columns, false, next)
            return c.map(\.bitPattern)
        }
        let plain = product(CKAhead())
        for (lines, bytes) in [(1, 1), (3, 64), (100, 200)] {
            let memory = [UInt8](repeating: 0, count: lines * 256)
            memory.withUnsafeBytes {
                let next = CKAhead(from: $0.baseAddress, stride: 256, rows: lines, bytes: bytes)
                #expect(product(next) == plain)
            }
        }
    }

    @Test func `an int8 block below 2^-120 counts as zero, and one above does not`() {
        let inner = Int(CK_INNER_BLOCK)
        let b = Matrix(rows: 1, columns: inner, values: [Float](repeating: 0x1p100, count: inner))
        for path in [CKPathPlain, CKPathAVX2, CKPathAVXVNNI, CKPathAVX512, CKPathNEON, CKPathDot]
        where ck_has_path(CKInt8, path) {
            for (value, wanted) in [(Float(0x1p-121), Float(0)), (-0x1p-126, 0), (0x1p-119, 0x1p-13)] {
                let a = Matrix(rows: 1, columns: inner, values: [Float](repeating: value, count: inner))
                let sum = Float(bitPattern: Self.run(CKInt8, path, a, b).products[0][0])
                #expect(abs(sum - wanted) <= 1e-5 * wanted, "path \(path.rawValue), \(value)")
            }
        }
    }

    @Test(arguments: kinds) func `packed rows do not crowd one set of a cache`(kind: CKKind) {
        for inner in [1, 64, 896, 1_536, 2_048, 8_960] {
            let stride = ck_rows_stride(kind, inner)
            // An odd number of lines: a power of two of rows takes as many sets.
            #expect(stride % 128 == 64 && stride >= ck_rows_offset(kind, (inner + 63) / 64 * 64 - 64))
        }
    }
}
