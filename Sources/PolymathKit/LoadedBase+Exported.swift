public import Adapter
public import Digest
internal import Bytes
internal import Conventions
internal import GGUF
internal import Model
internal import Seal
internal import TensorCore

/// What a run exports, read and judged: an adapter, or the trained tensors of scope `boundary`.
public enum ExportedFile: Sendable {
    case adapter(NormAdapter)
    case boundary(BoundaryFile, path: String)

    public var contentID: SHA256Digest {
        switch self {
        case .adapter(let adapter): adapter.contentID
        case .boundary(let file, _): file.contentID
        }
    }
}

extension LoadedBase {
    /// Reads an adapter or a boundary file and verifies it against this base.
    public func verifiedExport(path: String, progress: (@Sendable (Int) -> Void)? = nil) throws -> ExportedFile {
        try InputPath.requireFile(path, kind: "adapter")
        guard (try? GGUFFile(path: path))?["general.type"]?.asString == "boundary" else {
            return .adapter(try verifiedAdapter(path: path, progress: progress))
        }
        let file = try BoundaryFile.read(path: path)
        try file.verify(against: gguf, root: manifest(progress: progress).root)
        return .boundary(file, path: path)
    }

    /// Puts what a verified file holds into the decoder.
    ///
    /// - Precondition: the file came from ``verifiedExport(path:progress:)`` of this base.
    public func attach(_ exported: ExportedFile) throws {
        switch exported {
        case .adapter(let adapter): try attach(adapter)
        case .boundary(let file, let path):
            let masters = try decoder().makeTrainable(file.tensors.map(\.name))
            try BoundaryValues.copy(from: path, into: masters)
        }
    }
}
