internal import Audit
internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import Dispatch
internal import Foundation
internal import PipelineNetwork
internal import PolymathKit

/// `polymath-pipeline serve`: lends layers of a base to coordinators that are known.
enum Serve: Command {
    static let specification = CommandSpecification(
        path: ["serve"], summary: "Lend some layers of a base to coordinators that you list, until you stop it",
        discussion: """
              A measuring instrument for devices, not a serving engine. The file is mapped whole, and the pages of the
              lent layers alone are read. Both sides speak TLS 1.3 and prove their Ed25519 keys; whoever is not on the
              list of --peers is refused and told of on standard error.
            """,
        flags: [
            .base.required, .layers.required, .listen.required, .peers.required, .identity, .threads, .home, .json,
        ],
        examples: ["polymath-pipeline serve --base nano --layers 2..3 --listen 0.0.0.0:7000 --peers peers.txt"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let text = try arguments.requiredText(.layers)
        guard let layers = StageList.layers(text) else {
            throw UsageError.badValue(
                flag: Flag.layers.name, value: text, expected: "FIRST..LAST, for instance 2..5")
        }
        let place = try arguments.requiredText(.listen)
        guard let address = NetworkAddress(place) else { throw PeerError.badAddress(place) }
        let list = try arguments.requiredText(.peers)
        try InputPath.requireFile(list, kind: "list of peers")
        let trust = try SignerTrust(list: list)
        let identity = try arguments.identityAtHand
        let base = try arguments.loadBase()
        let server = try StageServer(
            base.gguf, layers: layers, at: address, identity: identity, threads: arguments.threadCount
        ) { key in (try? trust.standing(of: key)) != nil }
        let fingerprint = identity.publicKey.fingerprint
        console.emit(
            "listening",
            [
                "base": .string(base.name), "layers": .string(text), "port": .exactly(Int(server.port)),
                "fingerprint": .string(fingerprint),
                "process": .exactly(Int(ProcessInfo.processInfo.processIdentifier)),
            ])
        console.show(
            "Layers \(text) of \(escaped(base.title)) at \(escaped(address.host)):\(server.port), key \(fingerprint).")
        let stop = StopRequest()
        let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            // Dispatch reads the signal elsewhere, even where a parent left it blocked; its usual effect would come first.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { stop.stop(signal: number) }
            source.activate()
            return source
        }
        defer { for source in sources { source.cancel() } }
        server.run(until: { stop.signal != nil || console.isOutputClosed }) { event in
            switch event {
            case .opened(let peer, let fingerprint, let layers):
                let range = "\(layers.lowerBound)..\(layers.upperBound - 1)"
                console.emit(
                    "opened",
                    ["peer": .string(peer), "fingerprint": .string(fingerprint), "layers": .string(range)])
                console.note("Layers \(range) are lent to \(peer), key \(fingerprint).")
            case .refused(let sentence):
                console.emit("refused", ["message": .string(sentence)])
                console.note(sentence)
            case .finished(let peer, let pieceCount, let seconds):
                console.emit(
                    "finished",
                    [
                        "peer": .string(peer), "num_pieces": .exactly(pieceCount),
                        "compute_seconds": .number(seconds),
                    ])
                console.note("\(peer) is done: \(pieceCount) pieces, \(fixed(seconds, 3)) s of computing.")
            }
        }
        if let number = stop.signal { throw Stopped(signal: number) }
    }

    /// How lending usually ends.
    struct Stopped: ExitReporting, CustomStringConvertible {
        let signal: Int32
        var exitStatus: ExitStatus { .signal(signal) }
        var description: String { "Stopped by signal \(signal); the layers are lent no more." }
    }
}
