// The federation wire format v1: what a norm scope learned, as deltas to the base's gains, signed.
// It holds no code, no text and no other tensor, and a reader refuses everything it does not know.

public import Digest

/// The delta of one norm gain, as read back from an adapter.
public struct NormDelta: Equatable, Sendable {
    /// The gain in the base, e.g. `blk.0.attn_norm.weight`.
    public var name: String
    /// `f32(q · scale)` for each component; as many as the embedding is long.
    public var values: [Float]

    public init(name: String, values: [Float]) {
        self.name = name
        self.values = values
    }
}

/// An adapter that has passed every check a file can pass by itself.
///
/// A GGUF v3 file, little-endian, aligned to 32 bytes, at most 1 MiB, with exactly these keys in this order:
///
/// | key | type | value |
/// |---|---|---|
/// | `general.architecture` | text | the base's |
/// | `general.type` | text | `adapter` |
/// | `adapter.type` | text | `norm` |
/// | `adapter.norm.version` | u32 | 1 |
/// | `adapter.norm.scope` | text | `norms`, `tail` or `all-norms` |
/// | `adapter.norm.encoding` | text | `q8_0` or `f32` |
/// | `adapter.base.root` | u8[32] | root of the base |
/// | `adapter.run.recipe` | u8[32] | recipe of the run |
/// | `adapter.signer` | u8[32] | Ed25519 public key |
/// | `adapter.signature` | u8[64] | Ed25519 over the whole file with these 64 bytes zero |
///
/// The tensors are the scope's norm gains, ascending by name bytes, without gaps; each is a vector of the embedding
/// length; padding is zero; the file ends where the last tensor's padding ends. See ``WireLayout`` for the bytes.
public struct NormAdapter: Equatable, Sendable {
    /// No adapter is larger than this: 1 MiB.
    public static let byteLimit = 1 << 20

    public let architecture: String
    public let scope: AdapterScope
    public let encoding: DeltaEncoding
    /// Layers of the base, as the tensor names imply.
    public let layerCount: Int
    /// Length of each gain.
    public let embeddingLength: Int
    public let baseRoot: SHA256Digest
    public let recipe: SHA256Digest
    public let signer: PublicKey
    /// In file order: ascending by name bytes.
    public let deltas: [NormDelta]
    /// SHA-256 of the whole file.
    public let contentID: SHA256Digest
    public let byteCount: Int

    /// What a gain becomes: one f32 addition, the same everywhere.
    public static func effectiveGain(base: Float, delta: Float) -> Float { base + delta }

    static let signatureKey = "adapter.signature"

    static func keys(
        architecture: String, scope: AdapterScope, encoding: DeltaEncoding, baseRoot: SHA256Digest,
        recipe: SHA256Digest, signer: PublicKey
    ) -> [(String, WireValue)] {
        [
            ("general.architecture", .text(architecture)),
            ("general.type", .text("adapter")),
            ("adapter.type", .text("norm")),
            ("adapter.norm.version", .number(1)),
            ("adapter.norm.scope", .text(scope.rawValue)),
            ("adapter.norm.encoding", .text(encoding.rawValue)),
            ("adapter.base.root", .bytes(baseRoot.bytes)),
            ("adapter.run.recipe", .bytes(recipe.bytes)),
            ("adapter.signer", .bytes(signer.bytes)),
        ]
    }

    static let rules: [(String, WireRule)] = [
        ("general.architecture", .text),
        ("general.type", .word("adapter")),
        ("adapter.type", .word("norm")),
        ("adapter.norm.version", .number(1)),
        ("adapter.norm.scope", .text),
        ("adapter.norm.encoding", .text),
        ("adapter.base.root", .bytes(32)),
        ("adapter.run.recipe", .bytes(32)),
        ("adapter.signer", .bytes(32)),
    ]
}
