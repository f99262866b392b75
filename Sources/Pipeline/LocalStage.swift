public import GGUF
public import Model
public import TensorCore
internal import Digest
internal import Dispatch
internal import Foundation

/// Stages that are threads of this process, each with its own part of the decoder, for measurements.
public struct LocalStages: StageSource {
    let base: GGUFFile
    let arithmetic: Arithmetic
    /// Threads of each stage.
    let threads: Int
    let disturbance: @Sendable (_ stage: Int, _ attempt: Int) -> Disturbance
    /// How often a stage may be replaced.
    let spareCount: Int

    public init(
        _ base: GGUFFile, arithmetic: Arithmetic = .f32, threads: Int = 1, spareCount: Int = 4,
        disturbance: @escaping @Sendable (_ stage: Int, _ attempt: Int) -> Disturbance = { _, _ in Disturbance() }
    ) {
        self.base = base
        self.arithmetic = arithmetic
        self.threads = threads
        self.spareCount = spareCount
        self.disturbance = disturbance
    }

    public func link(
        stage: Int, role: DecoderPart.Role, attempt: Int, deliver: @escaping @Sendable (Arrival) -> Void
    ) -> (any StageLink)? {
        guard attempt <= spareCount else { return nil }
        let link = LocalStage()
        let disturbance = disturbance(stage, attempt)
        let (base, arithmetic, threads, orders) = (base, arithmetic, threads, link.orders)
        Thread.detachNewThread {
            let send: @Sendable (Arrival.Content) -> Void = {
                deliver(Arrival(stage: stage, attempt: attempt, content: $0))
            }
            do {
                let part = try DecoderPart(
                    base, role: role, workers: Workers(count: threads), arithmetic: arithmetic)
                var stage = DisturbedStage(engine: StageEngine(part), disturbance: disturbance, send: send)
                while let order = orders.take() {
                    switch order {
                    case .compute(let work): try stage.compute(work)
                    case .forget(let request): stage.engine.forget(request)
                    case .close: return
                    }
                }
            } catch {
                send(.lost(reason: "\(error)"))
            }
        }
        return link
    }
}

private final class LocalStage: StageLink {
    let orders = Mailbox<StageOrder>()
    var name: String { "here" }
    func send(_ order: StageOrder) { orders.put(order) }
}

/// A stage with its disturbance; lives on the stage's thread.
private struct DisturbedStage {
    let engine: StageEngine
    let disturbance: Disturbance
    let send: @Sendable (Arrival.Content) -> Void
    var random: CounterRandom
    var pieceCount = 0
    var isDead = false

    init(engine: StageEngine, disturbance: Disturbance, send: @escaping @Sendable (Arrival.Content) -> Void) {
        self.engine = engine
        self.disturbance = disturbance
        self.send = send
        random = CounterRandom(seed: disturbance.seed, purpose: "disturbance")
    }

    mutating func compute(_ work: StageWork) throws {
        let fault = disturbance.faults[pieceCount]
        pieceCount += 1
        var work = work
        var isGarbled = false
        switch fault {
        case .dies: isDead = true
        case .pauses(let seconds): Thread.sleep(forTimeInterval: seconds)
        case .misreads: work.payload[random.nextInt(below: work.payload.count) & ~3] ^= 1
        case .garbles: isGarbled = true
        case nil: break
        }
        if isDead { return }
        var contribution = try engine.process(work)
        if isGarbled, !contribution.payload.isEmpty {
            contribution.payload[random.nextInt(below: contribution.payload.count)] ^= 1
        }
        if disturbance.busyShare < 1 {
            Thread.sleep(forTimeInterval: contribution.seconds * (1 / disturbance.busyShare - 1))
        }
        deliver(contribution, after: disturbance.delay)
        if disturbance.duplicateShare > 0, random.nextDouble() < disturbance.duplicateShare {
            deliver(contribution, after: disturbance.duplicateDelay)
        }
    }

    private mutating func deliver(_ contribution: Contribution, after range: ClosedRange<Double>) {
        guard range.upperBound > 0 else { return send(.contribution(contribution)) }
        let seconds = range.lowerBound + random.nextDouble() * (range.upperBound - range.lowerBound)
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [send] in send(.contribution(contribution)) }
    }
}
