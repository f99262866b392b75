public import Conventions

import Bytes

/// Why a base cannot be named, found, fetched or made.
public enum BaseError: ExitReporting, Equatable, Sendable, CustomStringConvertible {
    // Names and files
    case unknownName(name: String, known: [String], folder: String)
    case notFetched(name: String, path: String, hasSource: Bool, layout: Bool)
    case notMade(name: String, path: String)
    case noSuchFile(path: String)
    case notAFile(path: String)
    case unreadable(path: String, reason: String)
    /// The file cannot be mapped under the limits of this process.
    case noMemory(path: String, byteCount: Int)
    case emptyFile(path: String)
    case notGGUF(path: String, magic: [UInt8])
    case tooShort(path: String, byteCount: Int)

    // Against the record
    case sizeDiffers(name: String, path: String, expected: Int, got: Int)
    case rootDiffers(name: String, expected: String, got: String)
    case contentDiffers(name: String, path: String, expected: String, got: String)
    case digestDiffers(name: String, url: String, expected: String, got: String)

    // The catalogue
    case badCatalog(path: String, reason: String)

    // Fetching
    case notInCatalog(name: String, known: [String])
    case noSource(name: String, file: String)
    case noServer(url: String, reason: String)
    case refused(url: String, status: Int)
    case wrongLength(url: String, expected: Int, announced: Int)
    case interrupted(url: String, received: Int, expected: Int, part: String, reason: String)
    case busy(part: String)
    /// A file that no interrupted transfer of this program has left.
    case foreignPart(part: String)
    case irregularPart(part: String)
    /// Something else has got the name of what was fetched.
    case taken(path: String, part: String)

    // Making
    case noShape(name: String, known: [String])
    case badVocabulary(path: String, reason: String)
    case exists(path: String)
    case wouldReplaceInput(path: String)

    // Room
    case noSpace(path: String, needed: Int, available: Int)
    case io(path: String, reason: String)

    public var exitStatus: ExitStatus {
        switch self {
        case .unknownName, .notFetched, .notMade, .noSuchFile, .notInCatalog, .noSource, .noShape, .exists,
            .foreignPart,
            .irregularPart, .taken, .wouldReplaceInput:
            .usage
        case .sizeDiffers, .rootDiffers, .contentDiffers, .digestDiffers, .wrongLength: .mismatch
        case .noSpace, .noMemory: .resources
        case .notAFile, .unreadable, .emptyFile, .notGGUF, .tooShort, .badCatalog, .noServer, .refused, .interrupted,
            .busy, .badVocabulary, .io:
            .failure
        }
    }

    public var description: String { sentence.hasSuffix(".") ? sentence : sentence + "." }

    private var sentence: String {
        switch self {
        case .unknownName(let name, let known, let folder):
            known.isEmpty
                ? "There is no base '\(escaped(name))': '\(escaped(folder))' holds none, "
                    + "and a file is named by its path (./model.gguf)"
                : "There is no base '\(escaped(name))'; known are \(Self.list(known)), "
                    + "and a file is named by its path (./model.gguf)"
        case .notFetched(let name, let path, let hasSource, let layout):
            "The base '\(escaped(name))' is not here ('\(escaped(path))' does not exist): "
                + Self.waysOn(name, pull: hasSource, synth: layout)
        case .notMade(let name, let path):
            "The base '\(escaped(name))' is not here ('\(escaped(path))' does not exist): make it with "
                + "'polymath base synth \(escaped(String(name.dropLast("-synthetic".count))))'"
        case .noSuchFile(let path):
            "The base file '\(escaped(path))' does not exist"
        case .notAFile(let path):
            "'\(escaped(path))' is a folder or a device, and a base is a GGUF file"
        case .unreadable(let path, let reason):
            "The base file '\(escaped(path))' cannot be read: \(escaped(reason))"
        case .noMemory(let path, let byteCount):
            "The base file '\(escaped(path))' cannot be mapped: its \(byteCount) bytes are more addresses than the limits of "
                + "this process leave it"
        case .emptyFile(let path):
            "The base file '\(escaped(path))' is empty"
        case .notGGUF(let path, let magic):
            "'\(escaped(path))' is not a GGUF file: it begins with \(magic.map(Self.hex).joined(separator: " ")) "
                + "where 47 47 55 46 ('GGUF') should be"
        case .tooShort(let path, let byteCount):
            "The base file '\(escaped(path))' is truncated: it holds \(byteCount) bytes, and a GGUF header alone has 24"
        case .sizeDiffers(let name, let path, let expected, let got):
            "'\(escaped(path))' is not the catalogue's '\(escaped(name))': it holds \(got) bytes where the record says "
                + "\(expected); remove it and fetch it again, or name it by its path to use it as it is"
        case .rootDiffers(let name, let expected, let got):
            "The base '\(escaped(name))' differs from its record: its root is \(got), and the catalogue says \(expected)"
        case .contentDiffers(let name, let path, let expected, let got):
            "'\(escaped(path))' is not the catalogue's '\(escaped(name))': its SHA-256 is \(got), and the record says "
                + "\(expected); remove it and fetch it again"
        case .digestDiffers(let name, let url, let expected, let got):
            "What '\(escaped(url, limit: 300))' sent is not '\(escaped(name))': its SHA-256 is \(got), and the catalogue "
                + "says \(expected); the bytes were removed"
        case .badCatalog(let path, let reason):
            "The catalogue '\(escaped(path))' cannot be used: \(reason)"
        case .notInCatalog(let name, let known):
            "The catalogue has no base '\(escaped(name))'; it has \(Self.list(known))"
        case .noSource(let name, let file):
            "The base '\(escaped(name))' comes with the repository ('\(escaped(file))') and has no address to fetch from"
        case .noServer(let url, let reason):
            "No answer from '\(escaped(url, limit: 300))': \(escaped(reason))"
        case .refused(let url, let status):
            "The server answered \(status) to '\(escaped(url, limit: 300))', where 200 or 206 would be right"
        case .wrongLength(let url, let expected, let announced):
            "'\(escaped(url, limit: 300))' has \(announced) bytes where the catalogue says \(expected): "
                + "it is another file, and nothing was kept"
        case .interrupted(let url, let received, let expected, let part, let reason):
            "The transfer from '\(escaped(url, limit: 300))' broke off after \(received) of \(expected) bytes "
                + "(\(escaped(reason))); they are kept in '\(escaped(part))', and the same command goes on from there"
        case .busy(let part):
            "Another process is writing '\(escaped(part))'; wait for it to end"
        case .foreignPart(let part):
            "'\(escaped(part))' was not left by an interrupted 'base pull', so it stays as it is; move it away, and run "
                + "the command again"
        case .irregularPart(let part):
            "'\(escaped(part))' is a link, a folder, a pipe or a device, where the bytes of a transfer should go; move it "
                + "away, and run the command again"
        case .taken(let path, let part):
            "'\(escaped(path))' exists by now and stays as it is; what was fetched is whole and kept in "
                + "'\(escaped(part))'"
        case .noShape(let name, let known):
            "No shape is known for '\(escaped(name))'; synthetic weights can be made for \(Self.list(known))"
        case .badVocabulary(let path, let reason):
            "'\(escaped(path))' cannot serve as the vocabulary: \(reason)"
        case .exists(let path):
            "'\(escaped(path))' exists already; remove it first or name another file with --out"
        case .wouldReplaceInput(let path):
            "'\(escaped(path))' is the vocabulary that is read, and would be replaced; name another file with --out"
        case .noSpace(let path, let needed, let available):
            "'\(escaped(path))' needs \(needed) bytes and its file system has \(available) free"
        case .io(let path, let reason):
            "'\(escaped(path))' cannot be written: \(escaped(reason))"
        }
    }

    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.map { "'\(escaped($0))'" }.joined(separator: ", ")
    }

    private static func hex(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    private static func waysOn(_ name: String, pull: Bool, synth: Bool) -> String {
        let name = escaped(name)
        return switch (pull, synth) {
        case (true, true):
            "fetch it with 'polymath base pull \(name)', or make one of the same shape with random weights with "
                + "'polymath base synth \(name)' and train on '\(name)-synthetic'"
        case (true, false): "fetch it with 'polymath base pull \(name)'"
        case (false, true): "make one with random weights with 'polymath base synth \(name)'"
        case (false, false): "it comes with the repository, so restore that file from there"
        }
    }
}
