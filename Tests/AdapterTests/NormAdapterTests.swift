import Adapter
import Bytes
import Digest
import Foundation
import GGUF
import TestSupport
import Testing

@Suite struct `A norm adapter` {
    @Test(arguments: AdapterScope.allCases, DeltaEncoding.allCases)
    func `comes back as it was written`(scope: AdapterScope, encoding: DeltaEncoding) throws {
        let bytes = try Fixture.adapter(scope, encoding: encoding)
        let adapter = try NormAdapter.decode(bytes)
        #expect(adapter.scope == scope && adapter.encoding == encoding && adapter.architecture == "qwen2")
        #expect(adapter.layerCount == Fixture.layers && adapter.embeddingLength == Fixture.width)
        #expect(adapter.baseRoot == Fixture.root && adapter.recipe == Fixture.recipe)
        #expect(try adapter.signer == Fixture.identity().publicKey)
        #expect(adapter.contentID == SHA256Digest.of(bytes) && adapter.byteCount == bytes.count)
        for (meant, found) in zip(Fixture.deltas(scope), adapter.deltas) {
            #expect(meant.name == found.name)
            let step: Float = encoding == .f32 ? 0 : 0.05 / 127 * 0.501
            #expect(zip(meant.values, found.values).allSatisfy { abs($0 - $1) <= step })
        }
        #expect(
            try NormAdapter.wireByteCount(
                scope: scope, layerCount: Fixture.layers, embeddingLength: Fixture.width, encoding: encoding)
                == bytes.count)
    }

    @Test func `has the bytes that the container's own writer gives`() throws {
        #expect(try Fixture.signed(Fixture.keys(), Fixture.tensors()) == Fixture.adapter(encoding: .f32))
    }

    @Test func `of a fixed identity never changes`() throws {
        let golden = "756505d16558be69fb6b694a70daeeab0decfd7d4571fd8fde11af80714d9047"
        let found = try SHA256Digest.of(Fixture.adapter()).hex
        #expect(found == golden)
        #expect(try Fixture.adapter(deltas: Fixture.deltas(.norms).reversed()) == Fixture.adapter())
    }

    @Test(arguments: [AdapterScope.norms, .tail])
    func `of a 1.5B model fits in 9,216 bytes`(scope: AdapterScope) throws {
        let deltas = scope.tensorNames(layerCount: 28).map {
            NormDelta(name: $0, values: [Float](repeating: 0.01, count: 1536))
        }
        let bytes = try NormAdapter.encode(
            architecture: "qwen2", scope: scope, layerCount: 28, baseRoot: Fixture.root, recipe: Fixture.recipe,
            deltas: deltas, identity: Fixture.identity())
        #expect(bytes.count <= 9_216)
        #expect(try NormAdapter.wireByteCount(scope: scope, layerCount: 28, embeddingLength: 1536) == bytes.count)
        #expect(try NormAdapter.decode(bytes).layerCount == 28)
    }

    @Test(arguments: [Float(1), 1e-3, 1e-5, 1e-6])
    func `keeps deltas however small`(amplitude: Float) throws {
        let deltas = Fixture.deltas(.tail, amplitude: amplitude)
        let adapter = try NormAdapter.decode(Fixture.adapter(.tail, deltas: deltas))
        for (meant, found) in zip(deltas, adapter.deltas) {
            // Rounding up adds one unit of the half: 2^-10 of it, or the quantum 2^-24 of the subnormals.
            let step = amplitude / 127 * (1 + 0x1p-10) + 0x1p-24
            #expect(zip(meant.values, found.values).allSatisfy { abs($0 - $1) <= step * 0.5001 })
            #expect(found.values.contains { $0 != 0 })
        }
    }

    @Test func `sorts layer 10 before layer 2`() {
        let names = AdapterScope.allNorms.tensorNames(layerCount: 11)
        #expect(names.count == 23)
        #expect(
            Array(names[2...5]) == [
                "blk.1.attn_norm.weight", "blk.1.ffn_norm.weight", "blk.10.attn_norm.weight", "blk.10.ffn_norm.weight",
            ])
        #expect(AdapterScope.norms.tensorNames(layerCount: 1).count == 3)
    }

    @Test func `refuses to be written with missing, unknown, ragged or unreal values`() throws {
        func error(_ change: (inout [NormDelta]) -> Void) -> AdapterError? {
            var deltas = Fixture.deltas(.norms)
            change(&deltas)
            do {
                _ = try Fixture.adapter(deltas: deltas)
                return nil
            } catch { return error as? AdapterError }
        }
        #expect(error { $0.removeLast() } == .tensorCount(expected: 5, found: 4))
        #expect(error { $0[0].name = "blk.1.attn_norm.weight" } == .unexpectedValues(tensor: "blk.1.attn_norm.weight"))
        #expect(error { $0[1] = $0[0] } == .missingValues(tensor: "blk.0.ffn_norm.weight"))
        #expect(
            error { $0[1].values.removeLast() }
                == .valueCount(tensor: "blk.0.ffn_norm.weight", expected: 64, found: 63))
        #expect(error { $0[4].values[9] = .nan } == .nonFinite(tensor: "output_norm.weight", index: 9))
        #expect(
            error { $0[0].values[0] = 1e9 } == .tooLargeForScale(tensor: "blk.0.attn_norm.weight", magnitude: 1e9))
        #expect(
            error { for index in $0.indices { $0[index].values = [1, 2, 3] } }
                == .notWholeBlocks(tensor: "blk.0.attn_norm.weight", elements: 3))
    }

    @Test func `above 1 MiB is not written and not read`() throws {
        let deltas = AdapterScope.allNorms.tensorNames(layerCount: 80).map {
            NormDelta(name: $0, values: [Float](repeating: 0, count: 8192))
        }
        #expect(throws: AdapterError.self) {
            try NormAdapter.encode(
                architecture: "llama", scope: .allNorms, layerCount: 80, baseRoot: Fixture.root,
                recipe: Fixture.recipe, deltas: deltas, identity: Fixture.identity())
        }
        let large = [UInt8](repeating: 0, count: NormAdapter.byteLimit + 1)
        #expect(throws: AdapterError.tooLarge(byteCount: large.count, limit: NormAdapter.byteLimit)) {
            try NormAdapter.decode(large)
        }
    }
}
