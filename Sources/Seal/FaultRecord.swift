// What the fault handler leaves behind, and how it is read afterwards.

import Bytes
private import CGuard
import Digest
public import Foundation

/// One line of canonical JSON, written by a process that could do nothing more:
///
///     {"fileOffset":8192,"kind":"bus_error","step":17,"time":1767225600}
///
/// `fileOffset` is the exact byte of the base that was touched, `step` the newest whole step, `time` in Unix seconds.
/// The record has no signature and no digest: it is believed as far as the run folder is.
public struct FaultRecord: Equatable, Sendable {
    public enum Kind: String, Equatable, Sendable {
        /// Something inside the process tried to write into the map; the base itself is as it was.
        case writeFault = "write_fault"
        /// A page of the map did not come: the file was cut, or its medium is gone.
        case busError = "bus_error"
    }

    public let kind: Kind
    public let fileOffset: Int
    public let step: Int
    public let time: Date

    /// Name of the record in a run's folder; an empty file is that of a run under way, or of one that was killed.
    public static let fileName = "fault.json"

    /// Reads the record in a run's folder.
    ///
    /// - Returns: nil where there is none, or an empty one.
    /// - Throws: ``SealError/malformed(member:expected:)`` for a torn one; `BytesError` where it cannot be read.
    public static func read(path: String) throws -> FaultRecord? {
        let bytes: [UInt8]
        do {
            bytes = try WholeFile.read(path, limit: 1 << 16)
        } catch BytesError.notFound {
            return nil
        }
        return bytes.isEmpty ? nil : try FaultRecord(bytes: bytes)
    }

    package init(bytes: [UInt8]) throws(SealError) {
        func torn() -> SealError { .malformed(member: Self.fileName, expected: "one whole fault record") }
        let json: JSONValue
        do { json = try JSONValue.parse(bytes) } catch { throw torn() }
        func number(_ name: String) throws(SealError) -> Int {
            guard let number = json[name]?.asInt, number >= 0 else { throw torn() }
            return number
        }
        guard let kind = json["kind"]?.asString.flatMap(Kind.init) else { throw torn() }
        self.kind = kind
        fileOffset = try number("fileOffset")
        step = try number("step")
        time = Date(timeIntervalSince1970: Double(try number("time")))
    }

    /// The record as a violation of the seal of `manifest`, with the tensor in which the touched byte lies.
    public func violation(path: String, manifest: SealManifest?, lastCompleteCheck: Date?) -> SealViolation {
        let tensor = manifest?.tensors.first { $0.offset <= fileOffset && fileOffset - $0.offset < $0.byteCount }
        let chunk = tensor.flatMap { tensor in
            let digests = tensor.chunkDigests
            let index = (fileOffset - tensor.offset) / SealedTensor.chunkByteCount
            return digests.indices.contains(index) ? digests[index].hex : tensor.digest.hex
        }
        return SealViolation(
            kind: kind == .busError ? .unreadable : .written, path: path, tensor: tensor?.name, fileOffset: fileOffset,
            byteCount: 1, expected: chunk ?? "", actual: "", lastCompleteCheck: lastCompleteCheck)
    }

    /// What happened, without a full stop; `offset` and `step` are digits or the handler's fields, nil outside a run.
    static func sentence(_ kind: Kind, path: String, offset: String, step: String?) -> String {
        let when = step.map { " after step \($0)" } ?? ""
        let file = "'\(escaped(path, limit: 400))'"
        return switch kind {
        case .writeFault:
            "Something in this program tried to write byte \(offset) of the sealed base \(file)\(when)"
        case .busError:
            "Byte \(offset) of the base \(file) can no longer be read\(when): the file was cut or its medium is "
                + "gone"
        }
    }

    /// The line that the handler completes.
    static func template(_ kind: Kind) -> [UInt8] {
        let record: JSONValue = [
            "kind": .string(kind.rawValue), "fileOffset": .string(field(CGFieldOffset)),
            "step": .string(field(CGFieldStep)), "time": .string(field(CGFieldTime)),
        ]
        return restoringFields(record.canonicalString + "\n")
    }

    /// The character that stands for a number which only the handler knows.
    static func field(_ number: some BinaryInteger) -> String { String(UnicodeScalar(UInt8(number))) }

    /// JSON spells a control character as `\u0001`; the handler wants the byte, and of a whole string makes a number.
    static func restoringFields(_ json: String) -> [UInt8] {
        var text = json
        for number in 1...3 {
            text = text.replacing("\"\\u000\(number)\"", with: field(number))
            text = text.replacing("\\u000\(number)", with: field(number))
        }
        return Array(text.utf8)
    }
}
