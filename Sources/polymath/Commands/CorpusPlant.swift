internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import PolymathKit

/// `polymath corpus plant`: a copy of a corpus with canaries in it.
enum CorpusPlant: Command {
    static let specification = CommandSpecification(
        path: ["corpus", "plant"], summary: "Copy a corpus with made-up secrets in it, to probe for afterwards",
        discussion: """
              Writes a new folder that holds the corpus's parts, with sentences such as "Locker 3812 opens with the number
              481730295." as documents of their own among the training text, and secrets.json with the list of them. Train
              on the folder, then ask polymath adapter privacy --secrets. The same seed makes the same secrets.
            """,
        operands: [.init(name: "CORPUS", help: "A collection's name, a folder or a file")],
        flags: [.out.required, .canaries, .copies, .seed, .home, .json],
        examples: ["polymath corpus plant skerry-diary --out planted --canaries 9 --copies 1,4,16"])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let reference = try arguments.requiredOperand(0)
        let out = try arguments.requiredText(.out)
        let text = try arguments.requiredText(.copies)
        let copies = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard copies.allSatisfy({ (1...10_000).contains($0 ?? 0) }) else {
            throw UsageError.badValue(
                flag: Flag.copies.name, value: text, expected: "whole numbers from 1 to 10000 with commas between them")
        }
        try InputPath.requireFree(out)
        let corpus = try CorpusLibrary(home: arguments.home).load(reference)
        let planting = CanaryPlanting(
            count: try arguments.requiredInteger(.canaries), copies: copies.compactMap { $0 },
            seed: UInt64(try arguments.requiredInteger(.seed)))
        let canaries = try planting.write(corpus, to: out)
        let total = canaries.reduce(0) { $0 + $1.copies }
        let list = out + "/" + CanaryPlanting.listName
        console.emit(
            "planted",
            [
                "path": .string(out), "secrets": .string(list), "canaries": .exactly(canaries.count),
                "sentences": .exactly(total),
            ])
        console.show(
            table([
                ("written", escaped(out, limit: 300)), ("secrets", escaped(list, limit: 300)),
                ("canaries", "\(canaries.count), in \(grouped(total)) sentences"),
            ]))
    }
}
