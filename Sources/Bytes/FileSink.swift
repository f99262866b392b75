/// Where a streamed file's bytes go, in order.
public final class FileSink {
    public let path: String
    /// Bytes taken so far.
    public private(set) var byteCount = 0
    private let descriptor: Int32
    private var pending: [UInt8] = []
    private static let pendingLimit = 1 << 18

    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    public func write(_ bytes: RawSpan) throws(BytesError) {
        byteCount += bytes.byteCount
        if pending.count + bytes.byteCount <= Self.pendingLimit {
            unsafe bytes.withUnsafeBytes { unsafe pending.append(contentsOf: $0) }
        } else {
            try flush()
            try SystemCall.writeAll(descriptor, bytes, path: path)
        }
    }

    public func write(_ bytes: [UInt8]) throws(BytesError) {
        try unsafe write(bytes.span.bytes)
    }

    public func write(_ region: ByteRegion) throws(BytesError) {
        try region.withBytes { bytes throws(BytesError) in try write(bytes) }
    }

    func flush() throws(BytesError) {
        let waiting = pending
        try unsafe SystemCall.writeAll(descriptor, waiting.span.bytes, path: path)
        pending = []
    }
}
