// What Hugging Face's PEFT calls LN tuning: the effective gains under its module names, as safetensors and a JSON file.
// A LoRA file cannot hold norm gains, and readers that meet some in one ignore them; so there is no LoRA export.

internal import Bytes
internal import Digest
public import GGUF

/// An adapter as PEFT loads it: `adapter_config.json` and `adapter_model.safetensors`.
///
/// PEFT replaces whole norm layers, so the file holds the effective gains `f32(base + delta)`, not the deltas: put on
/// another base it would carry this base's gains along. Signature and root stay behind; their digests travel as text.
public struct PEFTExport: Equatable, Sendable {
    /// The only architecture whose module names are known here.
    static let architecture = "qwen2"

    /// The bytes of `adapter_config.json`.
    public let configuration: [UInt8]
    /// The bytes of `adapter_model.safetensors`.
    public let weights: [UInt8]

    /// - Parameter baseModel: what `base_model_name_or_path` says: a name or a folder that `transformers` loads.
    /// - Precondition: the adapter has been verified against `base`.
    /// - Throws: ``AdapterError`` for an architecture whose module names are not known.
    public init(_ adapter: NormAdapter, on base: GGUFFile, baseModel: String) throws(AdapterError) {
        guard adapter.architecture == Self.architecture else {
            throw .noModuleNames(architecture: adapter.architecture)
        }
        var tensors: [Safetensors.Tensor] = []
        var modules: [String] = []
        for gain in try adapter.effectiveGains(on: base) {
            let module = try Self.module(ofGain: gain.name)
            modules.append(module)
            tensors.append(
                Safetensors.Tensor(
                    name: "base_model.model.\(module).ln_tuning_layers.weight", shape: [gain.values.count],
                    values: gain.values))
        }
        let configuration: JSONValue = [
            "peft_type": "LN_TUNING", "task_type": "CAUSAL_LM", "base_model_name_or_path": .string(baseModel),
            "inference_mode": true, "target_modules": .array(modules.sorted().map { .string($0) }),
            "modules_to_save": nil,
        ]
        self.configuration = configuration.prettyBytes
        weights = Safetensors.bytes(
            of: tensors,
            metadata: [
                "format": "pt", "polymath.base_root": adapter.baseRoot.hex,
                "polymath.content_id": adapter.contentID.hex, "polymath.signer": Hex.encode(adapter.signer.bytes),
            ])
    }

    /// `model.layers.0.input_layernorm` for `blk.0.attn_norm.weight`, and so on.
    static func module(ofGain name: String) throws(AdapterError) -> String {
        guard let layer = try AdapterScope.layer(ofGain: name) else { return "model.norm" }
        let norm = name.hasSuffix("attn_norm.weight") ? "input_layernorm" : "post_attention_layernorm"
        return "model.layers.\(layer).\(norm)"
    }
}
