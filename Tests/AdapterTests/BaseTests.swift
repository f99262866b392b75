import Adapter
import Blocks
import Bytes
import Digest
import Foundation
import GGUF
import TestSupport
import Testing

@Suite struct `Against a base` {
    @Test func `an adapter belongs to one root, architecture, depth and width`() throws {
        let base = try GGUFFile(parsing: ByteRegion(Fixture.base()))
        let adapter = try NormAdapter.decode(Fixture.adapter())
        try adapter.verify(against: base, root: Fixture.root)
        #expect(throws: AdapterError.otherRoot(adapter: Fixture.root, base: Fixture.recipe)) {
            try adapter.verify(against: base, root: Fixture.recipe)
        }
        func encoded(_ architecture: String, layers: Int, width: Int) throws -> NormAdapter {
            let deltas = AdapterScope.norms.tensorNames(layerCount: layers).map {
                NormDelta(name: $0, values: [Float](repeating: 0.1, count: width))
            }
            return try NormAdapter.decode(
                NormAdapter.encode(
                    architecture: architecture, scope: .norms, layerCount: layers, baseRoot: Fixture.root,
                    recipe: Fixture.recipe, deltas: deltas, identity: Fixture.identity()))
        }
        #expect(throws: AdapterError.otherArchitecture(adapter: "llama", base: "qwen2")) {
            try encoded("llama", layers: 3, width: 64).verify(against: base, root: Fixture.root)
        }
        #expect(throws: AdapterError.otherLayerCount(adapter: 4, base: 3)) {
            try encoded("qwen2", layers: 4, width: 64).verify(against: base, root: Fixture.root)
        }
        #expect(throws: AdapterError.shape(tensor: "blk.0.attn_norm.weight", expected: [32], found: [64])) {
            try encoded("qwen2", layers: 3, width: 32).verify(against: base, root: Fixture.root)
        }
    }

    @Test func `a delta above the largest gain is refused`() throws {
        let base = try GGUFFile(parsing: ByteRegion(Fixture.base()))
        var deltas = Fixture.deltas(.norms)
        deltas[4].values[3] = 9
        let adapter = try NormAdapter.decode(Fixture.adapter(encoding: .f32, deltas: deltas))
        do {
            try adapter.verify(against: base, root: Fixture.root)
            Issue.record("accepted")
        } catch {
            guard case .deltaTooLarge("output_norm.weight", 9, _) = error else { throw error }
        }
    }

    @Test func `a merge differs in the trained gains alone and never replaces the base`() throws {
        let folder = TemporaryFolder()
        try AtomicFile.write(Fixture.base(), to: folder.path("base.gguf"))
        let base = try GGUFFile(path: folder.path("base.gguf"))
        let adapter = try NormAdapter.decode(Fixture.adapter(.tail))
        #expect(throws: AdapterError.wouldReplaceBase(path: folder.path("base.gguf"))) {
            try Merge.write(base: base, root: Fixture.root, adapter: adapter, to: folder.path("base.gguf"))
        }
        try Merge.write(base: base, root: Fixture.root, adapter: adapter, to: folder.path("merged.gguf"))
        #expect(folder.names == ["base.gguf", "merged.gguf"])
        let merged = try GGUFFile(path: folder.path("merged.gguf"))
        #expect(merged["polymath.merge.content_id"]?.asString == adapter.contentID.hex)
        #expect(merged["polymath.merge.base_root"]?.asString == Fixture.root.hex)
        #expect(try merged["polymath.merge.signer"]?.asString == Hex.encode(Fixture.identity().publicKey.bytes))
        #expect(merged.tensors.map(\.name) == base.tensors.map(\.name))
        let gains = Dictionary(uniqueKeysWithValues: try adapter.effectiveGains(on: base).map { ($0.name, $0.values) })
        for tensor in base.tensors {
            let new = try #require(merged.tensor(named: tensor.name))
            let bytes = merged.region(of: new)
            if let values = gains[tensor.name] {
                #expect(bytes.withBytes { new.type.decoded($0) } == values)
                #expect(!bytes.hasSameBytes(as: base.region(of: tensor)))
            } else {
                #expect(bytes.hasSameBytes(as: base.region(of: tensor)))
            }
        }
    }

    @Test(arguments: [true, false])
    func `a boundary file is read back, belongs to its base and merges`(tied: Bool) throws {
        let folder = TemporaryFolder()
        try AtomicFile.write(Fixture.base(tied: tied), to: folder.path("base.gguf"))
        let base = try GGUFFile(path: folder.path("base.gguf"))
        var shapes = base.tensors.filter { BoundaryFile.isBoundary($0.name, layerCount: 3) }.map {
            ($0.name, $0.dimensions)
        }
        if tied { shapes.append(("output.weight", [64, 5])) }
        let sources = shapes.map { name, dimensions in
            BoundaryFile.Source(name: name, dimensions: dimensions) { range in range.map { Float($0) / 7 } }
        }
        let path = folder.path("boundary.gguf")
        let contentID = try BoundaryFile.write(
            to: path, architecture: "qwen2", layerCount: 3, baseRoot: Fixture.root, recipe: Fixture.recipe,
            sources: sources, identity: Fixture.identity())
        let boundary = try BoundaryFile.read(path: path)
        #expect(boundary.contentID == contentID && boundary.tensors.count == 8)
        try boundary.verify(against: base, root: Fixture.root)
        #expect(throws: AdapterError.otherRoot(adapter: Fixture.root, base: Fixture.recipe)) {
            try boundary.verify(against: base, root: Fixture.recipe)
        }
        try Merge.write(base: base, root: Fixture.root, boundaryFile: path, to: folder.path("merged.gguf"))
        let merged = try GGUFFile(path: folder.path("merged.gguf"))
        let head = try #require(merged.tensor(named: "output.weight"))
        #expect(merged.region(of: head).withBytes { head.type.decoded($0) }[7] == 1)

        var bytes = try WholeFile.read(path)
        for index in stride(from: 0, to: bytes.count, by: 97) {
            bytes[index] ^= 4
            #expect(throws: AdapterError.self, "byte \(index)") { try BoundaryFile.decode(ByteRegion(bytes)) }
            bytes[index] ^= 4
        }
        let partialPath = folder.path("partial.gguf")
        _ = try BoundaryFile.write(
            to: partialPath, architecture: "qwen2", layerCount: 3, baseRoot: Fixture.root, recipe: Fixture.recipe,
            sources: Array(sources.dropFirst()), identity: Fixture.identity())
        let partial = try BoundaryFile.read(path: partialPath)
        #expect(throws: AdapterError.self) { try partial.verify(against: base, root: Fixture.root) }
    }

    @Test func `a path that is missing or empty is one sentence`() throws {
        let folder = TemporaryFolder()
        #expect(throws: AdapterError.self) { try NormAdapter.read(path: folder.path("none.gguf")) }
        try AtomicFile.write([], to: folder.path("empty.gguf"))
        #expect(throws: AdapterError.self) { try NormAdapter.read(path: folder.path("empty.gguf")) }
    }
}
