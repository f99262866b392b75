import CKernels
import CKernelsCheck
import Foundation
import TensorCore
import TestSupport
import Testing

/// Every path of the kernels against the plain one: Tests/CKernels, on this processor and on 64-bit ARM.
@Suite struct KernelPathTests {
    /// What the check finds on this processor.
    static let native: (differences: Int32, digest: UInt64) = {
        var digest: UInt64 = 0
        let differences = ck_check(Int32(CK_CHECK_ROUNDS), &digest)
        return (differences, digest)
    }()

    @Test func `every path gives the plain one's bits for ragged shapes and numbers of all sorts`() {
        #expect(Self.native.differences == 0)
    }

    @Test(arguments: [CKBF16, CKInt8])
    func `the fastest path is there, and only an old processor is left with the plain one`(kind: CKKind) {
        let best = ck_best_path(kind)
        #expect(ck_has_path(kind, best))
        #if arch(arm64)
            #expect(best != CKPathPlain)
        #else
            #expect((best == CKPathPlain) == !ck_has_path(kind, CKPathAVX2))
        #endif
    }

    @Test func `arithmetics are named after what fixes their bits`() {
        #expect(Arithmetic.f32.instructions == nil)
        #expect(Arithmetic.int8.instructions == "int8")
        #expect(Arithmetic.bf16.instructions == (ck_has_path(CKBF16, CKPathAVX512) ? "avx512bf16" : "bf16-fma"))
    }

    @Test(
        .enabled(
            if: ARMTools.areInstalled,
            "a cross compiler or qemu-aarch64 is not installed; make neon-deps does that"))
    func `64-bit ARM gives the same bits`() throws {
        let folder = TemporaryFolder()
        let (status, text) = try ARMTools.run(
            "Tests/CKernels/neon.sh", [folder.path("programs"), String(format: "%016llx", Self.native.digest)])
        #expect(status == 0, "\(text)")
        #expect(text.contains("64-bit ARM, cortex-a53"))
    }
}
