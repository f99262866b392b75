/// CRC-32C (Castagnoli), as iSCSI and TensorFlow's record files use it: polynomial 0x1EDC6F41, reflected.
enum CRC32C {
    /// The remainder of each byte.
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
    }

    static func of(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { crc, byte in crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
    }

    /// As a record file stores it: rotated and shifted, so that a CRC over bytes that hold CRCs is no trivial value.
    static func masked(_ bytes: [UInt8]) -> UInt32 {
        let crc = of(bytes)
        return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
    }
}
