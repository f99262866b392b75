// A base against what somebody wrote down of it: the lines of llama-gguf-hash, or a seal.json.

internal import Bytes
internal import Digest
public import Seal

/// A record of a base's digests, in either of its two forms.
public enum SealVerification: Sendable {
    case lines([HashList.Line])
    case manifest(SealManifest)

    /// Reads a record; one that begins with `{` is a `seal.json`.
    ///
    /// - Throws: ``SealError``, `JSONError` for what is neither.
    public init(_ bytes: [UInt8]) throws {
        if bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") {
            self = .manifest(try SealManifest(json: JSONValue.parse(bytes)))
            return
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SealError.malformed(member: "text", expected: "UTF-8")
        }
        let lines = try HashList.parse(text)
        guard lines.contains(where: { $0.tensor != nil }) else {
            throw SealError.malformed(member: "list", expected: "at least one line with a tensor's SHA-256")
        }
        self = .lines(lines)
    }

    /// Holds a base, as hashed now, against the record.
    public func judge(_ found: SealManifest) -> Verdict {
        var verdict = Verdict()
        switch self {
        case .lines(let lines): Self.judge(found, lines, &verdict)
        case .manifest(let recorded):
            let lines = recorded.tensors.map {
                HashList.Line(fileName: recorded.fileName, tensor: $0.name, digest: $0.digest)
            }
            Self.judge(found, lines, &verdict)
            let isSame = recorded.root == found.root
            verdict.add(
                "root", isSame ? .passed : .failed, .arithmetic,
                isSame
                    ? "The base has the recorded root \(found.root.hex): metadata, types and shapes are the same too."
                    : "The base has the root \(found.root.hex), and the record names \(recorded.root.hex).")
        }
        return verdict
    }

    private static func judge(_ found: SealManifest, _ lines: [HashList.Line], _ verdict: inout Verdict) {
        let result = HashList.compare(found, with: lines)
        if result.matching > 0 {
            verdict.add(
                "tensors", .passed, .arithmetic, "\(result.matching) tensors have the SHA-256 that the list records.")
        }
        for (name, tensors, what) in [
            ("tensors-different", result.different, "another SHA-256 than the list records"),
            ("tensors-missing", result.missing, "a line in the list and no bytes in the base"),
            ("tensors-unlisted", result.unlisted, "bytes in the base and no line in the list"),
        ] {
            guard let first = tensors.first else { continue }
            verdict.add(
                name, .failed, .arithmetic,
                tensors.count == 1
                    ? "The tensor “\(escaped(first))” has \(what)."
                    : "\(tensors.count) tensors have \(what); the first is “\(escaped(first))”.")
        }
    }
}
