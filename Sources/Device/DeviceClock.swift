internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif

/// The clock of readings.
package enum DeviceClock {
    /// Seconds since the device was started; they go on while it sleeps.
    package static var seconds: Double {
        #if canImport(Darwin)
            let clock = CLOCK_MONOTONIC
        #else
            let clock = CLOCK_BOOTTIME
        #endif
        var time = timespec()
        guard unsafe clock_gettime(clock, &time) == 0 else { return ProcessInfo.processInfo.systemUptime }
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Minutes since midnight in the machine's time zone.
    package static var minuteOfDay: Int {
        let now = Date()
        let local = Int(now.timeIntervalSince1970) + TimeZone.current.secondsFromGMT(for: now)
        return ((local / 60) % 1440 + 1440) % 1440
    }
}
