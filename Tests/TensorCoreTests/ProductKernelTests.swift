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
}
