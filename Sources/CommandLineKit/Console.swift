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
package final class Console: Sendable {
    /// The program's name, before every message.
    private let program: String
    /// Whether `--json` was given.
    package let isJSON: Bool
    /// Whether standard error is a terminal: then progress is a bar that redraws itself.
    package let isTerminal: Bool
    private let state = Mutex(State())

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
    }

    /// Whether the reader of standard output has gone away; whoever writes on and on should stop.
    package var isOutputClosed: Bool { outputClosing != nil }

    /// Why standard output takes no more; nil while it does.
    package var outputClosing: Closing? { state.withLock { $0.closing } }

    // MARK: Results

    /// A line of the result for people; silent with `--json`.
    package func show(_ line: String = "") {
        if !isJSON { put(line + "\n") }
    }

    /// A piece of the result for people, without a newline; silent with `--json`.
    package func stream(_ text: String) {
        if !isJSON { put(text) }
    }

    /// An object of the result for programs; silent without `--json`.
    package func emit(_ event: String, _ members: [String: JSONValue]) {
        guard isJSON else { return }
        var members = members
        members["event"] = .string(event)
        put(JSONValue.object(members).canonicalString + "\n")
    }

    /// A line on standard output whatever the mode: for results whose form is fixed, such as token ids.
    package func put(line: String) {
        put(line + "\n")
    }

    // MARK: Progress and remarks

    /// A line on standard error; silent with `--json`.
    package func note(_ line: String) {
        guard !isJSON else { return }
        state.withLock { state in
            writeError(clearing(&state) + line + "\n")
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
        let message = asSentence(String(describing: error))
        if isJSON {
            emit("error", ["message": .string(message), "exit_code": .integer(Int64(status.code))])
        } else {
            state.withLock { state in
                writeError(clearing(&state) + "\(program): \(message)\n")
            }
        }
        return status
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
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
