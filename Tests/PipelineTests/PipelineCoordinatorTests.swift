import Digest
import Foundation
import GGUF
import Model
import Pipeline
import Synchronization
import TensorCore
import TestSupport
import Testing

/// The 4-bit nano, eight stages of it, and what the whole decoder says.
struct NanoPipeline {
    let base: GGUFFile
    let decoder: Decoder
    var roles: [DecoderPart.Role] { DecoderPart.Role.finest(layerCount: decoder.configuration.layerCount) }

    init() throws {
        base = try GGUFFile(path: Repository.checkpoint("nano-q4_k_m.gguf"))
        decoder = try Decoder(base, workers: Workers(count: 1))
    }

    /// Requests with prompts of one to `count` tokens, greedy and sampled in turn.
    func requests(_ count: Int, tokens: Int = 6) -> [PipelineRequest] {
        (0..<count).map { index -> PipelineRequest in
            let prompt = (0...index).map { place -> Int32 in Int32(40 + 7 * place + index) }
            let temperature = index % 2 == 0 ? 0 : 0.9
            return PipelineRequest(
                prompt: prompt, maxTokens: tokens,
                sampler: Sampler(temperature: temperature, topP: 0.95, seed: UInt64(index)))
        }
    }

    func coordinator(
        patience: Double = 20, atOnce: Int = 3, spares: Int = 4,
        disturbance: @escaping @Sendable (Int, Int) -> Disturbance = { _, _ in Disturbance() }
    ) throws -> PipelineCoordinator {
        var policy = PipelineCoordinator.Policy()
        policy.patience = patience
        policy.requestsAtOnce = atOnce
        return try PipelineCoordinator(
            decoder.configuration, roles: roles,
            source: LocalStages(base, spareCount: spares, disturbance: disturbance),
            policy: policy)
    }

    /// Tokens, log-probabilities and every logit must be the whole decoder's, to the bit.
    func expectSame(
        _ outcomes: [PipelineOutcome], _ requests: [PipelineRequest], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(outcomes.count == requests.count, sourceLocation: sourceLocation)
        for (outcome, request) in zip(outcomes, requests) {
            let whole = try decoder.outcome(of: request)
            #expect(outcome.tokens == whole.tokens, sourceLocation: sourceLocation)
            #expect(outcome.logits == whole.logits, sourceLocation: sourceLocation)
            #expect(outcome.end == whole.end, sourceLocation: sourceLocation)
        }
    }
}

/// Stages of which one says again what it said last before it says something new.
struct EchoingStages: StageSource {
    let stages: LocalStages
    let stage: Int
    private let last = Last()

    private final class Last: Sendable {
        let arrival = Mutex<Arrival?>(nil)
    }

    init(stages: LocalStages, stage: Int) {
        self.stages = stages
        self.stage = stage
    }

    func link(
        stage: Int, role: DecoderPart.Role, attempt: Int, deliver: @escaping @Sendable (Arrival) -> Void
    ) throws -> (any StageLink)? {
        let (echoing, last) = (self.stage, last)
        return stages.link(stage: stage, role: role, attempt: attempt) { arrival in
            if stage == echoing {
                let former = last.arrival.withLock { last -> Arrival? in
                    defer { last = arrival }
                    return last
                }
                if let former { deliver(former) }
            }
            deliver(arrival)
        }
    }
}

/// One stage hangs up at its third piece; whoever replaces it computes in another arithmetic.
struct OtherSpare: StageSource {
    let base: GGUFFile
    init(_ base: GGUFFile) { self.base = base }

    func link(
        stage: Int, role: DecoderPart.Role, attempt: Int, deliver: @escaping @Sendable (Arrival) -> Void
    ) throws -> (any StageLink)? {
        LocalStages(base, arithmetic: attempt == 0 ? .f32 : .int8) { stage, attempt in
            var disturbance = Disturbance()
            if stage == 4, attempt == 0 { disturbance.faults = [2: .garbles] }
            return disturbance
        }.link(stage: stage, role: role, attempt: attempt, deliver: deliver)
    }
}

@Suite struct PipelineCoordinatorTests {
    let nano: NanoPipeline

    init() throws { nano = try NanoPipeline() }

    @Test func `eight stages give the whole decoder's tokens and logits to the bit`() throws {
        #expect(nano.roles.count == 8)
        let requests = nano.requests(4)
        let coordinator = try nano.coordinator()
        try nano.expectSame(coordinator.run(requests), requests)
        #expect(coordinator.setAside.isEmpty && coordinator.replacements.isEmpty)
        #expect(coordinator.figures.allSatisfy { $0.pieceCount == 4 * 6 && $0.computeSeconds > 0 })
    }

    @Test func `what the whole decoder is compared by is what it generates`() throws {
        for request in nano.requests(2, tokens: 4) {
            var tokens: [Int32] = []
            try nano.decoder.generate(
                prompt: request.prompt, maxTokens: request.maxTokens, sampler: request.sampler, stopTokens: []
            ) {
                tokens.append($0)
                return true
            }
            #expect(try nano.decoder.outcome(of: request).tokens.map(\.token) == tokens)
        }
    }

    @Test func `a stop token ends a request as it ends a generation`() throws {
        var requests = nano.requests(2)
        let whole = try nano.decoder.outcome(of: requests[0])
        requests[0].stopTokens = [whole.tokens[3].token]
        let outcomes = try nano.coordinator().run(requests)
        try nano.expectSame(outcomes, requests)
        #expect(outcomes[0].end == .stop && outcomes[0].tokens.count <= 3)
    }

    @Test func `slow stages, late, doubled and overtaking answers change no bit, and doubles are set aside`() throws {
        let requests = nano.requests(4, tokens: 4)
        let coordinator = try nano.coordinator(atOnce: 4) { stage, _ in
            var disturbance = Disturbance()
            disturbance.busyShare = stage == 3 ? 0.2 : 0.7
            disturbance.delay = 0...0.004
            disturbance.duplicateShare = 0.5
            disturbance.duplicateDelay = 0...0.1
            disturbance.seed = UInt64(stage)
            return disturbance
        }
        try nano.expectSame(coordinator.run(requests), requests)
        let aside = coordinator.setAside
        #expect((aside[.duplicated] ?? 0) + (aside[.noRequest] ?? 0) > 8)
        #expect(aside.keys.allSatisfy { [.duplicated, .noRequest].contains($0) })
    }

    @Test func `an answer that comes again before the next changes tokens only where digests are not read`() throws {
        let requests = nano.requests(2)
        for takesAnything in [false, true] {
            var policy = PipelineCoordinator.Policy()
            policy.takesAnything = takesAnything
            let coordinator = try PipelineCoordinator(
                nano.decoder.configuration, roles: nano.roles,
                source: EchoingStages(stages: LocalStages(nano.base), stage: 3), policy: policy)
            let outcomes = try coordinator.run(requests)
            let same = try zip(outcomes, requests).count { try $0.logits == nano.decoder.outcome(of: $1).logits }
            #expect(same == (takesAnything ? 0 : 2))
            if !takesAnything {
                #expect((coordinator.setAside[.duplicated] ?? 0) == 10 && coordinator.setAside[.noRequest] == 1)
            }
        }
    }

    @Test(
        arguments: [
            (.misreads, .otherInput), (.garbles, .otherOutput),
            (.pauses(seconds: 1), .olderAttempt), (.dies, nil),
        ] as [(Disturbance.Fault, SetAside?)])
    func `a stage that fails in the middle is replaced, its state rebuilt, and no bit changes`(
        fault: Disturbance.Fault, reason: SetAside?
    ) throws {
        let requests = nano.requests(2, tokens: 4)
        for failing in reason == nil ? [0, 4, 7] : [4] {
            let coordinator = try nano.coordinator(patience: 0.5) { stage, attempt in
                var disturbance = Disturbance()
                if stage == failing, attempt == 0 { disturbance.faults = [4: fault] }
                return disturbance
            }
            let outcomes = try coordinator.run(requests)
            try nano.expectSame(outcomes, requests)
            let replacement = try #require(coordinator.replacements.first { $0.stage == failing })
            #expect(failing == 4 ? replacement.replayedCount >= 4 : replacement.replayedCount == 0)
            // What comes late may come after the last request is over.
            if let reason, reason != .olderAttempt { #expect(coordinator.setAside[reason] == 1) }
        }
    }

    @Test func `what a replaced stage says later is set aside`() throws {
        let requests = nano.requests(2, tokens: 25)
        let coordinator = try nano.coordinator(patience: 0.4) { stage, attempt in
            var disturbance = Disturbance()
            if stage == 2 {
                if attempt == 0 { disturbance.faults = [3: .pauses(seconds: 0.6)] }
                disturbance.delay = 0.02...0.02
            }
            return disturbance
        }
        try nano.expectSame(coordinator.run(requests), requests)
        #expect((coordinator.setAside[.olderAttempt] ?? 0) > 0)
    }

    @Test func `replays that overtake each other count, and nobody else is asked`() throws {
        let requests = nano.requests(2, tokens: 12)
        let coordinator = try nano.coordinator() { stage, attempt in
            var disturbance = Disturbance()
            if stage == 4 {
                if attempt == 0 { disturbance.faults = [16: .misreads] } else { disturbance.delay = 0...0.05 }
            }
            return disturbance
        }
        try nano.expectSame(coordinator.run(requests), requests)
        #expect(coordinator.replacements.count == 1)
        #expect(coordinator.setAside[.otherInput] == 1 && coordinator.setAside[.duplicated] == nil)
    }

    @Test func `a spare that computes other bits from the same input ends the run`() throws {
        let coordinator = try PipelineCoordinator(
            nano.decoder.configuration, roles: nano.roles, source: OtherSpare(nano.base))
        let error = try #require(throws: PipelineError.self) { try coordinator.run(nano.requests(1)) }
        #expect(error == .spareDiffers(stage: "layers 3..3", position: 0))
    }

    @Test func `when nobody is left the run ends with a sentence`() throws {
        let coordinator = try nano.coordinator(patience: 1, spares: 1) { stage, _ in
            var disturbance = Disturbance()
            if stage == 5 { disturbance.faults = [2: .dies] }
            return disturbance
        }
        let error = try #require(throws: PipelineError.self) { try coordinator.run(nano.requests(1)) }
        #expect(error == .noSpare(stage: "layers 4..4", reason: "it was silent for 1.0 seconds"))
    }

    @Test func `stages that do not make up the decoder are refused`() throws {
        for roles: [DecoderPart.Role] in [
            [], [.embedding, .head], [.embedding, .layers(0..<5), .head], [.embedding, .layers(1..<6), .head],
            [.layers(0..<6), .embedding, .head], [.embedding, .layers(0..<3), .layers(2..<6), .head],
        ] {
            #expect(throws: PipelineError.self) {
                try PipelineCoordinator(nano.decoder.configuration, roles: roles, source: LocalStages(nano.base))
            }
        }
        #expect(throws: ModelError.emptyPrompt) {
            try nano.coordinator().run([
                PipelineRequest(prompt: [], maxTokens: 1, sampler: Sampler(temperature: 0, topP: 1, seed: 0))
            ])
        }
    }
}

@Suite struct StageEngineTests {
    let nano: NanoPipeline
    let request = SHA256Digest.of([1])

    init() throws { nano = try NanoPipeline() }

    func engine(_ role: DecoderPart.Role) throws -> StageEngine {
        StageEngine(try DecoderPart(nano.base, role: role, workers: Workers(count: 1)))
    }

    func work(position: Int = 0, rows: Int = 1, bytes: Int? = nil, capacity: Int = 8, fill: UInt8 = 0) -> StageWork {
        let width = nano.decoder.configuration.embeddingLength
        return StageWork(
            request: request, stage: 1, attempt: 0, position: position, rowCount: rows, capacity: capacity,
            isReplay: false, payload: [UInt8](repeating: fill, count: bytes ?? rows * width * 4))
    }

    @Test func `rows that do not fit are refused and leave the state as it was`() throws {
        let engine = try engine(.layers(2..<4))
        #expect(throws: PipelineError.self) { try engine.process(work(position: 1)) }
        #expect(throws: PipelineError.self) { try engine.process(work(capacity: 0)) }
        #expect(throws: PipelineError.self) { try engine.process(work(capacity: .max)) }
        let first = try engine.process(work())
        #expect(throws: PipelineError.self) { try engine.process(work(position: 2)) }
        #expect(throws: PipelineError.self) { try engine.process(work(position: 1, bytes: 12)) }
        #expect(throws: PipelineError.self) { try engine.process(work(position: 1, rows: 0)) }
        #expect(throws: PipelineError.self) { try engine.process(work(position: 1, rows: .max, bytes: 4)) }
        #expect(throws: PipelineError.self) { try engine.process(work(position: 1, fill: 0xFF)) }
        #expect(throws: ModelError.self) { try engine.process(work(position: 1, rows: 8)) }
        let second = try engine.process(work(position: 1))
        #expect(second.history != first.history && second.input == first.input)
        // From the start again, the same piece has the same history and result.
        #expect(try engine.process(work()).history == first.history)
        #expect(try engine.process(work(position: 1)).output == second.output)
    }

    @Test func `tokens outside the vocabulary are refused by the embedding`() throws {
        let engine = try engine(.embedding)
        #expect(throws: ModelError.self) { try engine.process(work(bytes: 4, fill: 0xFF)) }
        #expect(try engine.process(work(bytes: 4)).payload.count == nano.decoder.configuration.embeddingLength * 4)
    }

    @Test func `no more requests than the limit are remembered`() throws {
        let engine = try engine(.layers(0..<1))
        var work = work()
        for index in 0..<StageEngine.requestLimit {
            work.request = .of([UInt8(index)])
            _ = try engine.process(work)
        }
        work.request = .of([0, 0])
        #expect(throws: PipelineError.self) { try engine.process(work) }
        engine.forget(.of([0]))
        _ = try engine.process(work)
    }

    @Test func `a fingerprint names the tensors of its part and the arithmetic`() throws {
        let roles = nano.roles
        let prints = try roles.map { try $0.fingerprint(in: nano.base, arithmetic: .f32) }
        #expect(Set(prints).count == roles.count)
        #expect(try roles[3].fingerprint(in: nano.base, arithmetic: .int8) != prints[3])
        let other = try GGUFFile(path: Repository.checkpoint("nano-f16.gguf"))
        #expect(try roles[3].fingerprint(in: other, arithmetic: .f32) != prints[3])
    }
}
