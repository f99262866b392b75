import Foundation

/// What a program asked of the kernel, as Debian's strace saw it: sockets of every family, and whatever it wrote or made.
public struct SystemCallTrace: Sendable {
    /// One traced call that succeeded or failed.
    public struct Call: Equatable, Sendable, CustomStringConvertible {
        public var name: String
        /// Between the brackets, as strace prints it.
        public var arguments: String
        /// After the equals sign.
        public var result: String

        public var description: String { "\(name)(\(arguments)) = \(result)" }
    }

    public let calls: [Call]

    /// Calls that could reach another process or machine; `io_uring` would let a program send without one of the others.
    public var network: [Call] { calls.filter { !Self.fileCalls.contains($0.name) } }

    /// Paths that were opened for writing, made, renamed or removed, whether that succeeded or not.
    ///
    /// - Parameter folder: the program's own, which names without one count from.
    public func writtenPaths(from folder: String) -> [String] {
        calls.filter { Self.fileCalls.contains($0.name) }.flatMap { $0.writtenPaths(from: folder) }
    }

    /// Every system call that makes or changes something by its path.
    static let fileCalls = [
        "open", "openat", "openat2", "creat", "mkdir", "mkdirat", "mknod", "mknodat", "rename", "renameat",
        "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "rmdir", "truncate",
    ]

    /// Where strace is installed; nil where it is not, or where a process may not be traced.
    public static let tool: String? = {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        let path = folders.map { "\($0)/strace" }.first { FileManager.default.isExecutableFile(atPath: $0) }
        guard let path else { return nil }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = words(output: "/dev/null") + ["/bin/true"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        process.waitUntilExit()
        return process.terminationStatus == 0 ? path : nil
    }()

    /// Arguments of strace, to be followed by the program and its own.
    public static func words(output: String) -> [String] {
        [
            "-f", "-qq", "-y", "--seccomp-bpf", "-e", "signal=none",
            "-e", "trace=%network,io_uring_setup,?" + fileCalls.joined(separator: ",?"), "-o", output,
        ]
    }

    /// Reads what strace wrote; calls that two threads made at once stand there in two halves.
    public init(_ text: String) {
        var calls: [Call] = []
        var begun: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            guard let space = line.firstIndex(of: " ") else { continue }
            let thread = line[..<space]
            var rest = line[space...].drop { $0 == " " }
            if rest.hasSuffix("<unfinished ...>") {
                begun[thread] = rest.dropLast(16)
                continue
            }
            if rest.hasPrefix("<... "), let end = rest.firstRange(of: "resumed>") {
                rest = Substring((begun.removeValue(forKey: thread) ?? "") + rest[end.upperBound...])
            }
            if let call = Call(rest) { calls.append(call) }
        }
        // Cut off by the end of the process: begun all the same.
        calls += begun.values.compactMap { Call($0 + ") = ?") }
        self.calls = calls
    }
}

extension SystemCallTrace.Call {
    init?(_ text: Substring) {
        guard let open = text.firstIndex(of: "("), let close = text.ranges(of: ") ").last ?? text.ranges(of: ")=").last,
            let equals = text[close.lowerBound...].firstIndex(of: "=")
        else { return nil }
        name = String(text[..<open])
        arguments = String(text[text.index(after: open)..<close.lowerBound])
        result = text[text.index(after: equals)...].trimmingCharacters(in: .whitespaces)
    }

    fileprivate func writtenPaths(from current: String) -> [String] {
        if name.hasPrefix("open"), ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].allSatisfy({ !arguments.contains($0) })
        {
            return []
        }
        let names = arguments.split(separator: "\"", omittingEmptySubsequences: false)
        // Odd pieces stand between quotation marks; a folder's descriptor stands before, as 5</its/path>.
        return stride(from: 1, to: names.count, by: 2).map { index in
            let path = String(names[index])
            let told = names[index - 1].split(separator: "<").last?.prefix { $0 != ">" } ?? ""
            let folder = told.hasPrefix("/") ? String(told) : current
            let whole = path.hasPrefix("/") ? path : folder + "/" + path
            return URL(fileURLWithPath: whole).standardizedFileURL.path
        }
    }
}
