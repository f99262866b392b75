public import Adapter
public import Digest
internal import Bytes
internal import Foundation
internal import GGUF
internal import Seal
internal import TensorCore

/// Writes a base with an adapter's gains, or a boundary file's tensors, and compares the result with the base.
public struct MergeRun: Equatable, Sendable {
    public let baseRoot: SHA256Digest
    /// Of the adapter.
    public let contentID: SHA256Digest
    /// Of the merged file.
    public let root: SHA256Digest
    public let byteCount: Int
    public let replacedTensors: Int
    /// Tensors that are neither replaced nor added.
    public let frozenTensors: Int
    /// Of those, how many have another digest in the merged file than the base was sealed with: a merge that is done has
    /// none.
    public let frozenChanges: Int

    /// - Parameters:
    ///   - adapter: path of an adapter or of a boundary file.
    ///   - boundaryTypes: how the matrices of a boundary file are stored; an adapter has none.
    ///   - out: path of the merged file, where nothing may be yet.
    /// - Throws: what refuses the adapter; `SealViolation` where the base changed while it was merged. Nothing is left at
    ///   `out` then.
    public static func run(
        _ base: LoadedBase, adapter: String, boundaryTypes: BoundaryTypes = .f16, out: String,
        progress: (@Sendable (Int) -> Void)? = nil
    ) throws -> MergeRun {
        let sealedAt = Date()
        let sealed = try base.manifest(progress: progress)
        let header = try? GGUFFile(path: adapter)
        try DiskSpace.require(sealed.fileByteCount + (header?.file?.byteCount ?? 0), for: out)
        func compared(_ merged: GGUFFile, _ names: Set<String>, _ contentID: SHA256Digest) throws -> MergeRun {
            // What was copied must have been the base that was sealed: its bytes, and the file the path leads to.
            try SealGuard(
                manifest: sealed, gguf: base.gguf, workers: base.workers.count, sealedAt: sealedAt
            ).fullCheck()
            let after = try SealManifest.compute(merged, workers: base.workers.count, progress: nil)
            let frozen = sealed.tensors.filter { !names.contains($0.name) }
            let changed = frozen.filter { after.tensor(named: $0.name)?.digest != $0.digest }
            if let first = changed.first { throw AdapterError.mergeDiffers(tensor: first.name) }
            return MergeRun(
                baseRoot: sealed.root, contentID: contentID, root: after.root, byteCount: after.fileByteCount,
                replacedTensors: names.count, frozenTensors: frozen.count, frozenChanges: changed.count)
        }
        if header?["general.type"]?.asString == "boundary" {
            let boundary = try BoundaryFile.read(path: adapter)
            return try Merge.write(
                base: base.gguf, root: sealed.root, boundaryFile: adapter, types: boundaryTypes, to: out
            ) { try compared($0, Set(boundary.tensors.map(\.name)), boundary.contentID) }
        } else {
            let adapter = try base.verifiedAdapter(path: adapter)
            return try Merge.write(base: base.gguf, root: sealed.root, adapter: adapter, to: out) {
                try compared($0, Set(adapter.deltas.map(\.name)), adapter.contentID)
            }
        }
    }
}
