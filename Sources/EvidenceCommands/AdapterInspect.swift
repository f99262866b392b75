internal import Adapter
internal import Bytes
package import CommandLineKit
internal import Conventions
internal import Digest
internal import GGUF

/// `adapter inspect`: what an adapter says of itself.
package enum AdapterInspect: Command {
    package static let specification = CommandSpecification(
        path: ["adapter", "inspect"], summary: "Show what an adapter holds and who signed it",
        discussion: """
              Checks everything that can be checked without the base: form, finite values, and the signature over the
              whole file. Whether the signer is to be trusted is for the reader to say.
            """,
        operands: [.init(name: "ADAPTER", help: "Adapter or boundary file")], flags: [.json],
        exits: [.init(.mismatch, "the file is not what its signature covers, or breaks a rule of the format")])

    package static func run(_ arguments: Arguments, _ console: Console) throws {
        let path = try arguments.requiredOperand(0)
        try InputPath.requireFile(path, kind: "adapter")
        if (try? GGUFFile(path: path))?["general.type"]?.asString == "boundary" {
            let boundary = try BoundaryFile.read(path: path)
            console.emit("boundary", BoundaryShown.members(boundary, path: path))
            console.show(table(BoundaryShown.rows(boundary)))
            console.show()
            for tensor in boundary.tensors {
                console.show(
                    "  \(escaped(tensor.name))  [\(tensor.dimensions.map(String.init).joined(separator: ", "))]")
            }
            return
        }
        let adapter = try NormAdapter.read(path: path)
        console.emit("adapter", members(adapter, path: path))
        console.show(table(rows(adapter)))
        console.show()
        for delta in adapter.deltas {
            let (norm, largest) = size(delta)
            console.show(
                "  \(escaped(delta.name))  [\(delta.values.count)]  |delta| \(fixed(norm, 5)), largest \(fixed(largest, 5))"
            )
        }
    }

    static func rows(_ adapter: NormAdapter) -> [(String, String)] {
        [
            ("content id", adapter.contentID.hex), ("bytes", grouped(adapter.byteCount)),
            ("architecture", "\(escaped(adapter.architecture)), \(adapter.layerCount) layers"),
            ("scope", adapter.scope.rawValue), ("encoding", adapter.encoding.rawValue),
            ("base root", adapter.baseRoot.hex), ("recipe", adapter.recipe.hex),
            ("signer", adapter.signer.fingerprint), ("signature", "valid"),
        ]
    }

    static func members(_ adapter: NormAdapter, path: String) -> [String: JSONValue] {
        [
            "path": .string(path), "content_id": .string(adapter.contentID.hex),
            "adapter_bytes": .exactly(adapter.byteCount), "architecture": .string(adapter.architecture),
            "layers": .exactly(adapter.layerCount), "embedding_length": .exactly(adapter.embeddingLength),
            "scope": .string(adapter.scope.rawValue), "encoding": .string(adapter.encoding.rawValue),
            "base_root": .string(adapter.baseRoot.hex), "recipe": .string(adapter.recipe.hex),
            "signer": .string(adapter.signer.fingerprint), "signature_valid": true,
            "tensors": .array(
                adapter.deltas.map { delta in
                    let (norm, largest) = size(delta)
                    return [
                        "name": .string(delta.name), "count": .exactly(delta.values.count), "norm": .number(norm),
                        "largest": .number(largest),
                    ]
                }),
        ]
    }

    /// Euclidean norm and largest magnitude of a tensor's deltas.
    private static func size(_ delta: NormDelta) -> (norm: Double, largest: Double) {
        let squares = delta.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        return (squares.squareRoot(), delta.values.reduce(0.0) { max($0, abs(Double($1))) })
    }
}
