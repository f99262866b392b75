internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import PolymathKit

/// `polymath audit report`: a run's page, made again from its folder.
enum AuditReport: Command {
    static let specification = CommandSpecification(
        path: ["audit", "report"], summary: "Make a run's report again from its folder alone",
        discussion: """
              The page has the same bytes as the one that the run wrote. It is made of a paused, stopped or violated run
              too, and its verdict says so; but not where a file differs from what the audit chain records. Without
              --out the run's own report.html is written anew.
            """,
        operands: [.init(name: "RUN", help: "Run folder")],
        flags: [.out, .json],
        exits: [.init(.mismatch, "the chain is broken, or a file differs from what it records")],
        examples: ["polymath audit report Telemetry/runs/20270105T080000Z-9f3c2a1b --out report.html"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let folder = try arguments.requiredOperand(0)
        let own = folder + "/report.html"
        if let path = arguments.text(.out) {
            try InputPath.requireFree(path)
            if !PathIdentity.isSamePlace(path, own) { try arguments.requireOutside(run: folder) }
        }
        let builder = try RunReportBuilder(runFolder: folder)
        if !arguments.isGiven(.out) { try InputPath.requireReplaceable(own) }
        let path = arguments.text(.out) ?? own
        try builder.write(to: path, placement: arguments.isGiven(.out) ? .new : .replacing)
        console.emit(
            "report",
            [
                "path": .string(path), "bytes": .exactly(builder.page.count), "verified": .bool(builder.isVerified),
                "status": .string(builder.status),
            ])
        console.show(
            table([
                ("report", escaped(path, limit: 300)),
                ("verdict", builder.isVerified ? "verified" : "not verified; the page says why"),
                ("run", builder.status),
            ]))
    }
}
