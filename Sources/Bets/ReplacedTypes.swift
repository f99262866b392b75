package import Blocks
internal import Bytes
package import GGUF

/// A base written anew with other storage types: for bets about what storage costs.
package struct ReplacedTypes {
    /// Of the attention and feed-forward matrices.
    package var projections: StorageType
    /// Of the embedding, which is the head too where there is no other; and of that other.
    package var embedding: StorageType

    package init(projections: StorageType, embedding: StorageType) {
        self.projections = projections
        self.embedding = embedding
    }

    /// The number by which GGUF files name their main type (`general.file_type`).
    private var fileType: UInt32? {
        switch projections {
        case .f32: 0
        case .tq1_0: 36
        case .tq2_0: 37
        default: nil
        }
    }

    /// Vectors, which are norms and biases, and every record but the file's type stay as they are.
    private func writer(of base: GGUFFile) -> GGUFWriter {
        var writer = GGUFWriter()
        for record in base.records {
            if record.key == "general.file_type", let fileType {
                writer.add(record.key, .uint32(fileType))
            } else {
                writer.add(record)
            }
        }
        for tensor in base.tensors {
            guard tensor.dimensions.count > 1 else {
                writer.add(tensor: tensor.name, tensor.type, tensor.dimensions, region: base.region(of: tensor))
                continue
            }
            let isEmbedding = ["token_embd.weight", "output.weight"].contains(tensor.name)
            let type = isEmbedding ? embedding : projections
            writer.add(tensor: tensor.name, type, tensor.dimensions) { sink in
                let values = base.region(of: tensor).withBytes { tensor.type.decoded($0) }
                try sink.write(type.encode(values.span))
            }
        }
        return writer
    }

    /// Writes `base` to `path` and returns the file's length.
    package func write(_ base: GGUFFile, to path: String) throws -> Int {
        let writer = writer(of: base)
        try writer.write(to: path, sync: false)
        return try writer.byteCount()
    }

    /// The file's length, without writing it.
    package func byteCount(_ base: GGUFFile) throws -> Int { try writer(of: base).byteCount() }
}
