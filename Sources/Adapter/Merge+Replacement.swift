// A trained tensor on its way into a merged file: F32 values in, stored bytes out, in pieces, hashed as they leave.

internal import Blocks
internal import Bytes
internal import Digest
internal import GGUF

/// How a merge stores the matrices of a boundary file. Gains and biases stay as the base has them, or F32.
public enum BoundaryTypes: String, CaseIterable, Sendable {
    /// Exactly the trained values.
    case f32
    /// Half precision: half the size, 11 bits of each value.
    case f16
    /// The base's own type for each tensor, an untied head in that of the embedding: the base's size, and its rounding.
    case base

    func storage(of name: String, _ dimensions: [Int], in base: GGUFFile) -> StorageType {
        switch self {
        case .f32: .f32
        case .f16: dimensions.count < 2 ? .f32 : .f16
        case .base:
            (base.tensor(named: name) ?? base.tensor(named: "token_embd.weight"))?.type ?? .f32
        }
    }
}

extension Merge {
    /// A tensor's new values and the type they are stored in.
    final class Replacement {
        let name: String
        let dimensions: [Int]
        let type: StorageType
        private let values: ByteRegion
        /// SHA-256 of the bytes that ``write(to:)`` has produced.
        private(set) var written: SHA256Digest?

        /// - Parameter values: F32, little-endian.
        init(_ name: String, _ dimensions: [Int], _ type: StorageType, f32 values: ByteRegion) throws(AdapterError) {
            guard type.isEncodable, (dimensions.first ?? 0) % type.blockLength == 0 else {
                throw .notStorable(tensor: name, type: type.name)
            }
            self.name = name
            self.dimensions = dimensions
            self.type = type
            self.values = values
        }

        func write(to sink: GGUFTensorSink) throws {
            var hasher = SHA256Hasher()
            // A piece is whole blocks of every type: their lengths divide it.
            let pieceBytes = BoundaryFile.pieceLength * 4
            for start in stride(from: 0, to: values.byteCount, by: pieceBytes) {
                let count = min(pieceBytes, values.byteCount - start)
                let bytes = try encoded(values.subregion(offset: start, byteCount: count))
                hasher.update(bytes)
                try sink.write(bytes)
            }
            written = hasher.finalize()
        }

        private func encoded(_ piece: ByteRegion) throws -> [UInt8] {
            guard type != .f32 else { return piece.array }
            let floats = piece.withBytes { StorageType.f32.decoded($0) }
            // 65,520 is where halves round to infinity.
            if type == .f16, let value = floats.first(where: { abs($0) >= 65_520 }) {
                throw AdapterError.outOfRange(tensor: name, value: value, type: type.name)
            }
            do {
                return try type.encode(floats.span)
            } catch BlocksError.outOfRange(_, let value, _) {
                throw AdapterError.outOfRange(tensor: name, value: value, type: type.name)
            }
        }
    }
}
