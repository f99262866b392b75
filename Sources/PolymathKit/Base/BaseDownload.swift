import Bytes
import Digest
import Foundation

/// Fetches a catalogued base: streamed to `FILE.part`, gone on with after a break, checked, then renamed.
///
/// What arrives under the final name has the catalogue's size and SHA-256; anything else never gets that name.
public struct BaseDownload: Sendable {
    public struct Outcome: Equatable, Sendable {
        public let path: String
        public let byteCount: Int
        /// Bytes that an earlier, interrupted transfer had left; 0 for a fresh one.
        public let resumedFrom: Int
        /// Whether the right file was there already, and nothing was fetched.
        public let wasThere: Bool
    }

    public let entry: CatalogEntry
    public let path: String
    private let url: URL
    /// Where it is fetched from.
    public let address: String
    /// Seconds without a byte after which a transfer counts as broken.
    private let idleTimeout: Double

    public init(name: String, home: Home) throws(BaseError) {
        try self.init(name: name, home: home, idleTimeout: 60)
    }

    package init(name: String, home: Home, idleTimeout: Double) throws(BaseError) {
        let catalog = try Catalog.load(home: home)
        guard let entry = catalog[name] else { throw .notInCatalog(name: name, known: catalog.names) }
        self.entry = entry
        self.idleTimeout = idleTimeout
        path = home.checkpoints + "/" + entry.file
        guard let source = entry.source else { throw .noSource(name: name, file: path) }
        guard let url = URL(string: source.url) else {
            throw .badCatalog(path: home.catalog, reason: "the address of '\(name)' is none")
        }
        self.url = url
        address = source.url
    }

    /// - Parameter progress: bytes here and bytes in all, as they arrive; called on another thread.
    public func run(progress: (@Sendable (Int, Int) -> Void)? = nil) throws -> Outcome {
        if PathKind.at(path, followingLinks: false) != nil {
            try checkExisting()
            return Outcome(path: path, byteCount: entry.byteCount, resumedFrom: 0, wasThere: true)
        }
        let part = try PartFile(of: path)
        let here = part.byteCount > entry.byteCount ? 0 : part.byteCount
        try DiskSpace.require(entry.byteCount - here, for: path)
        let folders = try DiskSpace.makeFolder(of: path)
        do {
            let handle = try part.open()
            defer { try? handle.close() }
            if here < entry.byteCount { try fetch(into: handle, part, from: here, progress: progress) }
            try Self.using(part) { try handle.synchronize() }
            try check(part)
            try part.put(at: path)
        } catch {
            folders.remove()
            throw error
        }
        return Outcome(path: path, byteCount: entry.byteCount, resumedFrom: here, wasThere: false)
    }

    // MARK: - Files

    /// What Foundation throws, as an error of this room.
    private static func using(_ part: PartFile, _ body: () throws -> Void) throws(BaseError) {
        do {
            try body()
        } catch {
            throw .io(path: part.path, reason: error.localizedDescription)
        }
    }

    private func digest(of path: String) throws -> SHA256Digest {
        try SHA256Digest.ofFile(path: path)
    }

    private func checkExisting() throws {
        let byteCount = try FileIdentity(ofFileAt: path).byteCount
        guard byteCount == entry.byteCount else {
            throw BaseError.sizeDiffers(name: entry.name, path: path, expected: entry.byteCount, got: byteCount)
        }
        let got = try digest(of: path)
        guard got == entry.sha256 else {
            throw BaseError.contentDiffers(name: entry.name, path: path, expected: entry.sha256.hex, got: got.hex)
        }
    }

    private func check(_ part: PartFile) throws {
        let got = try digest(of: part.path)
        guard got == entry.sha256 else {
            part.discard()
            throw BaseError.digestDiffers(name: entry.name, url: address, expected: entry.sha256.hex, got: got.hex)
        }
    }

    // MARK: - Transfer

    private func fetch(
        into handle: FileHandle, _ part: PartFile, from start: Int, progress: (@Sendable (Int, Int) -> Void)?
    ) throws {
        var start = start
        for attempt in 0..<2 {
            let transfer = Transfer(
                handle: handle, start: start, total: entry.byteCount, note: part.note, progress: progress)
            let end = transfer.run(url: url, tag: part.note.tag, idleTimeout: idleTimeout)
            switch end {
            case .complete: return
            case .status(416) where attempt == 0 && start > 0:
                // The server has less than is here: what is here is of another file.
                try Self.using(part) { try handle.truncate(atOffset: 0) }
                start = 0
            case .status(let code):
                if start == 0 { part.discard() }
                throw BaseError.refused(url: address, status: code)
            case .wrongLength(let announced):
                part.discard()
                throw BaseError.wrongLength(url: address, expected: entry.byteCount, announced: announced)
            case .noResponse(let reason):
                if start == 0 { part.discard() }
                throw BaseError.noServer(url: address, reason: reason)
            case .broken(let received, let reason):
                try? handle.synchronize()
                throw BaseError.interrupted(
                    url: address, received: received, expected: entry.byteCount, part: part.path, reason: reason)
            case .cannotWrite(let reason):
                if let free = DiskSpace.available(at: DiskSpace.folder(of: path)), free < 1 << 20 {
                    throw BaseError.noSpace(path: part.path, needed: entry.byteCount, available: free)
                }
                throw BaseError.io(path: part.path, reason: reason)
            }
        }
    }
}
