// Files mapped read-only, and the checked ranges through which everything above reads them.

private import CGuard

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// Which file a path led to, and how long it was.
public struct FileIdentity: Equatable, Hashable, Sendable {
    public let device: UInt64
    public let inode: UInt64
    public let byteCount: Int

    public init(device: UInt64, inode: UInt64, byteCount: Int) {
        self.device = device
        self.inode = inode
        self.byteCount = byteCount
    }

    /// The file that `path` leads to now, which need not be the one mapped earlier.
    public init(ofFileAt path: String) throws(BytesError) {
        let descriptor = try SystemCall.open(path, O_RDONLY | O_NONBLOCK)
        defer { close(descriptor) }
        self = try SystemCall.identity(of: descriptor, path: path)
    }

    /// The file that `path` leads to now, and its times.
    public static func state(
        ofFileAt path: String
    ) throws(BytesError) -> (identity: FileIdentity, times: FileTimes) {
        let descriptor = try SystemCall.open(path, O_RDONLY | O_NONBLOCK)
        defer { close(descriptor) }
        return try SystemCall.state(of: descriptor, path: path)
    }
}

/// A whole file, mapped read-only and shared; unmapped when nothing refers to it any more.
///
/// A write through the map faults. A file that is cut while it is mapped faults on the next touch of the lost pages: after
/// ``MapFaults/recover()`` they are read as zeros, and ``checkWhole()`` says so; without it the process ends, unless the
/// seal's guard watches the map. A private copy is read into memory of this process instead, and then closed to writing:
/// what happens to the file no longer reaches it.
public final class MappedFile: Sendable {
    public let path: String
    public let identity: FileIdentity
    /// When the file was opened.
    public let times: FileTimes
    public let isPrivateCopy: Bool
    let storage: ByteStorage

    public var byteCount: Int { identity.byteCount }

    /// Maps the regular file at `path`. An empty file is legal and maps to no bytes.
    ///
    /// - Parameter copying: whether to hold its bytes in memory of this process alone, as many as the file has.
    public init(path: String, copying: Bool = false) throws(BytesError) {
        let descriptor = try SystemCall.open(path, O_RDONLY | O_NONBLOCK)
        defer { close(descriptor) }
        let (identity, times) = try SystemCall.state(of: descriptor, path: path)
        self.path = path
        self.identity = identity
        self.times = times
        isPrivateCopy = copying
        guard identity.byteCount > 0 else {
            storage = ByteStorage(copying: [])
            return
        }
        if copying {
            storage = try Self.copy(descriptor, identity.byteCount, path)
            return
        }
        let address = unsafe mmap(nil, identity.byteCount, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            let code = errno
            if code == ENOMEM { throw .noMemory(path: path, byteCount: identity.byteCount) }
            throw .io(path: path, operation: "map", reason: SystemCall.reason(code))
        }
        storage = unsafe ByteStorage(mapped: address, byteCount: identity.byteCount, path: path)
    }

    /// - Throws: `BytesError.cut` where pages of the file were lost while it was mapped, so that what was read of it may
    ///   have been zeros: to be asked when everything has been read, and before it is believed.
    public func checkWhole() throws(BytesError) {
        guard !storage.isCut else { throw .cut(path: path) }
    }

    private static func copy(
        _ descriptor: Int32, _ byteCount: Int, _ path: String
    ) throws(BytesError) -> ByteStorage {
        let flags = MAP_PRIVATE | SystemCall.anonymousMap
        let address = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw .io(path: path, operation: "make room for a copy of", reason: SystemCall.reason(errno))
        }
        // From here on it frees the memory, whatever fails.
        let storage = unsafe ByteStorage(mapped: address, byteCount: byteCount, path: nil)
        var done = 0
        while done < byteCount {
            let got = unsafe pread(descriptor, address + done, byteCount - done, off_t(done))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else {
                throw got < 0
                    ? SystemCall.failure(path, "read", errno)
                    : .io(path: path, operation: "read", reason: "it was cut while it was read")
            }
            done += got
        }
        guard unsafe mprotect(address, byteCount, PROT_READ) == 0 else {
            throw SystemCall.failure(path, "protect", errno)
        }
        return storage
    }

    /// The whole file.
    public var region: ByteRegion {
        ByteRegion(storage: storage, baseOffset: 0, byteCount: byteCount)
    }
}

/// Immutable bytes and the one who frees them.
@safe
final class ByteStorage: @unchecked Sendable {
    // Sendable: never written between init and deinit.
    let base: UnsafeRawPointer
    let byteCount: Int
    private let isMapped: Bool
    /// What the fault handler knows of the map; nil for bytes of our own.
    private let watched: OpaquePointer?

    var isCut: Bool { unsafe watched.map { unsafe cg_map_is_cut($0) } ?? false }

    init(copying bytes: [UInt8]) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
        unsafe bytes.withUnsafeBytes {
            unsafe memory.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(memory), byteCount: $0.count)
        }
        unsafe base = UnsafeRawPointer(memory)
        byteCount = bytes.count
        isMapped = false
        unsafe watched = nil
    }

    /// - Parameter path: of the file, which somebody may cut; nil for memory that no file stands behind.
    @unsafe
    init(mapped address: UnsafeMutableRawPointer, byteCount: Int, path: String?) {
        unsafe base = UnsafeRawPointer(address)
        self.byteCount = byteCount
        isMapped = true
        unsafe watched = path.flatMap { unsafe cg_map_add(address, byteCount, $0) }
    }

    deinit {
        let memory = unsafe UnsafeMutableRawPointer(mutating: base)
        if isMapped {
            if let watched = unsafe watched { unsafe cg_map_remove(watched) }
            unsafe munmap(memory, byteCount)
        } else {
            unsafe memory.deallocate()
        }
    }
}
