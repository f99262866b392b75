internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import PolymathKit

/// `polymath base synth`: a base of a known shape with random weights.
enum BaseSynth: Command {
    static let specification = CommandSpecification(
        path: ["base", "synth"], summary: "Make a base of a known shape with seeded random weights",
        discussion: """
            For tests and timings where the real file cannot be had: architecture, sizes and storage types are the \
            real ones, the weights are synthetic, and the file says so. Without --vocab its tokenizer spells every \
            text byte by byte.
            """,
        operands: [.init(name: "NAME", help: BaseSynthesis.names.joined(separator: ", "))],
        flags: [.layout, .layers, .vocab, .seed, .out, .home, .json],
        exits: [.init(.resources, "the disk has no room for it")],
        examples: ["polymath base synth qwen-1.5b-q4"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let name = try arguments.requiredOperand(0)
        guard let layout = SyntheticShape.Layout(rawValue: try arguments.requiredText(.layout)) else {
            throw UsageError.impossible("The layout is q4_k_m or q4_0.")
        }
        let seed = try arguments.requiredInteger(.seed)
        let synthesis = try BaseSynthesis(
            name: name, layers: arguments.integer(.layers), layout: layout, seed: UInt64(seed),
            vocabularyPath: arguments.text(.vocab))
        let path = arguments.text(.out) ?? BaseSynthesis.defaultPath(name: name, home: arguments.home)
        let byteCount = try synthesis.write(to: path) { done, total in
            console.progress("Writing synthetic weights", done: done, of: total)
        }
        console.endProgress()
        console.emit(
            "base_synthesised",
            [
                "name": .string(name + "-synthetic"), "path": .string(path), "bytes": .exactly(byteCount),
                "layout": .string(layout.rawValue), "seed": .exactly(seed), "synthetic": .bool(true),
            ])
        console.show("\(escaped(name))-synthetic, synthetic weights, \(layout.rawValue): \(escaped(path, limit: 300))")
        console.show("  \(grouped(byteCount)) bytes of seeded random numbers: it speaks no language")
    }
}
