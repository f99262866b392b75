/// A JSON value, read strictly and written canonically (RFC 8785).
///
/// Integers are exact up to ±(2⁵³ − 1), the range every JSON reader shares; larger ones belong in a string
/// (``exactly(_:)``). Two values are equal when their canonical texts are.
public indirect enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// The largest integer that every reader of JSON holds exactly: 2⁵³ − 1.
    public static let largestInteger: Int64 = 9_007_199_254_740_991

    /// The integer itself up to ±(2⁵³ − 1), its decimal digits as a string beyond.
    public static func exactly(_ value: some BinaryInteger) -> JSONValue {
        if let small = Int64(exactly: value), small.magnitude <= largestInteger.magnitude { return .integer(small) }
        return .string(String(value))
    }
}

// MARK: - Looking inside

extension JSONValue {
    public var asBool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The value as an integer; also of a number without fraction.
    public var asInteger: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// ``asInteger`` as `Int`.
    public var asInt: Int? { asInteger.flatMap { Int(exactly: $0) } }

    public var asDouble: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    public var asString: String? {
        if case .string(let value) = self { value } else { nil }
    }

    public var asArray: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }

    public var asObject: [String: JSONValue]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// The member of that name; nil when absent or when this is no object. Setting turns a non-object into one.
    public subscript(key: String) -> JSONValue? {
        get { asObject?[key] }
        set {
            var members = asObject ?? [:]
            members[key] = newValue
            self = .object(members)
        }
    }

    /// The element at the index; nil outside or when this is no array.
    public subscript(index: Int) -> JSONValue? {
        guard let values = asArray, values.indices.contains(index) else { return nil }
        return values[index]
    }
}

// MARK: - Equality

extension JSONValue: Equatable {
    /// Compares code units, not Unicode equivalence: two spellings of "é" are two values.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): return true
        case (.bool(let first), .bool(let second)): return first == second
        case (.integer(let first), .integer(let second)): return first == second
        case (.number(let first), .number(let second)): return first == second
        case (.integer(let first), .number(let second)), (.number(let second), .integer(let first)):
            return first.magnitude <= largestInteger.magnitude && Double(first) == second
        case (.string(let first), .string(let second)): return first.utf8.elementsEqual(second.utf8)
        case (.array(let first), .array(let second)): return first == second
        case (.object(let first), .object(let second)):
            guard first.count == second.count else { return false }
            return zip(sortedMembers(first), sortedMembers(second)).allSatisfy { one, other in
                one.key.utf8.elementsEqual(other.key.utf8) && one.value == other.value
            }
        default: return false
        }
    }

    /// Members in the order of RFC 8785: ascending by the UTF-16 code units of their names.
    static func sortedMembers(_ members: [String: JSONValue]) -> [(key: String, value: JSONValue)] {
        members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
    }
}

// MARK: - Literals

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    /// - Precondition: no name appears twice.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(uniqueKeysWithValues: elements))
    }
}
