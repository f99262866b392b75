public import TensorCore

/// What of a layer's forward is kept for its backward. Input and middle of the residual stream always are; what is not
/// kept is computed again from them, with the same bits.
public struct LayerSaving: Equatable, Sendable {
    /// Queries, keys, values, attention's output and the log of its sums.
    public var keepsAttention: Bool
    /// Gate and up projections.
    public var keepsFeedForward: Bool

    public static let everything = LayerSaving(keepsAttention: true, keepsFeedForward: true)
    public static let least = LayerSaving(keepsAttention: false, keepsFeedForward: false)

    public init(keepsAttention: Bool, keepsFeedForward: Bool) {
        self.keepsAttention = keepsAttention
        self.keepsFeedForward = keepsFeedForward
    }
}

/// What a pass over one window keeps, and how much memory it takes: made from shapes alone, before anything is allocated.
public struct MemoryPlan: Equatable, Sendable {
    /// Tokens of a window.
    public let tokens: Int
    /// The lowest layer whose activations backward reads; the layer count for a pass without backward.
    public let lowestSaved: Int
    public let hasBackward: Bool
    /// Whether layers hold trained matrices, whose gradients need f32 copies of some activations.
    public let trainsMatrices: Bool
    public let arithmetic: Arithmetic
    /// Per layer from ``lowestSaved`` up.
    public internal(set) var savings: [LayerSaving]
    /// Bytes of the arena: activations and what a pass overwrites.
    public internal(set) var arenaByteCount = 0
    /// Bytes of the threads' scratch, which operations use beside it.
    public internal(set) var scratchByteCount = 0

    public var byteCount: Int { arenaByteCount + scratchByteCount }

    /// Layers whose attention, and whose feed-forward, backward computes again.
    public var recomputedAttentionCount: Int { savings.count { !$0.keepsAttention } }
    public var recomputedFeedForwardCount: Int { savings.count { !$0.keepsFeedForward } }
}

extension Decoder {
    /// The plan for windows of `tokens` tokens that keeps as much as fits in `limit` bytes.
    ///
    /// Attention's part is given up first, because it costs least to compute again for what it takes; then the
    /// feed-forward's; lower layers before higher ones.
    ///
    /// - Parameters:
    ///   - lowestSaved: the lowest layer that backward reaches; nil for a pass without backward.
    ///   - trainsMatrices: whether layers will hold trained matrices; nil asks the layers.
    ///   - limit: bytes for the pass; nil keeps everything.
    /// - Returns: the plan; it takes more than `limit` when even the least does.
    public func memoryPlan(
        tokens: Int, lowestSaved: Int?, trainsMatrices: Bool? = nil, limit: Int? = nil
    ) -> MemoryPlan {
        let lowest = lowestSaved ?? configuration.layerCount
        let count = configuration.layerCount - lowest
        func plan(_ savings: [LayerSaving]) -> MemoryPlan {
            var plan = MemoryPlan(
                tokens: tokens, lowestSaved: lowest, hasBackward: lowestSaved != nil,
                trainsMatrices: lowestSaved != nil && (trainsMatrices ?? layers.contains { $0.trainsMatrix }),
                arithmetic: arithmetic,
                savings: savings)
            let arena = Arena.measuring()
            _ = WindowWorkspace(configuration, plan: plan, in: arena)
            plan.arenaByteCount = arena.highest
            plan.scratchByteCount = scratchByteCount(plan)
            return plan
        }
        let full = plan(Array(repeating: .everything, count: count))
        guard let limit, full.byteCount > limit, count > 0 else { return full }
        var best = full
        for step in 1...2 * count {
            let attention = min(step, count)
            let feedForward = max(step - count, 0)
            best.savings = (0..<count).map {
                LayerSaving(keepsAttention: $0 >= attention, keepsFeedForward: $0 >= feedForward)
            }
            best = plan(best.savings)
            if best.byteCount <= limit { break }
        }
        return best
    }

    private func scratchByteCount(_ plan: MemoryPlan) -> Int {
        let feedForward = layers[0].gatedWeights.scratchByteCount(
            tokens: plan.tokens, backward: plan.hasBackward, threads: workers.count)
        let headBytes = head.weight.headScratchByteCount(rows: plan.tokens, threads: workers.count)
        return max(feedForward, headBytes)
    }
}
