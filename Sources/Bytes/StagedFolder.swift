internal import CFiles
internal import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// A folder in the making: filled under a name of its own beside its place, and put there when it is whole.
///
/// A process that is killed before that leaves nothing at its place, and beside it a folder `.NAME.RANDOM.part` that
/// nobody takes for anything. One exception: an empty folder that cannot be replaced by another, since a disk is mounted
/// at it, this process stands in it, it is another user's, or nothing may be made beside it, is filled as it is.
public final class StagedFolder {
    /// Where it is to stand; no trailing slash.
    public let path: String
    /// Where its files are written until ``put()``: ``path`` itself where an empty folder is filled as it is.
    public let place: String
    /// Whether an empty folder is filled as it is.
    public let isFilledInPlace: Bool
    private let mode: UInt32
    private let placement: Placement
    private let parents: MadeFolders?
    private var claimed: [String] = []
    private var isPut = false
    private var isGone = false
    /// That an empty folder had before it was made this process's own.
    private var formerMode: mode_t?

    /// - Parameters:
    ///   - placement: what may be at `path`; it is looked at again by ``put()``.
    ///   - makingParents: whether missing folders above it are made; they go again with it.
    /// - Throws: `BytesError`; nothing is left then.
    public init(
        for path: String, mode: UInt32 = 0o700, placement: Placement = .new, makingParents: Bool = false
    ) throws(BytesError) {
        self.path = SystemCall.withoutTrailingSlashes(path)
        self.mode = mode
        self.placement = placement
        isFilledInPlace = placement == .overEmptyFolder && Self.mustBeFilledInPlace(self.path)
        guard !isFilledInPlace else {
            place = self.path
            parents = nil
            return
        }
        let staging = StagingName.make(for: self.path)
        place = staging
        parents = makingParents ? try MadeFolders(SystemCall.folder(of: self.path)) : nil
        guard unsafe mkdir(staging, mode_t(mode)) == 0 else {
            let error = SystemCall.failure(self.path, "make folder", errno)
            parents?.remove()
            throw error.withRoom(needed: nil, in: SystemCall.folder(of: self.path))
        }
    }

    deinit { if !isPut { discard() } }

    /// Writes a file into the folder.
    public func write(_ bytes: [UInt8], to name: String, mode: UInt32 = 0o600) throws(BytesError) {
        try AtomicFile.write(bytes, to: place + "/" + name, mode: mode)
        claimed.append(name)
    }

    /// Says that a file of this name, which somebody else is about to make in the folder, goes with it too; not one that
    /// is there already.
    public func claim(_ name: String) {
        guard PathKind.at((isPut ? path : place) + "/" + name, followingLinks: false) == nil else { return }
        claimed.append(name)
    }

    /// Gives the folder its name. Its files are open where they were opened, and found under ``path``.
    ///
    /// - Throws: `BytesError.exists` where something has its name that it may not replace; the folder is gone then, and
    ///   what has its name is as it was.
    public func put() throws(BytesError) {
        do throws(BytesError) {
            try SystemCall.syncFolder(place)
            if isFilledInPlace {
                takeOver()
            } else {
                try placement.put(folder: place, at: path)
            }
            isPut = true
            try SystemCall.syncFolder(SystemCall.folder(of: path))
        } catch {
            discard()
            throw error
        }
    }

    /// Removes what was made, and nothing else.
    ///
    /// - Returns: the error that it is removed for, which names it as somebody asked for it.
    public func discard(for error: any Error) -> any Error {
        discard()
        return (error as? BytesError)?.renamed(from: place, to: path) ?? error
    }

    /// Removes what was made, and nothing else.
    public func discard() {
        guard !isGone else { return }
        isGone = true
        if isPut || isFilledInPlace {
            for name in claimed { unsafe unlink(path + "/" + name) }
            // Only where nobody else has put anything into it.
            if !isFilledInPlace { unsafe rmdir(path) }
            if let formerMode { unsafe chmod(path, formerMode) }
        } else {
            try? FileManager.default.removeItem(atPath: place)
        }
        parents?.remove()
    }

    /// Gives a folder that was there the mode of one that was made, if it is this user's.
    private func takeOver() {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_uid == geteuid() else { return }
        formerMode = status.st_mode & 0o7777
        unsafe chmod(path, mode_t(mode))
    }

    private static func mustBeFilledInPlace(_ path: String) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & mode_t(S_IFMT) == mode_t(S_IFDIR) else { return false }
        let parent = SystemCall.folder(of: path)
        if unsafe cf_is_mount_point(path) != 0 || access(parent, W_OK | X_OK) != 0 { return true }
        return ["", ".", ".."].contains(StagingName.lastComponent(of: path)) || status.st_uid != geteuid()
            || PathIdentity(at: path) == PathIdentity(at: ".")
            || PathIdentity(at: path)?.device != PathIdentity(at: parent)?.device
    }
}
