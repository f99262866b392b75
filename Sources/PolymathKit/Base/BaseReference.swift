internal import Conventions
import Bytes
public import Digest
import Foundation

/// A base as found: its file is there and begins like a GGUF file.
public struct ResolvedBase: Equatable, Sendable {
    /// What it is called in reports: the catalogue's name, or the file's name without `.gguf`.
    public let name: String
    public let path: String
    /// The catalogue's record, when the base was asked for by a catalogued name.
    public let entry: CatalogEntry?
    /// Whether the name says that its weights are random; the file's own metadata says it too.
    public let isSynthetic: Bool

    public init(name: String, path: String, entry: CatalogEntry?, isSynthetic: Bool) {
        self.name = name
        self.path = path
        self.entry = entry
        self.isSynthetic = isSynthetic
    }

    /// Compares the seal's root with the catalogue's; a base that was not named, or has no root on record, passes.
    public func checkRoot(_ root: SHA256Digest) throws(BaseError) {
        guard let expected = entry?.root, expected != root else { return }
        throw .rootDiffers(name: name, expected: expected.hex, got: root.hex)
    }
}

/// Finds the file behind a base's name or path.
///
/// A text with a `/`, or that ends in `.gguf`, is a file's path. Anything else is a name: one of the catalogue's, or
/// `NAME` for `Checkpoints/NAME.gguf`.
public enum BaseReference {
    /// The mark in a file's metadata that its weights are random.
    public static let syntheticKey = SyntheticWeights.key

    public static func resolve(_ nameOrPath: String, home: Home) throws(BaseError) -> ResolvedBase {
        if isPath(nameOrPath) {
            try checkFile(nameOrPath)
            let name = stem(nameOrPath)
            return ResolvedBase(name: name, path: nameOrPath, entry: nil, isSynthetic: isSyntheticName(name))
        }
        let catalog = try Catalog.load(home: home)
        if let entry = catalog[nameOrPath] {
            let path = home.checkpoints + "/" + entry.file
            guard FileManager.default.fileExists(atPath: path) else {
                throw .notFetched(
                    name: entry.name, path: path, hasSource: entry.source != nil,
                    layout: BaseSynthesis.names.contains(entry.name))
            }
            let byteCount = try checkFile(path)
            guard byteCount == entry.byteCount else {
                throw .sizeDiffers(name: entry.name, path: path, expected: entry.byteCount, got: byteCount)
            }
            return ResolvedBase(name: entry.name, path: path, entry: entry, isSynthetic: false)
        }
        let path = home.checkpoints + "/" + nameOrPath + ".gguf"
        guard CatalogEntry.isName(nameOrPath), FileManager.default.fileExists(atPath: path) else {
            throw missing(nameOrPath, catalog: catalog, home: home)
        }
        try checkFile(path)
        return ResolvedBase(name: nameOrPath, path: path, entry: nil, isSynthetic: isSyntheticName(nameOrPath))
    }

    /// Names of the GGUF files in the home's `Checkpoints` that the catalogue does not speak of, sorted.
    public static func uncataloguedNames(home: Home, catalog: Catalog) -> [String] {
        let catalogued = Set(catalog.entries.map(\.file))
        let files = (try? FileManager.default.contentsOfDirectory(atPath: home.checkpoints)) ?? []
        return files.filter { $0.hasSuffix(".gguf") && CatalogEntry.isName($0) && !catalogued.contains($0) }
            .map(stem).sorted()
    }

    static func isPath(_ text: String) -> Bool { text.contains("/") || text.hasSuffix(".gguf") }

    static func isSyntheticName(_ name: String) -> Bool { name.hasSuffix("-synthetic") }

    private static func missing(_ name: String, catalog: Catalog, home: Home) -> BaseError {
        // "qwen-1.5b-q4-synthetic" before it was made: say how to make it.
        if isSyntheticName(name), BaseSynthesis.names.contains(String(name.dropLast("-synthetic".count))) {
            return .notMade(name: name, path: home.checkpoints + "/" + name + ".gguf")
        }
        return .unknownName(
            name: name, known: catalog.names + uncataloguedNames(home: home, catalog: catalog), folder: home.checkpoints
        )
    }

    private static func stem(_ path: String) -> String {
        let last = path.split(separator: "/").last.map(String.init) ?? path
        return last.hasSuffix(".gguf") ? String(last.dropLast(5)) : last
    }

    /// Size of the file, once it is one, can be read, is not empty and begins with the magic.
    @discardableResult
    private static func checkFile(_ path: String) throws(BaseError) -> Int {
        var isDirectory: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw .noSuchFile(path: path)
        }
        guard !isDirectory.boolValue else { throw .notAFile(path: path) }
        let byteCount: Int
        let magic: [UInt8]
        do throws(BytesError) {
            let file = try FileStream(path: path)
            byteCount = file.byteCount
            magic = Array(try file.next().prefix(4))
        } catch {
            if case .notARegularFile = error { throw BaseError.notAFile(path: path) }
            if case .noMemory(_, let count) = error { throw BaseError.noMemory(path: path, byteCount: count) }
            throw BaseError.unreadable(path: path, reason: "\(error)")
        }
        guard byteCount > 0 else { throw .emptyFile(path: path) }
        guard magic == Array("GGUF".utf8) else { throw .notGGUF(path: path, magic: magic) }
        guard byteCount >= 24 else { throw .tooShort(path: path, byteCount: byteCount) }
        return byteCount
    }
}
