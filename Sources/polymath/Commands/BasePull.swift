internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import PolymathKit
internal import Seal

/// `polymath base pull`: fetches a catalogued base.
enum BasePull: Command {
    static let specification = CommandSpecification(
        path: ["base", "pull"], summary: "Fetch a base from the catalogue's address",
        discussion: """
            An interrupted transfer leaves FILE.part behind, and the same command goes on from there. The file gets \
            its name only when its size and SHA-256 are the catalogue's.
            """,
        operands: [.init(name: "NAME", help: "a name that 'polymath base list' shows")],
        flags: [.home, .catalog, .json],
        exits: [
            .init(.mismatch, "what came has another size or digest than the catalogue says"),
            .init(.resources, "the disk has no room for it"),
        ],
        examples: ["polymath base pull qwen-1.5b-q4"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let name = try arguments.requiredOperand(0)
        let download = try BaseDownload(name: name, home: arguments.catalogHome)
        // The system's network library ends the process on some answers that are no HTTP.
        let trapGuard = TrapGuard(
            sentence:
                "What '\(escaped(download.address, limit: 300))' sent cannot be read as HTTP; what had come before is "
                + "kept, and the same command goes on from there",
            exitStatus: ExitStatus.failure.code, output: arguments.faultOutput)
        let outcome = try withExtendedLifetime(trapGuard) {
            try download.run { done, total in
                console.progress("Fetching \(escaped(name))", done: done, of: total)
            }
        }
        console.endProgress()
        console.emit(
            "base_pulled",
            [
                "name": .string(name), "path": .string(outcome.path), "bytes": .exactly(outcome.byteCount),
                "sha256": .string(download.entry.sha256.hex), "resumed_from": .exactly(outcome.resumedFrom),
                "was_there": .bool(outcome.wasThere),
            ])
        let verb = outcome.wasThere ? "was here already" : "is here"
        console.show("\(escaped(name)) \(verb): \(escaped(outcome.path, limit: 300))")
        console.show(
            "  \(grouped(outcome.byteCount)) bytes, SHA-256 \(download.entry.sha256.hex) as the catalogue has it")
    }
}
