internal import Audit
internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import Federation
internal import Foundation

// What the commands of a federation's operator take from their arguments.

extension Arguments {
    /// The files and folders that the operands from `index` on name; none may be missing.
    func inputs(from index: Int) throws -> [String] {
        let inputs = Array(operands.dropFirst(index))
        for input in inputs where InputPath.isMissing(input) {
            throw InputError.missing(kind: "adapter or folder of adapters", path: input)
        }
        return inputs
    }

    /// The records that `--previous` names: of a folder, the files ending in `.json`.
    ///
    /// - Throws: `FederationError`, `TrustError` for a record that is not of an operator in `trust`.
    func previousRecords(trust: SignerTrust) throws -> [AggregationRecord] {
        guard let path = text(.previous) else { return [] }
        guard !InputPath.isMissing(path) else {
            throw InputError.missing(kind: "record or folder of records", path: path)
        }
        var files = [path]
        if InputPath.isFolder(path) {
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: path).sorted() else {
                throw FederationError.folder(path: path)
            }
            files = names.filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.map { path + "/" + $0 }
        }
        return try files.map { file in
            let record = try AggregationRecord.read(path: file)
            _ = try trust.standing(of: record.operator)
            return record
        }
    }
}

extension AggregationRecord {
    /// - Throws: `InputError` where there is none; `FederationError`.
    static func read(path: String) throws -> AggregationRecord {
        try InputPath.requireFile(path, kind: "record")
        return try decode(WholeFile.read(path, limit: byteLimit))
    }
}

/// What is shown of files that do not count.
enum RefusedShown {
    /// On a terminal no more than these; with `--json` all.
    private static let shownCount = 20

    static func show(_ refused: [RefusedFile], _ console: Console) {
        for file in refused {
            console.emit(
                "refused",
                [
                    "path": .string(file.path), "content_id": file.refusal.contentID.map { .string($0.hex) } ?? .null,
                    "signer": file.refusal.signer.map { .string($0) } ?? .null,
                    "reason": .string(file.refusal.reason.rawValue), "sentence": .string(file.refusal.sentence),
                ])
        }
        for file in refused.prefix(shownCount) {
            console.show(
                "refused  \(escaped(file.path, limit: 200)): \(file.refusal.sentence)  [\(file.refusal.reason.rawValue)]"
            )
        }
        if refused.count > shownCount {
            let rest = Dictionary(grouping: refused.dropFirst(shownCount), by: \.refusal.reason)
            let counts = Refusal.Reason.allCases.compactMap { reason in
                rest[reason].map { "\(grouped($0.count)) \(reason.rawValue)" }
            }
            console.show("refused  and \(grouped(refused.count - shownCount)) more: \(counts.joined(separator: ", "))")
        }
    }

    /// How many for each reason.
    static func counts(_ refused: [RefusedFile]) -> JSONValue {
        .object(
            Dictionary(grouping: refused, by: \.refusal.reason.rawValue).mapValues { .exactly($0.count) })
    }
}
