// What the processor reports about the map of a base: a write into it, or a page that no longer comes.

public import Bytes
private import CGuard
import Digest

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// Where the last words of a process go that touched a sealed byte it must not, or can no longer, touch.
public enum FaultOutput: Sendable {
    /// One sentence for people, behind `prefix`.
    case plain(descriptor: Int32, prefix: String)
    /// A JSON object on a line, `error`; where a record is kept, `seal_violation` before it.
    case jsonLines(descriptor: Int32)
}

/// Catches writes into a mapped base and bus errors inside it for as long as it lives, and ends the process at one.
///
/// Everything that the handler writes is made beforehand; at the fault it fills in three numbers, writes, and leaves.
/// What it wrote is read by ``FaultRecord``. Faults elsewhere go to whoever handled them before.
public final class FaultGuard: Sendable {
    private let slot: Int32
    private let record: OwnedDescriptor?
    /// The watch must end before the bytes are unmapped.
    private let bytes: ByteRegion

    /// - Parameters:
    ///   - bytes: the whole mapped file.
    ///   - path: the file's, for messages.
    ///   - recordPath: a file that is made now and holds what happened; nil keeps no record.
    ///   - advice: what follows the semicolon of the sentence, without its full stop.
    ///   - unfinished: files that are unlinked at a fault, because nothing vouches for them yet; two at most.
    ///   - endsProcess: false watches nothing and keeps no record: for a host that did not ask for handlers, which must
    ///     not be ended; what it does about a file that is cut is up to `MapFaults`.
    /// - Throws: `BytesError` when the record cannot be made or the watch not begun.
    public init(
        watching bytes: ByteRegion, path: String, recordPath: String?, exitStatus: Int32, output: FaultOutput?,
        advice: String, unfinished: [String] = [], endsProcess: Bool = true
    ) throws(BytesError) {
        self.bytes = bytes
        guard endsProcess else {
            record = nil
            slot = -1
            return
        }
        record = try recordPath.map { path throws(BytesError) in try OwnedDescriptor(creating: path) }
        let recordTexts = [FaultRecord.Kind.writeFault, .busError].map { FaultRecord.template($0) }
        let messages = [FaultRecord.Kind.writeFault, .busError].map {
            Self.message(
                $0, path: path, output: output, advice: advice, exitStatus: exitStatus, isRun: recordPath != nil)
        }
        slot = Self.watch(
            bytes, exitStatus, (record?.descriptor ?? -1, recordTexts), (output?.descriptor ?? -1, messages), unfinished
        )
        guard slot >= 0 else {
            let reason = unsafe String(cString: strerror(-slot))
            throw .io(path: path, operation: "watch the map of", reason: reason)
        }
    }

    deinit { cg_release(slot) }

    /// Tells the step that a report would name: the newest whole one.
    public func reached(step: Int) { cg_reached(slot, UInt64(clamping: step)) }

    private static func watch(
        _ bytes: ByteRegion, _ exitStatus: Int32, _ record: (Int32, [[UInt8]]), _ message: (Int32, [[UInt8]]),
        _ removed: [String]
    ) -> Int32 {
        let paths = unsafe removed.map { unsafe strdup($0) }
        defer { unsafe paths.forEach { unsafe free($0) } }
        let list = unsafe paths.map { unsafe UnsafePointer($0) } + [nil]
        return bytes.withBytes { span in
            unsafe span.withUnsafeBytes { map in
                unsafe withReport(record) { record in
                    unsafe withReport(message) { message in
                        unsafe withUnsafePointer(to: record) { record in
                            unsafe withUnsafePointer(to: message) { message in
                                unsafe cg_watch(map.baseAddress, map.count, exitStatus, record, message, list)
                            }
                        }
                    }
                }
            }
        }
    }

    private static func withReport(_ report: (Int32, [[UInt8]]), _ body: (CGReport) -> Int32) -> Int32 {
        unsafe report.1[0].withUnsafeBufferPointer { write in
            unsafe report.1[1].withUnsafeBufferPointer { bus in
                unsafe body(
                    CGReport(
                        descriptor: report.0, writeFault: write.baseAddress, writeFaultCount: write.count,
                        busError: bus.baseAddress, busErrorCount: bus.count))
            }
        }
    }

    /// The last words for a kind of fault, with the handler's fields in them.
    private static func message(
        _ kind: FaultRecord.Kind, path: String, output: FaultOutput?, advice: String, exitStatus: Int32,
        isRun: Bool
    ) -> [UInt8] {
        let offset = FaultRecord.field(CGFieldOffset)
        let step = FaultRecord.field(CGFieldStep)
        // `escaped` leaves no control character in the path, so the fields are the only ones.
        let sentence = FaultRecord.sentence(kind, path: path, offset: offset, step: isRun ? step : nil) + "; \(advice)."
        switch output {
        case nil: return []
        case .plain(_, let prefix): return Array((prefix + sentence + "\n").utf8)
        case .jsonLines:
            let violation: JSONValue = [
                "event": "seal_violation", "kind": .string(kind.rawValue), "path": .string(path),
                "fileOffset": .string(offset), "step": .string(step),
            ]
            let error: JSONValue = [
                "event": "error", "exit_code": .integer(Int64(exitStatus)), "message": .string(sentence),
            ]
            return FaultRecord.restoringFields(
                (isRun ? violation.canonicalString + "\n" : "") + error.canonicalString + "\n")
        }
    }
}

extension FaultOutput {
    var descriptor: Int32 {
        switch self {
        case .plain(let descriptor, _), .jsonLines(let descriptor): descriptor
        }
    }
}

/// A file that is made for writing now, because at the fault it is too late to open one.
private final class OwnedDescriptor: Sendable {
    let descriptor: Int32
    private let path: String
    private let identity: FileIdentity

    /// Empties the record of an earlier watch, if there is one.
    init(creating path: String) throws(BytesError) {
        // Neither through a link nor waiting for somebody to read a pipe.
        let flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        descriptor = unsafe open(path, flags, 0o600)
        self.path = path
        guard descriptor >= 0 else {
            throw .io(path: path, operation: "make", reason: unsafe String(cString: strerror(errno)))
        }
        do {
            identity = try FileIdentity(ofFileAt: path)
        } catch {
            close(descriptor)
            throw error
        }
        _ = ftruncate(descriptor, 0)
    }

    /// A watch that ended without a fault leaves no record behind.
    deinit {
        let there = try? FileIdentity(ofFileAt: path)
        if there?.inode == identity.inode, there?.device == identity.device { unsafe unlink(path) }
        close(descriptor)
    }
}
