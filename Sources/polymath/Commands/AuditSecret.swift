internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import PolymathKit

/// `polymath audit secret`: the secret seed of one's own run, to hand to somebody who is to replay it.
enum AuditSecret: Command {
    static let specification = CommandSpecification(
        path: ["audit", "secret"], summary: "Give out the secret seed of a run of one's own",
        discussion: """
            Opens seed.sealed in the run's folder with the run's identity and prints the seed as 64 hexadecimal
            digits, or writes them into a new file, mode 0600. Whoever has them, the base and the text can replay the
            run (polymath audit replay RUN --secret FILE). Whoever has them and the adapter can also confirm a guess
            of the text, word by word: give them only to somebody who may know the text.
            """,
        operands: [.init(name: "RUN", help: "Run folder")],
        flags: [.identity, .out, .json],
        exits: [.init(.mismatch, "the seed does not open with this identity, or is not the one of the run's recipe")],
        examples: ["polymath audit secret Telemetry/runs/20270105T080000Z-9f3c2a1b --out for-the-auditor.seed"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let folder = try arguments.requiredOperand(0)
        try InputPath.requireFolder(folder, kind: "run folder")
        if let path = arguments.text(.identity) { try InputPath.requireFile(path, kind: "identity") }
        if let out = arguments.text(.out) { try InputPath.requireFree(out) }
        let seed = try RunSecret.open(runFolder: folder, identityPath: arguments.text(.identity))
        if let out = arguments.text(.out) {
            try AtomicFile.write(Array((seed.hex + "\n").utf8), to: out, mode: 0o600)
        }
        console.emit(
            "secret",
            [
                "seed": arguments.text(.out) == nil ? .string(seed.hex) : .null,
                "path": arguments.text(.out).map { .string($0) } ?? .null, "commitment": .string(seed.commitment.hex),
            ])
        if let out = arguments.text(.out) {
            console.show("written: \(escaped(out, limit: 300))")
        } else {
            console.show(seed.hex)
        }
        console.note(
            "polymath: whoever has this seed can replay the run, and can confirm a guess of its text from the adapter; give "
                + "it only to somebody who may know the text")
    }
}
