internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import PolymathKit

/// `polymath telemetry export`: a run's events for a spreadsheet or for TensorBoard.
enum ExportTelemetry: Command {
    static let specification = CommandSpecification(
        path: ["telemetry", "export"], summary: "Write a run's events as a table, or for TensorBoard",
        discussion: """
            csv is one file with a line for each event; a cell is empty where the device did not tell. tensorboard is a
            folder with one event file of scalars, for tensorboard --logdir. Works on runs that are under way, paused or
            finished, but not where a file differs from what the audit chain records.
            """,
        operands: [.init(name: "RUN", help: "Run folder")],
        flags: [.telemetryFormat.required, .out.required, .json],
        exits: [.init(.mismatch, "the chain is broken, or a file differs from what it records")],
        examples: [
            "polymath telemetry export Telemetry/wendle --format csv --out wendle.csv",
            "polymath telemetry export Telemetry/wendle --format tensorboard --out logs/wendle",
        ])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let folder = try arguments.requiredOperand(0)
        let out = try arguments.requiredText(.out)
        let name = try arguments.requiredText(.telemetryFormat)
        guard let format = TelemetryExport.Format(rawValue: name) else { return }
        try InputPath.requireFree(out)
        try arguments.requireOutside(run: folder)
        let (path, count) = try TelemetryExport(runFolder: folder).write(format, to: out)
        console.emit("exported", ["path": .string(path), "format": .string(name), "count": .exactly(count)])
        console.show(
            table([
                ("written", escaped(path, limit: 300)),
                (format == .csv ? "events" : "scalars", grouped(count)),
            ]))
    }
}
