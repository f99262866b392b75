internal import CKernels

/// How products with weights are computed (design, section 4).
public enum Arithmetic: String, CaseIterable, Sendable {
    /// f32 operands and sums: the reference.
    case f32
    /// Operands rounded to bfloat16 (nearest, ties to even) as they go into a product; sums in f32.
    case bf16
    /// Operands rounded to eight bits with a scale per block of the inner dimension; exact sums in a block, f32 across.
    case int8

    /// What `auto` stands for: the fastest arithmetic that was shown to be faithful (Documentation/PERFORMANCE.md) and for
    /// which this processor has instructions. Never decided by timing.
    public static var automatic: Arithmetic { ck_is_native(CKBF16) ? .bf16 : .f32 }

    /// What fixes the bits of this arithmetic's products, beside the BLAS library: part of the kernel path. One name
    /// stands for all code that must give the same bits (decision 0007).
    public var instructions: String? {
        switch self {
        case .f32: nil
        case .bf16: ck_best_path(CKBF16) == CKPathAVX512 ? "avx512bf16" : "bf16-fma"
        case .int8: "int8"
        }
    }
}
