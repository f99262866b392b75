import CKernels
import Testing

@Suite struct PeakTests {
    @Test(arguments: [(CKPeakF32, 32.0), (CKPeakBF16, 64.0), (CKPeakInt8, 128.0)])
    func `a peak loop does whole instructions, and as many as it is asked for`(which: CKPeak, perInstruction: Double) {
        let one = ck_peak_operations(which, 1)
        #expect(one >= 0 && one.truncatingRemainder(dividingBy: perInstruction / 2) == 0)
        #expect(ck_peak_operations(which, 10) == 10 * one)
        let native = which == CKPeakBF16 ? ck_is_native(CKBF16) : ck_is_native(CKInt8)
        if native { #expect(one > 0) }
    }
}
