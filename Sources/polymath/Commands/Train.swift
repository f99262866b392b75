internal import Bytes
internal import Digest
internal import PolymathKit
internal import Training

/// `polymath train`: a base and a person's text become a signed adapter, an audit chain and a report.
enum Train: Command {
    static let specification = CommandSpecification(
        path: ["train"], summary: "Train the boundary of a base on your own text",
        discussion: """
            Trains norm gains (scopes norms, tail, all-norms) or the whole boundary, checks before every update
            that the base's bytes are what they were, and exports what was learned as a signed file into a new
            run folder.
            """,
        flags: [
            .base, .corpus, .tokens, .scope, .steps, .epochs, .seqLen, .batchSize, .optimizer, .learningRate, .schedule,
            .warmup, .weightDecay, .gradClip, .seed, .shuffle, .validationFraction, .evalEvery, .patience,
            .adapterEncoding, .compute, .threads, .config, .dryRun, .identity, .out, .home, .json,
        ],
        exclusive: [[.corpus, .tokens], [.steps, .epochs]],
        exits: [
            .init(.sealViolation, "sealed bytes changed during the run; nothing was exported"),
            .init(.mismatch, "the base or the corpus differs from its record"),
        ],
        examples: [
            "polymath train --base nano --corpus Corpora/wendle-notes",
            "polymath train --base qwen-1.5b-q4 --steps 5",
        ])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let training = TrainingRun(
            try request(arguments), home: arguments.home, listener: RunPrinter(console: console))
        if arguments.isOn(.dryRun) {
            let plan = try training.dryRun()
            console.emit("plan", plan)
            console.show(
                table(plan.sorted { $0.key < $1.key }.map { ($0.key, escaped($0.value.plainText, limit: 400)) }))
            return
        }
        _ = try training.run()
    }

    private static func request(_ arguments: Arguments) throws -> TrainingRequest {
        var request = TrainingRequest(base: try arguments.requiredText(.base))
        request.corpus = arguments.text(.corpus)
        request.tokens = arguments.text(.tokens)
        request.scope = arguments.text(.scope).flatMap(Scope.init) ?? request.scope
        request.steps = arguments.integer(.steps)
        request.epochs = arguments.integer(.epochs)
        request.sequenceLength = arguments.isGiven(.seqLen) ? arguments.integer(.seqLen) : nil
        request.batchSize = try arguments.requiredInteger(.batchSize)
        request.optimizer =
            arguments.text(.optimizer).flatMap(TrainingOptions.OptimizerKind.init) ?? request.optimizer
        request.learningRate = arguments.number(.learningRate)
        request.schedule = arguments.text(.schedule).flatMap(TrainingOptions.ScheduleKind.init) ?? request.schedule
        request.warmup = arguments.integer(.warmup)
        request.weightDecay = try arguments.requiredNumber(.weightDecay)
        request.gradientClip = try arguments.requiredNumber(.gradClip)
        request.seed = UInt64(try arguments.requiredInteger(.seed))
        request.shuffle = arguments.isOn(.shuffle)
        request.validationFraction = try arguments.requiredNumber(.validationFraction)
        request.evaluateEvery = arguments.integer(.evalEvery)
        request.patience = try arguments.requiredInteger(.patience)
        request.encoding =
            arguments.text(.adapterEncoding).flatMap(TrainingRequest.ExportEncoding.init) ?? request.encoding
        request.threads = arguments.integer(.threads)
        request.identityPath = arguments.text(.identity)
        request.out = arguments.text(.out)
        return request
    }
}

extension JSONValue {
    /// A string's own text, anything else as JSON.
    var plainText: String { asString ?? canonicalString }
}
