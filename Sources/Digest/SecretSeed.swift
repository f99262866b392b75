/// Thirty-two random bytes that a run's random numbers come from, known to the run's owner alone.
///
/// A training is the same whenever it is repeated, so with a seed that everybody knows, whoever holds the result and
/// guesses the text can train on the guess and compare. With these bytes in it, the result confirms nothing to those who
/// do not have them.
public struct SecretSeed: Equatable, Sendable {
    public static let byteCount = 32

    package let bytes: [UInt8]

    /// Wraps 32 bytes; nil for any other count.
    public init?(bytes: some Sequence<UInt8>) {
        let array = Array(bytes)
        guard array.count == Self.byteCount else { return nil }
        self.bytes = array
    }

    /// Reads what ``hex`` gives, upper case too; nil for anything else.
    public init?(hex: String) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes: bytes)
    }

    private init(checked bytes: [UInt8]) { self.bytes = bytes }

    /// New ones from the system's secure random numbers.
    public static func generate() -> SecretSeed {
        var source = SystemRandomNumberGenerator()
        return SecretSeed(checked: (0..<byteCount).map { _ in UInt8.random(in: .min ... .max, using: &source) })
    }

    /// 64 hexadecimal digits. A secret.
    public var hex: String { Hex.encode(bytes) }

    /// What may be published of it: SHA-256 of a fixed line and the bytes. It binds whoever publishes it to these bytes, and
    /// tells nothing of them, since nobody can try 2²⁵⁶.
    public var commitment: SHA256Digest { SHA256Digest.of(Array("polymath seed commitment 1\n".utf8) + bytes) }
}

extension SecretSeed: CustomStringConvertible, CustomReflectable {
    /// Never the bytes: a message or a dump that names a seed may be handed on.
    public var description: String { "a secret seed" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Where a run's random numbers come from: a number that everybody may know, or a secret.
public enum RandomSeed: Equatable, Sendable, ExpressibleByIntegerLiteral {
    case number(UInt64)
    case secret(SecretSeed)

    public init(integerLiteral value: UInt64) { self = .number(value) }

    /// The secret, if it is one.
    public var secret: SecretSeed? {
        guard case .secret(let seed) = self else { return nil }
        return seed
    }
}
