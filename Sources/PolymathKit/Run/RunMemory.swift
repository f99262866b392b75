internal import Bytes
internal import Device
internal import Digest
internal import GGUF
internal import Model
internal import TensorCore
internal import Training

/// Where a run's anonymous memory goes, decided from shapes before anything large is allocated.
///
/// The base is not among it, as it is a read-only map of a file, whose pages the system may take back at any time; unless the
/// run reads a copy of it (`sealStrict`), which is then among what is held already.
struct RunMemory {
    /// What a pass over one window keeps and overwrites.
    let pass: MemoryPlan
    /// Held when the plan was made: the program, the tokenizer, the corpus.
    let held: Int
    /// Masters, gradients and optimiser state of the trained tensors, and the best masters so far.
    let training: Int
    /// Outputs of frozen layers that scope `tail` holds, and the most that they may take; what is beyond lies in a file.
    let keptOutputs: Int
    let keptOutputLimit: Int
    /// What sealing, checkpoints, reports and the like take at a time.
    static let reserve = 24 << 20

    /// The most that the run is expected to hold.
    var total: Int { held + training + keptOutputs + Self.reserve + pass.byteCount }

    /// A hard limit of the operating system counts as a budget where what would be planned does not fit under it.
    ///
    /// - Parameter windows: of training and validation together.
    /// - Throws: `RunError.budgetTooSmall` or `RunError.limitTooSmall` where not even the least that a pass can do with
    ///   fits; `ModelError.memoryRefused` where a resource limit leaves no room for what was planned.
    init(
        gguf: GGUFFile, shape: DecoderConfiguration, options: TrainingOptions, arithmetic: Arithmetic, threads: Int,
        tokens: Int, windows: Int, budget: Int?, limit hard: MemoryLimit? = MemoryLimit.current()
    ) throws {
        held = MemoryProbe.sample()?.anonymousBytes ?? 0
        let decoder = try Decoder(gguf, workers: Workers(count: threads), arithmetic: arithmetic)
        let names = options.scope.tensorNames(of: shape) { gguf.tensor(named: $0) != nil }
        training =
            decoder.trainingByteCount(
                names, tokensPerStep: tokens * options.batchSize, windowsPerStep: options.batchSize)
            + Self.stateByteCount(names, gguf, options)
            // The order of an epoch's windows, made anew for each step.
            + (options.shuffle ? windows * MemoryLayout<Int>.stride : 0)
        let lowest = options.scope.layers(of: shape)[0]
        func plan(_ tokens: Int, _ limit: Int?) -> MemoryPlan {
            decoder.memoryPlan(
                tokens: tokens, lowestSaved: lowest, trainsMatrices: options.scope == .boundary, limit: limit)
        }
        let isTail = options.scope == .tail
        func keep(_ limit: Int) -> (limit: Int, byteCount: Int) {
            let limit = isTail ? min(limit, PrefixStorage.defaultMemoryLimit) : 0
            let storage = PrefixStorage(memoryLimit: limit, folder: nil)
            let width = shape.embeddingLength
            return (limit, isTail ? storage.memoryByteCount(windows: windows, tokens: tokens, width: width) : 0)
        }
        if budget == nil {
            let (free, kept) = (plan(tokens, nil), keep(.max))
            let all = held + training + Self.reserve + kept.byteCount + free.byteCount
            if all <= hard?.availableBytes ?? .max {
                pass = free
                (keptOutputLimit, keptOutputs) = kept
                try checkRoom(threads)
                return
            }
        }
        let budget = min(budget ?? .max, hard?.availableBytes ?? .max)
        // One output passes through memory wherever it is kept.
        let fixed = held + training + keep(0).byteCount + Self.reserve
        let limit = max(budget - fixed, 0)
        pass = plan(tokens, limit)
        (keptOutputLimit, keptOutputs) = keep(max(0, limit - pass.byteCount))
        guard pass.byteCount > limit else {
            try checkRoom(threads)
            return
        }
        // The longest window that fits: bytes grow with tokens, so halving finds it.
        var (fits, fails) = (0, tokens)
        while fails - fits > 1 {
            let middle = (fits + fails) / 2
            if plan(middle, 0).byteCount <= limit { fits = middle } else { fails = middle }
        }
        let needed = fixed + pass.byteCount
        if let hard, budget == hard.availableBytes {
            throw RunError.limitTooSmall(limit: hard, needed: needed, tokens: tokens, longestWindow: fits)
        }
        throw RunError.budgetTooSmall(budget: budget, needed: needed, tokens: tokens, longestWindow: fits)
    }

    /// Whether the base's bytes fit into what the run may hold, before they are read; what else it needs is planned beside
    /// them.
    ///
    /// - Throws: `RunError.copyTooLarge`; `BytesError` where there is no such file.
    static func checkCopy(of path: String, budget: Int?) throws {
        let byteCount = try FileIdentity(ofFileAt: path).byteCount
        let allowed = min(budget ?? .max, MemoryLimit.current()?.availableBytes ?? .max)
        guard byteCount <= allowed - reserve, Arena.hasRoom(for: byteCount) else {
            throw RunError.copyTooLarge(base: path.lastComponent, byteCount: byteCount, allowed: allowed)
        }
    }

    private func checkRoom(_ threads: Int) throws {
        let space = total - held + Arena.addressSpace(threads: threads)
        guard Arena.hasRoom(for: space) else { throw ModelError.memoryRefused(.refused(byteCount: space)) }
    }

    /// The optimiser's moments, and the best masters so far where they are kept in memory.
    private static func stateByteCount(_ names: [String], _ gguf: GGUFFile, _ options: TrainingOptions) -> Int {
        names.reduce(0) { sum, name in
            guard let tensor = gguf.tensor(named: name) ?? gguf.tensor(named: "token_embd.weight"),
                let columns = tensor.dimensions.first
            else { return sum }
            let moments = Moments.wordCount(
                tensor.dimensions.count > 1 ? options.moments : .f32, rows: tensor.elementCount / columns,
                columns: columns)
            return sum + (options.scope == .boundary ? 0 : 4 * tensor.elementCount)
                + (options.optimizer == .adamw ? 2 * 4 * moments : 0)
        }
    }

    /// What `train --dry-run` and the run's first event say.
    var members: JSONValue {
        [
            "total": .exactly(total), "held": .exactly(held), "training": .exactly(training),
            "kept_outputs": .exactly(keptOutputs),
            "reserve": .exactly(Self.reserve), "activations_and_scratch": .exactly(pass.byteCount),
            "layers_with_backward": .exactly(pass.savings.count),
            "recomputed_attention": .exactly(pass.recomputedAttentionCount),
            "recomputed_feed_forward": .exactly(pass.recomputedFeedForwardCount),
        ]
    }
}
