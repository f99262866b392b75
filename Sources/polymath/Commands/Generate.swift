internal import Adapter
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import Model
internal import PolymathKit

/// `polymath generate`: writes on from a prompt.
enum Generate: Command {
    static let specification = CommandSpecification(
        path: ["generate"], summary: "Write on from a prompt, with or without an adapter",
        discussion: """
              The text goes to standard output as it is written; what was given is not repeated. The same seed gives
              the same text. It ends at the base's end-of-text token, at the end of the assistant's turn, or after
              --max-tokens.
            """,
        flags: [
            .base.required, .adapter, .prompt.required, .chat, .maxTokens, .temperature, .topP, .seed, .compute,
            .threads, .home, .json,
        ],
        exits: [
            .init(.mismatch, "the adapter is for another base or was changed, or the base differs from its record")
        ],
        examples: ["polymath generate --base nano --prompt \"The tide was out and\" --max-tokens 60 --seed 7"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let base = try arguments.loadBase()
        let adapter = try arguments.text(.adapter).map {
            try base.verifiedAdapter(path: $0, progress: console.hashingProgress(of: base))
        }
        console.endProgress()
        if let adapter { try base.attach(adapter) }
        var generation = GenerationRun(
            maxTokens: try arguments.requiredInteger(.maxTokens),
            temperature: try arguments.requiredNumber(.temperature),
            topP: try arguments.requiredNumber(.topP), seed: UInt64(try arguments.requiredInteger(.seed)))
        generation.isChat = arguments.isOn(.chat)
        let result = try generation.run(base, prompt: arguments.requiredText(.prompt)) { piece in
            console.stream(piece)
            return !console.isOutputClosed
        }
        console.show()
        let speed = result.seconds > 0 ? Double(result.tokens.count) / result.seconds : 0
        let ending =
            switch result.end {
            case .stop: "the text ended"
            case .length: "--max-tokens reached"
            case .context: "the context is full"
            }
        console.note(
            "\(result.tokens.count) tokens after \(result.promptTokenCount) of the prompt, "
                + "\(fixed(speed, 1)) tokens/s; \(ending).")
        var members: [String: JSONValue] = [
            "base": .string(base.name), "synthetic_weights": .bool(base.isSynthetic), "text": .string(result.text),
            "tokens": .array(result.tokens.map { .integer(Int64($0)) }), "num_tokens": .exactly(result.tokens.count),
            "num_prompt_tokens": .exactly(result.promptTokenCount), "end": .string(result.end.rawValue),
            "tokens_per_second": .number(speed),
        ]
        if let adapter { members["adapter"] = .string(adapter.contentID.hex) }
        console.emit("generation", members)
    }
}
