#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif

/// What another program prints. Not through Foundation's `Process`, which opens sockets on the loopback interface, and not
/// through a shell, which would read the words anew.
///
/// For measuring instruments alone: no command on a person's text runs another program.
public enum ToolOutput {
    /// Most bytes that are taken; the rest is read and dropped.
    static let byteLimit = 65_536

    /// Standard output of a program that is looked for in `PATH`; nil when it cannot be started or fails.
    public static func read(_ name: String, _ words: [String]) -> String? {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { return nil }
        let child = start(name, words, output: ends[1], unused: ends[0])
        close(ends[1])
        guard let stream = unsafe fdopen(ends[0], "r") else {
            close(ends[0])
            return nil
        }
        defer { unsafe fclose(stream) }
        guard let child else { return nil }
        var bytes: [UInt8] = []
        while case let byte = unsafe fgetc(stream), byte != EOF {
            if bytes.count < byteLimit { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        }
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Starts the program with `output` as its standard output and nowhere to complain.
    private static func start(_ name: String, _ words: [String], output: Int32, unused: Int32) -> pid_t? {
        var actions = unsafe posix_spawn_file_actions_t()
        guard unsafe posix_spawn_file_actions_init(&actions) == 0 else { return nil }
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        unsafe posix_spawn_file_actions_addclose(&actions, output)
        unsafe posix_spawn_file_actions_addclose(&actions, unused)
        var arguments = unsafe ([name] + words).map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var child: pid_t = 0
        let failure = unsafe posix_spawnp(&child, name, &actions, nil, &arguments, environ)
        return failure == 0 ? child : nil
    }
}
