internal import Adapter
internal import GGUF

/// What all adapters of a round have in common, once they have been verified against its base.
struct RoundShape: Sendable {
    let architecture: String
    let layerCount: Int
    let embeddingLength: Int
    /// In file order.
    let names: [String]
    /// For each encoding that occurs.
    let places: [DeltaEncoding: DeltaPlaces]

    init(base: GGUFFile, scope: AdapterScope, encodings: Set<DeltaEncoding>) throws(AdapterError) {
        architecture = base["general.architecture"]?.asString ?? ""
        layerCount = base["\(architecture).block_count"]?.asInt ?? 0
        names = scope.tensorNames(layerCount: layerCount)
        embeddingLength = base.tensor(named: "output_norm.weight")?.dimensions.first ?? 0
        var places: [DeltaEncoding: DeltaPlaces] = [:]
        for encoding in encodings {
            places[encoding] = try DeltaPlaces(
                scope: scope, encoding: encoding, layerCount: layerCount, embeddingLength: embeddingLength,
                architecture: architecture)
        }
        self.places = places
    }
}
