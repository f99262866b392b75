/// A TensorBoard event file: a sequence of records, each an `Event` message in protocol buffers' wire format.
///
///     record:  u64 length · u32 masked CRC-32C of the length · message · u32 masked CRC-32C of the message
///     Event:   1 wall_time (double) · 2 step (varint) · 3 file_version (string) | 5 summary (message)
///     Summary: 1 value (message, repeated);  Value: 1 tag (string) · 2 simple_value (float)
///
/// All integers are little-endian. Only scalars are written, in single precision, as TensorBoard keeps them.
struct TensorBoardFile {
    private(set) var bytes: [UInt8] = []

    /// - Parameter begin: seconds since 1970 of the file's first event.
    init(begin: Double) {
        var event: [UInt8] = []
        Self.append(double: begin, field: 1, to: &event)
        Self.append(text: "brain.Event:2", field: 3, to: &event)
        append(record: event)
    }

    /// Adds scalars of one moment.
    ///
    /// - Parameter values: tag and value, in the order in which they are written.
    mutating func add(time: Double, step: Int, _ values: [(tag: String, value: Double)]) {
        guard !values.isEmpty else { return }
        var summary: [UInt8] = []
        for (tag, value) in values {
            var message: [UInt8] = []
            Self.append(text: tag, field: 1, to: &message)
            Self.append(float: Float(value), field: 2, to: &message)
            Self.append(message, field: 1, to: &summary)
        }
        var event: [UInt8] = []
        Self.append(double: time, field: 1, to: &event)
        Self.append(varint: UInt64(clamping: step), field: 2, to: &event)
        Self.append(summary, field: 5, to: &event)
        append(record: event)
    }

    private mutating func append(record: [UInt8]) {
        let length = Self.littleEndian(UInt64(record.count))
        bytes += length + Self.littleEndian(CRC32C.masked(length))
        bytes += record + Self.littleEndian(CRC32C.masked(record))
    }

    // MARK: Wire format

    private static func append(varint value: UInt64, to message: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            message.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        message.append(UInt8(rest))
    }

    private static func append(varint value: UInt64, field: UInt64, to message: inout [UInt8]) {
        append(varint: field << 3, to: &message)
        append(varint: value, to: &message)
    }

    private static func append(double value: Double, field: UInt64, to message: inout [UInt8]) {
        append(varint: field << 3 | 1, to: &message)
        message += littleEndian(value.bitPattern)
    }

    private static func append(float value: Float, field: UInt64, to message: inout [UInt8]) {
        append(varint: field << 3 | 5, to: &message)
        message += littleEndian(value.bitPattern)
    }

    private static func append(_ inner: [UInt8], field: UInt64, to message: inout [UInt8]) {
        append(varint: field << 3 | 2, to: &message)
        append(varint: UInt64(inner.count), to: &message)
        message += inner
    }

    private static func append(text: String, field: UInt64, to message: inout [UInt8]) {
        append(Array(text.utf8), field: field, to: &message)
    }

    private static func littleEndian<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
        (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> Number($0 * 8)) }
    }
}
