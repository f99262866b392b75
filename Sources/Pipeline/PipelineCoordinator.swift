internal import Digest
public import Model

/// Sends rows through the stages of a decoder and takes only what was computed from what it sent.
///
/// A measuring instrument for devices, not a serving engine: it keeps every input, so that a lost stage can be rebuilt, and
/// compares digests where an engine would overlap work. What it cannot tell is whether a stage computed the right
/// function: a stage that lies consistently from the first piece on is believed.
public final class PipelineCoordinator {
    public struct Policy: Sendable {
        /// Seconds without a word from a stage that was asked something, after which it is replaced.
        public var patience = 10.0
        /// Requests that are under way at a time.
        public var requestsAtOnce = 1
        /// Takes whatever arrives where something is awaited, unread: what the digests are worth shows beside it.
        package var takesAnything = false

        public init() {}
    }

    /// A stage that was given to somebody else.
    public struct Replacement: Sendable {
        public let stage: Int
        public let reason: String
        /// Pieces that the new one had to compute again.
        public let replayedCount: Int
    }

    let configuration: DecoderConfiguration
    public let roles: [DecoderPart.Role]
    let source: any StageSource
    public let policy: Policy
    var stages: [Stage] = []
    var journeys: [SHA256Digest: Journey] = [:]
    let mailbox = Mailbox<Arrival>()
    private var serial = 0

    /// Contributions that were not taken, by reason.
    public internal(set) var setAside: [SetAside: Int] = [:]
    public internal(set) var replacements: [Replacement] = []
    /// Per stage, what it has said of itself.
    public var figures: [StageFigures] { stages.map(\.figures) }

    /// - Throws: `PipelineError.badPlan` when the roles are not embedding, all layers in order, and head.
    public init(
        _ configuration: DecoderConfiguration, roles: [DecoderPart.Role], source: any StageSource,
        policy: Policy = Policy()
    ) throws(PipelineError) {
        self.configuration = configuration
        self.roles = roles
        self.source = source
        self.policy = policy
        guard roles.count >= 3, roles.first == .embedding, roles.last == .head else {
            throw .badPlan(reason: "they begin with the embedding and end with the head, with layers between")
        }
        var next = 0
        for role in roles.dropFirst().dropLast() {
            guard case .layers(let range) = role, range.lowerBound == next, !range.isEmpty else {
                throw .badPlan(reason: "layer \(next) should come where \(role) stands")
            }
            next = range.upperBound
        }
        guard next == configuration.layerCount else {
            throw .badPlan(reason: "they hold \(next) layers, where the base has \(configuration.layerCount)")
        }
    }

    deinit { for stage in stages { stage.link.send(.close) } }

    /// Finds somebody for every stage; ``run(_:emit:)`` does so too, if need be.
    public func open() throws {
        guard stages.isEmpty else { return }
        for index in roles.indices {
            stages.append(Stage(link: try link(index, attempt: 0, reason: "there was none to begin with")))
        }
    }

    /// Runs the requests and gives their outcomes in the requests' order, whatever the order of the stages' answers.
    ///
    /// - Parameter emit: gets each token as it is drawn, with its request's index; returns false to end that request.
    /// - Throws: `PipelineError`; `ModelError` for a prompt that is empty or too long, or scores that are no finite numbers.
    public func run(
        _ requests: [PipelineRequest], emit: (Int, DrawnToken) -> Bool = { _, _ in true }
    ) throws -> [PipelineOutcome] {
        for request in requests {
            guard !request.prompt.isEmpty else { throw ModelError.emptyPrompt }
            guard request.prompt.count < configuration.contextLength else {
                throw ModelError.contextExceeded(
                    requested: request.prompt.count + 1, limit: configuration.contextLength)
            }
        }
        try open()
        var outcomes: [PipelineOutcome?] = Array(repeating: nil, count: requests.count)
        var waiting = requests.indices.makeIterator()
        while journeys.count < max(1, policy.requestsAtOnce), let index = waiting.next() {
            begin(index, requests[index])
        }
        while !journeys.isEmpty {
            guard let arrival = mailbox.take(within: secondsUntilSilence) else {
                try replaceSilent()
                continue
            }
            guard let (journey, logits) = try handle(arrival) else { continue }
            if let next = try draw(journey, logits, emit) {
                journey.begin([next])
                ask(journey)
                continue
            }
            outcomes[journey.index] = journey.outcome
            journeys[journey.id] = nil
            for stage in stages { stage.link.send(.forget(journey.id)) }
            if let index = waiting.next() { begin(index, requests[index]) }
        }
        return outcomes.compactMap(\.self)
    }

    private func begin(_ index: Int, _ request: PipelineRequest) {
        let journey = Journey(
            index: index, request: request, id: request.id(serial: serial), capacity: request.capacity(configuration),
            stageCount: roles.count)
        serial += 1
        journeys[journey.id] = journey
        journey.begin(request.prompt)
        ask(journey)
    }

    private func draw(
        _ journey: Journey, _ logits: [Float], _ emit: (Int, DrawnToken) -> Bool
    ) throws(ModelError) -> Int32? {
        let before = journey.outcome.tokens.count
        let next = try journey.outcome.draw(
            logits, for: journey.request, seconds: journey.seconds, filled: journey.position + journey.rowCount,
            capacity: journey.capacity)
        if journey.outcome.tokens.count > before, let last = journey.outcome.tokens.last, !emit(journey.index, last) {
            journey.outcome.end = .stop
            return nil
        }
        return next
    }

    /// Sends a journey's awaited piece to the stage where it is.
    func ask(_ journey: Journey) {
        guard let piece = journey.awaited else { return }
        stages[journey.stage].ask(
            journey.work(piece, stage: journey.stage, attempt: stages[journey.stage].attempt, isReplay: false))
    }
}
