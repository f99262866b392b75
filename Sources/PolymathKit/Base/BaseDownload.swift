import Bytes
import Digest
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

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
    private let address: String
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

    private var part: String { path + ".part" }
    private var partTag: String { path + ".part.etag" }

    /// - Parameter progress: bytes here and bytes in all, as they arrive; called on another thread.
    public func run(progress: (@Sendable (Int, Int) -> Void)? = nil) throws -> Outcome {
        if FileManager.default.fileExists(atPath: path) {
            try checkExisting()
            return Outcome(path: path, byteCount: entry.byteCount, resumedFrom: 0, wasThere: true)
        }
        try DiskSpace.prepareFolder(of: path)
        let handle = try openPart()
        defer { try? handle.close() }
        var here = Int(try handle.seekToEnd())
        if here > entry.byteCount { here = 0 }
        try DiskSpace.require(entry.byteCount - here, for: path)
        let resumedFrom = here
        if here < entry.byteCount { try fetch(into: handle, from: here, progress: progress) }
        try handle.synchronize()
        try checkPart()
        do {
            try FileManager.default.moveItem(atPath: part, toPath: path)
        } catch {
            throw BaseError.io(path: path, reason: "the finished transfer cannot be renamed")
        }
        try? FileManager.default.removeItem(atPath: partTag)
        try? FileHandle(forReadingFrom: URL(fileURLWithPath: DiskSpace.folder(of: path))).synchronize()
        return Outcome(path: path, byteCount: entry.byteCount, resumedFrom: resumedFrom, wasThere: false)
    }

    // MARK: - Files

    private func openPart() throws(BaseError) -> FileHandle {
        if !FileManager.default.fileExists(atPath: part) {
            _ = FileManager.default.createFile(atPath: part, contents: nil)
        }
        guard let handle = FileHandle(forUpdatingAtPath: part) else {
            throw .io(path: part, reason: "it cannot be opened for writing")
        }
        guard flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0 else { throw .busy(part: part) }
        return handle
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

    private func checkPart() throws {
        let got = try digest(of: part)
        guard got == entry.sha256 else {
            discardPart()
            throw BaseError.digestDiffers(name: entry.name, url: address, expected: entry.sha256.hex, got: got.hex)
        }
    }

    private func discardPart() {
        try? FileManager.default.removeItem(atPath: part)
        try? FileManager.default.removeItem(atPath: partTag)
    }

    // MARK: - Transfer

    private func fetch(into handle: FileHandle, from start: Int, progress: (@Sendable (Int, Int) -> Void)?) throws {
        var start = start
        for attempt in 0..<2 {
            let tag = try? String(contentsOfFile: partTag, encoding: .utf8)
            let transfer = Transfer(
                handle: handle, start: start, total: entry.byteCount, tagPath: partTag, progress: progress)
            let end = transfer.run(url: url, tag: tag, idleTimeout: idleTimeout)
            switch end {
            case .complete: return
            case .status(416) where attempt == 0 && start > 0:
                // The server has less than is here: what is here is of another file.
                try handle.truncate(atOffset: 0)
                start = 0
            case .status(let code):
                if start == 0 { discardPart() }
                throw BaseError.refused(url: address, status: code)
            case .wrongLength(let announced):
                discardPart()
                throw BaseError.wrongLength(url: address, expected: entry.byteCount, announced: announced)
            case .noResponse(let reason):
                if start == 0 { discardPart() }
                throw BaseError.noServer(url: address, reason: reason)
            case .broken(let received, let reason):
                try? handle.synchronize()
                throw BaseError.interrupted(
                    url: address, received: received, expected: entry.byteCount, part: part, reason: reason)
            case .cannotWrite(let reason):
                if let free = DiskSpace.available(at: DiskSpace.folder(of: path)), free < 1 << 20 {
                    throw BaseError.noSpace(path: part, needed: entry.byteCount, available: free)
                }
                throw BaseError.io(path: part, reason: reason)
            }
        }
    }
}
