internal import Blocks
internal import Bytes

/// Values as Q8_0 keeps them: blocks of 32 with one scale, 34 bytes each; the last block is filled up with zeros.
package enum EightBitValues {
    package static func byteCount(_ count: Int) -> Int { (count + 31) / 32 * 34 }

    /// - Throws: `BlocksError` for values that are not finite or too large.
    package static func rounded(_ values: [Float]) throws -> [Float] {
        let padded = values + Array(repeating: 0, count: (32 - values.count % 32) % 32)
        let bytes = try StorageType.q8_0.encode(padded.span)
        return ByteRegion(bytes).withBytes { Array(StorageType.q8_0.decoded($0).prefix(values.count)) }
    }
}
