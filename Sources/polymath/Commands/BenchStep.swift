internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import PolymathKit
internal import TensorCore
internal import Training

/// `polymath bench step`: what a training step costs here.
enum BenchStep: Command {
    static let specification = CommandSpecification(
        path: ["bench", "step"], summary: "Time training steps, or forward passes, on random tokens",
        discussion: """
            Seeded random tokens instead of text: no corpus, no seal, no run folder. One step warms up, then R steps
            are timed. Scope tail is timed in a first pass over its windows and again when the frozen layers' output
            is taken from the cache; the figures are the second pass's, the first stands beside them.

            Gop/s are the multiplications and additions that the shape asks for (2 per weight and token forward, 2
            for the gradient of its input, and attention's), whatever is computed twice. The machine's peak is
            measured in the same run by loops over registers with the instruction that --compute uses. Peak resident
            memory is the kernel's own figure (VmHWM); anonymous memory is looked at every 2 ms up to the end of the
            first step and after each further one; planned is what train counts with before it begins, without what
            checkpoints and reports need.
            """,
        flags: [
            .base.required, .scope, .seqLen, .batchSize, .moments, .compute, .threads, .memoryBudget, .repeats,
            .forwardOnly, .seed, .home, .json,
        ],
        exclusive: [[.scope, .forwardOnly], [.memoryBudget, .forwardOnly]],
        exits: [.init(.resources, "the memory budget is too small for a step, or the system refuses the memory")],
        examples: ["polymath bench step --base nano", "polymath bench step --base nano --scope tail --compute bf16"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        var bench = StepBenchmark()
        bench.scope = arguments.text(.scope).flatMap(Scope.init) ?? bench.scope
        bench.moments = arguments.text(.moments).flatMap(Moments.Form.init) ?? bench.moments
        bench.isForwardOnly = arguments.isOn(.forwardOnly)
        bench.sequenceLength = try arguments.requiredInteger(.seqLen)
        bench.batchSize = try arguments.requiredInteger(.batchSize)
        bench.repeats = try arguments.requiredInteger(.repeats)
        bench.memoryBudget = arguments.integer(.memoryBudget)
        bench.seed = UInt64(try arguments.requiredInteger(.seed))
        let base = try arguments.loadBase(
            workers: Workers(count: arguments.threadCount, times: OperationTimes()))
        let result = try bench.run(base) { done, steps in console.progress("Timing", done: done, of: steps) }
        console.endProgress()
        console.emit("bench", members(result, bench: bench, base: base))
        console.show(table(rows(result, bench: bench, base: base)))
        console.show("\nwhere a step's time goes")
        console.show(table(shares(result)))
    }

    // MARK: For programs

    private static func members(
        _ result: StepBenchmark.Result, bench: StepBenchmark, base: LoadedBase
    ) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "bench": .string("step"), "base": .string(base.name), "synthetic_weights": .bool(base.isSynthetic),
            "forward_only": .bool(bench.isForwardOnly), "seq_len": .exactly(bench.sequenceLength),
            "batch_size": .exactly(bench.batchSize), "repeat": .exactly(bench.repeats),
            "compute": .string(base.arithmetic.rawValue), "kernel_path": .string(kernelPath(base)),
            "threads": .exactly(base.workers.count),
            "step_seconds": json(result.seconds), "tokens_per_second": .measured(speed(result, bench)),
            "operations": .measured(result.operations.total), "achieved_gops": .measured(result.achievedGops),
            "machine_peak_gops": .measured(result.peakGops),
            "share_of_peak": .measured(result.shareOfPeak),
            "peak_rss_bytes": .count(result.peakResidentBytes),
            "peak_anonymous_bytes": .count(result.peakAnonymousBytes),
            "operation_seconds": .object(
                Dictionary(
                    uniqueKeysWithValues: result.operationSeconds.map { ($0.key.rawValue, .measured($0.value)) })),
            "loss": .measured(result.loss),
        ]
        if !bench.isForwardOnly {
            members["scope"] = .string(bench.scope.rawValue)
            members["moments"] = .string(bench.moments.rawValue)
            members["planned_anonymous_bytes"] = .count(result.plannedAnonymousBytes)
        }
        if let budget = bench.memoryBudget { members["memory_budget"] = .exactly(budget) }
        if let first = result.firstPassSeconds { members["first_pass_step_seconds"] = json(first) }
        if let first = result.firstPassOperations { members["first_pass_operations"] = .measured(first.total) }
        return members
    }

    private static func kernelPath(_ base: LoadedBase) -> String {
        ([KernelPath.current] + [base.arithmetic.instructions].compactMap(\.self)).joined(separator: " ")
    }

    private static func json(_ spread: Spread) -> JSONValue {
        ["min": .measured(spread.min), "median": .measured(spread.median), "max": .measured(spread.max)]
    }

    // MARK: For people

    private static func rows(
        _ result: StepBenchmark.Result, bench: StepBenchmark, base: LoadedBase
    ) -> [(String, String)] {
        let what =
            bench.isForwardOnly
            ? "forward pass and loss"
            : "training step, scope \(bench.scope.rawValue)"
                + (bench.moments == .f32 ? "" : ", moments \(bench.moments.rawValue)")
        let threads = base.workers.count == 1 ? "1 thread" : "\(base.workers.count) threads"
        let size = "\(bench.batchSize) × \(grouped(bench.sequenceLength)) tokens"
        var rows = [
            ("base", escaped(base.title)), ("timed", "\(what), \(size), \(base.arithmetic.rawValue), \(threads)"),
            ("seconds", "\(shown(result.seconds)), \(fixed(speed(result, bench), 1)) tokens/s"),
        ]
        if let first = result.firstPassSeconds { rows.append(("first pass", shown(first) + ", nothing cached")) }
        let operations = result.operations
        var parts = ["forward \(giga(operations.forward))"]
        if !bench.isForwardOnly { parts.append("gradients of activations \(giga(operations.activationGradients))") }
        if operations.weightGradients > 0 { parts.append("of weights \(giga(operations.weightGradients))") }
        rows.append(("operations", "\(giga(operations.total)) G: " + parts.joined(separator: ", ")))
        var achieved = "\(fixed(result.achievedGops, 1)) Gop/s"
        if let peak = result.peakGops, let share = result.shareOfPeak {
            achieved += ", \(fixed(share * 100, 1)) % of the \(fixed(peak, 1)) that the instruction reaches"
        }
        rows.append(("achieved", achieved))
        if let resident = result.peakResidentBytes, let anonymous = result.peakAnonymousBytes {
            let planned = result.plannedAnonymousBytes.map { " (planned \(megabytes($0)))" } ?? ""
            let budget = bench.memoryBudget.map { ", budget \(megabytes($0)) MB" } ?? ""
            rows.append(
                (
                    "memory",
                    "peak \(megabytes(resident)) MB resident, \(megabytes(anonymous)) MB of it anonymous\(planned)\(budget)"
                ))
        }
        return rows
    }

    /// Kinds of operation by falling time; those that took none are left out.
    private static func shares(_ result: StepBenchmark.Result) -> [(String, String)] {
        let whole = result.operationSeconds.values.reduce(0, +)
        return OperationKind.allCases.map { ($0, result.operationSeconds[$0] ?? 0) }
            .filter { $0.1 > 0 }.sorted { $0.1 > $1.1 }
            .map { kind, seconds in
                ("  " + name(of: kind), "\(fixed(seconds, 4)) s  \(fixed(seconds / whole * 100, 1)) %")
            }
    }

    private static func name(of kind: OperationKind) -> String {
        switch kind {
        case .products: "products forward"
        case .inputGradients: "products for dX"
        case .weightGradients: "products for dW"
        case .packing: "packing operands"
        case .attention: "attention forward"
        case .attentionGradient: "attention backward"
        case .head: "head and loss"
        case .elementwise: "norms, activation"
        case .optimizer: "optimiser"
        case .other: "everything else"
        }
    }

    private static func shown(_ spread: Spread) -> String {
        "\(fixed(spread.median, 4)) median (\(fixed(spread.min, 4)) to \(fixed(spread.max, 4)))"
    }

    private static func speed(_ result: StepBenchmark.Result, _ bench: StepBenchmark) -> Double {
        Double(bench.batchSize * bench.sequenceLength) / result.seconds.median
    }

    private static func giga(_ operations: Double) -> String { fixed(operations / 1e9, 1) }

    private static func megabytes(_ bytes: Int) -> String { fixed(Double(bytes) / 1e6, 1) }
}
