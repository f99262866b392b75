// The one byte layout that adapters and boundary files share: a GGUF v3 header with a signature as its last value.

internal import Blocks

/// A header value: only three kinds exist in this format.
enum WireValue: Equatable {
    case text(String)
    case number(UInt32)
    case bytes([UInt8])
}

/// What a header says of one tensor; its bytes follow the header.
struct WireTensor: Equatable {
    var name: String
    var storage: StorageType
    var dimensions: [Int]
    var byteCount: Int
}

/// The bytes before the first tensor, and where everything lies.
///
/// ```
/// "GGUF" · u32 3 · u64 tensor count · u64 key count
/// each key     u64 length · UTF-8 · u32 type · value
///              text u32 8 · u64 length · UTF-8    number u32 4 · u32    bytes u32 9 · u32 0 · u64 count · u8 …
/// each tensor  u64 length · UTF-8 · u32 rank · u64 dimension … · u32 storage type · u64 offset in the data part
/// zeros to a multiple of 32, then each tensor's bytes, each padded with zeros to a multiple of 32
/// ```
struct WireLayout {
    static let alignment = 32
    static let signatureByteCount = 64

    /// From the magic to the first tensor, the signature as zeros.
    let header: [UInt8]
    /// Where the 64 signature bytes begin.
    let signatureOffset: Int
    /// Where each tensor's bytes begin in the file.
    let offsets: [Int]
    /// The whole file, the last padding included.
    let fileByteCount: Int

    /// Lays out `keys`, then `signatureKey` with 64 zero bytes, then `tensors` in the order given.
    init(keys: [(String, WireValue)], signatureKey: String, tensors: [WireTensor]) {
        var bytes: [UInt8] = Array("GGUF".utf8)
        bytes.append(littleEndian: UInt32(3))
        bytes.append(littleEndian: UInt64(tensors.count))
        bytes.append(littleEndian: UInt64(keys.count + 1))
        for (key, value) in keys { bytes.append(key: key, value) }
        bytes.append(key: signatureKey, .bytes([UInt8](repeating: 0, count: Self.signatureByteCount)))
        signatureOffset = bytes.count - Self.signatureByteCount

        var relative: [Int] = []
        var end = 0
        for tensor in tensors {
            relative.append(end)
            bytes.append(text: tensor.name)
            bytes.append(littleEndian: UInt32(tensor.dimensions.count))
            for dimension in tensor.dimensions { bytes.append(littleEndian: UInt64(dimension)) }
            bytes.append(littleEndian: tensor.storage.rawValue)
            bytes.append(littleEndian: UInt64(end))
            end += Self.padded(tensor.byteCount)
        }
        bytes.append(contentsOf: repeatElement(0, count: Self.padded(bytes.count) - bytes.count))
        header = bytes
        let dataOffset = bytes.count
        offsets = relative.map { dataOffset + $0 }
        fileByteCount = dataOffset + end
    }

    /// The next multiple of 32.
    static func padded(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}

extension [UInt8] {
    fileprivate mutating func append(text: String) {
        append(littleEndian: UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    fileprivate mutating func append(key: String, _ value: WireValue) {
        append(text: key)
        switch value {
        case .text(let text):
            append(littleEndian: UInt32(8))
            append(text: text)
        case .number(let number):
            append(littleEndian: UInt32(4))
            append(littleEndian: number)
        case .bytes(let bytes):
            append(littleEndian: UInt32(9))
            append(littleEndian: UInt32(0))
            append(littleEndian: UInt64(bytes.count))
            append(contentsOf: bytes)
        }
    }
}
