import Bytes
public import Digest

/// One base that can be called by name.
public struct CatalogEntry: Equatable, Sendable {
    /// Where a base is fetched from.
    public struct Source: Equatable, Sendable {
        public let url: String
        /// The revision that ``url`` pins, so that the bytes behind it never change.
        public let revision: String

        public init(url: String, revision: String) {
            self.url = url
            self.revision = revision
        }
    }

    public let name: String
    public let title: String
    public let architecture: String
    /// One path component inside `Checkpoints`.
    public let file: String
    /// An SPDX identifier.
    public let licence: String
    /// Nil when the file comes with the repository.
    public let source: Source?
    public let byteCount: Int
    /// Of the whole file.
    public let sha256: SHA256Digest
    /// The seal's root, once somebody has computed it.
    public let root: SHA256Digest?

    public init(
        name: String, title: String, architecture: String, file: String, licence: String, source: Source?,
        byteCount: Int, sha256: SHA256Digest, root: SHA256Digest?
    ) {
        self.name = name
        self.title = title
        self.architecture = architecture
        self.file = file
        self.licence = licence
        self.source = source
        self.byteCount = byteCount
        self.sha256 = sha256
        self.root = root
    }
}

/// The bases known by name: `Checkpoints/catalog.json`.
///
///     {"version": 1,
///      "bases": [{"name": "nano", "title": "…", "architecture": "qwen2", "file": "nano-q4_k_m.gguf",
///                 "licence": "CC0-1.0", "source": {"url": "https://…", "revision": "…"} or null,
///                 "bytes": 4796096, "sha256": "64 hex digits", "root": "64 hex digits" or null}, …]}
///
/// Read strictly: a member too many or too few is an error, so is a file name that leaves the folder.
public struct Catalog: Equatable, Sendable {
    public let entries: [CatalogEntry]

    public init(entries: [CatalogEntry]) { self.entries = entries }

    public subscript(name: String) -> CatalogEntry? { entries.first { $0.name == name } }

    public var names: [String] { entries.map(\.name) }

    /// The catalogue of this home; the one built into the program when the home has none.
    public static func load(home: Home) throws(BaseError) -> Catalog {
        let path = home.catalog
        let bytes: [UInt8]
        do throws(BytesError) {
            bytes = try WholeFile.read(path, limit: 1 << 20)
        } catch {
            if case .notFound = error, !home.catalogIsExplicit { return .builtIn }
            throw .badCatalog(path: path, reason: "\(error)")
        }
        let json: JSONValue
        do throws(JSONError) {
            json = try JSONValue.parse(bytes, maxDepth: 8)
        } catch {
            throw .badCatalog(path: path, reason: "\(error)")
        }
        return try Catalog(json: json, path: path)
    }
}

// MARK: - Reading

extension Catalog {
    /// - Parameter path: named in errors.
    public init(json: JSONValue, path: String) throws(BaseError) {
        func fail(_ reason: String) -> BaseError { .badCatalog(path: path, reason: reason) }
        guard let members = json.asObject, Set(members.keys) == ["version", "bases"] else {
            throw fail("its members should be exactly 'version' and 'bases'")
        }
        guard members["version"]?.asInt == 1 else { throw fail("its 'version' should be 1") }
        guard let rows = members["bases"]?.asArray else { throw fail("its 'bases' should be an array") }
        var entries: [CatalogEntry] = []
        for (index, row) in rows.enumerated() {
            let entry = try CatalogEntry(json: row, index: index, path: path)
            if entries.contains(where: { $0.name == entry.name }) {
                throw fail("base \(index) repeats the name '\(escaped(entry.name))'")
            }
            entries.append(entry)
        }
        self.init(entries: entries)
    }
}

extension CatalogEntry {
    private static let members: Set<String> = [
        "name", "title", "architecture", "file", "licence", "source", "bytes", "sha256", "root",
    ]

    fileprivate init(json: JSONValue, index: Int, path: String) throws(BaseError) {
        func fail(_ reason: String) -> BaseError { .badCatalog(path: path, reason: "base \(index): \(reason)") }
        func text(_ key: String) throws(BaseError) -> String {
            guard let value = json[key]?.asString, !value.isEmpty else {
                throw fail("'\(key)' should be a string that is not empty")
            }
            return value
        }
        func digest(_ key: String) throws(BaseError) -> SHA256Digest {
            guard let value = json[key]?.asString, let digest = SHA256Digest(hex: value) else {
                throw fail("'\(key)' should be 64 hexadecimal digits")
            }
            return digest
        }
        guard let keys = json.asObject?.keys, Set(keys) == Self.members else {
            throw fail("its members should be exactly \(Self.members.sorted().joined(separator: ", "))")
        }
        let name = try text("name")
        guard Self.isName(name) else {
            throw fail("the name '\(escaped(name))' should be letters, digits, '.', '_' and '-' only")
        }
        let file = try text("file")
        guard Self.isName(file), file.hasSuffix(".gguf") else {
            throw fail("the file '\(escaped(file))' should be one path component that ends in .gguf")
        }
        guard let byteCount = json["bytes"]?.asInt, byteCount > 0 else {
            throw fail("'bytes' should be a whole number above 0")
        }
        var source: Source?
        if let place = json["source"], place != .null {
            guard let members = place.asObject, Set(members.keys) == ["url", "revision"],
                let url = members["url"]?.asString, let revision = members["revision"]?.asString,
                url.hasPrefix("https://") || url.hasPrefix("http://")
            else { throw fail("'source' should be null or an http(s) 'url' with its 'revision'") }
            source = Source(url: url, revision: revision)
        }
        self.init(
            name: name, title: try text("title"), architecture: try text("architecture"), file: file,
            licence: try text("licence"), source: source, byteCount: byteCount, sha256: try digest("sha256"),
            root: json["root"] == .null ? nil : try digest("root"))
    }

    /// Letters, digits, dot, underscore and hyphen, not beginning with a dot or hyphen: safe as a file name anywhere.
    static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, first != 0x2d, first != 0x2e, name.utf8.count <= 200 else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
            default: false
            }
        }
    }
}

// MARK: - Writing

extension CatalogEntry {
    public var json: JSONValue {
        [
            "name": .string(name), "title": .string(title), "architecture": .string(architecture),
            "file": .string(file), "licence": .string(licence),
            "source": source.map { ["url": .string($0.url), "revision": .string($0.revision)] } ?? .null,
            "bytes": .exactly(byteCount), "sha256": .string(sha256.hex), "root": root.map { .string($0.hex) } ?? .null,
        ]
    }
}

extension Catalog {
    public var json: JSONValue { ["version": 1, "bases": .array(entries.map(\.json))] }
}
