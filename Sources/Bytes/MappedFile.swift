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
}

/// A whole file, mapped read-only and shared; unmapped when nothing refers to it any more.
///
/// A write through the map faults. A file that is cut while it is mapped faults on the next touch of the lost pages: after
/// ``MapFaults/recover()`` they are read as zeros, and ``checkWhole()`` says so; without it the process ends, unless the
/// seal's guard watches the map.
public final class MappedFile: Sendable {
    public let path: String
    public let identity: FileIdentity
    let storage: ByteStorage

    public var byteCount: Int { identity.byteCount }

    /// Maps the regular file at `path`. An empty file is legal and maps to no bytes.
    public init(path: String) throws(BytesError) {
        let descriptor = try SystemCall.open(path, O_RDONLY | O_NONBLOCK)
        defer { close(descriptor) }
        let identity = try SystemCall.identity(of: descriptor, path: path)
        self.path = path
        self.identity = identity
        guard identity.byteCount > 0 else {
            storage = ByteStorage(copying: [])
            return
        }
        let address = unsafe mmap(nil, identity.byteCount, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw .io(path: path, operation: "map", reason: SystemCall.reason(errno))
        }
        storage = unsafe ByteStorage(mapped: address, byteCount: identity.byteCount, path: path)
    }

    /// - Throws: `BytesError.cut` where pages of the file were lost while it was mapped, so that what was read of it may
    ///   have been zeros: to be asked when everything has been read, and before it is believed.
    public func checkWhole() throws(BytesError) {
        guard !storage.isCut else { throw .cut(path: path) }
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

    @unsafe
    init(mapped address: UnsafeMutableRawPointer, byteCount: Int, path: String) {
        unsafe base = UnsafeRawPointer(address)
        self.byteCount = byteCount
        isMapped = true
        unsafe watched = cg_map_add(address, byteCount, path)
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
