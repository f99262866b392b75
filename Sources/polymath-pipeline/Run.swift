internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import Model
internal import Pipeline
internal import PipelineNetwork
internal import PolymathKit
internal import Tokenizer

/// `polymath-pipeline run`: writes on from a prompt, with layers that others lend.
enum Run: Command {
    static let specification = CommandSpecification(
        path: ["run"], summary: "Write on from a prompt with layers that others lend, and tell what it took",
        discussion: """
              A measuring instrument for devices, not a serving engine: one request, one piece at a time. Embedding, head
              and the layers that nobody lends are computed here. A contribution is taken only if its digests name
              exactly what was sent; a stage that is lost or silent is replaced by the next line of the list that lends
              the same layers, else here, and the tokens stay the same.
            """,
        flags: [
            .base.required, .stages, .prompt.required, .maxTokens, .temperature, .topP, .seed, .patience, .compare,
            .compute, .threads, .identity, .home, .json,
        ],
        exits: [
            .init(
                .mismatch,
                "a stage has another key than listed or other weights, or --compare found another bit")
        ],
        examples: [
            "polymath-pipeline run --base nano --stages stages.txt --prompt \"The tide was out and\" --compare"
        ])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let list = try stageList(arguments)
        let base = try arguments.loadBase()
        let tokenizer = try base.tokenizer()
        let shape = try DecoderConfiguration(base.gguf)
        let roles = try list.roles(layerCount: shape.layerCount)
        let stages = try RemoteStages(
            base.gguf, list: list, identity: arguments.identityAtHand, arithmetic: base.arithmetic,
            threads: arguments.threadCount)
        stages.report = { sentence in
            console.emit("passed_over", ["message": .string(sentence)])
            console.note(sentence)
        }
        var policy = PipelineCoordinator.Policy()
        policy.patience = try arguments.requiredNumber(.patience)
        let coordinator = try PipelineCoordinator(shape, roles: roles, source: stages, policy: policy)
        var request = PipelineRequest(
            prompt: tokenizer.encode(try arguments.requiredText(.prompt)),
            maxTokens: try arguments.requiredInteger(.maxTokens),
            sampler: Sampler(
                temperature: try arguments.requiredNumber(.temperature), topP: try arguments.requiredNumber(.topP),
                seed: UInt64(try arguments.requiredInteger(.seed))))
        if let end = tokenizer.eosToken { request.stopTokens.insert(end) }
        try coordinator.open()
        var text = StreamingDecoder(tokenizer)
        let begin = ContinuousClock.now
        let outcomes = try coordinator.run([request]) { _, drawn in
            console.stream(text.append(drawn.token))
            return !console.isOutputClosed
        }
        console.show(text.finish())
        guard let outcome = outcomes.first else { return }
        var whole: PipelineOutcome?
        if arguments.isOn(.compare) { whole = try base.decoder().outcome(of: request) }
        let report = PipelineReport(
            base: base.name, isSynthetic: base.isSynthetic, coordinator: coordinator, outcome: outcome,
            seconds: (ContinuousClock.now - begin) / .seconds(1), whole: whole)
        for (event, members) in report.events { console.emit(event, members) }
        for line in report.lines { console.note(line) }
        if report.isIdentical == false { throw BitsDiffer() }
    }

    private static func stageList(_ arguments: Arguments) throws -> StageList {
        guard let path = arguments.text(.stages) else { return try StageList("", path: "") }
        try InputPath.requireFile(path, kind: "list of stages")
        guard let text = String(validating: try WholeFile.read(path, limit: 1 << 20), as: UTF8.self) else {
            throw InputError.unusable(kind: "list of stages", path: path, reason: "it is not UTF-8 text.")
        }
        return try StageList(text, path: path)
    }

    /// What `--compare` is there to find.
    struct BitsDiffer: ExitReporting, CustomStringConvertible {
        var exitStatus: ExitStatus { .mismatch }
        var description: String { "The stages computed other bits than the whole decoder does here." }
    }
}
