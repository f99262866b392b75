public import Digest
public import GGUF
public import Model
public import TensorCore
internal import Foundation
public import Pipeline
internal import Synchronization

/// Stages of other processes, as a list names them; what nobody lends, or nobody lends any more, is computed here.
public final class RemoteStages: StageSource {
    /// Seconds in which a peer must have proved who it is, and opened its layers.
    public var handshakeSeconds = 10.0
    public var openSeconds = 60.0
    /// Seconds that a single answer may take before the connection is given up; the coordinator's patience is shorter.
    public var answerSeconds = 120.0
    /// Told when a listed peer cannot be had and another is tried; a sentence.
    public var report: (String) -> Void = { _ in }
    private let base: GGUFFile
    private let arithmetic: Arithmetic
    private let context: TLSContext
    private let local: LocalStages
    private var untried: [StageList.Entry]

    public init(
        _ base: GGUFFile, list: StageList, identity: Identity, arithmetic: Arithmetic, threads: Int
    ) throws(PeerError) {
        self.base = base
        self.arithmetic = arithmetic
        context = try TLSContext(identity)
        // The number of an attempt counts peers too.
        local = LocalStages(base, arithmetic: arithmetic, threads: threads, spareCount: list.entries.count)
        untried = list.entries
    }

    /// - Throws: `PeerError.untrustedPeer`, `.otherWeights`: somebody there is not who or what the list says. A peer that
    ///   merely cannot be reached is passed over.
    public func link(
        stage: Int, role: DecoderPart.Role, attempt: Int, deliver: @escaping @Sendable (Arrival) -> Void
    ) throws -> (any StageLink)? {
        if case .layers(let layers) = role {
            while let index = untried.firstIndex(where: { $0.layers == layers }) {
                let entry = untried.remove(at: index)
                do {
                    let connection = try open(entry, role: role, stage: stage)
                    return RemoteStage(connection, owner: self, stage: stage, attempt: attempt, deliver)
                } catch let error as PeerError {
                    switch error {
                    case .connection, .closed, .silence: report("\(error)")
                    default: throw error
                    }
                }
            }
        }
        return local.link(stage: stage, role: role, attempt: attempt, deliver: deliver)
    }

    private func open(_ entry: StageList.Entry, role: DecoderPart.Role, stage: Int) throws -> TLSConnection {
        let socket = try Socket.reaching(entry.address, within: handshakeSeconds)
        let connection = try TLSConnection(socket, context, isServer: false, within: handshakeSeconds) {
            $0.fingerprint == entry.fingerprint
        }
        try connection.send(
            .open(layers: entry.layers, stage: stage, arithmetic: arithmetic), within: handshakeSeconds)
        let answer = try connection.receive(
            limit: PeerMessage.greetingLimit, patience: openSeconds, within: handshakeSeconds)
        switch answer {
        case .opened(let fingerprint):
            guard try fingerprint == role.fingerprint(in: base, arithmetic: arithmetic) else {
                throw PeerError.otherWeights(peer: connection.name, stage: "\(role)")
            }
            return connection
        case .refusal(let reason): throw PeerError.refused(peer: connection.name, reason: reason)
        default:
            throw PeerError.malformed(peer: connection.name, reason: "another frame where a stage must be opened")
        }
    }
}

/// A connection, and the thread that asks and waits.
private final class RemoteStage: StageLink {
    let name: String
    private let orders = Mailbox<StageOrder>()

    init(
        _ connection: TLSConnection, owner: RemoteStages, stage: Int, attempt: Int,
        _ deliver: @escaping @Sendable (Arrival) -> Void
    ) {
        name = connection.name
        let (orders, answerSeconds) = (orders, owner.answerSeconds)
        // Made here, and from here on used by the new thread alone.
        nonisolated(unsafe) let connection = connection
        Thread.detachNewThread {
            unsafe Self.serve(connection, orders, answerSeconds) {
                deliver(Arrival(stage: stage, attempt: attempt, content: $0))
            }
        }
    }

    func send(_ order: StageOrder) { orders.put(order) }

    private static func serve(
        _ connection: TLSConnection, _ orders: Mailbox<StageOrder>, _ seconds: Double,
        _ deliver: (Arrival.Content) -> Void
    ) {
        do {
            while let order = orders.take() {
                switch order {
                case .compute(let work):
                    // A layer's result is as large as its input; that of a replay is not sent.
                    let limit = PeerMessage.greetingLimit + PeerMessage.headLimit + work.payload.count
                    try connection.send(.compute(work), within: seconds)
                    switch try connection.receive(limit: limit, patience: seconds, within: seconds) {
                    case .contribution(let contribution): deliver(.contribution(contribution))
                    case .refusal(let reason):
                        throw PeerError.refused(peer: connection.name, reason: reason)
                    default:
                        throw PeerError.malformed(
                            peer: connection.name, reason: "a frame that stages do not send")
                    }
                case .forget(let request): try connection.send(.forget(request), within: seconds)
                case .close:
                    connection.close()
                    return
                }
            }
        } catch {
            deliver(.lost(reason: "\(error)"))
        }
    }
}
