// What scope `boundary` exports: the trained tensors themselves, bound to a base and signed. It can exceed a gigabyte,
// so it is written and judged in a stream.

internal import Blocks
public import Digest

/// A boundary file that has passed every check a file can pass by itself.
///
/// A GGUF v3 file laid out like an adapter, with exactly these keys in this order:
///
/// | key | type | value |
/// |---|---|---|
/// | `general.architecture` | text | the base's |
/// | `general.type` | text | `boundary` |
/// | `boundary.version` | u32 | 1 |
/// | `boundary.layer_count` | u32 | layers of the base |
/// | `boundary.base.root` | u8[32] | root of the base |
/// | `boundary.run.recipe` | u8[32] | recipe of the run |
/// | `boundary.signer` | u8[32] | Ed25519 public key |
/// | `boundary.signature` | u8[64] | see below |
///
/// The tensors, all F32 and ascending by name bytes, are every tensor of `blk.0` and of the last layer,
/// `output.weight` and `output_norm.weight`; values, not deltas.
///
/// Ed25519 takes a message whole, and this file is too large for that. So the signature covers the DSSE
/// pre-authentication encoding of ``payloadType`` and a payload of 32 bytes: the SHA-256 of the whole file with the 64
/// signature bytes zero.
public struct BoundaryFile: Equatable, Sendable {
    /// Keeps these signatures apart from every other use of the key.
    public static let payloadType = "application/vnd.polymath.boundary.v1"

    public struct Tensor: Equatable, Sendable {
        public var name: String
        /// In file order: row length first.
        public var dimensions: [Int]
        /// Where the F32 values begin in the file.
        public var offset: Int
        public var elementCount: Int
    }

    public let architecture: String
    public let layerCount: Int
    public let baseRoot: SHA256Digest
    public let recipe: SHA256Digest
    public let signer: PublicKey
    public let tensors: [Tensor]
    /// SHA-256 of the whole file.
    public let contentID: SHA256Digest
    public let byteCount: Int

    static let signatureKey = "boundary.signature"

    static func keys(
        architecture: String, layerCount: Int, baseRoot: SHA256Digest, recipe: SHA256Digest, signer: PublicKey
    ) -> [(String, WireValue)] {
        [
            ("general.architecture", .text(architecture)),
            ("general.type", .text("boundary")),
            ("boundary.version", .number(1)),
            ("boundary.layer_count", .number(UInt32(clamping: layerCount))),
            ("boundary.base.root", .bytes(baseRoot.bytes)),
            ("boundary.run.recipe", .bytes(recipe.bytes)),
            ("boundary.signer", .bytes(signer.bytes)),
        ]
    }

    static let rules: [(String, WireRule)] = [
        ("general.architecture", .text),
        ("general.type", .word("boundary")),
        ("boundary.version", .number(1)),
        ("boundary.layer_count", .anyNumber),
        ("boundary.base.root", .bytes(32)),
        ("boundary.run.recipe", .bytes(32)),
        ("boundary.signer", .bytes(32)),
    ]

    /// Whether a scope `boundary` trains the tensor of this name.
    public static func isBoundary(_ name: String, layerCount: Int) -> Bool {
        name == "output.weight" || name == "output_norm.weight" || name.hasPrefix("blk.0.")
            || name.hasPrefix("blk.\(layerCount - 1).")
    }

    static func message(_ digest: SHA256Digest) -> [UInt8] {
        DSSEEnvelope.preAuthenticationEncoding(type: payloadType, payload: digest.bytes)
    }

    static func wireTensor(_ name: String, _ dimensions: [Int]) throws(AdapterError) -> WireTensor {
        var count = 1
        for dimension in dimensions {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow, dimension > 0 else { throw .shape(tensor: name, expected: [], found: dimensions) }
            count = product
        }
        guard (1...4).contains(dimensions.count), count <= 1 << 40 else {
            throw .shape(tensor: name, expected: [], found: dimensions)
        }
        return WireTensor(name: name, storage: .f32, dimensions: dimensions, byteCount: count * 4)
    }
}
