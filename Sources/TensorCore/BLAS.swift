// The one door to the BLAS library: single-threaded products on tiles. Its own threads stay off, because with them
// the order of a sum would depend on their number.

internal import CBLAS

enum BLAS {
    /// What OpenBLAS 0.3 maps per calling thread on 64-bit processors (`BUFFER_SIZE` of its `common_x86_64.h`; other
    /// processors' are smaller).
    static let bufferByteCount = 128 << 20

    private static let oneThreadPerCall: Void = openblas_set_num_threads(1)

    /// One operand of a product: its first element, the distance between rows, and whether it is read transposed.
    @unsafe
    struct Operand {
        let start: UnsafePointer<Float>
        let stride: Int
        let isTransposed: Bool

        init(_ start: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
            unsafe self.start = start
            unsafe self.stride = stride
            unsafe isTransposed = transposed
        }
    }

    /// c = alpha · a·b + beta · c, with a: [rows, inner], b: [inner, columns], c: [rows, columns] after transposition.
    static func multiply(
        _ a: Operand, _ b: Operand, into c: UnsafeMutablePointer<Float>, stride: Int,
        rows: Int, columns: Int, inner: Int, alpha: Float = 1, beta: Float
    ) {
        guard rows > 0 && columns > 0 else { return }
        _ = oneThreadPerCall
        unsafe cblas_sgemm(
            CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans,
            Int32(rows), Int32(columns), Int32(inner), alpha, a.start, Int32(a.stride), b.start, Int32(b.stride), beta,
            c, Int32(stride))
    }

    /// c += a·aᵀ on and below the diagonal, with a: [rows, inner], c: [rows, rows].
    static func addGram(
        _ a: Operand, into c: UnsafeMutablePointer<Float>, stride: Int, rows: Int, inner: Int
    ) {
        guard rows > 0 else { return }
        _ = oneThreadPerCall
        unsafe cblas_ssyrk(
            CblasRowMajor, CblasLower, CblasNoTrans, Int32(rows), Int32(inner), 1, a.start, Int32(a.stride), 1, c,
            Int32(stride))
    }

    /// y = W·x + beta · y for one vector, with W: [rows, columns].
    static func multiply(
        matrix: UnsafePointer<Float>, stride: Int, vector x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
        rows: Int, columns: Int, beta: Float
    ) {
        guard rows > 0 else { return }
        _ = oneThreadPerCall
        unsafe cblas_sgemv(
            CblasRowMajor, CblasNoTrans, Int32(rows), Int32(columns), 1, matrix, Int32(stride), x, 1, beta, y, 1)
    }
}
