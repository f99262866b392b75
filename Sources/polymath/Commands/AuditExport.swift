internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import PolymathKit

/// `polymath audit export`: what of a run may be handed on.
enum AuditExport: Command {
    static let specification = CommandSpecification(
        path: ["audit", "export"], summary: "Copy what of a finished run may be handed on",
        discussion: """
              Writes a new folder with the exported adapter or boundary file, the audit chain, the attestation, the
              digests of the base, the run's record and events, and its report. Text, tokens, checkpoints, the secret seed, the signing key
              and the paths of this machine stay behind. audit verify and audit report work on the copy as on the run.
            """,
        operands: [.init(name: "RUN", help: "Run folder")],
        flags: [.out.required, .json],
        exits: [.init(.mismatch, "the run is not closed, or a file differs from what its chain records")],
        examples: ["polymath audit export Telemetry/runs/20270105T080000Z-9f3c2a1b --out for-the-federation"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let folder = try arguments.requiredOperand(0)
        let out = try arguments.requiredText(.out)
        try InputPath.requireFree(out)
        guard !PathIdentity.isInside(out, folder: folder) else {
            throw UsageError.impossible("--out lies inside the run folder; name a place outside it.")
        }
        let files = try RunHandover(runFolder: folder).write(to: out)
        console.emit(
            "exported",
            [
                "path": .string(out),
                "files": .array(
                    files.map {
                        [
                            "name": .string($0.name), "bytes": .exactly($0.byteCount),
                            "sha256": .string($0.digest.hex),
                        ]
                    }),
            ])
        for file in files { console.show("\(file.digest.hex)  \(escaped(file.name))") }
        console.show()
        console.show(
            table([
                ("written", escaped(out, limit: 300)),
                ("bytes", grouped(files.reduce(0) { $0 + $1.byteCount })),
                (
                    "left behind",
                    "checkpoints, seed.sealed (the secret seed), local.json (paths of this machine), and whatever else is in the folder"
                ),
            ]))
    }
}
