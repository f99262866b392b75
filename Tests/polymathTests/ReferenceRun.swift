import Foundation
import TestSupport
import Testing

/// `polymath train` on the reference models: small enough for a debug build, and known to another implementation.
struct ReferenceRun {
    /// Everything that would make a run depend on more than the reference data is off.
    static let plain = [
        "--compute", "f32", "--schedule", "constant", "--warmup", "0", "--grad-clip", "0", "--weight-decay", "0",
        "--no-shuffle", "--validation-fraction", "0",
    ]

    /// A short plain run of `scope` on `model`, by the reference tokens.
    ///
    /// - Parameter seed: nil lets the run draw a secret one.
    static func words(
        model: String = "qwen2-tied-f32", scope: String = "norms", optimizer: String = "adamw", rate: String = "0.01",
        steps: Int = 3, length: Int = 16, batch: Int = 2, seed: String? = "0", out: String
    ) -> [String] {
        [
            "train", "--base", Repository.reference("\(model).gguf"), "--tokens", Repository.reference("tokens.json"),
            "--scope", scope, "--optimizer", optimizer, "--learning-rate", rate, "--steps", "\(steps)",
            "--seq-len", "\(length)", "--batch-size", "\(batch)", "--json", "--out", out,
        ] + plain + (seed.map { ["--seed", $0] } ?? [])
    }
}

extension Program.Outcome {
    /// The loss of every `step` event, in order.
    var stepLosses: [Double] {
        objects.filter { $0["event"] as? String == "step" }.compactMap { $0["loss"] as? Double }
    }

    /// The one object of an event, or nil.
    func object(_ event: String) -> [String: Any]? { objects.last { $0["event"] as? String == event } }

    /// The message of the `error` object that a failed `--json` command ends with.
    var errorMessage: String? { object("error")?["message"] as? String }
}

extension Program {
    /// The bytes of a file below the program's folder; nil when there is none.
    func bytes(_ name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: folder.path(name)).map { [UInt8]($0) }
    }

    /// Whether something stands at `name` below the program's folder.
    func holds(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder.path(name)) }

    /// The rows of a run's audit chain.
    func chain(_ run: String) throws -> [[String: Any]] {
        let text = try String(contentsOfFile: folder.path(run + "/audit.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }
}
