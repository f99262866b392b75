#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// A checked range of a mapped file or of an array; it keeps its bytes alive.
public struct ByteRegion: Sendable {
    let storage: ByteStorage
    /// Offset of the first byte in the owner: for a mapped file, the file offset.
    public let baseOffset: Int
    public let byteCount: Int

    /// - Precondition: the range lies inside `storage`.
    init(storage: ByteStorage, baseOffset: Int, byteCount: Int) {
        precondition(baseOffset >= 0 && byteCount >= 0 && baseOffset <= storage.byteCount - byteCount)
        self.storage = storage
        self.baseOffset = baseOffset
        self.byteCount = byteCount
    }

    /// Owns a copy of `bytes`.
    public init(_ bytes: [UInt8]) {
        self.init(storage: ByteStorage(copying: bytes), baseOffset: 0, byteCount: bytes.count)
    }

    /// The `byteCount` bytes at `offset` of this region.
    /// - Throws: `BytesError.outOfBounds` when they do not all lie inside it.
    public func subregion(offset: Int, byteCount: Int) throws(BytesError) -> ByteRegion {
        guard offset >= 0, byteCount >= 0, byteCount <= self.byteCount, offset <= self.byteCount - byteCount else {
            throw .outOfBounds(
                offset: offset, count: byteCount, available: offset < 0 ? 0 : max(0, self.byteCount - offset))
        }
        return ByteRegion(storage: storage, baseOffset: baseOffset + offset, byteCount: byteCount)
    }

    /// Lends the bytes for the duration of `body`.
    public func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let start = unsafe storage.base + baseOffset
        defer { withExtendedLifetime(storage) {} }
        return try body(unsafe RawSpan(_unsafeStart: start, byteCount: byteCount))
    }

    /// Whether pages of the mapped file were lost meanwhile, so that what was read may have been zeros; see
    /// ``MappedFile/checkWhole()``.
    public var isCut: Bool { storage.isCut }

    /// A copy of the bytes.
    /// - Complexity: O(`byteCount`).
    public var array: [UInt8] {
        withBytes { span in unsafe span.withUnsafeBytes { unsafe [UInt8]($0) } }
    }

    /// Appends a copy of the bytes.
    public func append(to array: inout [UInt8]) {
        withBytes { span in unsafe span.withUnsafeBytes { unsafe array.append(contentsOf: $0) } }
    }

    /// Whether both hold the same bytes, wherever these lie.
    public func hasSameBytes(as other: ByteRegion) -> Bool {
        guard byteCount == other.byteCount else { return false }
        return withBytes { mine in
            other.withBytes { theirs in
                unsafe mine.withUnsafeBytes { a in
                    unsafe theirs.withUnsafeBytes { b in
                        guard let first = a.baseAddress, let second = b.baseAddress else { return true }
                        return unsafe memcmp(first, second, a.count) == 0
                    }
                }
            }
        }
    }
}
