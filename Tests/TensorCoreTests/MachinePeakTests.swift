import CKernels
import TensorCore
import Testing

@Suite struct MachinePeakTests {
    @Test(arguments: MachinePeak.Instruction.allCases)
    func `a peak is there exactly where the instruction is`(instruction: MachinePeak.Instruction) {
        let which: CKPeak =
            switch instruction {
            case .f32: CKPeakF32
            case .bf16: CKPeakBF16
            case .int8: CKPeakInt8
            }
        let peak = MachinePeak.gops(instruction, workers: Workers(count: 1))
        #expect((peak != nil) == (ck_peak_operations(which, 1) > 0))
        if let peak { #expect(peak.isFinite && peak > 0) }
    }

    @Test func `every arithmetic has the peak of the instruction of its name`() {
        for arithmetic in Arithmetic.allCases {
            #expect(MachinePeak.Instruction(rawValue: arithmetic.rawValue) != nil, "\(arithmetic)")
        }
    }
}
