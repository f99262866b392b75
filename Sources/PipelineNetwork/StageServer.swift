public import Digest
public import GGUF
internal import Device
internal import Foundation
internal import Model
internal import Pipeline
internal import Synchronization
internal import TensorCore

/// Lends some layers of a base to coordinators whose keys are on a list, over TLS 1.3. Everyone else is refused, and refusing
/// them costs nobody else anything.
public final class StageServer: Sendable {
    public struct Limits: Sendable {
        /// Seconds in which a peer must have proved who it is, and each frame must have come once it has begun.
        public var handshakeSeconds = 10.0
        public var frameSeconds = 30.0
        /// Seconds without a frame, after which a peer is let go.
        public var idleSeconds = 600.0
        /// Peers at a time, those included that have not proved anything yet.
        public var connectionCount = 8
        /// Longest body of a frame.
        public var frameByteCount = 16 << 20

        public init() {}
    }

    public enum Event: Sendable {
        /// A coordinator was given layers.
        case opened(peer: String, fingerprint: String, layers: Range<Int>)
        /// A peer was refused or let go; a sentence.
        case refused(String)
        /// A coordinator is done.
        case finished(peer: String, pieceCount: Int, computeSeconds: Double)
    }

    /// Of the network, with the port that was taken.
    public let port: UInt16
    private let base: GGUFFile
    private let layers: Range<Int>
    private let threads: Int
    private let context: TLSContext
    private let isTrusted: @Sendable (PublicKey) -> Bool
    private let limits: Limits
    private let listener: Listener
    private let openCount = Mutex(0)

    /// Takes the address; ``run(until:report:)`` answers.
    ///
    /// - Parameters:
    ///   - layers: those that may be asked for, all or a part of them.
    ///   - isTrusted: whether a coordinator of this key may ask.
    /// - Throws: `ModelError` where the base has no such layers; `PeerError.connection` where the address cannot be taken.
    public init(
        _ base: GGUFFile, layers: Range<Int>, at address: NetworkAddress, identity: Identity, threads: Int,
        limits: Limits = Limits(), isTrusted: @escaping @Sendable (PublicKey) -> Bool
    ) throws {
        let shape = try DecoderConfiguration(base)
        guard !layers.isEmpty, layers.upperBound <= shape.layerCount else {
            throw ModelError.noSuchLayers(
                first: layers.lowerBound, last: layers.upperBound - 1, layerCount: shape.layerCount)
        }
        self.base = base
        self.layers = layers
        self.threads = threads
        self.isTrusted = isTrusted
        self.limits = limits
        context = try TLSContext(identity)
        listener = try Listener(address)
        port = listener.port
    }

    /// Answers until `isOver`, which is asked several times a second.
    ///
    /// - Parameter report: may be called on any thread.
    public func run(until isOver: () -> Bool, report: @escaping @Sendable (Event) -> Void) {
        while !isOver() {
            guard let socket = listener.accept(within: 0.2) else { continue }
            let isFull = openCount.withLock { count in
                count += 1
                return count > limits.connectionCount
            }
            guard !isFull else {
                openCount.withLock { $0 -= 1 }
                report(.refused("\(socket.name) was refused: \(limits.connectionCount) peers are here already."))
                continue
            }
            Thread.detachNewThread { [self] in
                defer { openCount.withLock { $0 -= 1 } }
                do {
                    try serve(socket, report)
                } catch {
                    report(.refused("\(error)"))
                }
            }
        }
    }

    private func serve(_ socket: Socket, _ report: @Sendable (Event) -> Void) throws {
        let connection = try TLSConnection(
            socket, context, isServer: true, within: limits.handshakeSeconds, accepts: isTrusted)
        defer { connection.close() }
        do {
            try serve(connection, report)
        } catch let error as PeerError {
            // A peer that can still hear is told why; one that hung up is not.
            switch error {
            case .closed, .connection, .silence: break
            default: try? connection.send(.refusal("\(error)"), within: 1)
            }
            throw error
        } catch {
            try? connection.send(.refusal("\(error)"), within: 1)
            throw error
        }
    }

    private func serve(_ connection: TLSConnection, _ report: @Sendable (Event) -> Void) throws {
        let greeting = try connection.receive(
            limit: PeerMessage.greetingLimit, patience: limits.handshakeSeconds, within: limits.frameSeconds)
        guard case .open(let asked, _, let arithmetic) = greeting else {
            throw PeerError.malformed(peer: connection.name, reason: "another frame where a stage must be opened")
        }
        guard asked.lowerBound >= layers.lowerBound, asked.upperBound <= layers.upperBound else {
            throw PeerError.notLent(
                asked: "\(DecoderPart.Role.layers(asked))", lent: "\(DecoderPart.Role.layers(layers))")
        }
        let role = DecoderPart.Role.layers(asked)
        let part = try DecoderPart(base, role: role, workers: Workers(count: threads), arithmetic: arithmetic)
        try connection.send(
            .opened(fingerprint: role.fingerprint(in: base, arithmetic: arithmetic)), within: limits.frameSeconds)
        report(.opened(peer: connection.name, fingerprint: connection.peer.fingerprint, layers: asked))
        var pieceCount = 0
        var computeSeconds = 0.0
        defer {
            report(.finished(peer: connection.name, pieceCount: pieceCount, computeSeconds: computeSeconds))
        }
        let engine = StageEngine(part)
        while true {
            let message: PeerMessage
            do {
                message = try connection.receive(
                    limit: limits.frameByteCount, patience: limits.idleSeconds, within: limits.frameSeconds)
            } catch PeerError.closed {
                return
            }
            switch message {
            case .compute(let work):
                var contribution = try engine.process(work)
                pieceCount += 1
                computeSeconds += contribution.seconds
                if let memory = MemoryProbe.sample() {
                    contribution.anonymousBytes = memory.anonymousBytes
                    contribution.residentBytes = memory.residentBytes
                }
                try connection.send(.contribution(contribution), within: limits.frameSeconds)
            case .forget(let request): engine.forget(request)
            default:
                throw PeerError.malformed(peer: connection.name, reason: "a frame that coordinators do not send")
            }
        }
    }
}
