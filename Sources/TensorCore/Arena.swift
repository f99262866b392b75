// One block of anonymous memory for everything that a step needs: planned from shapes, taken once, given back at once.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Android)
    internal import Android
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Hands out 64-byte aligned buffers one after another, and takes all of them back with its last reference.
///
/// A measuring arena has no memory: the same code that lays out buffers in it tells how many bytes they need. What it
/// hands out must not be touched.
///
/// Sendable by contract: buffers are taken by one thread, before work on them begins.
@safe
public final class Arena: @unchecked Sendable {
    /// Bytes that can be handed out; for a measuring arena as many as are asked for.
    public let capacity: Int
    /// Where the next buffer begins.
    public private(set) var used = 0
    /// The most that ``used`` has been: what the layout needs.
    public private(set) var highest = 0
    private let start: UnsafeMutableRawPointer?

    private static let alignment = 64

    /// An arena without memory, for the size of a layout.
    public static func measuring() -> Arena { Arena() }

    private init() {
        capacity = .max
        unsafe start = nil
    }

    /// Whether this process may still map `byteCount` bytes of its own. Nothing is touched, so it takes no memory.
    ///
    /// Resource limits (`RLIMIT_DATA`, `RLIMIT_AS`) and strict overcommit refuse at the map; a control group's limit
    /// does not show here.
    public static func hasRoom(for byteCount: Int) -> Bool {
        (try? Arena(byteCount: byteCount)) != nil
    }

    /// Address space that products take on `threads` threads beside what they are given: their stacks, and the buffer
    /// that the BLAS library maps for each thread that calls it, of which it touches a small part. Refused that buffer,
    /// it neither fails nor returns.
    public static func addressSpace(threads: Int) -> Int {
        (BLAS.bufferByteCount + (8 << 20)) * threads + (16 << 20)
    }

    /// Reserves `byteCount` zeroed bytes; pages take room when they are first written.
    ///
    /// - Throws: `ArenaError.refused` when the operating system does not give them.
    public init(byteCount: Int) throws(ArenaError) {
        capacity = byteCount
        guard byteCount > 0 else {
            unsafe start = nil
            return
        }
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        let address = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else { throw .refused(byteCount: byteCount) }
        unsafe start = address
    }

    deinit {
        if let start = unsafe start { _ = unsafe munmap(start, capacity) }
    }

    /// Lets the buffers that follow lie where those lie that were taken since ``used`` was `place`: for parts of a
    /// layout that are never alive together.
    public func rewind(to place: Int) {
        precondition(place >= 0 && place <= used, "an arena rewound from \(used) to \(place)")
        used = place
    }

    /// The next `byteCount` bytes.
    /// - Precondition: they fit.
    func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let offset = used
        let rounded = (byteCount + Self.alignment - 1) & ~(Self.alignment - 1)
        precondition(
            byteCount >= 0 && rounded <= capacity - used, "an arena of \(capacity) bytes has no \(byteCount) left")
        used += rounded
        highest = max(highest, used)
        guard let start = unsafe start else {
            // Aligned and never null, as a real one would be; never read or written.
            return unsafe UnsafeMutableRawPointer(bitPattern: Self.alignment)
                ?? UnsafeMutableRawPointer.allocate(
                    byteCount: 1, alignment: 1)
        }
        return unsafe start + offset
    }
}

public enum ArenaError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The operating system has no such block of memory for this process.
    case refused(byteCount: Int)

    public var description: String {
        switch self {
        case .refused(let byteCount):
            "The operating system refused \(byteCount) bytes of memory; a shorter --seq-len or prompt needs less, and in training a smaller --memory-budget."
        }
    }
}
