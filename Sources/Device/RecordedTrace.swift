internal import Bytes
package import Foundation

/// Readings that were recorded earlier, given again at the pace at which they were taken.
///
/// A trace is a JSON-lines file. A line is a reading (``DeviceReading/json``) or an event of a run that holds one as
/// `device`; events without one are passed over, so the `events.jsonl` of any run is a trace. Times count from the
/// first reading, and the last one stays. Where a run was resumed after a restart of the device, whose clock then began
/// anew, the trace goes on from where it was.
public final class RecordedTrace: DeviceSensors {
    /// In the order of their times.
    public let readings: [DeviceReading]
    private let clock: () -> Double
    private let start: Double
    private var index = 0

    /// Largest file that is read.
    public static let byteLimit = 1 << 28

    /// - Throws: `DeviceTraceError` for a file that cannot be read, holds no reading, or one that goes back in time.
    public convenience init(path: String) throws {
        let bytes: [UInt8]
        do throws(BytesError) {
            bytes = try WholeFile.read(path, limit: Self.byteLimit)
        } catch {
            if case .tooLarge(_, let byteCount, _) = error { throw DeviceTraceError.tooLarge(byteCount: byteCount) }
            throw DeviceTraceError.unreadable
        }
        try self.init(Self.parse(Data(bytes)))
    }

    /// - Parameter clock: seconds from any moment on.
    package init(_ readings: [DeviceReading], clock: @escaping () -> Double = { DeviceClock.seconds }) throws {
        guard !readings.isEmpty else { throw DeviceTraceError.empty }
        self.readings = readings
        self.clock = clock
        start = clock()
    }

    public func read() -> DeviceReading {
        let now = clock() - start
        while index + 1 < readings.count, readings[index + 1].seconds - readings[0].seconds <= now { index += 1 }
        var reading = readings[index]
        reading.seconds = readings[0].seconds + now
        return reading
    }

    package static func parse(_ bytes: Data) throws -> [DeviceReading] {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        var readings: [DeviceReading] = []
        /// Seconds that the clock was behind after restarts.
        var shift = 0.0
        for (index, line) in lines.enumerated() where !line.isEmpty {
            do {
                guard let (read, isResumed) = try reading(Data(line)) else { continue }
                var reading = read
                let last = readings.last?.seconds ?? -.infinity
                if isResumed, reading.seconds + shift < last { shift = last - reading.seconds }
                reading.seconds += shift
                guard reading.seconds >= last else { throw DeviceTraceError.value(name: "seconds") }
                readings.append(reading)
            } catch let error as DeviceTraceError {
                throw DeviceTraceError.line(number: index + 1, reason: error.description)
            } catch {
                // What a crash left of the last line.
                if index == lines.count - 1 { break }
                throw DeviceTraceError.line(number: index + 1, reason: "It is no reading.")
            }
        }
        return readings
    }

    /// A line's reading, and whether the line tells that a run was resumed; nil for an event without a reading.
    private static func reading(_ line: Data) throws -> (DeviceReading, isResumed: Bool)? {
        let decoder = JSONDecoder()
        if let name = try? decoder.decode(EventName.self, from: line).event {
            let reading = try decoder.decode(EventWithReading.self, from: line).device?.reading()
            return reading.map { ($0, name == "resumed") }
        }
        return (try DeviceReading(json: line), false)
    }

    private struct EventName: Decodable { let event: String? }
}

/// Why a file is no trace.
public enum DeviceTraceError: Error, Equatable, CustomStringConvertible, Sendable {
    case unreadable
    case tooLarge(byteCount: Int)
    case empty
    case line(number: Int, reason: String)
    /// A value that no device can have, or one that goes back in time.
    case value(name: String)

    public var description: String {
        switch self {
        case .unreadable: "It cannot be read."
        case .tooLarge(let byteCount): "It has \(byteCount) bytes; at most \(RecordedTrace.byteLimit) are read."
        case .empty: "It holds no reading of a device."
        case .line(let number, let reason): "Line \(number): \(reason)"
        case .value(let name): "No device can have that value of \(name) there."
        }
    }
}
