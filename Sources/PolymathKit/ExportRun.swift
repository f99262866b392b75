public import Digest
internal import Adapter
internal import Bytes

/// Writes an adapter in the form of another program.
public struct ExportRun: Equatable, Sendable {
    public static let configurationName = "adapter_config.json"
    public static let weightsName = "adapter_model.safetensors"

    public let baseRoot: SHA256Digest
    /// Of the adapter that was exported.
    public let contentID: SHA256Digest
    public let tensorCount: Int
    /// Of all files together.
    public let byteCount: Int

    /// Verifies an adapter against its base, and writes it as PEFT's LN tuning into a new folder.
    ///
    /// - Parameters:
    ///   - folder: where nothing may be yet.
    ///   - baseModel: the base's name or folder in `transformers`; nil for the base's own name.
    /// - Throws: what refuses the adapter; nothing is left at `folder` then.
    public static func peft(
        _ base: LoadedBase, adapter path: String, folder: String, baseModel: String?,
        progress: (@Sendable (Int) -> Void)? = nil
    ) throws -> ExportRun {
        let adapter = try base.verifiedAdapter(path: path, progress: progress)
        let export = try PEFTExport(adapter, on: base.gguf, baseModel: baseModel ?? base.name)
        let files = [(configurationName, export.configuration), (weightsName, export.weights)]
        try AtomicFolder.write(to: folder, mode: 0o755) { place in
            for (name, bytes) in files { try AtomicFile.write(bytes, to: place + "/" + name) }
        }
        return ExportRun(
            baseRoot: adapter.baseRoot, contentID: adapter.contentID, tensorCount: adapter.deltas.count,
            byteCount: files.reduce(0) { $0 + $1.1.count })
    }
}
