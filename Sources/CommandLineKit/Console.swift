internal import Bytes
package import Digest
internal import Foundation
package import Conventions
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif

/// Where a command speaks: results on standard output, progress and remarks on standard error.
///
/// With `--json`, standard output holds one JSON object per line and nothing else, and standard error stays silent.
///
/// Whatever is said, no control character but tab and line end leaves it, and nothing that turns the direction of text:
/// foreign strings are escaped where they enter a sentence, and this is the gate behind that.
package final class Console: Sendable {
    /// The program's name, before every message.
    private let program: String
    /// Whether `--json` was given.
    package let isJSON: Bool
    /// Whether standard error is a terminal: then progress is a bar that redraws itself.
    package let isTerminal: Bool
    private let state = Mutex(State())
    /// Standard error under a number of its own: while a library works that complains in its own words, the usual one leads
    /// nowhere.
    private let errors: FileHandle

    private struct State {
        var hasBar = false
        /// Why standard output takes no more.
        var closing: Closing?
        /// Title and tenth of the last plain progress line.
        var lastTitle = ""
        var lastTenth = -1
        var titleBegan = Date()
    }

    /// Seconds that a job may last before plain lines tell how far it is.
    private static let patience = 2.0

    /// Why standard output takes no more.
    package enum Closing: Sendable {
        /// The reader has gone away.
        case readerLeft
        case noSpace
    }

    package init(isJSON: Bool, program: String) {
        self.program = program
        self.isJSON = isJSON
        isTerminal = isatty(STDERR_FILENO) == 1
        let own = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
        errors = own >= 0 ? FileHandle(fileDescriptor: own, closeOnDealloc: true) : FileHandle.standardError
    }

    /// Whether the reader of standard output has gone away; whoever writes on and on should stop.
    package var isOutputClosed: Bool { outputClosing != nil }

    /// Why standard output takes no more; nil while it does.
    package var outputClosing: Closing? { state.withLock { $0.closing } }

    // MARK: Results

    /// A line of the result for people; silent with `--json`.
    package func show(_ line: String = "") {
        if !isJSON { put(unsteering(line) + "\n") }
    }

    /// A piece of the result for people, without a newline; silent with `--json`.
    package func stream(_ text: String) {
        if !isJSON { put(unsteering(text)) }
    }

    /// An object of the result for programs; silent without `--json`.
    package func emit(_ event: String, _ members: [String: JSONValue]) {
        guard isJSON else { return }
        var members = members
        members["event"] = .string(event)
        put(unsteering(json: JSONValue.object(members).canonicalString) + "\n")
    }

    /// A line on standard output whatever the mode: for results whose form is fixed, such as token ids.
    package func put(line: String) {
        put(unsteering(line) + "\n")
    }

    // MARK: Progress and remarks

    /// A line on standard error; silent with `--json`.
    package func note(_ line: String) {
        guard !isJSON else { return }
        state.withLock { state in
            writeError(clearing(&state) + unsteering(line, onOneLine: true) + "\n")
        }
    }

    /// How far a long job is: a bar on a terminal, elsewhere a plain line at every tenth of a job that
    /// has lasted two seconds; silent with `--json`.
    ///
    /// - Parameters:
    ///   - done: what is done of `total`, in any unit; `total` may be 0 when it is not known.
    ///   - detail: short text at the end, such as loss and speed.
    package func progress(_ title: String, done: Int, of total: Int, detail: String = "") {
        guard !isJSON else { return }
        let (title, detail) = (unsteering(title, onOneLine: true), unsteering(detail, onOneLine: true))
        let share = total > 0 ? min(1, max(0, Double(done) / Double(total))) : 0
        state.withLock { state in
            if isTerminal {
                let filled = Int(share * 24)
                let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
                writeError("\r\u{1B}[K\(title) \(bar) \(Int(share * 100)) %  \(detail)")
                state.hasBar = true
                if done >= total { writeError(clearing(&state)) }
            } else {
                if title != state.lastTitle {
                    state.lastTitle = title
                    state.lastTenth = -1
                    state.titleBegan = Date()
                }
                let tenth = Int(share * 10)
                guard tenth > state.lastTenth, Date().timeIntervalSince(state.titleBegan) > Self.patience else {
                    return
                }
                state.lastTenth = tenth
                writeError("\(title) \(Int(share * 100)) %\(detail.isEmpty ? "" : "  \(detail)")\n")
            }
        }
    }

    /// Removes a progress bar, so that nothing else is written behind it.
    package func endProgress() {
        state.withLock { state in
            let text = clearing(&state)
            if !text.isEmpty { writeError(text) }
        }
    }

    // MARK: Errors

    /// The one sentence that a failed command ends with: on standard error, or with `--json` as an object.
    package func fail(_ error: any Error) -> ExitStatus {
        let status = ExitStatus(for: error)
        let message = asSentence(Self.text(of: error))
        if isJSON {
            emit("error", ["message": .string(message), "exit_code": .integer(Int64(status.code))])
        } else {
            state.withLock { state in
                writeError(clearing(&state) + "\(program): \(unsteering(message, onOneLine: true))\n")
            }
        }
        return status
    }

    /// What an error says; of one that a system library threw past this program's own, its sentence and not its innards.
    private static func text(of error: any Error) -> String {
        guard error is CocoaError || error is POSIXError || type(of: error) is NSError.Type else {
            return String(describing: error)
        }
        let path = ((error as NSError).userInfo[NSFilePathErrorKey] as? String).map { escaped($0, limit: 200) + ": " }
        return (path ?? "") + error.localizedDescription
    }

    // MARK: Writing

    private func clearing(_ state: inout State) -> String {
        defer { state.hasBar = false }
        return state.hasBar ? "\r\u{1B}[K" : ""
    }

    private func put(_ text: String) {
        state.withLock { state in
            let clear = clearing(&state)
            if !clear.isEmpty { writeError(clear) }
            guard state.closing == nil else { return }
            do {
                try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
            } catch {
                let error = error as NSError
                let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError
                let code = Int32(clamping: underlying?.code ?? (error.domain == NSPOSIXErrorDomain ? error.code : 0))
                let isFull =
                    error.code == CocoaError.Code.fileWriteOutOfSpace.rawValue
                    || [ENOSPC, EDQUOT, EFBIG].contains(code)
                state.closing = isFull ? .noSpace : .readerLeft
            }
        }
    }

    private func writeError(_ text: String) {
        // Nobody is left to tell when standard error is gone.
        try? errors.write(contentsOf: Data(text.utf8))
    }
}
