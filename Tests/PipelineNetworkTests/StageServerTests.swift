import Digest
import Foundation
import GGUF
import Model
import Pipeline
import PipelineNetwork
import Synchronization
import TensorCore
import TestSupport
import Testing

/// A stage server on this machine, what it reported, and a coordinator that it knows.
final class ServedLayers: Sendable {
    let server: StageServer
    let identity: Identity
    let friend: Identity
    private let events = Mutex<[StageServer.Event]>([])
    private let isOver = Mutex(false)

    init(
        _ checkpoint: String = "nano-q4_k_m.gguf", layers: Range<Int> = 2..<4, friend: Identity? = nil,
        limits: StageServer.Limits = .quick
    ) throws {
        signal(SIGPIPE, SIG_IGN)
        identity = try .generate()
        let known = try friend ?? .generate()
        self.friend = known
        server = try StageServer(
            GGUFFile(path: Repository.checkpoint(checkpoint)), layers: layers, at: .loopback, identity: identity,
            threads: 1, limits: limits
        ) { $0 == known.publicKey }
        Thread.detachNewThread { [self] in
            server.run(until: { isOver.withLock { $0 } }) { [self] event in
                events.withLock { $0.append(event) }
            }
        }
    }

    func stop() { isOver.withLock { $0 = true } }

    var address: NetworkAddress { NetworkAddress("127.0.0.1:\(server.port)") ?? .loopback }

    func line(_ layers: String) -> String { "layers \(layers) \(address) \(identity.publicKey.fingerprint)\n" }

    /// The sentences about peers that were refused, as soon as there are `count`.
    func refusals(_ count: Int) -> [String] {
        for _ in 0..<400 {
            let found = events.withLock { $0 }.compactMap { event -> String? in
                if case .refused(let sentence) = event { sentence } else { nil }
            }
            if found.count >= count { return found }
            Thread.sleep(forTimeInterval: 0.02)
        }
        return []
    }

    func connection(as identity: Identity) throws -> TLSConnection {
        try TLSConnection(
            Socket.reaching(address, within: 5), TLSContext(identity), isServer: false, within: 5
        ) { _ in true }
    }
}

extension NetworkAddress {
    static var loopback: NetworkAddress { NetworkAddress("127.0.0.1:0")! }
}

extension StageServer.Limits {
    static var quick: StageServer.Limits {
        var limits = StageServer.Limits()
        limits.handshakeSeconds = 20
        limits.frameSeconds = 20
        limits.frameByteCount = 1 << 16
        return limits
    }
}

struct Coordinated {
    let base: GGUFFile
    let decoder: Decoder
    let request = PipelineRequest(
        prompt: [40, 41, 42], maxTokens: 5, sampler: Sampler(temperature: 0, topP: 1, seed: 0))

    init() throws {
        base = try GGUFFile(path: Repository.checkpoint("nano-q4_k_m.gguf"))
        decoder = try Decoder(base, workers: Workers(count: 1))
    }

    func coordinator(
        _ lines: String, as identity: Identity, patience: Double = 10, adjust: (RemoteStages) -> Void = { _ in }
    ) throws -> PipelineCoordinator {
        let list = try StageList(lines, path: "list")
        let stages = try RemoteStages(base, list: list, identity: identity, arithmetic: .f32, threads: 1)
        stages.handshakeSeconds = 2
        adjust(stages)
        var policy = PipelineCoordinator.Policy()
        policy.patience = patience
        return try PipelineCoordinator(
            decoder.configuration, roles: list.roles(layerCount: 6), source: stages, policy: policy)
    }

    func expectSame(_ coordinator: PipelineCoordinator, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let outcome = try #require(try coordinator.run([request]).first)
        let whole = try decoder.outcome(of: request)
        #expect(outcome.tokens == whole.tokens, sourceLocation: sourceLocation)
        #expect(outcome.logits == whole.logits, sourceLocation: sourceLocation)
    }
}

@Suite struct StageServerTests {
    @Test func `layers of another process give the whole decoder's bits, and tell what they took`() throws {
        let coordinated = try Coordinated()
        let served = try ServedLayers()
        defer { served.stop() }
        let coordinator = try coordinated.coordinator(served.line("2..2") + served.line("3..3"), as: served.friend)
        try coordinated.expectSame(coordinator)
        let remote = zip(coordinator.roles, coordinator.figures).filter { $0.1.name != "here" }
        #expect(remote.map(\.0) == [.layers(2..<3), .layers(3..<4)])
        for (_, figures) in remote {
            #expect(figures.pieceCount == 5 && figures.computeSeconds > 0 && figures.residentBytes > 0)
        }
    }

    @Test func `whoever is not known, not TLS 1.3, silent or out of turn is refused with one sentence`() throws {
        var limits = StageServer.Limits.quick
        limits.handshakeSeconds = 3
        limits.frameSeconds = 3
        let served = try ServedLayers(limits: limits)
        defer { served.stop() }
        let stranger = try Identity.generate()
        var expected: [String] = []
        func expect(_ words: String) { expected.append(words) }
        // Not on the list. TLS 1.3 lets a client finish before the server has judged it.
        if let connection = try? served.connection(as: stranger) {
            #expect(throws: PeerError.self) { try connection.read(1, Deadline(5)) }
        }
        expect("its key \(stranger.publicKey.fingerprint) is not on the list of peers")
        // Not TLS at all.
        let plain = try Socket.reaching(served.address, within: 5)
        plain.sendPlain(Array("GET / HTTP/1.0\r\n\r\n".utf8))
        expect("no TLS 1.3 with a key of its own came about")
        #expect(served.refusals(2).count == 2)
        // Nothing at all.
        let silent = try Socket.reaching(served.address, within: 5)
        expect("was silent for 3.0 seconds")
        #expect(served.refusals(3).count == 3)
        silent.close()
        // Frames of a known peer that no coordinator sends.
        let badFrames: [([UInt8], String)] = [
            ([0xFF, 0xFF, 0xFF, 0xFF, 1], "announced a frame of 4294967295 bytes, where at most 1100 may come"),
            ([1, 0, 0, 0, 9, 0], "it sent a frame of unknown kind 9"),
            ([0, 0, 0, 0, 1], "it sent a frame of kind 1 that is too short"),
            (PeerMessage.forget(.of([1])).frame, "another frame where a stage must be opened"),
            (PeerMessage.open(layers: 3..<5, stage: 1, arithmetic: .f32).frame, "layers 3..4 are not lent here"),
            ([200, 0], "was silent for 3.0 seconds"),
        ]
        for (index, (bytes, words)) in badFrames.enumerated() {
            let connection = try served.connection(as: served.friend)
            try connection.write(bytes, Deadline(5))
            expect(words)
            #expect(served.refusals(4 + index).count == 4 + index, "\(words)")
        }
        for (sentence, words) in zip(served.refusals(expected.count), expected) {
            #expect(sentence.contains(words) && sentence.hasSuffix("."), "\(sentence)")
        }
        // And still there for whoever is known.
        let coordinated = try Coordinated()
        try coordinated.expectSame(coordinated.coordinator(served.line("2..3"), as: served.friend))
    }

    @Test func `an opened stage ends with whoever sends what does not fit`() throws {
        let served = try ServedLayers()
        defer { served.stop() }
        var work = StageWork(
            request: .of([1]), stage: 1, attempt: 0, position: 5, rowCount: 1, capacity: 8, isReplay: false,
            payload: [0, 0])
        var frames: [(PeerMessage, String)] = [(.compute(work), "position 0 comes next")]
        work.position = 0
        frames.append((.compute(work), "2 bytes for 1 rows of 256 values"))
        work.payload = [UInt8](repeating: 0, count: 1 << 16)
        frames.append((.compute(work), "where at most 65536 may come"))
        frames.append((.refusal("No."), "a frame that coordinators do not send"))
        for (index, (message, words)) in frames.enumerated() {
            let connection = try served.connection(as: served.friend)
            try connection.send(.open(layers: 2..<3, stage: 1, arithmetic: .f32), within: 5)
            guard case .opened = try connection.receive(limit: 1_100, patience: 20, within: 5) else {
                Issue.record("not opened")
                return
            }
            // The server may hang up before it has all of it.
            try? connection.send(message, within: 5)
            let sentence = try #require(served.refusals(index + 1).last)
            #expect(sentence.contains(words), "\(sentence)")
        }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "openssl is not installed"))
    func `TLS 1.2, and TLS 1.3 without a key, are refused`() throws {
        let served = try ServedLayers()
        defer { served.stop() }
        for (index, option) in ["-tls1_2", "-tls1_3"].enumerated() {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
            process.arguments = ["s_client", option, "-connect", "127.0.0.1:\(served.server.port)"]
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            let sentence = try #require(served.refusals(index + 1).last)
            #expect(sentence.contains("no TLS 1.3 with a key of its own came about"), "\(sentence)")
            process.terminate()
            process.waitUntilExit()
        }
    }

    @Test func `more peers than the limit are turned away`() throws {
        var limits = StageServer.Limits.quick
        limits.connectionCount = 1
        limits.handshakeSeconds = 3
        let served = try ServedLayers(limits: limits)
        defer { served.stop() }
        let first = try Socket.reaching(served.address, within: 5)
        let second = try Socket.reaching(served.address, within: 5)
        #expect(try #require(served.refusals(1).first).contains("1 peers are here already"))
        first.close()
        second.close()
    }

    @Test func `an address that is taken is told in one sentence`() throws {
        let served = try ServedLayers()
        defer { served.stop() }
        #expect(throws: PeerError.connection(peer: "\(served.address)", reason: "Address already in use")) {
            try Listener(served.address)
        }
        #expect(throws: ModelError.noSuchLayers(first: 4, last: 6, layerCount: 6)) {
            try ServedLayers(layers: 4..<7)
        }
    }
}

/// A peer that opens a stage as it should, and then does as it is told.
final class FaithlessStage: Sendable {
    enum Deed: String, CaseIterable, Sendable {
        case hangsUp, saysNothing, huge, unknown, otherInput, otherBytes
    }

    let listener: Listener
    let identity: Identity

    init(_ deed: Deed, fingerprint: SHA256Digest, friend: PublicKey) throws {
        signal(SIGPIPE, SIG_IGN)
        let listener = try Listener(.loopback)
        let identity = try Identity.generate()
        self.listener = listener
        self.identity = identity
        Thread.detachNewThread {
            guard let socket = listener.accept(within: 20), let context = try? TLSContext(identity),
                let connection = try? TLSConnection(
                    socket, context, isServer: true, within: 10, accepts: { $0 == friend })
            else { return }
            _ = try? connection.receive(limit: 1_100, patience: 10, within: 10)
            try? connection.send(.opened(fingerprint: fingerprint), within: 10)
            guard case .compute(let work)? = try? connection.receive(limit: 1 << 20, patience: 10, within: 10) else {
                return
            }
            var answer = Contribution(
                request: work.request, stage: work.stage, attempt: work.attempt, position: work.position,
                rowCount: work.rowCount, input: .of(work.payload), history: .of([1]), output: .of(work.payload),
                seconds: 0, payload: work.payload)
            switch deed {
            case .hangsUp: return
            case .saysNothing: break
            case .huge: try? connection.write([0, 0, 0, 0x7F, 4], Deadline(5))
            case .unknown: try? connection.write([0, 0, 0, 0, 77], Deadline(5))
            case .otherInput: try? connection.send(.contribution(answer), within: 5)
            case .otherBytes:
                answer.payload.removeLast()
                try? connection.send(.contribution(answer), within: 5)
            }
            Thread.sleep(forTimeInterval: 3)
        }
    }

    var line: String { "layers 2..2 127.0.0.1:\(listener.port) \(identity.publicKey.fingerprint)\n" }
}

@Suite struct RemoteStagesTests {
    @Test(arguments: FaithlessStage.Deed.allCases)
    func `a stage that fails its coordinator is replaced by the next on the list, and no bit changes`(
        deed: FaithlessStage.Deed
    ) throws {
        let coordinated = try Coordinated()
        let friend = try Identity.generate()
        let role = DecoderPart.Role.layers(2..<3)
        let faithless = try FaithlessStage(
            deed, fingerprint: role.fingerprint(in: coordinated.base, arithmetic: .f32), friend: friend.publicKey)
        let spare = try ServedLayers(friend: friend)
        defer { spare.stop() }
        let coordinator = try coordinated.coordinator(
            faithless.line + spare.line("2..2"), as: friend, patience: deed == .saysNothing ? 1 : 20)
        try coordinated.expectSame(coordinator)
        #expect(coordinator.replacements.first?.stage == 2)
        #expect(coordinator.figures[2].name == "\(spare.address)" || deed == .saysNothing)
    }

    @Test func `a stage with another key, or other weights, ends the run before a token`() throws {
        let coordinated = try Coordinated()
        let served = try ServedLayers()
        defer { served.stop() }
        let other = try Identity.generate().publicKey.fingerprint
        let error = try #require(throws: PeerError.self) {
            try coordinated.coordinator("layers 2..2 \(served.address) \(other)\n", as: served.friend)
                .run([coordinated.request])
        }
        #expect(
            error
                == .untrustedPeer(
                    peer: "\(served.address)", fingerprint: served.identity.publicKey.fingerprint))
        let heavier = try ServedLayers("nano-f16.gguf")
        defer { heavier.stop() }
        #expect(throws: PeerError.otherWeights(peer: "\(heavier.address)", stage: "layers 2..2")) {
            try coordinated.coordinator(heavier.line("2..2"), as: heavier.friend).run([coordinated.request])
        }
    }

    @Test func `what speaks no TLS ends the run, and what cannot be reached is passed over`() throws {
        let coordinated = try Coordinated()
        let key = try Identity.generate()
        let web = try Listener(.loopback)
        Thread.detachNewThread {
            let socket = web.accept(within: 20)
            socket?.sendPlain(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
            Thread.sleep(forTimeInterval: 1)
        }
        let line = "layers 2..2 127.0.0.1:\(web.port) \(key.publicKey.fingerprint)\n"
        let error = try #require(throws: PeerError.self) {
            try coordinated.coordinator(line, as: key).run([coordinated.request])
        }
        guard case .handshake = error else {
            Issue.record("\(error)")
            return
        }
        let silent = try Listener(.loopback)
        let mute = "layers 2..2 127.0.0.1:\(silent.port) \(key.publicKey.fingerprint)\n"
        let said = Mutex<[String]>([])
        let coordinator = try coordinated.coordinator(mute, as: key) { stages in
            stages.handshakeSeconds = 0.5
            stages.report = { sentence in said.withLock { $0.append(sentence) } }
        }
        try coordinated.expectSame(coordinator)
        #expect(said.withLock { $0 } == ["127.0.0.1:\(silent.port) was silent for 0.5 seconds."])
    }
}
