#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif

/// What another program prints. Not through Foundation's `Process`, which opens sockets on the loopback interface.
public enum ToolOutput {
    /// Most bytes that are taken; the rest is read and dropped.
    static let byteLimit = 65_536

    /// Standard output of the program at `path`; nil when it cannot be started.
    public static func read(_ path: String, _ words: [String]) -> String? {
        let command = ([path] + words).map { "'" + $0.replacing("'", with: "'\\''") + "'" }.joined(separator: " ")
        guard let stream = unsafe popen(command + " 2>/dev/null", "r") else { return nil }
        var bytes: [UInt8] = []
        while case let byte = unsafe fgetc(stream), byte != EOF {
            if bytes.count < byteLimit { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        }
        guard unsafe pclose(stream) == 0 else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
