/// Why values cannot be stored in a block type.
public enum BlocksError: Error, Equatable, Sendable, CustomStringConvertible {
    case notWholeBlocks(type: StorageType, elements: Int)
    case notEncodable(type: StorageType)
    /// NaN or infinity at `index` of the values.
    case notFinite(index: Int, type: StorageType)
    /// A value too large for the type's scales.
    case outOfRange(index: Int, value: Float, type: StorageType)

    public var description: String {
        switch self {
        case .notWholeBlocks(let type, let elements):
            "\(elements) values do not fill whole \(type.name) blocks of \(type.blockLength)"
        case .notEncodable(let type):
            "nothing here encodes \(type.name)"
        case .notFinite(let index, let type):
            "value \(index) is not finite and cannot be stored as \(type.name)"
        case .outOfRange(let index, let value, let type):
            "value \(index), \(value), is too large to be stored as \(type.name)"
        }
    }
}
