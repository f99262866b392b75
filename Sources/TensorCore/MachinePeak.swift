/// What the machine could do at best: loops over registers, without memory.
public enum MachinePeak {
    /// Thousand millions of operations per second that the instruction of `arithmetic` reaches on all workers; nil
    /// where no such loop is known.
    public static func gops(of arithmetic: Arithmetic, workers: Workers) -> Double? { nil }
}
