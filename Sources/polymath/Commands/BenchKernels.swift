internal import CommandLineKit
internal import Digest
internal import PolymathKit
internal import TensorCore

/// `polymath bench kernels`: what the inner loops reach here.
enum BenchKernels: Command {
    static let specification = CommandSpecification(
        path: ["bench", "kernels"], summary: "Time the inner loops, and hold them against the machine's peak",
        discussion: """
            Products at the shapes of Qwen2.5-1.5B, for each storage type and, unless --compute names one, each
            arithmetic: forward (x·Wᵀ) and input gradient (dy·W), with packing the inputs and decoding the weights; the head with its loss; attention;
            decoding; SHA-256. Weights are random. Each figure is the median of R runs after one that is not timed.
            Operations are multiplications and additions; GB/s are bytes read, of stored blocks or of what is hashed.
            The peak is measured in the same run, by loops over registers, on as many threads.
            """,
        flags: [.only, .compute, .threads, .repeats, .json],
        examples: ["polymath bench kernels", "polymath bench kernels --only decode --threads 1"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        var bench = KernelBenchmark()
        if let group = arguments.text(.only).flatMap(KernelBenchmark.Group.init) { bench.groups = [group] }
        if let arithmetic = arguments.arithmetic { bench.arithmetics = [arithmetic] }
        bench.repeats = try arguments.requiredInteger(.repeats)
        let rows = try bench.run(workers: Workers(count: arguments.threadCount)) { done, all in
            console.progress("Timing", done: done, of: all)
        }
        console.endProgress()
        for row in rows { console.emit("bench", members(row)) }
        for group in bench.groups {
            let lines = rows.filter { $0.group == group }
            console.show(title(group))
            console.show(columns(group == .decode || group == .sha256 ? lines.map(cells) : pivot(lines)))
            console.show()
        }
    }

    private static func members(_ row: KernelBenchmark.Row) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "bench": .string("kernel"), "group": .string(row.group.rawValue), "kernel": .string(row.kernel),
            "subject": .string(row.subject), "threads": .exactly(row.threads),
            "seconds": [
                "min": .measured(row.seconds.min), "median": .measured(row.seconds.median),
                "max": .measured(row.seconds.max),
            ],
        ]
        if let type = row.type { members["type"] = .string(type) }
        if let arithmetic = row.arithmetic { members["compute"] = .string(arithmetic.rawValue) }
        if let tokens = row.tokens { members["tokens"] = .exactly(tokens) }
        switch row.work {
        case .operations(let count):
            members["operations"] = .measured(count)
            members["achieved_gops"] = .measured(row.rate)
            members["machine_peak_gops"] = .measured(row.peakGops)
            members["share_of_peak"] = .measured(row.shareOfPeak)
        case .bytes(let count):
            members["bytes"] = .measured(count)
            members["gigabytes_per_second"] = .measured(row.rate)
        }
        return members
    }

    private static func title(_ group: KernelBenchmark.Group) -> String {
        switch group {
        case .products: "products with weights"
        case .head: "head and cross-entropy"
        case .attention: "attention"
        case .decode: "decoding"
        case .sha256: "hashing"
        }
    }

    private static func cells(_ row: KernelBenchmark.Row) -> [String] {
        [
            row.kernel, row.subject, row.type ?? "", row.threads == 1 ? "1 thread" : "\(row.threads) threads",
            fixed(row.rate, 2) + " GB/s",
        ]
    }

    /// One line for each weight and arithmetic: Gop/s, and percent of the peak, for each kernel and number of tokens.
    private static func pivot(_ rows: [KernelBenchmark.Row]) -> [[String]] {
        var heads: [String] = []
        var lines: [(key: [String], cells: [String: String])] = []
        for row in rows {
            let head = row.kernel + (row.tokens.map { ", \($0)" } ?? "")
            if !heads.contains(head) { heads.append(head) }
            let peak = row.peakGops.map { fixed($0, 0) } ?? "unknown"
            let key = [row.subject, row.type ?? "", row.arithmetic?.rawValue ?? "", peak]
            let share = row.shareOfPeak.map { " (\(fixed($0 * 100, 0)) %)" } ?? ""
            if lines.last?.key != key { lines.append((key, [:])) }
            lines[lines.count - 1].cells[head] = fixed(row.rate, 1) + share
        }
        return [["Gop/s, tokens:", "", "", "peak"] + heads]
            + lines.map { line in line.key + heads.map { line.cells[$0] ?? "" } }
    }

    /// Cells in columns, two spaces apart; a column that is empty in every row is left out.
    private static func columns(_ rows: [[String]]) -> String {
        let count = rows.first?.count ?? 0
        let widths = (0..<count).map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines: [String] = []
        for row in rows {
            var line = ""
            for (cell, width) in zip(row, widths) where width > 0 {
                line += "  " + cell + String(repeating: " ", count: width - cell.count)
            }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }
}
