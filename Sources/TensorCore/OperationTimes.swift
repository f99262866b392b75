// Where the time goes: wall time by kind of operation, on the thread that calls the operations. Whoever wants to know
// hands one to `Workers`; without one an operation asks an optional and goes on.

internal import Synchronization

/// What an operation's time is charged to.
public enum OperationKind: String, CaseIterable, Sendable {
    /// x·Wᵀ of a layer's projections.
    case products
    /// dy·W of a layer's projections.
    case inputGradients = "input_gradients"
    /// dyᵀ·x of a layer's trained projections.
    case weightGradients = "weight_gradients"
    /// Activations and their gradients into the form that products read.
    case packing
    case attention
    case attentionGradient = "attention_gradient"
    /// Head and cross-entropy, with what they give back.
    case head
    /// RMS norms, their gradients, and the gated activation's.
    case elementwise
    case optimizer
    /// What no operation asks for: the embedding, rotary angles, residual sums and copies.
    case other
}

/// A clock that always runs for one kind of operation: the innermost that has begun and not ended.
///
/// The kinds' times add up to the time since the last `restart`. One thread calls `begin` and `end` in pairs.
public final class OperationTimes: Sendable {
    private struct State {
        var nanoseconds = [UInt64](repeating: 0, count: OperationKind.allCases.count)
        var running = [OperationKind.other]
        var since = ContinuousClock.now
    }

    private let state = Mutex(State())

    public init() {}

    /// From here on time is charged to `kind`, until its `end`.
    public func begin(_ kind: OperationKind) {
        state.withLock { state in
            Self.charge(&state)
            state.running.append(kind)
        }
    }

    /// Back to what was running before the last `begin`.
    public func end() {
        state.withLock { state in
            Self.charge(&state)
            if state.running.count > 1 { state.running.removeLast() }
        }
    }

    /// Forgets what was measured so far.
    public func restart() {
        state.withLock { state in
            Self.charge(&state)
            for index in state.nanoseconds.indices { state.nanoseconds[index] = 0 }
        }
    }

    /// Seconds by kind since the last `restart`.
    public var seconds: [OperationKind: Double] {
        state.withLock { state in
            Self.charge(&state)
            return Dictionary(
                uniqueKeysWithValues: zip(OperationKind.allCases, state.nanoseconds.map { Double($0) * 1e-9 }))
        }
    }

    private static func charge(_ state: inout State) {
        let now = ContinuousClock.now
        let passed = (now - state.since).components
        let kind = state.running[state.running.count - 1]
        if let index = OperationKind.allCases.firstIndex(of: kind) {
            state.nanoseconds[index] +=
                UInt64(passed.seconds) * 1_000_000_000 + UInt64(passed.attoseconds / 1_000_000_000)
        }
        state.since = now
    }
}
