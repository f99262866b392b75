internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import GGUF
internal import PolymathKit
internal import Seal
internal import TensorCore

/// `polymath base inspect`: what a base file holds.
enum BaseInspect: Command {
    static let specification = CommandSpecification(
        path: ["base", "inspect"], summary: "Show what a base file holds, and its root",
        operands: [.init(name: "BASE", help: "a name from the catalogue or a GGUF file")],
        flags: [.home, .catalog, .threads, .json],
        exits: [.init(.mismatch, "a named base differs from the catalogue's record")])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let base = try BaseReference.resolve(try arguments.requiredOperand(0), home: arguments.catalogHome)
        let file = try GGUFFile(path: base.path)
        let facts = BaseInspection(file)
        let total = facts.byteCount
        let root = try SealManifest.compute(file, workers: arguments.workers.count) { done in
            console.progress("Hashing \(escaped(base.name))", done: done, of: total)
        }.root
        console.endProgress()
        try base.checkRoot(root)
        console.emit("base", members(base, facts, root))
        show(base, facts, root, console)
    }

    private static func members(
        _ base: ResolvedBase, _ facts: BaseInspection, _ root: SHA256Digest
    ) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "name": .string(base.name), "path": .string(base.path), "title": .string(facts.title ?? ""),
            "architecture": .string(facts.architecture ?? ""), "synthetic": .bool(facts.isSynthetic),
            "bytes": .exactly(facts.byteCount), "tensors": .exactly(facts.tensorCount),
            "parameters": .exactly(facts.parameterCount), "tied": .bool(facts.isTied), "root": .string(root.hex),
            "storage": .array(
                facts.storage.map {
                    ["type": .string($0.type), "tensors": .exactly($0.tensors), "bytes": .exactly($0.byteCount)]
                }),
        ]
        for (name, value) in facts.shape { members[name] = .exactly(value) }
        if let tokenizer = facts.tokenizer { members["vocabulary"] = .exactly(tokenizer.tokens) }
        return members
    }

    private static func show(_ base: ResolvedBase, _ facts: BaseInspection, _ root: SHA256Digest, _ console: Console) {
        console.show("\(escaped(base.name))\(facts.isSynthetic ? "  (synthetic weights)" : "")")
        console.show("  file          \(escaped(base.path, limit: 300)), \(grouped(facts.byteCount)) bytes")
        if let title = facts.title { console.show("  title         \(escaped(title))") }
        console.show("  architecture  \(escaped(facts.architecture ?? "not stated"))")
        let sizes = facts.shape.map { "\($0.name.replacing("_", with: " ")) \(grouped($0.value))" }
        console.show("  shape         \(sizes.joined(separator: ", "))")
        console.show(
            "  tensors       \(facts.tensorCount), \(grouped(facts.parameterCount)) parameters, "
                + (facts.isTied ? "the embedding is the head too" : "a head of its own"))
        for share in facts.storage {
            console.show("  stored as     \(share.type): \(share.tensors) tensors, \(grouped(share.byteCount)) bytes")
        }
        if let tokenizer = facts.tokenizer {
            let split = tokenizer.split.map { "/" + escaped($0) } ?? ""
            console.show("  tokenizer     \(escaped(tokenizer.model))\(split), \(grouped(tokenizer.tokens)) tokens")
        } else {
            console.show("  tokenizer     none: use --tokens")
        }
        console.show("  root          \(root.hex)")
    }
}
