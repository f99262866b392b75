internal import Bytes
package import Digest
package import Pipeline
package import TensorCore

// Frames between a coordinator and a stage, inside TLS. All numbers little-endian:
//
//   u32 byte count of the body | u8 kind | body
//
//   1 open          u32 version 1 | u32 first layer | u32 last layer | u32 stage | arithmetic as UTF-8
//   2 opened        fingerprint[32]
//   3 compute       request[32] | u32 stage | u32 attempt | u32 position | u32 rows | u32 capacity | u8 replay | payload
//   4 contribution  request[32] | u32 stage | u32 attempt | u32 position | u32 rows | input[32] | history[32] |
//                   output[32] | u64 microseconds | u64 anonymous bytes | u64 resident bytes | payload
//   5 forget        request[32]
//   6 refusal       UTF-8, at most 1,024 bytes
//
// A frame of more bytes than the receiver's limit ends the connection before any of its body is read.

/// What can stand in a frame.
package enum PeerMessage: Equatable {
    case open(layers: Range<Int>, stage: Int, arithmetic: Arithmetic)
    case opened(fingerprint: SHA256Digest)
    case compute(StageWork)
    case contribution(Contribution)
    case forget(SHA256Digest)
    case refusal(String)

    static let version: UInt32 = 1
    /// The longest body where no rows have been agreed on yet.
    package static let greetingLimit = 1_100
    static let refusalLimit = 1_024
    /// Bytes of a body beside its payload, at most.
    static let headLimit = 256

    /// Why a body is not what its kind says; completes "it sent …".
    package struct Malformed: Error {
        package let reason: String
    }

    // MARK: Writing

    /// The whole frame.
    package var frame: [UInt8] {
        var body = ByteWriter()
        let kind: UInt8
        switch self {
        case .open(let layers, let stage, let arithmetic):
            kind = 1
            body.append(Self.version)
            for number in [layers.lowerBound, layers.upperBound - 1, stage] { body.append(UInt32(clamping: number)) }
            body.append(utf8: arithmetic.rawValue)
        case .opened(let fingerprint):
            kind = 2
            body.append(fingerprint.bytes)
        case .compute(let work):
            kind = 3
            body.append(work.request.bytes)
            for number in [work.stage, work.attempt, work.position, work.rowCount, work.capacity] {
                body.append(UInt32(clamping: number))
            }
            body.append(UInt8(work.isReplay ? 1 : 0))
            body.append(work.payload)
        case .contribution(let contribution):
            kind = 4
            body.append(contribution.request.bytes)
            for number in [contribution.stage, contribution.attempt, contribution.position, contribution.rowCount] {
                body.append(UInt32(clamping: number))
            }
            for digest in [contribution.input, contribution.history, contribution.output] { body.append(digest.bytes) }
            body.append(UInt64(max(0, contribution.seconds) * 1e6))
            body.append(UInt64(clamping: contribution.anonymousBytes))
            body.append(UInt64(clamping: contribution.residentBytes))
            body.append(contribution.payload)
        case .forget(let request):
            kind = 5
            body.append(request.bytes)
        case .refusal(let text):
            kind = 6
            body.append(Array(text.utf8.prefix(Self.refusalLimit)))
        }
        var frame = ByteWriter(capacity: body.byteCount + 5)
        frame.append(UInt32(clamping: body.byteCount))
        frame.append(kind)
        frame.append(body.bytes)
        return frame.bytes
    }

    // MARK: Reading

    /// - Throws: ``Malformed``.
    package init(kind: UInt8, body: [UInt8]) throws(Malformed) {
        var cursor = ByteCursor(ByteRegion(body))
        do {
            switch kind {
            case 1: self = try Self.open(&cursor)
            case 2: self = .opened(fingerprint: try cursor.digest())
            case 3: self = try Self.compute(&cursor)
            case 4: self = try Self.contribution(&cursor)
            case 5: self = .forget(try cursor.digest())
            case 6:
                guard body.count <= Self.refusalLimit else { throw Malformed(reason: "a refusal that is too long") }
                self = .refusal(String(decoding: try cursor.readBytes(cursor.remaining), as: UTF8.self))
            default: throw Malformed(reason: "a frame of unknown kind \(kind)")
            }
        } catch let error as Malformed {
            throw error
        } catch {
            throw Malformed(reason: "a frame of kind \(kind) that is too short")
        }
        guard cursor.remaining == 0 else {
            throw Malformed(reason: "a frame of kind \(kind) with \(cursor.remaining) bytes too many")
        }
    }

    private static func open(_ cursor: inout ByteCursor) throws -> PeerMessage {
        let version = try cursor.readUInt32()
        guard version == Self.version else { throw Malformed(reason: "version \(version) where 1 is spoken") }
        let (first, last, stage) = try (cursor.number(), cursor.number(), cursor.number())
        guard first <= last, last < 1 << 16 else { throw Malformed(reason: "a range of layers that is none") }
        let name = String(decoding: try cursor.readBytes(cursor.remaining), as: UTF8.self)
        guard let arithmetic = Arithmetic(rawValue: name) else { throw Malformed(reason: "an unknown arithmetic") }
        return .open(layers: first..<last + 1, stage: stage, arithmetic: arithmetic)
    }

    private static func compute(_ cursor: inout ByteCursor) throws -> PeerMessage {
        let request = try cursor.digest()
        let (stage, attempt) = try (cursor.number(), cursor.number())
        let (position, rows, capacity) = try (cursor.number(), cursor.number(), cursor.number())
        let replay = try cursor.readUInt8()
        guard replay <= 1 else { throw Malformed(reason: "work that is neither new nor a replay") }
        return .compute(
            StageWork(
                request: request, stage: stage, attempt: attempt, position: position, rowCount: rows,
                capacity: capacity, isReplay: replay == 1, payload: try cursor.readBytes(cursor.remaining)))
    }

    private static func contribution(_ cursor: inout ByteCursor) throws -> PeerMessage {
        let request = try cursor.digest()
        let (stage, attempt, position, rows) = try (cursor.number(), cursor.number(), cursor.number(), cursor.number())
        let (input, history, output) = try (cursor.digest(), cursor.digest(), cursor.digest())
        let microseconds = try cursor.readUInt64()
        let (anonymous, resident) = try (cursor.readUInt64(), cursor.readUInt64())
        return .contribution(
            Contribution(
                request: request, stage: stage, attempt: attempt, position: position, rowCount: rows, input: input,
                history: history, output: output, seconds: Double(microseconds) / 1e6,
                anonymousBytes: Int(clamping: anonymous), residentBytes: Int(clamping: resident),
                payload: try cursor.readBytes(cursor.remaining)))
    }
}

extension ByteCursor {
    fileprivate mutating func number() throws(BytesError) -> Int { Int(try readUInt32()) }

    fileprivate mutating func digest() throws -> SHA256Digest {
        guard let digest = SHA256Digest(bytes: try readBytes(SHA256Digest.byteCount)) else {
            throw PeerMessage.Malformed(reason: "a digest that is none")
        }
        return digest
    }
}

extension TLSConnection {
    package func send(_ message: PeerMessage, within seconds: Double) throws(PeerError) {
        try write(message.frame, Deadline(seconds))
    }

    /// The next frame.
    ///
    /// - Parameters:
    ///   - limit: most bytes of its body.
    ///   - patience: seconds until it begins; once begun it must be whole within `seconds`.
    package func receive(limit: Int, patience: Double, within seconds: Double) throws(PeerError) -> PeerMessage {
        let first = try read(1, Deadline(patience))
        let deadline = Deadline(seconds)
        let rest = try read(4, deadline)
        let count = (first + rest[..<3]).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard count <= limit else { throw .frameTooLarge(peer: name, byteCount: count, limit: limit) }
        let body = try read(count, deadline)
        do {
            return try PeerMessage(kind: rest[3], body: body)
        } catch {
            throw .malformed(peer: name, reason: error.reason)
        }
    }
}
