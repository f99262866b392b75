internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Android)
    internal import Android
#endif

/// How long this process has been there, its loading included.
public enum ProcessAge {
    /// Seconds since the kernel made the process, in steps of a clock tick (10 ms); nil where the system does not tell.
    public static var seconds: Double? {
        #if os(Linux) || os(Android)
            var time = timespec()
            let ticks = sysconf(Int32(_SC_CLK_TCK))
            guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8), ticks > 0,
                let start = startTicks(stat), unsafe clock_gettime(CLOCK_BOOTTIME, &time) == 0
            else { return nil }
            let now = Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
            return max(0, now - Double(start) / Double(ticks))
        #else
            return nil
        #endif
    }

    /// The 22nd field of `/proc/<pid>/stat`: clock ticks from the machine's start to the process's.
    ///
    /// The second field, the program's name, stands in parentheses and may hold spaces and parentheses of its own.
    package static func startTicks(_ stat: String) -> UInt64? {
        guard let name = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: name)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }
}
