internal import Bytes
internal import CommandLineKit
internal import Digest
internal import PolymathKit
internal import TensorCore
internal import Training

/// `polymath bench gradients`: whether a faster arithmetic learns the same.
enum BenchGradients: Command {
    static let specification = CommandSpecification(
        path: ["bench", "gradients"], summary: "Hold the gradients of faster arithmetics against those of f32",
        discussion: """
            The gradient of each trained tensor, summed up over the first B windows of a text, or of seeded random
            tokens where none is given: its cosine with the one that --compute f32 gives, and the ratio of their
            lengths. 1 and 1 are the same gradient. Without --compute every arithmetic is compared.
            """,
        flags: [
            .base.required, .gradientScope, .corpus, .tokens, .part, .seqLen, .batchSize, .compute, .threads, .seed,
            .home, .json,
        ],
        exclusive: [[.corpus, .tokens], [.part, .tokens]],
        examples: ["polymath bench gradients --base nano --corpus Corpora/skerry-diary --batch-size 4"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        var bench = GradientBenchmark()
        bench.scope = arguments.text(.gradientScope).flatMap(Scope.init) ?? bench.scope
        bench.sequenceLength = try arguments.requiredInteger(.seqLen)
        bench.batchSize = try arguments.requiredInteger(.batchSize)
        bench.seed = UInt64(try arguments.requiredInteger(.seed))
        bench.source = try arguments.textSource()
        if let arithmetic = arguments.arithmetic { bench.arithmetics = [arithmetic] }
        let base = try arguments.loadBase()
        let results = try bench.run(base) { done, all in console.progress("Comparing", done: done, of: all) }
        console.endProgress()
        for result in results { console.emit("bench", members(result, bench: bench, base: base)) }
        for result in results { show(result, base: base, console) }
    }

    private static func members(
        _ result: GradientBenchmark.Result, bench: GradientBenchmark, base: LoadedBase
    ) -> [String: JSONValue] {
        [
            "bench": .string("gradients"), "base": .string(base.name), "synthetic_weights": .bool(base.isSynthetic),
            "compute": .string(result.arithmetic.rawValue), "scope": .string(bench.scope.rawValue),
            "seq_len": .exactly(bench.sequenceLength), "batch_size": .exactly(bench.batchSize),
            "threads": .exactly(base.workers.count), "loss": .measured(result.loss),
            "loss_f32": .measured(result.referenceLoss), "least_cosine": .measured(result.leastCosine),
            "whole_cosine": .measured(result.wholeCosine),
            "tensors": .array(
                result.tensors.map {
                    [
                        "tensor": .string($0.name), "cosine": .measured($0.cosine),
                        "norm_ratio": .measured($0.normRatio),
                    ]
                }),
        ]
    }

    private static func show(_ result: GradientBenchmark.Result, base: LoadedBase, _ console: Console) {
        console.show(
            table([
                ("base", escaped(base.title)), ("compute", "\(result.arithmetic.rawValue), beside f32"),
                ("loss", "\(fixed(result.loss, 5)), f32 \(fixed(result.referenceLoss, 5))"),
                ("cosine", "\(fixed(result.wholeCosine, 6)) of all as one, \(fixed(result.leastCosine, 6)) at least"),
            ]))
        console.show(
            table(
                result.tensors.map {
                    ("  " + escaped($0.name), "\(fixed($0.cosine, 6))  length × \(fixed($0.normRatio, 4))")
                }))
        console.show()
    }
}
