internal import Bytes
internal import Digest

/// `checkpoint.json` as a value: what both writer and reader know of its members.
///
/// Losses are strings, as everywhere in the evidence: decimal digits that read back to the same bits, or `nan`, `inf`.
struct CheckpointJSON {
    static let limit = 1 << 24

    static func encode(_ checkpoint: Members) -> [UInt8] {
        let progress = checkpoint.progress
        var record: JSONValue = [
            "version": .exactly(Checkpoint.version), "recipe": .string(checkpoint.recipe.hex),
            "step": .exactly(progress.step), "num_tokens": .exactly(progress.totalTokens),
            "last_loss": .string("\(progress.lastLoss)"),
            "validation_before": text(progress.validationBefore), "validation_last": text(progress.validationLast),
            "best_loss": text(progress.bestLoss), "best_step": progress.bestStep.map { .exactly($0) } ?? .null,
            "validations_since_best": .exactly(progress.validationsSinceBest),
            "optimizer": .string(checkpoint.optimizer), "updates": .exactly(checkpoint.updateCount),
            "moments_per_tensor": .exactly(checkpoint.momentsPerTensor), "has_best": .bool(checkpoint.hasBest),
            "tensors": .array(checkpoint.tensors.map(encode)),
            "state_bytes": .exactly(checkpoint.stateByteCount), "state_sha256": .string(checkpoint.stateDigest.hex),
        ]
        record["sha256"] = .string(SHA256Digest.of(record.canonicalBytes).hex)
        return record.canonicalBytes + [0x0A]
    }

    private static func encode(_ tensor: Checkpoint.Tensor) -> JSONValue {
        var members: [String: JSONValue] = ["name": .string(tensor.name), "count": .exactly(tensor.count)]
        if tensor.momentWords != tensor.count || tensor.momentNumbers != tensor.count {
            members["moment_words"] = .exactly(tensor.momentWords)
            members["moment_numbers"] = .exactly(tensor.momentNumbers)
        }
        return .object(members)
    }

    struct Members {
        var recipe: SHA256Digest
        var progress: TrainingProgress
        var optimizer: String
        var updateCount: Int
        var momentsPerTensor: Int
        var hasBest: Bool
        var tensors: [Checkpoint.Tensor]
        var stateByteCount: Int
        var stateDigest: SHA256Digest
    }

    /// - Parameter path: the checkpoint's folder, for messages.
    static func decode(_ bytes: [UInt8], path: String) throws(CheckpointError) -> Members {
        var record: JSONValue
        do {
            record = try JSONValue.parse(bytes)
        } catch {
            throw .malformed(path: path, reason: "\(error)")
        }
        guard let version = record["version"]?.asInt, version == Checkpoint.version else {
            throw .malformed(path: path, reason: "its version is not \(Checkpoint.version).")
        }
        guard let expected = digest(record["sha256"]) else { throw missing("sha256", path) }
        record["sha256"] = nil
        let found = SHA256Digest.of(record.canonicalBytes)
        guard found == expected else { throw .recordDigest(path: path, expected: expected, found: found) }

        func integer(_ name: String) throws(CheckpointError) -> Int {
            guard let value = record[name]?.asInt, value >= 0 else { throw missing(name, path) }
            return value
        }
        guard let recipe = digest(record["recipe"]) else { throw missing("recipe", path) }
        guard let stateDigest = digest(record["state_sha256"]) else { throw missing("state_sha256", path) }
        guard let optimizer = record["optimizer"]?.asString else { throw missing("optimizer", path) }
        guard let hasBest = record["has_best"]?.asBool else { throw missing("has_best", path) }
        guard let list = record["tensors"]?.asArray else { throw missing("tensors", path) }
        var tensors: [Checkpoint.Tensor] = []
        for entry in list {
            guard let name = entry["name"]?.asString, let count = entry["count"]?.asInt, count >= 0 else {
                throw missing("tensors", path)
            }
            let words = entry["moment_words"] == nil ? count : entry["moment_words"]?.asInt ?? -1
            let numbers = entry["moment_numbers"] == nil ? count : entry["moment_numbers"]?.asInt ?? -1
            guard words >= 0, numbers >= 0, numbers <= words else { throw missing("tensors", path) }
            tensors.append(
                Checkpoint.Tensor(name: name, count: count, momentWords: words, momentNumbers: numbers))
        }
        let momentsPerTensor = try integer("moments_per_tensor")
        guard momentsPerTensor <= 2 else { throw missing("moments_per_tensor", path) }
        // Whatever is allocated or multiplied later is a small multiple of this sum.
        let values = tensors.reduce(0) { min($0, 1 << 60) + min(max($1.count, $1.momentWords), 1 << 60) }
        guard values <= 1 << 48 else { throw missing("tensors", path) }
        var progress = TrainingProgress()
        progress.step = try integer("step")
        progress.totalTokens = try integer("num_tokens")
        progress.lastLoss = number(record["last_loss"]) ?? .nan
        progress.validationBefore = number(record["validation_before"])
        progress.validationLast = number(record["validation_last"])
        progress.bestLoss = number(record["best_loss"])
        progress.bestStep = record["best_step"]?.asInt
        progress.validationsSinceBest = try integer("validations_since_best")
        return Members(
            recipe: recipe, progress: progress, optimizer: optimizer, updateCount: try integer("updates"),
            momentsPerTensor: momentsPerTensor, hasBest: hasBest, tensors: tensors,
            stateByteCount: try integer("state_bytes"), stateDigest: stateDigest)
    }

    private static func text(_ value: Double?) -> JSONValue { value.map { .string("\($0)") } ?? .null }
    private static func number(_ value: JSONValue?) -> Double? { value?.asString.flatMap(Double.init) }
    private static func digest(_ value: JSONValue?) -> SHA256Digest? { value?.asString.flatMap(SHA256Digest.init) }

    private static func missing(_ member: String, _ path: String) -> CheckpointError {
        .malformed(path: path, reason: "its member \"\(member)\" is missing or not what it should be.")
    }
}
