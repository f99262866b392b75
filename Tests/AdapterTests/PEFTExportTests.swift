import Adapter
import Bytes
import Digest
import Foundation
import GGUF
import TestSupport
import Testing

@Suite struct `An export for PEFT` {
    let base: GGUFFile
    let adapter: NormAdapter
    let export: PEFTExport

    init() throws {
        base = try GGUFFile(parsing: ByteRegion(Fixture.base()))
        adapter = try NormAdapter.decode(Fixture.adapter())
        export = try PEFTExport(adapter, on: base, baseModel: "some/where")
    }

    /// Header and data of a safetensors file.
    private func parts() throws -> (header: [String: Any], data: [UInt8]) {
        let length = (0..<8).reduce(0) { $0 | Int(export.weights[$1]) << (8 * $1) }
        #expect(length % 8 == 0)
        let header = try JSONSerialization.jsonObject(with: Data(export.weights[8..<8 + length]))
        return (try #require(header as? [String: Any]), Array(export.weights[(8 + length)...]))
    }

    @Test func `names LN tuning, the base and exactly the modules it holds`() throws {
        let found = try #require(
            JSONSerialization.jsonObject(with: Data(export.configuration)) as? [String: Any])
        #expect(found["peft_type"] as? String == "LN_TUNING")
        #expect(found["base_model_name_or_path"] as? String == "some/where")
        #expect(
            found["target_modules"] as? [String] == [
                "model.layers.0.input_layernorm", "model.layers.0.post_attention_layernorm",
                "model.layers.2.input_layernorm", "model.layers.2.post_attention_layernorm", "model.norm",
            ])
    }

    @Test func `holds the effective gains in F32 without gaps, and says what they came from`() throws {
        let (header, data) = try parts()
        let names = [
            "blk.0.attn_norm.weight": "layers.0.input_layernorm",
            "blk.0.ffn_norm.weight": "layers.0.post_attention_layernorm",
            "blk.2.attn_norm.weight": "layers.2.input_layernorm",
            "blk.2.ffn_norm.weight": "layers.2.post_attention_layernorm", "output_norm.weight": "norm",
        ]
        var covered = 0
        for gain in try adapter.effectiveGains(on: base) {
            let name = "base_model.model.model.\(try #require(names[gain.name])).ln_tuning_layers.weight"
            let entry = try #require(header[name] as? [String: Any])
            #expect(entry["dtype"] as? String == "F32")
            #expect(entry["shape"] as? [Int] == [Fixture.width])
            let range = try #require(entry["data_offsets"] as? [Int])
            var bytes = ByteWriter()
            gain.values.forEach { bytes.append($0) }
            #expect(Array(data[range[0]..<range[1]]) == bytes.bytes)
            covered += range[1] - range[0]
        }
        #expect(covered == data.count && header.count == 6)
        let notes = try #require(header["__metadata__"] as? [String: String])
        #expect(notes["format"] == "pt" && notes["polymath.content_id"] == adapter.contentID.hex)
        #expect(notes["polymath.base_root"] == Fixture.root.hex)
        #expect(try notes["polymath.signer"] == Hex.encode(Fixture.identity().publicKey.bytes))
    }

    @Test func `is refused for an architecture whose modules are not known`() throws {
        let deltas = AdapterScope.tail.tensorNames(layerCount: 3).map {
            NormDelta(name: $0, values: [Float](repeating: 0, count: 64))
        }
        let other = try NormAdapter.decode(
            NormAdapter.encode(
                architecture: "llama", scope: .tail, layerCount: 3, baseRoot: Fixture.root, recipe: Fixture.recipe,
                deltas: deltas, identity: Fixture.identity()))
        #expect(throws: AdapterError.noModuleNames(architecture: "llama")) {
            try PEFTExport(other, on: base, baseModel: "x")
        }
    }
}
