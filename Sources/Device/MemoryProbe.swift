internal import Foundation

/// What this process holds of the machine's memory, as the operating system counts it.
public struct MemorySample: Equatable, Sendable {
    /// Resident now, and the most it has ever been since the process began (`VmRSS`, `VmHWM`), in bytes.
    public let residentBytes: Int
    public let peakResidentBytes: Int
    /// Resident pages that no file backs (`RssAnon`): what a phone cannot take back without killing the process.
    public let anonymousBytes: Int
    /// Resident pages of mapped files (`RssFile`): the base's map; the system may evict them.
    public let fileBytes: Int
}

/// Reads `/proc/self/status`; elsewhere there is no sample.
public enum MemoryProbe {
    /// - Returns: nil where the operating system does not tell.
    public static func sample() -> MemorySample? {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return nil }
        return parse(status)
    }

    /// - Parameter status: the text of `/proc/<pid>/status`; its sizes are in KiB.
    package static func parse(_ status: String) -> MemorySample? {
        var kibibytes: [Substring: Int] = [:]
        for line in status.split(separator: "\n") {
            let fields = line.split(whereSeparator: { $0 == ":" || $0 == " " || $0 == "\t" })
            guard fields.count >= 3, fields[2] == "kB", let value = Int(fields[1]) else { continue }
            kibibytes[fields[0]] = value
        }
        guard let resident = kibibytes["VmRSS"], let peak = kibibytes["VmHWM"], let anonymous = kibibytes["RssAnon"]
        else { return nil }
        return MemorySample(
            residentBytes: resident << 10, peakResidentBytes: peak << 10, anonymousBytes: anonymous << 10,
            fileBytes: (kibibytes["RssFile"] ?? 0) << 10)
    }
}
