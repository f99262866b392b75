// The storage types of GGML: names, numbers and sizes. How their blocks are laid out stands with each decoder.

/// How a tensor's values are stored. Raw values are GGML's type numbers.
public enum StorageType: UInt32, CaseIterable, Sendable, Hashable {
    case f32 = 0
    case f16 = 1
    case q4_0 = 2
    case q4_1 = 3
    case q5_0 = 6
    case q5_1 = 7
    case q8_0 = 8
    case q2_K = 10
    case q3_K = 11
    case q4_K = 12
    case q5_K = 13
    case q6_K = 14
    case iq4_nl = 20
    case iq4_xs = 23
    case i8 = 24
    case i16 = 25
    case i32 = 26
    case i64 = 27
    case f64 = 28
    case bf16 = 30
    case tq1_0 = 34
    case tq2_0 = 35

    /// The name GGML prints.
    public var name: String { layout.name }

    /// Elements per block: 1, 32 or 256.
    public var blockLength: Int { layout.length }

    /// Stored bytes per block.
    public var blockByteCount: Int { layout.bytes }

    /// Whether `decode` yields floats from it; the integer types and F64 only travel.
    public var isDecodable: Bool {
        switch self {
        case .i8, .i16, .i32, .i64, .f64: false
        default: true
        }
    }

    /// Whether `encode` makes it.
    public var isEncodable: Bool {
        switch self {
        case .f32, .f16, .bf16, .q4_0, .q8_0, .q4_K, .q6_K, .tq1_0, .tq2_0: true
        default: false
        }
    }

    /// Stored bytes of `elements` values; nil when these do not fill whole blocks, are negative, or overflow.
    public func byteCount(elements: Int) -> Int? {
        let (length, bytes) = (blockLength, blockByteCount)
        guard elements >= 0, elements % length == 0 else { return nil }
        let (count, overflow) = (elements / length).multipliedReportingOverflow(by: bytes)
        return overflow ? nil : count
    }

    private var layout: (name: String, length: Int, bytes: Int) {
        switch self {
        case .f32: ("F32", 1, 4)
        case .f16: ("F16", 1, 2)
        case .q4_0: ("Q4_0", 32, 18)
        case .q4_1: ("Q4_1", 32, 20)
        case .q5_0: ("Q5_0", 32, 22)
        case .q5_1: ("Q5_1", 32, 24)
        case .q8_0: ("Q8_0", 32, 34)
        case .q2_K: ("Q2_K", 256, 84)
        case .q3_K: ("Q3_K", 256, 110)
        case .q4_K: ("Q4_K", 256, 144)
        case .q5_K: ("Q5_K", 256, 176)
        case .q6_K: ("Q6_K", 256, 210)
        case .iq4_nl: ("IQ4_NL", 32, 18)
        case .iq4_xs: ("IQ4_XS", 256, 136)
        case .i8: ("I8", 1, 1)
        case .i16: ("I16", 1, 2)
        case .i32: ("I32", 1, 4)
        case .i64: ("I64", 1, 8)
        case .f64: ("F64", 1, 8)
        case .bf16: ("BF16", 1, 2)
        case .tq1_0: ("TQ1_0", 256, 54)
        case .tq2_0: ("TQ2_0", 256, 66)
        }
    }
}
