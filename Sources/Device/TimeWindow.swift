/// Part of the day in which a run may work, such as 22:00 to 06:00.
public struct TimeWindow: Equatable, Sendable {
    /// Minutes since midnight, 0 ..< 1440; the window holds the first and not the last, and may pass midnight.
    public let from: Int
    public let to: Int

    /// - Returns: nil for minutes outside of a day, and for a window of no length.
    public init?(from: Int, to: Int) {
        guard (0..<1440).contains(from), (0..<1440).contains(to), from != to else { return nil }
        self.from = from
        self.to = to
    }

    /// Reads `HH:MM-HH:MM`.
    public init?(_ text: String) {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { end -> Int? in
            let parts = end.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hour = Int(parts[0]),
                let minute = Int(parts[1]), (0..<24).contains(hour), (0..<60).contains(minute)
            else { return nil }
            return hour * 60 + minute
        }
        guard ends.count == 2, let from = ends[0], let to = ends[1] else { return nil }
        self.init(from: from, to: to)
    }

    public func contains(_ minute: Int) -> Bool {
        from < to ? (from..<to).contains(minute) : minute >= from || minute < to
    }

    /// Minutes from `minute` until the window opens; 0 inside it.
    public func minutesUntilOpen(from minute: Int) -> Int {
        contains(minute) ? 0 : ((from - minute) % 1440 + 1440) % 1440
    }

    /// As ``init(_:)`` reads it.
    public var text: String { Self.clock(from) + "-" + Self.clock(to) }

    static func clock(_ minute: Int) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return two(minute / 60) + ":" + two(minute % 60)
    }
}
