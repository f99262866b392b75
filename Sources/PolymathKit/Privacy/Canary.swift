public import Conventions
internal import Bytes
internal import Digest

/// A made-up secret in a fixed sentence, put into a text to see afterwards whether a model trained on it gives it away
/// (Carlini et al. 2019, "The Secret Sharer", section 4).
///
/// A list of them is a JSON file, `{"canaries": [{"copies": 4, "prefix": "…", "secret": "…", "suffix": "."}], "version": 1}`,
/// which may as well be written by hand, to ask after a secret that a text really holds.
public struct Canary: Equatable, Sendable {
    /// The part of the sentence that an attacker knows.
    public var prefix: String
    /// Its ASCII letters and digits are what is secret; other characters are taken as known.
    public var secret: String
    public var suffix: String
    /// How often the text holds the sentence; 0 when nobody has counted.
    public var copies: Int

    public init(prefix: String, secret: String, suffix: String, copies: Int) {
        self.prefix = prefix
        self.secret = secret
        self.suffix = suffix
        self.copies = copies
    }

    /// The whole sentence, with another secret of the same form if one is given.
    func sentence(_ other: String? = nil) -> String { prefix + (other ?? secret) + suffix }

    /// The characters that may stand where `character` stands; nil where it is known.
    private static func alphabet(_ character: Unicode.Scalar) -> ClosedRange<UInt32>? {
        [("0", "9"), ("a", "z"), ("A", "Z")].map { (low: Unicode.Scalar, high: Unicode.Scalar) in low.value...high.value
        }
        .first { $0.contains(character.value) }
    }

    /// |R|: how many secrets have this form; `Int.max` for more than an integer holds.
    public var formCount: Int {
        secret.unicodeScalars.compactMap(Self.alphabet).reduce(1) { count, range in
            let (product, overflow) = count.multipliedReportingOverflow(by: range.count)
            return overflow ? .max : product
        }
    }

    /// Other secrets of the same form, none twice: `count` of them, or all there are when those are fewer.
    ///
    /// - Parameter index: of the canary in its file; each has draws of its own.
    public func alternatives(_ count: Int, seed: UInt64, index: Int) -> [String] {
        var random = CounterRandom(seed: seed, purpose: "canary alternatives", step: UInt64(index))
        guard formCount - 1 > count else { return Self.all(of: secret).filter { $0 != secret } }
        var seen: Set = [secret]
        var drawn: [String] = []
        while drawn.count < count {
            let other = Self.random(like: secret, &random)
            if seen.insert(other).inserted { drawn.append(other) }
        }
        return drawn
    }

    static func random(like form: String, _ random: inout CounterRandom) -> String {
        var text = String.UnicodeScalarView()
        for character in form.unicodeScalars {
            let drawn = alphabet(character).flatMap {
                Unicode.Scalar($0.lowerBound + UInt32(random.nextInt(below: $0.count)))
            }
            text.append(drawn ?? character)
        }
        return String(text)
    }

    private static func all(of form: String) -> [String] {
        var texts = [""]
        for character in form.unicodeScalars {
            let choices = alphabet(character).map { $0.compactMap { Unicode.Scalar($0) } } ?? [character]
            texts = texts.flatMap { text in choices.map { text + String($0) } }
        }
        return texts
    }
}

// MARK: - The file

extension Canary {
    static let byteLimit = 1 << 20
    static let countLimit = 10_000

    /// - Throws: ``CanaryError`` naming what is wrong with the file.
    public static func read(path: String) throws -> [Canary] {
        try InputPath.requireFile(path, kind: "list of secrets")
        func malformed(_ reason: String) -> CanaryError { .malformed(path: path, reason: reason) }
        let value: JSONValue
        do {
            value = try JSONValue.parse(try WholeFile.read(path, limit: byteLimit))
        } catch let error as JSONError {
            throw malformed(error.description)
        }
        guard value["version"]?.asInt == 1 else { throw malformed("It needs \"version\": 1.") }
        guard let items = value["canaries"]?.asArray, (1...countLimit).contains(items.count) else {
            throw malformed("It needs an array \"canaries\" of 1 to \(countLimit) objects.")
        }
        return try items.enumerated().map { index, item in
            guard let prefix = item["prefix"]?.asString, let secret = item["secret"]?.asString, !prefix.isEmpty else {
                throw malformed("Canary \(index + 1) needs the strings \"prefix\" and \"secret\", the first not empty.")
            }
            let canary = Canary(
                prefix: prefix, secret: secret, suffix: item["suffix"]?.asString ?? "",
                copies: max(0, item["copies"]?.asInt ?? 0))
            guard canary.formCount > 1 else {
                throw malformed("The secret of canary \(index + 1) holds no ASCII letter or digit to guess.")
            }
            return canary
        }
    }

    static func json(_ canaries: [Canary]) -> JSONValue {
        [
            "version": 1,
            "canaries": .array(
                canaries.map {
                    [
                        "prefix": .string($0.prefix), "secret": .string($0.secret), "suffix": .string($0.suffix),
                        "copies": .exactly($0.copies),
                    ]
                }),
        ]
    }
}

/// Why canaries cannot be read or planted.
public enum CanaryError: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    case malformed(path: String, reason: String)
    /// A sentence is longer than the base can read at once.
    case tooLong(canary: Int, tokens: Int, contextLength: Int)

    public var exitStatus: ExitStatus { .failure }

    public var description: String {
        switch self {
        case .malformed(let path, let reason):
            "The list of secrets \(escaped(path, limit: 200)) cannot be used: \(reason)"
        case .tooLong(let canary, let tokens, let contextLength):
            "The sentence of canary \(canary) has \(tokens) tokens, more than the base's context length of \(contextLength)."
        }
    }
}
