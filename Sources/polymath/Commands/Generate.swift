internal import Adapter
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import Foundation
internal import Model
internal import PolymathKit
internal import Seal

/// `polymath generate`: writes on from a prompt.
enum Generate: Command {
    static let specification = CommandSpecification(
        path: ["generate"], summary: "Write on from a prompt, with or without adapters",
        discussion: """
              The text goes to standard output as it is written; what was given is not repeated. The same seed gives
              the same text. It ends at the base's end-of-text token, at the end of the assistant's turn, or after
              --max-tokens. With --mixture, several adapters speak as one: each keeps to itself, and the next token is
              drawn from the mean of their probabilities; their order changes nothing. With --attribute, a table says
              what each of them gave every token. With --audit, the base is watched and a signed chain tells of the
              reply without its words.
            """,
        flags: [
            .base.required, .adapters, .mixture, .attribute, .prompt.required, .chat, .maxTokens, .temperature, .topP,
            .seed, .compute, .audit, .identity, .threads, .home, .json,
        ],
        exits: [
            .init(.sealViolation, "the base changed while it was watched (--audit)"),
            .init(.mismatch, "the adapter is for another base or was changed, or the base differs from its record"),
        ],
        examples: [
            "polymath generate --base nano --prompt \"The tide was out and\" --max-tokens 60 --seed 7",
            "polymath generate --base nano --mixture --attribute --adapter a.gguf --adapter b.gguf --prompt \"We met\"",
        ])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let paths = arguments.texts(.adapters)
        try refuseImpossible(arguments, adapters: paths.count)
        let base = try arguments.loadBase()
        let adapters = try paths.map {
            (path: $0, adapter: try base.verifiedAdapter(path: $0, progress: console.hashingProgress(of: base)))
        }
        console.endProgress()
        let mixture = arguments.isOn(.mixture) ? try AdapterMixture(base, adapters: adapters) : nil
        if mixture == nil, let adapter = adapters.first?.adapter { try base.attach(adapter) }
        var generation = GenerationRun(
            maxTokens: try arguments.requiredInteger(.maxTokens),
            temperature: try arguments.requiredNumber(.temperature),
            topP: try arguments.requiredNumber(.topP), seed: UInt64(try arguments.requiredInteger(.seed)))
        generation.isChat = arguments.isOn(.chat)
        let ids = mixture?.specialists.map(\.contentID) ?? adapters.map(\.adapter.contentID)
        let prompt = try arguments.requiredText(.prompt)
        if arguments.isGiven(.audit) { try generation.check(base, prompt: prompt) }
        let audit = try arguments.inferenceAudit(generation, base, adapters: ids, console)
        let isAttributed = arguments.isOn(.attribute)
        let take: (String) -> Bool = { piece in
            // A table is no text: it comes when the text is whole.
            if !isAttributed { console.stream(piece) }
            return !console.isOutputClosed
        }
        let result =
            if let mixture {
                try generation.run(base, mixture: mixture, prompt: prompt, audit: audit, emit: take)
            } else {
                try generation.run(base, prompt: prompt, audit: audit, emit: take)
            }
        let figures = try audit?.close()
        if let mixture, isAttributed {
            try show(result, of: mixture, tokenizer: base.tokenizer(), console)
        }
        console.show()
        report(result, console)
        var members = members(result, base)
        if mixture == nil, let adapter = adapters.first?.adapter { members["adapter"] = .string(adapter.contentID.hex) }
        if let mixture { members["specialists"] = mixture.members }
        if isAttributed { members["attribution"] = try attribution(result, tokenizer: base.tokenizer()) }
        if let figures, let audit { members["audit"] = tell(figures, audit, console) }
        console.emit("generation", members)
    }

    private static func refuseImpossible(_ arguments: Arguments, adapters: Int) throws {
        let isMixture = arguments.isOn(.mixture)
        if isMixture, adapters == 0 {
            throw UsageError.impossible("--mixture needs adapters to mix: give --adapter FILE, once for each.")
        }
        if !isMixture, adapters > 1 {
            throw UsageError.impossible("Several adapters can only speak together as a mixture: give --mixture.")
        }
        if arguments.isOn(.attribute), !isMixture {
            throw UsageError.impossible("--attribute shows the shares of a mixture's adapters: give --mixture.")
        }
        if arguments.isGiven(.identity), !arguments.isGiven(.audit) {
            throw UsageError.impossible("--identity signs the audit's chain: give --audit DIR.")
        }
    }

    private static func report(_ result: GenerationRun.Result, _ console: Console) {
        let ending =
            switch result.end {
            case .stop: "the text ended"
            case .length: "--max-tokens reached"
            case .context: "the context is full"
            }
        console.note(
            "\(result.tokens.count) tokens after \(result.promptTokenCount) of the prompt, "
                + "\(fixed(speed(result), 1)) tokens/s; \(ending).")
    }

    private static func members(_ result: GenerationRun.Result, _ base: LoadedBase) -> [String: JSONValue] {
        [
            "base": .string(base.name), "synthetic_weights": .bool(base.isSynthetic), "text": .string(result.text),
            "tokens": .array(result.tokens.map { .integer(Int64($0)) }), "num_tokens": .exactly(result.tokens.count),
            "num_prompt_tokens": .exactly(result.promptTokenCount), "end": .string(result.end.rawValue),
            "tokens_per_second": .number(speed(result)),
        ]
    }

    private static func speed(_ result: GenerationRun.Result) -> Double {
        result.seconds > 0 ? Double(result.tokens.count) / result.seconds : 0
    }
}
