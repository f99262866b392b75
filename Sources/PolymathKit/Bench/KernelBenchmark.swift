internal import Blocks
internal import Bytes
internal import Digest
public import TensorCore

/// Times the inner loops of a step one by one, at the shapes of a known decoder, on weights and inputs of seeded random
/// numbers.
///
/// Products are timed with what belongs to them: inputs packed, weights decoded from their blocks tile by tile.
public struct KernelBenchmark: Sendable {
    /// What can be measured alone.
    public enum Group: String, CaseIterable, Sendable {
        /// x·Wᵀ and dy·W for each projection of a layer.
        case products
        /// The head with its cross-entropy and the gradient of its input.
        case head
        case attention
        /// Blocks to f32 values.
        case decode
        case sha256
    }

    /// One kernel at one size.
    public struct Row: Sendable {
        public let group: Group
        /// For instance `forward`, `input gradient`.
        public let kernel: String
        /// What is multiplied or read: `ffn_down, 1536 × 8960`.
        public let subject: String
        /// Storage type of the weights, or nil.
        public let type: String?
        public let arithmetic: Arithmetic?
        public let tokens: Int?
        public let threads: Int
        public let seconds: Spread
        public let work: Work
        /// Of the instruction on as many threads; nil for what multiplies nothing.
        public internal(set) var peakGops: Double?

        public enum Work: Sendable {
            /// Multiplications and additions.
            case operations(Double)
            /// Bytes read: of stored blocks, or of what is hashed.
            case bytes(Double)
        }

        /// Thousand millions of operations, or of bytes, per second.
        public var rate: Double {
            switch work {
            case .operations(let count), .bytes(let count): count / seconds.median / 1e9
            }
        }

        public var shareOfPeak: Double? { peakGops.map { rate / $0 } }
    }

    public var shape = SyntheticShape.qwen1_5B
    public var groups = Group.allCases
    public var arithmetics = Arithmetic.allCases
    public var tokens = [128, 512]
    /// Timed runs of each kernel, at least 1, after one that is not timed.
    public var repeats = 5
    public var seed: UInt64 = 0

    public init() {}

    /// - Parameters:
    ///   - workers: whose threads every kernel runs on.
    ///   - progress: kernels done, and kernels in all.
    /// - Throws: `ArenaError` where there is no memory for the inputs.
    public func run(workers: Workers, progress: ((Int, Int) -> Void)? = nil) throws -> [Row] {
        var tasks: [() throws -> [Row]] = []
        for group in groups {
            switch group {
            case .products: tasks += productTasks(workers)
            case .head: tasks += headTasks(workers)
            case .attention: tasks += attentionTasks(workers)
            case .decode: tasks += Self.storageTypes.map { type in { [decode(type, workers)] } }
            case .sha256: tasks += Set([1, workers.count]).sorted().map { count in { [hash(threads: count)] } }
            }
        }
        var rows: [Row] = []
        var peaks = peaks(workers)
        for (index, task) in tasks.enumerated() {
            rows += try task()
            progress?(index + 1, tasks.count)
        }
        // Before and after: what the machine could do once, it can.
        peaks.merge(self.peaks(workers)) { max($0, $1) }
        for index in rows.indices {
            guard let arithmetic = rows[index].arithmetic else { continue }
            rows[index].peakGops = peaks[arithmetic]
        }
        return rows
    }

    static let storageTypes: [StorageType] = [.q4_0, .q4_K, .q6_K]

    private func peaks(_ workers: Workers) -> [Arithmetic: Double] {
        guard groups.contains(where: { $0 != .decode && $0 != .sha256 }) else { return [:] }
        // Attention multiplies in bfloat16 where the products are in int8.
        return Set(arithmetics + [.bf16]).reduce(into: [:]) { $0[$1] = MachinePeak.gops(of: $1, workers: workers) }
    }

    /// Seconds of `repeats` runs of `body`, after one that warms up.
    func measure(_ body: () -> Void) -> Spread {
        body()
        return Spread(
            (0..<repeats).map { _ in
                let began = ContinuousClock.now
                body()
                return secondsSince(began)
            })
    }

    /// Values around 0, `[rows, columns]`.
    func values(_ rows: Int, _ columns: Int) -> Matrix {
        var random = CounterRandom(seed: seed, purpose: "bench values", step: UInt64(rows))
        let matrix = Matrix(rows: rows, columns: columns)
        matrix.withMutableSpan { span in
            for index in 0..<span.count { span[index] = Float(random.nextDouble() - 0.5) }
        }
        return matrix
    }

    /// A stored matrix, `[outputs, inputs]`. Its first rows are repeated: drawing more would only take time.
    func bytes(_ type: StorageType, outputs: Int, inputs: Int) -> ByteRegion {
        let drawn = min(outputs, 64)
        let rows = SyntheticRows(
            tensor: SyntheticTensor(
                name: "bench", type: type, dimensions: [inputs, drawn], values: .matrix(deviation: 0.02)),
            seed: seed)
        var block: [UInt8] = []
        for row in 0..<drawn { rows.append(row: row, to: &block) }
        let rowLength = block.count / drawn
        var all: [UInt8] = []
        all.reserveCapacity(outputs * rowLength)
        while all.count < outputs * rowLength {
            all.append(contentsOf: block.prefix(outputs * rowLength - all.count))
        }
        return ByteRegion(all)
    }
}
