public import Conventions
internal import Foundation

/// Text from outside, which must be UTF-8: nothing is repaired in silence.
public enum InputText {
    /// - Parameter kind: what the text is, for the message.
    /// - Throws: `InputError.notUTF8` with the offset of the first byte that cannot be read.
    public static func decode(_ bytes: [UInt8], kind: String) throws(InputError) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var iterator = bytes.makeIterator()
        var decoder = UTF8()
        var offset = 0
        while true {
            switch decoder.decode(&iterator) {
            case .scalarValue(let scalar): offset += UTF8.width(scalar)
            case .emptyInput, .error: throw .notUTF8(kind: kind, offset: offset)
            }
        }
    }
}
