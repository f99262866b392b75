internal import CommandLineKit
public import Conventions
internal import Digest
internal import Foundation
public import Pipeline
public import PipelineNetwork
internal import PolymathKit
internal import Seal
internal import TensorCore

extension CommandRegistry {
    /// What `polymath-pipeline` can do. A program of its own, so that `polymath` has no socket.
    static let pipeline = CommandRegistry(
        program: "polymath-pipeline",
        purpose: "measures devices that hold some layers of a model each; it is no serving engine.",
        commands: [Serve.self, Run.self])
}

extension Flag {
    static let layers = Flag("layers", .text, "FIRST..LAST", help: "Layers to lend, the first being 0")
    static let listen = Flag("listen", .text, "HOST:PORT", help: "Where to listen; port 0 takes a free one")
    static let peers = Flag(
        "peers", .text, "FILE",
        help: "Coordinators that may come: a fingerprint or the path of a PEM public key per line; # begins a comment")
    static let stages = Flag(
        "stages", .text, "FILE", help: "Who lends what, a line each: layers FIRST..LAST HOST:PORT SHA256:FINGERPRINT")
    static let identity = Flag(
        "identity", .text, "FILE", help: "Key that proves who one is (made on first use in the configuration folder)")
    static let prompt = Flag("prompt", .text, "TEXT", help: "Text to go on from")
    static let maxTokens = Flag("max-tokens", .integer(1...1_048_576), "N", default: "32", help: "Most tokens to write")
    static let temperature = Flag(
        "temperature", .number(.from(0, through: 100)), "X", default: "0",
        help: "Spread of the choice; 0 takes the likeliest")
    static let topP = Flag(
        "top-p", .number(.above(0, through: 1)), "X", default: "0.95",
        help: "Choose among the likeliest tokens of this total probability")
    static let seed = Flag("seed", .integer(0...Int.max), "S", default: "0", help: "Seed of every random number")
    static let patience = Flag(
        "patience", .number(.above(0, through: 3_600)), "SECONDS", default: "10",
        help: "How long a stage may be silent before its layers go to another")
    static let compute = Flag(
        "compute", .choice(["auto"] + Arithmetic.allCases.map(\.rawValue)), "MODE", default: "auto",
        help: "Arithmetic of the products")
    static let compare = Flag(
        "compare", .toggle, help: "Write the same with the whole decoder here, and compare to the bit")
}

extension Arguments {
    var identityAtHand: Identity {
        get throws {
            guard let path = text(.identity) ?? Identity.defaultPath else { throw IdentityError.noConfigurationFolder }
            return try Identity.loadOrCreate(path: path)
        }
    }

    func loadBase() throws -> LoadedBase {
        let arithmetic = takes(.compute) ? text(.compute).flatMap(Arithmetic.init) ?? .automatic : .f32
        let base = try LoadedBase(
            requiredText(.base), home: Home.locate(option: text(.home)), workers: Workers(count: threadCount),
            arithmetic: arithmetic)
        // Layers of a file that was cut must not be lent.
        try base.watchFaults(
            output: isOn(.json)
                ? .jsonLines(descriptor: STDOUT_FILENO)
                : .plain(descriptor: STDERR_FILENO, prefix: "polymath-pipeline: "))
        return base
    }
}

extension PipelineError: ExitReporting {
    public var exitStatus: ExitStatus {
        switch self {
        case .badPlan: .usage
        case .spareDiffers: .mismatch
        case .unfitWork, .noSpare: .failure
        }
    }
}

extension PeerError: ExitReporting {
    public var exitStatus: ExitStatus {
        switch self {
        case .badAddress: .usage
        case .untrustedPeer, .otherWeights: .mismatch
        default: .failure
        }
    }
}
