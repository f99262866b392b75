// Files mapped read-only, and the checked ranges through which everything above reads them.

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
/// A write through the map faults. A file that shrinks while it is mapped faults on the next touch of the lost pages:
/// the seal's guard is there for that, not this type.
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
            let code = errno
            if code == ENOMEM { throw .noMemory(path: path, byteCount: identity.byteCount) }
            throw .io(path: path, operation: "map", reason: SystemCall.reason(code))
        }
        storage = unsafe ByteStorage(mapped: address, byteCount: identity.byteCount)
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

    init(copying bytes: [UInt8]) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
        unsafe bytes.withUnsafeBytes {
            unsafe memory.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(memory), byteCount: $0.count)
        }
        unsafe base = UnsafeRawPointer(memory)
        byteCount = bytes.count
        isMapped = false
    }

    @unsafe
    init(mapped address: UnsafeMutableRawPointer, byteCount: Int) {
        unsafe base = UnsafeRawPointer(address)
        self.byteCount = byteCount
        isMapped = true
    }

    deinit {
        let memory = unsafe UnsafeMutableRawPointer(mutating: base)
        if isMapped {
            unsafe munmap(memory, byteCount)
        } else {
            unsafe memory.deallocate()
        }
    }
}
