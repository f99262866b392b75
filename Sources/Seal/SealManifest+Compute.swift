import Bytes
import Digest
import Synchronization

extension SealManifest {
    /// Hashes every sealed byte of the source, tensors over `workers` threads; the result does not depend on them.
    ///
    /// - Parameter progress: told how many tensor bytes are done, never fewer than before; called on any thread.
    package static func compute(
        _ source: SealSource, workers: Int, progress: (@Sendable (Int) -> Void)? = nil
    ) -> SealManifest {
        // Large tensors first, or the last thread would work alone on the head.
        let order = source.tensors.indices.sorted {
            let (first, second) = (source.tensors[$0].bytes.byteCount, source.tensors[$1].bytes.byteCount)
            return first == second ? $0 < $1 : first > second
        }
        let done = Mutex(0)
        let (sealed, _) = Workers.map(count: order.count, workers: workers) { place in
            let tensor = source.tensors[order[place]]
            let result = seal(tensor)
            done.withLock { total in
                total += tensor.bytes.byteCount
                progress?(total)
            }
            return result
        }
        return SealManifest(
            metadataDigest: source.metadataDigest, tensors: sealed,
            fileName: source.path.map { String($0.split(separator: "/").last ?? "") } ?? "",
            fileByteCount: source.fileByteCount)
    }

    /// One pass over a tensor gives its digest and those of its chunks.
    private static func seal(_ tensor: SealSource.Tensor) -> SealedTensor {
        let byteCount = tensor.bytes.byteCount
        let (digest, chunks) = tensor.bytes.withBytes { span in
            SHA256Digest.withPieces(of: span, pieceByteCount: SealedTensor.chunkByteCount)
        }
        return SealedTensor(
            name: tensor.name, type: tensor.type, typeName: tensor.typeName, dimensions: tensor.dimensions,
            offset: tensor.offset, byteCount: byteCount, digest: digest, chunkDigests: chunks)
    }
}
