import Foundation
import Adapter
import Blocks
import Bytes
import Digest
import GGUF
import TestSupport
import Testing

/// A base whose matrices are quantised, its boundary file, and what a merge makes of the two.
@Suite struct `A merged boundary file` {
    let folder = TemporaryFolder()
    let width = 256

    private func base(embedding: StorageType = .q4_K, projection: StorageType = .q6_K) throws -> GGUFFile {
        var random = SeededGenerator(seed: 5)
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("qwen2"))
        writer.add("qwen2.block_count", .uint32(3))
        func add(_ name: String, _ type: StorageType, _ dimensions: [Int]) throws {
            let values = (0..<dimensions.reduce(1, *)).map { _ in random.normal() }
            let bytes =
                type.isEncodable
                ? try type.encode(values.span)
                : [UInt8](repeating: 0, count: try #require(type.byteCount(elements: values.count)))
            writer.add(tensor: name, type, dimensions, bytes: bytes)
        }
        try add("token_embd.weight", embedding, [width, 7])
        for layer in 0..<3 {
            try add("blk.\(layer).attn_norm.weight", .f32, [width])
            try add("blk.\(layer).attn_q.bias", .f32, [width])
            try add("blk.\(layer).attn_q.weight", projection, [width, width])
        }
        try add("output_norm.weight", .f32, [width])
        try writer.write(to: folder.path("base.gguf"), placement: .replacing)
        return try GGUFFile(path: folder.path("base.gguf"))
    }

    /// Values that no two types round alike.
    private func boundary(of base: GGUFFile, scale: Float = 1) throws -> String {
        var shapes = base.tensors.filter { BoundaryFile.isBoundary($0.name, layerCount: 3) }.map {
            ($0.name, $0.dimensions)
        }
        shapes.append(("output.weight", [width, 7]))
        let sources = shapes.map { name, dimensions in
            BoundaryFile.Source(name: name, dimensions: dimensions) { range in
                range.map { Float($0 % 331 - 165) / 211 * scale }
            }
        }
        try? FileManager.default.removeItem(atPath: folder.path("boundary.gguf"))
        try BoundaryFile.write(
            to: folder.path("boundary.gguf"), architecture: "qwen2", layerCount: 3, baseRoot: Fixture.root,
            recipe: Fixture.recipe, sources: sources, identity: Fixture.identity())
        return folder.path("boundary.gguf")
    }

    private func merged(_ types: BoundaryTypes, scale: Float = 1) throws -> (base: GGUFFile, merged: GGUFFile) {
        let base = try base()
        try Merge.write(
            base: base, root: Fixture.root, boundaryFile: boundary(of: base, scale: scale), types: types,
            to: folder.path("merged.gguf"))
        return (base, try GGUFFile(path: folder.path("merged.gguf")))
    }

    @Test(arguments: BoundaryTypes.allCases)
    func `has the types asked for, their encoding of the values, and the base's bytes elsewhere`(
        types: BoundaryTypes
    ) throws {
        let (base, merged) = try merged(types)
        #expect(merged.tensors.map(\.name) == base.tensors.map(\.name) + ["output.weight"])
        for tensor in merged.tensors {
            let old = base.tensor(named: tensor.name)
            let bytes = merged.region(of: tensor)
            guard BoundaryFile.isBoundary(tensor.name, layerCount: 3) else {
                #expect(try bytes.hasSameBytes(as: base.region(of: #require(old))))
                continue
            }
            let type: StorageType =
                switch types {
                case .f32: .f32
                case .f16: tensor.dimensions.count == 2 ? .f16 : .f32
                case .base: old?.type ?? .q4_K
                }
            #expect(tensor.type == type, "\(tensor.name)")
            let values = (0..<tensor.elementCount).map { Float($0 % 331 - 165) / 211 }
            #expect(try bytes.array == type.encode(values.span), "\(tensor.name)")
        }
        let added = base.tensors.isEmpty ? [] : ["base_root", "content_id", "signer"].map { "polymath.merge.\($0)" }
        #expect(merged.records.map(\.key) == base.records.map(\.key) + added)
    }

    @Test func `is refused where a value or a type does not fit, and nothing is left`() throws {
        #expect(throws: AdapterError.outOfRange(tensor: "blk.0.attn_q.weight", value: -78_199.055, type: "F16")) {
            try merged(.f16, scale: 100_000)
        }
        let base = try base(projection: .q5_K)
        #expect(throws: AdapterError.notStorable(tensor: "blk.0.attn_q.weight", type: "Q5_K")) {
            try Merge.write(
                base: base, root: Fixture.root, boundaryFile: boundary(of: base), types: .base,
                to: folder.path("merged.gguf"))
        }
        #expect(folder.names == ["base.gguf", "boundary.gguf"])
    }
}
