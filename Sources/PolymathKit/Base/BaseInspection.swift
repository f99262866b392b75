import Blocks
import Bytes
public import GGUF

/// What a base file says of itself, read without loading its weights.
public struct BaseInspection: Equatable, Sendable {
    /// How many tensors are stored in a type, and their bytes.
    public struct Share: Equatable, Sendable {
        public let type: String
        public let tensors: Int
        public let byteCount: Int
    }

    /// `general.name`, as the file has it.
    public let title: String?
    public let architecture: String?
    public let isSynthetic: Bool
    public let byteCount: Int
    public let tensorCount: Int
    public let parameterCount: Int
    /// Most bytes first.
    public let storage: [Share]
    /// Sizes of the shape that the metadata gives, in a fixed order: (`layers`, 28), …
    public let shape: [(name: String, value: Int)]
    /// Whether the embedding is the head too.
    public let isTied: Bool
    /// `gpt2`/`qwen2` and the number of tokens; nil without a tokenizer.
    public let tokenizer: (model: String, split: String?, tokens: Int)?

    public init(_ file: GGUFFile) {
        title = file["general.name"]?.asString
        architecture = file["general.architecture"]?.asString
        isSynthetic = file[BaseReference.syntheticKey]?.asBool ?? false
        byteCount = file.region.byteCount
        tensorCount = file.tensors.count
        parameterCount = file.tensors.reduce(0) { $0 + $1.elementCount }
        isTied = file.tensor(named: "output.weight") == nil && file.tensor(named: "token_embd.weight") != nil
        storage = Dictionary(grouping: file.tensors, by: \.type).map { type, tensors in
            Share(type: type.name, tensors: tensors.count, byteCount: tensors.reduce(0) { $0 + $1.byteCount })
        }.sorted { ($0.byteCount, $0.type) > ($1.byteCount, $1.type) }
        let prefix = architecture.map { $0 + "." } ?? ""
        let keys = [
            ("layers", "block_count"), ("width", "embedding_length"), ("heads", "attention.head_count"),
            ("key_value_heads", "attention.head_count_kv"), ("feed_forward", "feed_forward_length"),
            ("context", "context_length"),
        ]
        shape = keys.compactMap { name, key in file[prefix + key]?.asInt.map { (name, $0) } }
        if case .array(let tokens)? = file["tokenizer.ggml.tokens"] {
            tokenizer = (
                file["tokenizer.ggml.model"]?.asString ?? "unknown", file["tokenizer.ggml.pre"]?.asString, tokens.count
            )
        } else {
            tokenizer = nil
        }
    }

    public static func == (a: BaseInspection, b: BaseInspection) -> Bool {
        a.title == b.title && a.architecture == b.architecture && a.isSynthetic == b.isSynthetic
            && a.byteCount == b.byteCount && a.tensorCount == b.tensorCount && a.parameterCount == b.parameterCount
            && a.storage == b.storage && a.isTied == b.isTied && a.shape.elementsEqual(b.shape, by: ==)
            && a.tokenizer?.model == b.tokenizer?.model && a.tokenizer?.split == b.tokenizer?.split
            && a.tokenizer?.tokens == b.tokenizer?.tokens
    }
}

/// A base that can be named, and whether its file is there.
public struct BaseListing: Equatable, Sendable {
    public let name: String
    public let title: String
    public let path: String
    public let isPresent: Bool
    public let byteCount: Int
    public let isSynthetic: Bool

    /// The catalogue's bases in its order, then other GGUF files of the home's `Checkpoints`.
    public static func all(home: Home) throws(BaseError) -> [BaseListing] {
        let catalog = try Catalog.load(home: home)
        let known = catalog.entries.map { entry in
            let path = home.checkpoints + "/" + entry.file
            return BaseListing(
                name: entry.name, title: entry.title, path: path, isPresent: DiskSpace.size(of: path) != nil,
                byteCount: entry.byteCount, isSynthetic: false)
        }
        let others = BaseReference.uncataloguedNames(home: home, catalog: catalog).map { name in
            let path = home.checkpoints + "/" + name + ".gguf"
            let file = try? GGUFFile(path: path)
            return BaseListing(
                name: name, title: file?["general.name"]?.asString ?? "no readable GGUF file", path: path,
                isPresent: true, byteCount: DiskSpace.size(of: path) ?? 0,
                isSynthetic: file?[BaseReference.syntheticKey]?.asBool ?? BaseReference.isSyntheticName(name))
        }
        return known + others
    }
}
