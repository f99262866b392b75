public import Digest
internal import Foundation

/// What a finished run made and measured.
public struct RunSummary: Sendable {
    public let folder: String
    public let base: String
    public let isSynthetic: Bool
    public let corpus: String
    public let isDefaultCorpus: Bool
    public let end: String
    public let steps: Int
    public let bestStep: Int
    /// Mean loss on the validation windows, nats: of the base, and with what was exported, read back from disk.
    public let validationBefore: Double?
    public let validationAfter: Double?
    /// The same with the last step's masters, before anything was stored in 8 bits.
    public let validationLast: Double?
    public let firstBatchLossAfter: Double
    public let exportPath: String
    public let exportByteCount: Int
    public let contentID: SHA256Digest
    public let signer: String
    public let frozenTensors: Int
    public let frozenChanges: Int
    public let sealedTensors: Int
    public let chainHead: SHA256Digest
    public let reportPath: String
    public let tokensPerSecond: Double
    public let peakMemoryBytes: Int
    public let anonymousMemoryBytes: Int
    /// From the start of the process, or of the run inside one, to the first step: mapping, tokens, seal and plan.
    public let startupSeconds: Double
    public let seconds: Double
    /// The guard's rolling checks as a part of the training steps' processor time, over all threads.
    public let sealCPUShare: Double
    /// Steps within which an outside change to the base would have been seen.
    public let coverageBound: Int

    /// Members of the event `run_finished`.
    public var members: [String: JSONValue] {
        [
            "out": .string(folder), "base": .string(base), "synthetic_weights": .bool(isSynthetic),
            "corpus": .string(corpus), "end": .string(end), "steps": .exactly(steps), "best_step": .exactly(bestStep),
            "validation_loss_before": .measured(validationBefore), "validation_loss_after": .measured(validationAfter),
            "validation_loss_last": .measured(validationLast),
            "validation_perplexity_before": .measured(validationBefore.map { exp($0) }),
            "validation_perplexity_after": .measured(validationAfter.map { exp($0) }),
            "first_batch_loss_after": .measured(firstBatchLossAfter), "adapter": .string(exportPath),
            "adapter_bytes": .exactly(exportByteCount), "content_id": .string(contentID.hex),
            "signer": .string(signer), "frozen_tensors": .exactly(frozenTensors),
            "frozen_changes": .exactly(frozenChanges), "sealed_tensors": .exactly(sealedTensors),
            "chain_head": .string(chainHead.hex), "report": .string(reportPath),
            "tokens_per_second": .measured(tokensPerSecond), "peak_memory_bytes": .exactly(peakMemoryBytes),
            "anonymous_memory_bytes": .exactly(anonymousMemoryBytes),
            "startup_seconds": .measured(startupSeconds), "seconds": .measured(seconds),
            "seal_cpu_share": .measured(sealCPUShare),
            "seal_coverage_bound_steps": .exactly(coverageBound),
        ]
    }
}
