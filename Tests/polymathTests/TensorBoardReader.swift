import Foundation
import Testing

/// Reads TensorBoard's event files, written apart from what writes them.
enum TensorBoardReader {
    struct Event {
        var time = 0.0
        var step = 0
        var version: String?
        var scalars: [String: Float] = [:]
    }

    struct Malformed: Error { let offset: Int }

    static func events(_ bytes: [UInt8]) throws -> [Event] {
        var events: [Event] = []
        var at = 0
        while at < bytes.count {
            let length = Array(bytes[at..<at + 8])
            let count = Int(number(length))
            guard UInt32(number(bytes[at + 8..<at + 12])) == masked(length), at + 16 + count <= bytes.count else {
                throw Malformed(offset: at)
            }
            let message = Array(bytes[at + 12..<at + 12 + count])
            guard UInt32(number(bytes[at + 12 + count..<at + 16 + count])) == masked(message) else {
                throw Malformed(offset: at + 12)
            }
            events.append(try event(message))
            at += 16 + count
        }
        return events
    }

    /// Bit by bit, as the polynomial is divided on paper.
    static func crc(_ bytes: [UInt8]) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            for bit in 0..<8 {
                let isOne = (crc ^ UInt32(byte >> UInt8(bit))) & 1 == 1
                crc = crc >> 1 ^ (isOne ? 0x82F6_3B78 : 0)
            }
        }
        return ~crc
    }

    private static func masked(_ bytes: [UInt8]) -> UInt32 {
        let crc = crc(bytes)
        return ((crc >> 15) | (crc << 17)) &+ 0xa282ead8
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private enum Field {
        case varint(UInt64)
        case fixed(UInt64)
        case bytes([UInt8])
    }

    /// A message's fields in the order of the wire.
    private static func fields(_ message: [UInt8]) throws -> [(number: Int, value: Field)] {
        var fields: [(Int, Field)] = []
        var at = 0
        func varint() throws -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: 0, to: 64, by: 7) {
                guard at < message.count else { throw Malformed(offset: at) }
                value |= UInt64(message[at] & 0x7F) << UInt64(shift)
                at += 1
                if message[at - 1] < 0x80 { return value }
            }
            throw Malformed(offset: at)
        }
        func take(_ count: Int) throws -> [UInt8] {
            guard at + count <= message.count else { throw Malformed(offset: at) }
            defer { at += count }
            return Array(message[at..<at + count])
        }
        while at < message.count {
            let key = try varint()
            let field: Field =
                switch key & 7 {
                case 0: .varint(try varint())
                case 1: .fixed(number(try take(8)))
                case 2: .bytes(try take(Int(try varint())))
                case 5: .fixed(number(try take(4)))
                default: throw Malformed(offset: at)
                }
            fields.append((Int(key >> 3), field))
        }
        return fields
    }

    private static func event(_ message: [UInt8]) throws -> Event {
        var event = Event()
        for (number, value) in try fields(message) {
            switch (number, value) {
            case (1, .fixed(let bits)): event.time = Double(bitPattern: bits)
            case (2, .varint(let step)): event.step = Int(step)
            case (3, .bytes(let text)): event.version = String(decoding: text, as: UTF8.self)
            case (5, .bytes(let summary)):
                for case (1, .bytes(let scalar)) in try fields(summary) {
                    var tag = ""
                    var read: Float?
                    for field in try fields(scalar) {
                        switch (field.number, field.value) {
                        case (1, .bytes(let text)): tag = String(decoding: text, as: UTF8.self)
                        case (2, .fixed(let bits)): read = Float(bitPattern: UInt32(bits))
                        default: throw Malformed(offset: 0)
                        }
                    }
                    event.scalars[tag] = read
                }
            default: throw Malformed(offset: 0)
            }
        }
        return event
    }
}

@Suite struct TensorBoardReaderTests {
    @Test func `the checksum is the one of iSCSI`() {
        // RFC 3720, appendix B.4.
        #expect(TensorBoardReader.crc(Array("123456789".utf8)) == 0xE306_9283)
        #expect(TensorBoardReader.crc(Array(repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(TensorBoardReader.crc(Array(0..<32)) == 0x46DD_794E)
    }
}
