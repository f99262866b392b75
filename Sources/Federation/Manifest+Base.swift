// What a manifest takes from the base's file, and holds against it again.

public import Adapter
internal import Blocks
internal import Bytes
public import Digest
public import GGUF

/// The facts of a base that a manifest states; each follows from the base's bytes alone.
public struct BaseFacts: Equatable, Sendable {
    /// The sizes that decide what a model costs, by their names in a manifest.
    public enum Dimension: String, CaseIterable, Sendable {
        case blockCount = "block_count"
        case contextLength = "context_length"
        case embeddingLength = "embedding_length"
        case feedForwardLength = "feed_forward_length"
        case headCount = "head_count"
        case headCountKV = "head_count_kv"
        /// Rows of the token embedding.
        case vocabulary

        /// Largest value that a reader takes.
        var limit: Int { self == .blockCount ? 10_000 : 1 << 30 }

        /// The record's key behind the architecture's name; nil where a tensor's shape says it.
        fileprivate var key: String? {
            switch self {
            case .headCount, .headCountKV: "attention." + rawValue
            case .vocabulary: nil
            default: rawValue
            }
        }
    }

    public let architecture: String
    /// Root of the sealed bytes.
    public let root: SHA256Digest
    /// SHA-256 of all `tokenizer.*` records as stored, in the order of their keys' bytes.
    public let tokenizer: SHA256Digest
    /// Every ``Dimension``.
    public let dimensions: [Dimension: Int]
    /// The tensors' storage types in lower case, the one with the most values first, joined by `+`.
    public let quantisation: String
    /// The size of the base's file in bytes.
    public let fileBytes: Int
    /// SHA-256 of the base's file.
    public let fileDigest: SHA256Digest

    init(
        architecture: String, root: SHA256Digest, tokenizer: SHA256Digest, dimensions: [Dimension: Int],
        quantisation: String, fileBytes: Int, fileDigest: SHA256Digest
    ) {
        self.architecture = architecture
        self.root = root
        self.tokenizer = tokenizer
        self.dimensions = dimensions
        self.quantisation = quantisation
        self.fileBytes = fileBytes
        self.fileDigest = fileDigest
    }

    /// Reads the facts off an open base; the whole file is hashed.
    ///
    /// - Parameter root: as computed from this file.
    /// - Throws: ``ManifestError/base(reason:)`` where a size is missing or out of range.
    public init(of file: GGUFFile, root: SHA256Digest) throws(ManifestError) {
        guard let architecture = file["general.architecture"]?.asString, Self.isArchitecture(architecture) else {
            throw .base(reason: "it names no architecture of at most 32 letters and digits.")
        }
        var dimensions: [Dimension: Int] = [:]
        for dimension in Dimension.allCases {
            dimensions[dimension] = try Self.size(dimension, of: file, architecture: architecture)
        }
        self.init(
            architecture: architecture, root: root, tokenizer: Self.tokenizerDigest(file), dimensions: dimensions,
            quantisation: Self.quantisation(file), fileBytes: file.region.byteCount, fileDigest: .of(file.region))
    }

    static func isArchitecture(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.utf8.allSatisfy { SpecialistManifest.isLetterOrDigit($0) || "-_".utf8.contains($0) }
    }

    private static func size(
        _ dimension: Dimension, of file: GGUFFile, architecture: String
    ) throws(ManifestError) -> Int {
        let found: Int?
        if let key = dimension.key {
            // Where keys and values have as many heads as queries, files may leave them out.
            let record = file["\(architecture).\(key)"]
            found = (record ?? (dimension == .headCountKV ? file["\(architecture).attention.head_count"] : nil))?.asInt
        } else {
            found = file.tensor(named: "token_embd.weight")?.dimensions.dropFirst().first
        }
        guard let found, (1...dimension.limit).contains(found) else {
            throw .base(reason: "its \(dimension.rawValue) is not a number of 1 to \(dimension.limit).")
        }
        return found
    }

    private static func tokenizerDigest(_ file: GGUFFile) -> SHA256Digest {
        var hasher = SHA256Hasher()
        let records = file.records.filter { $0.key.utf8.starts(with: "tokenizer.".utf8) }
        for record in records.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            record.rawBytes.withBytes { span in hasher.update(span) }
        }
        return hasher.finalize()
    }

    /// Names of storage types hold letters, digits and underscores.
    private static func quantisation(_ file: GGUFFile) -> String {
        var values: [StorageType: Double] = [:]
        for tensor in file.tensors { values[tensor.type, default: 0] += Double(tensor.elementCount) }
        let order = values.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
        return order.map { $0.key.name.lowercased() }.joined(separator: "+")
    }

    /// Whether a text can be a ``quantisation``: known storage types, each once.
    static func isQuantisation(_ text: String) -> Bool {
        let known = Set(StorageType.allCases.map { $0.name.lowercased() })
        let parts = text.split(separator: "+", omittingEmptySubsequences: false).map(String.init)
        return parts.count <= known.count && parts.allSatisfy(known.contains) && Set(parts).count == parts.count
    }

    /// The exact size in bytes of every adapter of a kind on this base.
    ///
    /// - Throws: ``ManifestError/impossibleKind(scope:encoding:reason:)`` where there can be none.
    public func adapterBytes(_ scope: AdapterScope, _ encoding: DeltaEncoding) throws(ManifestError) -> Int {
        do throws(AdapterError) {
            let bytes = try NormAdapter.wireByteCount(
                scope: scope, layerCount: dimensions[.blockCount] ?? 0,
                embeddingLength: dimensions[.embeddingLength] ?? 0, encoding: encoding, architecture: architecture)
            guard bytes <= NormAdapter.byteLimit else {
                throw .tooLarge(byteCount: bytes, limit: NormAdapter.byteLimit)
            }
            return bytes
        } catch {
            throw .impossibleKind(scope: scope.rawValue, encoding: encoding.rawValue, reason: error)
        }
    }
}

extension SpecialistManifest {
    /// Holds everything that the manifest says of its base against a base at hand.
    ///
    /// - Parameter root: as computed from this file.
    /// - Throws: ``ManifestError/differs(what:stated:found:)`` for the first fact that is another.
    public func verify(against file: GGUFFile, root: SHA256Digest) throws(ManifestError) {
        try Self.same("root", base.root.hex, root.hex)
        let found = try BaseFacts(of: file, root: root)
        try Self.same("architecture", base.architecture, found.architecture)
        try Self.same("tokenizer digest", base.tokenizer.hex, found.tokenizer.hex)
        for dimension in BaseFacts.Dimension.allCases {
            try Self.same(
                dimension.rawValue, "\(base.dimensions[dimension] ?? 0)", "\(found.dimensions[dimension] ?? 0)")
        }
        try Self.same("quantisation", base.quantisation, found.quantisation)
        try Self.same("size of the weights", "\(base.fileBytes)", "\(found.fileBytes)")
        try Self.same("digest of the weights", base.fileDigest.hex, found.fileDigest.hex)
        for kind in adapters {
            let bytes = try found.adapterBytes(kind.scope, kind.encoding)
            try Self.same(
                "bytes of \(kind.scope.rawValue) in \(kind.encoding.rawValue)", "\(kind.maxBytes)", "\(bytes)")
        }
    }

    private static func same(_ what: String, _ stated: String, _ found: String) throws(ManifestError) {
        guard stated.utf8.elementsEqual(found.utf8) else {
            throw .differs(what: what, stated: stated, found: found)
        }
    }
}
