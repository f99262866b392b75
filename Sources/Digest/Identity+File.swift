internal import Bytes
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

extension Identity {
    /// `$XDG_CONFIG_HOME/polymath/identity.pem`, else `~/.config/polymath/identity.pem`; nil without a home.
    public static var defaultPath: String? { defaultPath(environment: ProcessInfo.processInfo.environment) }

    /// ``defaultPath`` for the given environment. A relative `XDG_CONFIG_HOME` is ignored, as its standard asks.
    package static func defaultPath(environment: [String: String]) -> String? {
        if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") {
            return folder + "/polymath/identity.pem"
        }
        guard let home = environment["HOME"], !home.isEmpty else { return nil }
        return home + "/.config/polymath/identity.pem"
    }

    /// Reads an identity's file.
    ///
    /// - Throws: ``IdentityError`` when it is missing, of another kind, or open to others than its owner.
    public static func load(path: String) throws(IdentityError) -> Identity {
        let largest = 65_536
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .cannotRead(path: path, reason: reason(errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .cannotRead(path: path, reason: reason(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAnIdentity(path: path, found: "no regular file") }
        guard status.st_size <= largest else { throw .notAnIdentity(path: path, found: "too large for one") }
        var bytes = [UInt8](repeating: 0, count: largest)
        let count = unsafe read(descriptor, &bytes, largest)
        guard count >= 0 else { throw .cannotRead(path: path, reason: reason(errno)) }
        guard count > 0 else { throw .notAnIdentity(path: path, found: "empty") }
        guard let text = String(validating: bytes.prefix(count), as: UTF8.self) else {
            throw .notAnIdentity(path: path, found: "no text")
        }
        let identity = try parse(pem: text, path: path)
        guard status.st_mode & 0o077 == 0 else { throw .tooOpen(path: path, mode: Int(status.st_mode & 0o777)) }
        return identity
    }

    /// Reads the identity at the path, or makes one there on first use: file 0600, folder 0700.
    ///
    /// Two processes that start together end with the same identity: the file appears complete or not at all, and
    /// is never replaced.
    public static func loadOrCreate(path: String) throws(IdentityError) -> Identity {
        removeLeftovers(of: path)
        var status = stat()
        if unsafe stat(path, &status) == 0 || errno != ENOENT { return try load(path: path) }
        let identity = try generate()
        guard try identity.create(path: path) else { return try load(path: path) }
        return identity
    }

    /// ``loadOrCreate(path:)`` at ``defaultPath``.
    public static func loadOrCreate() throws(IdentityError) -> Identity {
        guard let path = defaultPath else { throw .noConfigurationFolder }
        return try loadOrCreate(path: path)
    }

    /// Removes temporary files of processes that were killed while they made an identity here: names of their numbers and
    /// sixty-four random bits, this user's, open to nobody else, and of processes that are there no more.
    private static func removeLeftovers(of path: String) {
        let folder = PathName.folder(of: path)
        let start = PathName.last(of: path) + "."
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names where name.hasPrefix(start) && name.hasSuffix(".tmp") {
            let parts = name.dropFirst(start.count).dropLast(4).split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2, let number = Int32(parts[0]), number > 0, UInt64(parts[1]) != nil else { continue }
            var status = stat()
            guard unsafe lstat(folder + name, &status) == 0, status.st_mode == mode_t(S_IFREG) | 0o600,
                status.st_uid == geteuid()
            else { continue }
            if kill(number, 0) != 0, errno == ESRCH { unsafe unlink(folder + name) }
        }
    }

    /// Writes the file unless there is one; false when another was there first.
    private func create(path: String) throws(IdentityError) -> Bool {
        let folder = PathName.folder(of: path)
        let made: MadeFolders
        do {
            // Only folders that are made here get the mode; one that is there keeps its own.
            made = try MadeFolders(folder, mode: 0o700)
        } catch {
            throw .cannotCreate(path: path, reason: "its folder cannot be made")
        }
        do throws(IdentityError) {
            return try place(at: path)
        } catch {
            made.remove()
            throw error
        }
    }

    private func place(at path: String) throws(IdentityError) -> Bool {
        let temporary = "\(path).\(getpid())-\(UInt64.random(in: .min ... .max)).tmp"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .cannotCreate(path: path, reason: Self.reason(errno)) }
        defer { unsafe unlink(temporary) }
        let text = Array(pem.utf8)
        let written = unsafe write(descriptor, text, text.count)
        let writeError = errno
        let isSynced = fsync(descriptor) == 0
        let syncError = errno
        close(descriptor)
        guard written == text.count else {
            throw .cannotCreate(path: path, reason: written < 0 ? Self.reason(writeError) : "the disk is full")
        }
        guard isSynced else { throw .cannotCreate(path: path, reason: Self.reason(syncError)) }
        // A link, unlike a rename, never replaces a file that another process made meanwhile.
        guard unsafe link(temporary, path) == 0 else {
            if errno == EEXIST { return false }
            throw .cannotCreate(path: path, reason: Self.reason(errno))
        }
        Self.syncFolder(PathName.folder(of: path))
        return true
    }

    private static func syncFolder(_ folder: String) {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        close(descriptor)
    }

    private static func reason(_ code: Int32) -> String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}
