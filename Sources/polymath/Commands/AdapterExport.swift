internal import Adapter
internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import PolymathKit

/// `polymath adapter export`: an adapter in the form of another program.
enum AdapterExport: Command {
    static let specification = CommandSpecification(
        path: ["adapter", "export"], summary: "Write an adapter in the form that PEFT loads",
        discussion: """
              Verifies the adapter against its base, and writes a folder with adapter_config.json (LN tuning) and
              adapter_model.safetensors. PEFT replaces whole norms, so the file holds base gain plus delta, in F32; the
              signature does not survive, only the content id of what was exported.
            """,
        flags: [.base.required, .adapter.required, .out.required, .format, .baseModel, .threads, .home, .json],
        exits: [.init(.mismatch, "the adapter is for another base, was changed, or breaks a rule of the format")],
        examples: [
            "polymath adapter export --base nano --adapter adapter.gguf --base-model ./nano-hf --out nano-skerry-peft"
        ])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let path = try arguments.requiredText(.adapter)
        let out = try arguments.requiredText(.out)
        try InputPath.requireFile(path, kind: "adapter")
        try InputPath.requireFree(out)
        let base = try arguments.loadBase()
        let exported = try ExportRun.peft(
            base, adapter: path, folder: out, baseModel: arguments.text(.baseModel),
            progress: console.hashingProgress(of: base))
        console.endProgress()
        console.emit(
            "exported",
            [
                "format": "peft", "base": .string(base.name), "base_root": .string(exported.baseRoot.hex),
                "content_id": .string(exported.contentID.hex), "path": .string(out),
                "tensors": .exactly(exported.tensorCount), "bytes": .exactly(exported.byteCount),
                "synthetic_weights": .bool(base.isSynthetic),
            ])
        console.show(
            table([
                ("base", escaped(base.title)), ("adapter", exported.contentID.hex), ("written", escaped(out)),
                ("files", "\(ExportRun.configurationName), \(ExportRun.weightsName)"),
                ("gains", "\(exported.tensorCount), in F32"), ("bytes", grouped(exported.byteCount)),
            ]))
    }
}
