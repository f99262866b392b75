internal import Blocks
internal import Bytes
public import Digest
public import GGUF
public import Model
public import TensorCore

extension DecoderPart.Role {
    /// Whether its results depend on earlier pieces.
    var remembers: Bool {
        if case .layers = self { true } else { false }
    }

    /// Embedding, every layer by itself, head.
    public static func finest(layerCount: Int) -> [DecoderPart.Role] {
        [.embedding] + (0..<layerCount).map { .layers($0..<$0 + 1) } + [.head]
    }

    /// What fixes the bits of a stage: SHA-256 over shape, arithmetic, kernels and the tensors of the part.
    ///
    /// - Precondition: `base` has a part of this role.
    /// - Complexity: reads the part's tensors once.
    public func fingerprint(in base: GGUFFile, arithmetic: Arithmetic) throws(ModelError) -> SHA256Digest {
        let shape = try DecoderConfiguration(base)
        var hasher = SHA256Hasher()
        var header = "polymath part 1\n\(self)\n\(Self.kernels(arithmetic))\n"
        header += "\(shape.architecture) \(shape.layerCount) \(shape.embeddingLength) \(shape.headCount) "
        header += "\(shape.keyValueHeadCount) \(shape.headLength) \(shape.feedForwardLength) \(shape.vocabularySize) "
        header += "\(shape.contextLength) \(shape.rotaryBase.bitPattern) \(shape.rmsEpsilon.bitPattern) "
        header += "\(shape.rotaryLayout) \(shape.isHeadTied)\n"
        hasher.update(Array(header.utf8))
        for tensor in DecoderPart.tensors(of: self, in: base) {
            let line = "\(tensor.name) \(tensor.type.rawValue) \(tensor.dimensions) \(tensor.byteCount)\n"
            hasher.update(Array(line.utf8))
            base.region(of: tensor).withBytes { hasher.update($0) }
        }
        return hasher.finalize()
    }

    /// The code that computes products here; stages agree to the bit only where it is the same.
    static func kernels(_ arithmetic: Arithmetic) -> String {
        ([KernelPath.current, arithmetic.rawValue] + [arithmetic.instructions].compactMap(\.self))
            .joined(separator: " ")
    }
}
