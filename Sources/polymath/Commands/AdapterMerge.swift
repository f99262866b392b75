internal import Adapter
internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import GGUF
internal import PolymathKit

/// `polymath adapter merge`: base and adapter as one model file.
enum AdapterMerge: Command {
    static let specification = CommandSpecification(
        path: ["adapter", "merge"], summary: "Write base and adapter as one model file",
        discussion: """
              Only the trained gains are replaced (by F32); every other tensor keeps its bytes, which is checked on
              the file that was written. The base itself is never touched. A boundary.gguf is merged in the same way;
              --boundary-types says how its matrices are stored.
            """,
        flags: [.base.required, .adapter.required, .out.required, .boundaryTypes, .threads, .home, .json],
        exits: [.init(.mismatch, "the adapter is for another base, was changed, or breaks a rule of the format")],
        examples: ["polymath adapter merge --base nano --adapter adapter.gguf --out nano-skerry.gguf"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let path = try arguments.requiredText(.adapter)
        let out = try arguments.requiredText(.out)
        try InputPath.requireFile(path, kind: "adapter")
        try InputPath.requireFree(out)
        let base = try arguments.loadBase()
        let types = arguments.text(.boundaryTypes).flatMap(BoundaryTypes.init) ?? .f16
        let merged = try MergeRun.run(
            base, adapter: path, boundaryTypes: types, out: out, progress: console.hashingProgress(of: base))
        console.endProgress()
        console.emit(
            "merged",
            [
                "base": .string(base.name), "base_root": .string(merged.baseRoot.hex), "path": .string(out),
                "content_id": .string(merged.contentID.hex), "bytes": .exactly(merged.byteCount),
                "root": .string(merged.root.hex), "replaced_tensors": .exactly(merged.replacedTensors),
                "frozen_tensors": .exactly(merged.frozenTensors), "frozen_changes": .exactly(merged.frozenChanges),
                "synthetic_weights": .bool(base.isSynthetic),
            ])
        console.show(
            table([
                ("base", escaped(base.title)), ("adapter", merged.contentID.hex), ("written", escaped(out)),
                ("bytes", grouped(merged.byteCount)), ("replaced tensors", "\(merged.replacedTensors)"),
                ("frozen tensors", "\(merged.frozenTensors) checked, \(merged.frozenChanges) changed"),
                ("root", merged.root.hex),
            ]))
    }
}
