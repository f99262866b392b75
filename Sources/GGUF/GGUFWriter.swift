public import Blocks
public import Bytes

/// Takes a tensor's bytes, in order, in pieces of any size.
public final class GGUFTensorSink {
    public private(set) var byteCount = 0
    private let forward: (RawSpan) throws -> Void

    init(_ forward: @escaping (RawSpan) throws -> Void) { self.forward = forward }

    public func write(_ bytes: RawSpan) throws {
        byteCount += bytes.byteCount
        try forward(bytes)
    }

    public func write(_ bytes: [UInt8]) throws { try unsafe write(bytes.span.bytes) }

    public func write(_ region: ByteRegion) throws { try region.withBytes { try write($0) } }
}

/// Writes version 3: the same records and tensors give the same bytes.
///
/// Tensors lie in the order they were added, each at the next multiple of the alignment, the last one padded too.
public struct GGUFWriter {
    public typealias Producer = (GGUFTensorSink) throws -> Void

    private struct Tensor {
        let name: String
        let type: StorageType
        let dimensions: [Int]
        let produce: Producer
    }

    private var records: [(key: String, value: GGUFValue, raw: ByteRegion?)] = []
    private var tensors: [Tensor] = []

    public init() {}

    /// Adds a record; `general.alignment` also sets the alignment.
    public mutating func add(_ key: String, _ value: GGUFValue) {
        records.append((key, value, nil))
    }

    /// Adds a record of another file, byte for byte as it was stored there.
    public mutating func add(_ record: GGUFRecord) {
        records.append((record.key, record.value, record.rawBytes))
    }

    /// Adds a tensor whose bytes `produce` writes when their turn comes.
    public mutating func add(
        tensor name: String, _ type: StorageType, _ dimensions: [Int], produce: @escaping Producer
    ) {
        tensors.append(Tensor(name: name, type: type, dimensions: dimensions, produce: produce))
    }

    public mutating func add(tensor name: String, _ type: StorageType, _ dimensions: [Int], bytes: [UInt8]) {
        add(tensor: name, type, dimensions) { try $0.write(bytes) }
    }

    public mutating func add(tensor name: String, _ type: StorageType, _ dimensions: [Int], region: ByteRegion) {
        add(tensor: name, type, dimensions) { try $0.write(region) }
    }

    /// The whole file in memory.
    public func serialized() throws -> [UInt8] {
        var writer = ByteWriter()
        try emit { writer.append($0) }
        return writer.bytes
    }

    /// Streams the file to `path`, where it appears in one step when all is written.
    ///
    /// - Parameter placement: what it may replace.
    public func write(
        to path: String, mode: UInt32 = 0o644, sync: Bool = true, placement: Placement = .new
    ) throws {
        try AtomicFile.write(to: path, mode: mode, sync: sync, placement: placement) { sink in
            try emit { try sink.write($0) }
        }
    }

    /// Streams the file that is to stand at `path` to a name of its own, to be read back before it is put there.
    public func stage(for path: String, mode: UInt32 = 0o644) throws -> StagedFile {
        try StagedFile.write(for: path, mode: mode) { sink in try emit { try sink.write($0) } }.file
    }

    /// Bytes of the whole file, before anything is produced.
    public func byteCount() throws(GGUFError) -> Int {
        let plan = try plan()
        return plan.header.count + plan.sizes.reduce(0) { $0 + aligned($1, plan.alignment) }
    }

    private func emit(_ forward: @escaping (RawSpan) throws -> Void) throws {
        let plan = try plan()
        try unsafe forward(plan.header.span.bytes)
        for (tensor, size) in zip(tensors, plan.sizes) {
            let sink = GGUFTensorSink(forward)
            try tensor.produce(sink)
            guard sink.byteCount == size else {
                throw GGUFError.wrongTensorByteCount(tensor.name, expected: size, got: sink.byteCount)
            }
            let padding = [UInt8](repeating: 0, count: aligned(size, plan.alignment) - size)
            try unsafe forward(padding.span.bytes)
        }
    }

    private func plan() throws(GGUFError) -> (header: [UInt8], sizes: [Int], alignment: Int) {
        let alignment = try GGUFFile.alignment(records.last { $0.key == "general.alignment" }?.value)
        var header = ByteWriter()
        header.append(utf8: "GGUF")
        header.append(UInt32(3))
        header.append(UInt64(tensors.count))
        header.append(UInt64(records.count))
        var keys: Set<String> = []
        for (key, value, raw) in records {
            guard !key.isEmpty else { throw .emptyName(offset: header.byteCount) }
            guard keys.insert(key).inserted else { throw .duplicateKey(key) }
            if let raw {
                header.append(raw)
            } else {
                header.append(UInt64(key.utf8.count))
                header.append(utf8: key)
                header.append(value.type.rawValue)
                value.append(to: &header)
            }
        }
        var names: Set<String> = []
        var sizes: [Int] = []
        var offset = 0
        for tensor in tensors {
            guard !tensor.name.isEmpty else { throw .emptyName(offset: header.byteCount) }
            guard names.insert(tensor.name).inserted else { throw .duplicateTensor(tensor.name) }
            let size = try TensorEntry.size(tensor.name, tensor.type, tensor.dimensions).bytes
            header.append(UInt64(tensor.name.utf8.count))
            header.append(utf8: tensor.name)
            header.append(UInt32(tensor.dimensions.count))
            for length in tensor.dimensions { header.append(UInt64(length)) }
            header.append(tensor.type.rawValue)
            header.append(UInt64(offset))
            sizes.append(size)
            offset += aligned(size, alignment)
        }
        header.pad(toMultipleOf: alignment)
        return (header.bytes, sizes, alignment)
    }

    private func aligned(_ size: Int, _ alignment: Int) -> Int { (size + alignment - 1) & ~(alignment - 1) }
}
