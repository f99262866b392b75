import Bytes

/// What is wrong with a container, and where.
public enum GGUFError: Error, Equatable, Sendable, CustomStringConvertible {
    case notGGUF
    case bigEndian
    case unsupportedVersion(UInt32)
    /// The file ends in the middle of something that needs `needed` bytes at `offset`.
    case truncated(offset: Int, needed: Int, available: Int)
    case implausibleCount(what: String, count: UInt64, offset: Int)
    case invalidText(offset: Int)
    case emptyName(offset: Int)
    /// A string has a run of combining marks that no text has.
    case tooManyMarks(offset: Int)
    case duplicateKey(String)
    case unknownValueType(UInt32, key: String, offset: Int)
    case invalidBool(UInt8, offset: Int)
    case nestedTooDeep(key: String, offset: Int)
    case invalidAlignment(String)
    case duplicateTensor(String)
    case unsupportedStorageType(number: UInt32, tensor: String)
    case invalidDimensions(tensor: String, reason: String)
    case misalignedTensor(String, offset: UInt64, alignment: Int)
    case tensorOutOfFile(String, offset: UInt64, byteCount: Int, available: Int)
    case overlappingTensors(String, String)
    /// A writer's tensor produced another number of bytes than its shape has.
    case wrongTensorByteCount(String, expected: Int, got: Int)
    case wrongElementType(expected: String, got: String)

    public var description: String {
        switch self {
        case .notGGUF: "the file does not begin with 'GGUF': it is no GGUF file"
        case .bigEndian: "the file is big-endian; only little-endian GGUF is read"
        case .unsupportedVersion(let version): "GGUF version \(version) is not supported; versions 2 and 3 are"
        case .truncated(let offset, let needed, let available):
            "the file is cut off: \(needed) bytes are needed at offset \(offset), and \(available) follow"
        case .implausibleCount(let what, let count, let offset):
            "\(count) \(what) at offset \(offset) cannot fit into the file, which is cut off or damaged"
        case .invalidText(let offset): "the text at offset \(offset) is not UTF-8"
        case .tooManyMarks(let offset):
            "the string at offset \(offset) has more than \(CombiningMarks.longestRun) combining marks in a row"
        case .emptyName(let offset): "the name at offset \(offset) is empty"
        case .duplicateKey(let key): "key '\(escaped(key))' appears twice"
        case .unknownValueType(let type, let key, let offset):
            "key '\(escaped(key))' has value type \(type) at offset \(offset); types 0 to 12 exist"
        case .invalidBool(let value, let offset): "the truth value at offset \(offset) is \(value), not 0 or 1"
        case .nestedTooDeep(let key, let offset):
            "key '\(escaped(key))' nests arrays deeper than \(GGUFFile.deepestArray) at offset \(offset)"
        case .invalidAlignment(let got): "general.alignment is \(escaped(got)), not a u32 power of two"
        case .duplicateTensor(let name): "tensor '\(escaped(name))' appears twice"
        case .unsupportedStorageType(let number, let tensor):
            "tensor '\(escaped(tensor))' has storage type \(Self.title(ofType: number)), which is not supported"
        case .invalidDimensions(let tensor, let reason): "tensor '\(escaped(tensor))' \(reason)"
        case .misalignedTensor(let name, let offset, let alignment):
            "tensor '\(escaped(name))' lies at data offset \(offset), not a multiple of \(alignment)"
        case .tensorOutOfFile(let name, let offset, let byteCount, let available):
            "the file is cut off: tensor '\(escaped(name))' has \(byteCount) bytes at data offset \(offset), beyond the "
                + "\(available) in the file"
        case .overlappingTensors(let first, let second):
            "tensors '\(escaped(first))' and '\(escaped(second))' overlap"
        case .wrongTensorByteCount(let name, let expected, let got):
            "tensor '\(escaped(name))' was given \(got) bytes, and its shape has \(expected)"
        case .wrongElementType(let expected, let got): "an array of \(got) was read as \(expected)"
        }
    }

    /// A type's number with GGML's name for it, where it has one that this program does not read.
    private static func title(ofType number: UInt32) -> String {
        let names: [UInt32: String] = [
            9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 21: "IQ3_S", 22: "IQ2_S",
            29: "IQ1_M", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8", 39: "MXFP4",
        ]
        return names[number].map { "\(number) (\($0))" } ?? "\(number)"
    }

    init(_ error: BytesError) {
        if case .outOfBounds(let offset, let count, let available) = error {
            self = .truncated(offset: offset, needed: count, available: available)
        } else {
            self = .notGGUF
        }
    }
}
