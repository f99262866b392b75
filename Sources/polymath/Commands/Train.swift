internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Device
internal import Digest
internal import Foundation
internal import PolymathKit
internal import TensorCore
internal import Training

/// `polymath train`: a base and a person's text become a signed adapter, an audit chain and a report.
enum Train: Command {
    static let specification = CommandSpecification(
        path: ["train"], summary: "Train the boundary of a base on your own text",
        discussion: """
            Trains norm gains (scopes norms, tail, all-norms) or the whole boundary, checks before every update
            that the base's bytes are what they were, and exports what was learned as a signed file into a new
            run folder.

            Without --seed the run draws a secret seed, which lies in its folder under the identity's key: whoever
            holds the adapter and guesses the text cannot train on the guess and compare. The owner, and whoever is
            given the seed (polymath audit secret), can replay the run. --seed S is public, and so are runs with it.

            SIGINT, SIGTERM and SIGHUP finish the step, write a checkpoint, sign a pause and end the run with
            128 + the signal; --resume DIR goes on from there, or from the last checkpoint of a run that was
            killed, to the same losses and the same file. With --resume only options that change no bit of the
            result may be given (--threads, --memory-budget, --checkpoint-every, --pace, --pace-window, --presence,
            --sensors, --seal-strict, --json) and --allow-other-kernels: every other option is the run's own.

            Before each step the device is asked how it is: battery, charger, temperatures, throttling, memory
            pressure, user, time. --pace says what follows from it: eager rests for a hot battery or case alone,
            balanced shares the device, gentle works on the charger while nobody is there. A run that should not
            go on for long ends at a pause with exit status 6. What the device does not tell is said, and counts
            as the worse case.
            """,
        flags: [
            .base, .corpus, .tokens, .start, .scope, .steps, .epochs, .seqLen, .batchSize, .optimizer, .moments,
            .learningRate,
            .schedule,
            .warmup, .weightDecay, .gradClip, .publicSeed, .shuffle, .validationFraction, .evalEvery, .patience,
            .adapterEncoding, .losses, .compute, .threads, .memoryBudget, .checkpointEvery, .pace, .paceWindow,
            .presence,
            .sensors, .sealStrict,
            .resume, .allowOtherKernels, .config, .dryRun, .identity, .out, .home, .json,
        ],
        exclusive: [[.corpus, .tokens], [.steps, .epochs]],
        exits: [
            .init(.sealViolation, "sealed bytes changed during the run; nothing was exported"),
            .init(.mismatch, "the base, the corpus or, at a resume, anything else differs from its record"),
            .init(.paused, "paused, since the device should not go on now; --resume goes on later"),
            .init(.signal(15), "stopped by SIGTERM after a clean pause (129 by SIGHUP, 130 by SIGINT)"),
        ],
        examples: [
            "polymath train --base nano --corpus Corpora/wendle-notes",
            "polymath train --base qwen-1.5b-q4 --steps 5",
            "polymath train --base nano --corpus Corpora/wendle-notes --start round-7.gguf",
            "polymath train --resume Telemetry/runs/20270105T080000Z-9f3c2a1b",
        ])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        if let folder = arguments.text(.resume) { return try resume(folder, arguments, console) }
        guard !arguments.isOn(.allowOtherKernels) else {
            throw UsageError.impossible("--allow-other-kernels has a meaning only together with --resume.")
        }
        let signals = StopSignals(console: console)
        var training = TrainingRun(
            try request(arguments), home: arguments.home, listener: RunPrinter(console: console), stop: signals.request)
        training.began = processStart
        if arguments.isOn(.dryRun) {
            let plan = try training.dryRun()
            console.emit("plan", plan)
            console.show(
                table(plan.sorted { $0.key < $1.key }.map { ($0.key, escaped($0.value.plainText, limit: 400)) }))
            return
        }
        try signals.whileWatching { _ = try training.run() }
    }

    /// Goes on with an earlier run; whatever would make it another run is refused.
    private static func resume(_ folder: String, _ arguments: Arguments, _ console: Console) throws {
        let harmless: [Flag] = [
            .resume, .threads, .memoryBudget, .checkpointEvery, .pace, .paceWindow, .presence, .sensors, .sealStrict,
            .allowOtherKernels, .json,
        ]
        if let other = specification.flags.first(where: { arguments.isGiven($0) && !harmless.contains($0) }) {
            throw UsageError.conflict(Flag.resume.name, other.name)
        }
        let signals = StopSignals(console: console)
        var run = RunResumption(
            folder: folder, listener: RunPrinter(console: console), stop: signals.request)
        run.began = processStart
        run.threads = arguments.integer(.threads)
        run.memoryBudget = arguments.integer(.memoryBudget)
        run.checkpointEvery = arguments.integer(.checkpointEvery)
        run.pace = arguments.pace
        run.paceWindow = try arguments.paceWindow
        run.presenceFile = arguments.text(.presence)
        run.sensorsPath = arguments.text(.sensors)
        run.sealStrict = arguments.isOn(.sealStrict) ? true : nil
        run.allowsOtherKernels = arguments.isOn(.allowOtherKernels)
        try signals.whileWatching { _ = try run.run() }
    }

    /// Start-up is counted from here: loading the program is part of it.
    private static var processStart: Date? { ProcessAge.seconds.map { Date(timeIntervalSinceNow: -$0) } }

    private static func request(_ arguments: Arguments) throws -> TrainingRequest {
        var request = TrainingRequest(base: try arguments.requiredText(.base))
        request.corpus = arguments.text(.corpus)
        request.tokens = arguments.text(.tokens)
        request.start = arguments.text(.start)
        request.scope = arguments.text(.scope).flatMap(Scope.init) ?? request.scope
        request.steps = arguments.integer(.steps)
        request.epochs = arguments.integer(.epochs)
        request.sequenceLength = arguments.isGiven(.seqLen) ? arguments.integer(.seqLen) : nil
        request.batchSize = try arguments.requiredInteger(.batchSize)
        request.optimizer =
            arguments.text(.optimizer).flatMap(TrainingOptions.OptimizerKind.init) ?? request.optimizer
        request.moments = arguments.text(.moments).flatMap(Moments.Form.init) ?? request.moments
        request.learningRate = arguments.number(.learningRate)
        request.schedule = arguments.text(.schedule).flatMap(TrainingOptions.ScheduleKind.init) ?? request.schedule
        request.warmup = arguments.integer(.warmup)
        request.weightDecay = try arguments.requiredNumber(.weightDecay)
        request.gradientClip = try arguments.requiredNumber(.gradClip)
        request.seed = arguments.integer(.publicSeed).map { UInt64($0) }
        request.losses = arguments.text(.losses).flatMap(LossRecord.init)
        request.shuffle = arguments.isOn(.shuffle)
        request.validationFraction = try arguments.requiredNumber(.validationFraction)
        request.evaluateEvery = arguments.integer(.evalEvery)
        request.patience = try arguments.requiredInteger(.patience)
        request.encoding =
            arguments.text(.adapterEncoding).flatMap(TrainingRequest.ExportEncoding.init) ?? request.encoding
        request.arithmetic = arguments.arithmetic
        request.threads = arguments.integer(.threads)
        request.memoryBudget = arguments.integer(.memoryBudget)
        request.checkpointEvery = arguments.integer(.checkpointEvery)
        request.pace = arguments.pace ?? request.pace
        request.paceWindow = try arguments.paceWindow
        request.presenceFile = arguments.text(.presence)
        request.sensorsPath = arguments.text(.sensors)
        request.sealStrict = arguments.isOn(.sealStrict)
        request.identityPath = arguments.text(.identity)
        request.out = arguments.text(.out)
        return request
    }
}

extension Arguments {
    /// What was asked for; nil for nothing.
    var pace: PacingLimits.Preset? { text(.pace).flatMap(PacingLimits.Preset.init) }

    fileprivate var paceWindow: TimeWindow? {
        get throws {
            guard let text = text(.paceWindow) else { return nil }
            guard let window = TimeWindow(text) else {
                throw UsageError.impossible(
                    "--pace-window \(escaped(text)) is no part of a day; write it as 22:00-06:00.")
            }
            return window
        }
    }
}

extension JSONValue {
    /// A string's own text, anything else as JSON.
    var plainText: String { asString ?? canonicalString }
}
