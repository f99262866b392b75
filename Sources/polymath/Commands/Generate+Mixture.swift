internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import Foundation
internal import Model
internal import PolymathKit
internal import TensorCore
internal import Tokenizer

// What `generate` says of a mixture's parts, and of its audit.

extension Generate {
    /// The specialists, then a row per token, then the text.
    static func show(
        _ result: GenerationRun.Result, of mixture: AdapterMixture, tokenizer: Tokenizer, _ console: Console
    ) {
        let names = mixture.specialists.indices.map { "[\($0 + 1)]" }
        for (name, specialist) in zip(names, mixture.specialists) {
            console.show("\(name) \(escaped(specialist.file, limit: 200))  \(specialist.contentID.hex)")
        }
        console.show()
        let rows = result.attribution.map { drawn in
            ["\"\(escaped(tokenizer.decode([drawn.token])))\"", fixed(drawn.logProbability, 4)]
                + drawn.shares.map { fixed($0, 3) }
        }
        let table = [["token", "log p"] + names] + rows
        let widths = table[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        for row in table {
            let cells = row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }
            console.show(cells.joined(separator: "  "))
        }
        console.show()
        console.stream(result.text)
    }

    static func attribution(_ result: GenerationRun.Result, tokenizer: Tokenizer) -> JSONValue {
        .array(
            result.attribution.map { drawn in
                [
                    "token": .integer(Int64(drawn.token)), "text": .string(tokenizer.decode([drawn.token])),
                    "log_probability": .number(drawn.logProbability),
                    "shares": .array(drawn.shares.map { .number($0) }),
                    "specialist_log_probabilities": .array(drawn.specialists.map { .number($0) }),
                ]
            })
    }

    /// Says what the audit cost, and returns it for JSON.
    static func tell(_ figures: InferenceAudit.Figures, _ audit: InferenceAudit, _ console: Console) -> JSONValue {
        console.note(
            "The base stayed as it was; the chain in \(escaped(audit.folder, limit: 200)) ends at \(figures.head.hex).")
        return [
            "folder": .string(audit.folder), "head": .string(figures.head.hex),
            "cpu_seconds": .number(figures.ownSeconds), "running_cpu_seconds": .number(figures.runningSeconds),
            "process_cpu_seconds": .number(figures.processSeconds),
            "seal_checked_bytes": .exactly(figures.rollingBytes),
        ]
    }
}

extension AdapterMixture {
    /// File names and content ids, in the order of the shares.
    var members: JSONValue {
        .array(specialists.map { ["file": .string($0.file), "content_id": .string($0.contentID.hex)] })
    }
}

extension Arguments {
    /// What `--audit` asks for; nil without it.
    func inferenceAudit(
        _ generation: GenerationRun, _ base: LoadedBase, adapters: [SHA256Digest], _ console: Console
    ) throws -> InferenceAudit? {
        guard let folder = text(.audit) else { return nil }
        let identity = try text(.identity).map { try Identity.loadOrCreate(path: $0) } ?? Identity.loadOrCreate()
        let options: [String: JSONValue] = [
            "mixture": .bool(isOn(.mixture)), "max_tokens": .exactly(generation.maxTokens),
            "temperature": .string("\(generation.temperature)"), "top_p": .string("\(generation.topP)"),
            "seed": .string("\(generation.seed)"), "chat": .bool(generation.isChat),
            "compute": .string(base.arithmetic.rawValue),
        ]
        do {
            let audit = try InferenceAudit(
                folder: folder, base: base, adapters: adapters, options: options, identity: identity,
                output: faultOutput, progress: console.hashingProgress(of: base))
            console.endProgress()
            return audit
        } catch let error as RunError {
            switch error {
            case .holdsRun, .notEmpty:
                throw UsageError.impossible(
                    "The folder \(escaped(folder, limit: 200)) is not empty; give --audit a new or empty one.")
            default: throw error
            }
        }
    }
}
