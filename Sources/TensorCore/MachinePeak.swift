internal import CKernels

/// What the machine could do at best: loops over registers with one multiplying instruction, without memory.
public enum MachinePeak {
    /// The instruction that products in an `Arithmetic` of the same name are made of.
    public enum Instruction: String, CaseIterable, Sendable {
        case f32, bf16, int8
    }

    /// Thousand millions of operations per second on all workers together, a multiplication and an addition counting
    /// as two: the best of several runs of some milliseconds. Nil where the processor lacks the instruction.
    public static func gops(_ instruction: Instruction, workers: Workers) -> Double? {
        let which =
            switch instruction {
            case .f32: CKPeakF32
            case .bf16: CKPeakBF16
            case .int8: CKPeakInt8
            }
        guard let iterations = iterations(which) else { return nil }
        let perTask = ck_peak_operations(which, iterations)
        // Several tasks a thread: one that wakes up late takes fewer.
        let tasks = 8 * workers.count
        return (0..<runs).map { _ in
            let seconds = seconds { workers.forEach(tasks: tasks) { _ in _ = ck_peak_operations(which, iterations) } }
            return perTask * Double(tasks) / seconds / 1e9
        }.max()
    }

    /// The peak of the instruction that `arithmetic` is made of.
    public static func gops(of arithmetic: Arithmetic, workers: Workers) -> Double? {
        Instruction(rawValue: arithmetic.rawValue).flatMap { gops($0, workers: workers) }
    }

    private static let runs = 8

    /// As many as take about a millisecond.
    private static func iterations(_ which: CKPeak) -> UInt64? {
        guard ck_peak_operations(which, 1) > 0 else { return nil }
        var iterations: UInt64 = 1_000
        while iterations < 1 << 40, seconds({ _ = ck_peak_operations(which, iterations) }) < 0.001 { iterations *= 2 }
        return iterations
    }

    private static func seconds(_ body: () -> Void) -> Double {
        let began = ContinuousClock.now
        body()
        let (whole, part) = (ContinuousClock.now - began).components
        return Double(whole) + Double(part) * 1e-18
    }
}
