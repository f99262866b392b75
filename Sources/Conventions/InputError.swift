internal import Bytes

/// Why what a command was pointed at cannot serve, before any room has read it.
public enum InputError: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    /// `kind` is what was looked for: "adapter", "token file" …
    case missing(kind: String, path: String)
    case isAFolder(kind: String, path: String)
    /// A pipe, a socket or a device.
    case notARegularFile(kind: String, path: String)
    /// The file is there and cannot be used; `reason` is what the room that read it says.
    case unusable(kind: String, path: String, reason: String)
    case exists(path: String, flag: String)
    case notReplaceable(path: String)
    case unknownCorpus(name: String, known: [String], folder: String)
    case missingPart(corpus: String, part: String, file: String)
    /// A corpus without any text that training did not see.
    case nothingHeldOut(corpus: String)
    /// A line of JSON that should be a string.
    case notAString(line: Int)
    /// Two parts of a corpus share text.
    case sharedText(corpus: String, count: Int)
    /// The loss of a target is infinite or no number.
    case lossNotFinite(target: Int)
    case notUTF8(kind: String, offset: Int)

    public var exitStatus: ExitStatus {
        switch self {
        case .missing, .isAFolder, .exists, .notReplaceable, .unknownCorpus, .missingPart, .nothingHeldOut: .usage
        case .sharedText: .mismatch
        case .notARegularFile, .unusable, .notUTF8, .notAString, .lossNotFinite: .failure
        }
    }

    public var description: String {
        switch self {
        case .missing(let kind, let path): "There is no \(kind) at \(escaped(path, limit: 200))."
        case .isAFolder(let kind, let path):
            "\(escaped(path, limit: 200)) is a folder, where \(Self.article(kind)) \(kind) is wanted."
        case .notARegularFile(let kind, let path):
            "\(escaped(path, limit: 200)) is a pipe, socket or device, where \(Self.article(kind)) \(kind) in a regular "
                + "file is wanted."
        case .unusable(let kind, let path, let reason):
            "The \(kind) \(escaped(path, limit: 200)) cannot be used: \(reason)"
        case .exists(let path, let flag):
            "\(escaped(path, limit: 200)) exists already and is not overwritten; choose another name for --\(flag)."
        case .notReplaceable(let path):
            "\(escaped(path, limit: 200)) is a folder, a link, a pipe or a device, and only a file is replaced."
        case .unknownCorpus(let name, let known, let folder):
            "There is no corpus \"\(escaped(name))\": it is neither a path nor a collection in "
                + "\(escaped(folder, limit: 200)) (\(known.isEmpty ? "none" : known.map { escaped($0) }.joined(separator: ", ")))."
        case .missingPart(let corpus, let part, let file):
            "The corpus \(escaped(corpus)) has no \(part) part, since it has no \(file); choose another --part."
        case .nothingHeldOut(let corpus):
            "Nothing of the corpus \(escaped(corpus)) was held out of training; give other text with --against."
        case .notAString(let line): "Line \(line) of standard input is not a JSON string."
        case .sharedText(let corpus, let count):
            "The parts of \(escaped(corpus)) share text in \(count) places, so its test figures would flatter."
        case .lossNotFinite(let target):
            "The loss of target \(target) is not a finite number: the base's weights or the adapter are unusable."
        case .notUTF8(let kind, let offset): "The \(kind) is not UTF-8 text: byte \(offset) cannot be read."
        }
    }

    private static func article(_ noun: String) -> String { "aeiou".contains(noun.prefix(1)) ? "an" : "a" }
}
