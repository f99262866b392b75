// A library that gives up on foreign input instead of saying so.

private import CGuard
internal import Digest

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// For as long as it lives, a trap or an abort of the process ends it with one sentence and a status of one's own.
///
/// For work that only a library can do and whose library traps on what a stranger sent; what it prints of itself on
/// standard error is dropped meanwhile. Whoever speaks to people holds a descriptor of their own: see ``FaultOutput``.
public final class TrapGuard {
    private let formerErrors: Int32

    /// - Parameter sentence: without a full stop.
    /// - Returns: nil where another is in force; the process then ends as it would without one.
    public init?(sentence: String, exitStatus: Int32, output: FaultOutput) {
        let text: [UInt8]
        switch output {
        case .plain(_, let prefix): text = Array((prefix + sentence + ".\n").utf8)
        case .jsonLines:
            let error: JSONValue = [
                "event": "error", "exit_code": .integer(Int64(exitStatus)), "message": .string(sentence + "."),
            ]
            text = error.canonicalBytes + [0x0A]
        }
        formerErrors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
        let isPlain = if case .plain = output { true } else { false }
        let descriptor = isPlain ? formerErrors : output.descriptor
        let result = unsafe text.withUnsafeBufferPointer { bytes in
            unsafe cg_trap(descriptor, bytes.baseAddress, bytes.count, exitStatus)
        }
        guard result == 0 else {
            if formerErrors >= 0 { close(formerErrors) }
            return nil
        }
        let nowhere = unsafe open("/dev/null", O_WRONLY | O_CLOEXEC)
        if nowhere >= 0 {
            if formerErrors >= 0 { dup2(nowhere, STDERR_FILENO) }
            close(nowhere)
        }
    }

    deinit {
        cg_untrap()
        guard formerErrors >= 0 else { return }
        dup2(formerErrors, STDERR_FILENO)
        close(formerErrors)
    }
}
