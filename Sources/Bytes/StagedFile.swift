#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// A whole file that does not have its name yet: it can be read back, and several can be written before the first of
/// them is put in its place.
///
/// Without ``put(_:)`` it goes with the object.
public final class StagedFile {
    /// Where it is to stand.
    public let path: String
    /// Where it stands until then, in the same folder.
    public let staging: String
    /// Open for as long as the object is there, so that no other file can get this one's inode.
    private let descriptor: Int32
    private let identity: PathIdentity
    private let byteCount: Int
    private let isSynced: Bool
    private var isPut = false
    private var isGone = false

    private init(
        path: String, staging: String, descriptor: Int32, identity: PathIdentity, byteCount: Int, isSynced: Bool
    ) {
        self.path = path
        self.staging = staging
        self.descriptor = descriptor
        self.identity = identity
        self.byteCount = byteCount
        self.isSynced = isSynced
    }

    deinit {
        if !isPut { discard() }
        close(descriptor)
    }

    /// Writes the file under a name of its own.
    ///
    /// - Parameters:
    ///   - sync: whether it is on the medium when this returns, and its name when ``put(_:)`` does.
    ///   - body: writes the bytes in order; when it throws, nothing is left.
    public static func write<Result>(
        for path: String, mode: UInt32 = 0o644, sync: Bool = true, _ body: (FileSink) throws -> Result
    ) throws -> (file: StagedFile, result: Result) {
        let folder = SystemCall.folder(of: path)
        let staging = StagingName.make(for: path)
        let descriptor: Int32
        do {
            descriptor = try SystemCall.open(staging, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        } catch BytesError.cannotOpen(_, let reason) {
            // Nobody asked for the temporary file.
            throw BytesError.io(path: path, operation: "write", reason: reason)
        } catch BytesError.notFound {
            throw BytesError.notFound(path: folder)
        }
        let sink = FileSink(path: path, descriptor: descriptor)
        do {
            let identity = try PathIdentity(of: descriptor, path: path)
            let result = try body(sink)
            try sink.flush()
            if sync { try SystemCall.sync(descriptor, path: path) }
            let file = StagedFile(
                path: path, staging: staging, descriptor: descriptor, identity: identity, byteCount: sink.byteCount,
                isSynced: sync)
            return (file, result)
        } catch {
            close(descriptor)
            unsafe unlink(staging)
            guard let error = error as? BytesError else { throw error }
            throw error.withRoom(needed: sink.byteCount, in: folder)
        }
    }

    /// Gives the file its name.
    ///
    /// - Throws: `BytesError.exists` where something else has it, `.notARegularFile` where that may be replaced and is
    ///   no file; the file is gone then, and what has its name is as it was.
    public func put(_ placement: Placement = .new) throws(BytesError) {
        do throws(BytesError) {
            try placement.put(file: staging, at: path)
            isPut = true
            if isSynced { try SystemCall.syncFolder(SystemCall.folder(of: path)) }
        } catch {
            // What another file gave way to stays.
            if !isPut || placement != .replacing { discard() }
            throw error.withRoom(needed: byteCount, in: SystemCall.folder(of: path))
        }
    }

    /// Removes the file, where it still is what was written here.
    public func discard() {
        let place = isPut ? path : staging
        guard !isGone, PathIdentity(at: place, followingLinks: false) == identity else { return }
        unsafe unlink(place)
        isGone = true
    }
}
