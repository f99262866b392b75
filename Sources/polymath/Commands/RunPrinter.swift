internal import Bytes
internal import CommandLineKit
internal import Digest
internal import Foundation
internal import PolymathKit
internal import Seal

/// Tells people, or programs with `--json`, what a run does while it does it.
final class RunPrinter: RunListener {
    private let console: Console
    private var steps = 0
    private var firstStep = 0
    private let started = Date()

    init(console: Console) { self.console = console }

    func event(_ name: String, _ members: [String: JSONValue]) {
        console.emit(name, members)
        guard !console.isJSON else { return }
        switch name {
        case "run_started": start(members)
        case "resumed": resume(members)
        case "checkpoint": console.show("checkpoint after step \(text(members["step"]))")
        case "step": step(members)
        case "validation": validation(members)
        case "rest": console.note("polymath: resting, since \(text(members["why"]))")
        case "rest_over": console.note("polymath: going on after \(number(members["seconds"], 0)) s of rest")
        case "pace": pace(members)
        case "note": console.note("polymath: \(text(members["message"]))")
        case "seal_violation": console.endProgress()
        case "run_finished": finish(members)
        default: break
        }
    }

    var faultOutput: FaultOutput? {
        if console.isJSON { return .jsonLines(descriptor: STDOUT_FILENO) }
        return .plain(descriptor: STDERR_FILENO, prefix: (console.isTerminal ? "\r\u{1B}[K" : "") + "polymath: ")
    }

    func progress(_ title: String, done: Int, of total: Int) { console.progress(title, done: done, of: total) }

    private func start(_ members: [String: JSONValue]) {
        console.endProgress()
        steps = members["steps"]?.asInt ?? 0
        let corpus = members["corpus"]
        let windows = corpus?["training_windows"]?.asInt ?? 0
        let validation = corpus?["validation_windows"]?.asInt ?? 0
        var base = text(members["base"])
        if members["synthetic_weights"]?.asBool == true { base += " (synthetic weights)" }
        var collection = text(corpus?["name"])
        if corpus?["default"]?.asBool == true { collection += " (the default collection; choose with --corpus)" }
        var rows = [
            ("base", "\(base), root \(text(members["base_root"]).prefix(16))…"),
            (
                "corpus",
                "\(collection): \(windows) windows of \(text(members["seq_len"])) tokens, \(validation) to validate"
            ),
            (
                "training",
                "scope \(text(members["scope"])), \(steps) steps of \(text(members["batch_size"])) windows, "
                    + "\(text(members["optimizer"])) at \(text(members["learning_rate"])), \(text(members["schedule"]))"
            ),
            ("run", text(members["out"])),
        ]
        if let bytes = members["adapter_bytes_expected"]?.asInt {
            rows.append(("adapter", "will have \(grouped(bytes)) bytes"))
        }
        let seed = text(members["seed"])
        rows.append(("seed", (seed == "secret" ? "" : seed + ", ") + text(members["seed_note"])))
        let bound = members["seal_coverage_bound_steps"]?.asInt ?? 0
        rows.append(("seal", "a change to the base is found within \(bound) steps, and always before the export"))
        rows.append(("pace", pacing(members)))
        console.show(table(rows))
    }

    /// The pace, and which sensors the device lacks.
    private func pacing(_ members: [String: JSONValue]) -> String {
        let window = members["pace_window"]?.asString.map { ", \($0) alone" } ?? ""
        let missing = (members["sensors_missing"]?.asArray ?? []).map { text($0).replacing("_", with: " ") }
        let unknown = missing.isEmpty ? "" : "; the device does not tell: " + missing.joined(separator: ", ")
        return text(members["pace"]) + window + unknown
    }

    private func pace(_ members: [String: JSONValue]) {
        let share = members["share"]?.asDouble ?? 1
        console.note(
            share < 1
                ? "polymath: working \(fixed(share * 100, 0)) % of the time, since \(text(members["why"]))"
                : "polymath: working all of the time again")
    }

    private func resume(_ members: [String: JSONValue]) {
        firstStep = members["step"]?.asInt ?? 0
        start(members)
        for remark in members["remarks"]?.asArray ?? [] { console.note("polymath: \(text(remark))") }
        console.show("going on after step \(firstStep)")
    }

    private func step(_ members: [String: JSONValue]) {
        let step = members["step"]?.asInt ?? 0
        let elapsed = Date().timeIntervalSince(started)
        let left = steps > step ? Int(elapsed / Double(max(1, step - firstStep)) * Double(steps - step)) : 0
        console.progress(
            "train", done: step, of: steps,
            detail: "step \(step)/\(steps)  loss \(number(members["loss"], 4))  "
                + "\(number(members["tokens_per_second"], 0)) tokens/s  \(left) s left")
    }

    private func validation(_ members: [String: JSONValue]) {
        let mark = members["best"]?.asBool == true ? "  best so far" : ""
        console.show(
            "validation after step \(text(members["step"])): loss \(number(members["loss"], 4)), "
                + "perplexity \(number(members["perplexity"], 2))\(mark)")
    }

    private func finish(_ members: [String: JSONValue]) {
        console.endProgress()
        var rows: [(String, String)] = []
        if let before = members["validation_loss_before"]?.asDouble,
            let after = members["validation_loss_after"]?.asDouble
        {
            rows.append(
                (
                    "validation",
                    "loss \(fixed(before, 4)) → \(fixed(after, 4)), perplexity \(fixed(exp(before), 2)) → "
                        + "\(fixed(exp(after), 2)) (step \(text(members["best_step"])) of \(text(members["steps"])))"
                ))
        }
        let gigabyte = 1e9
        let peak = (members["peak_memory_bytes"]?.asDouble ?? 0) / gigabyte
        let anonymous = (members["anonymous_memory_bytes"]?.asDouble ?? 0) / gigabyte
        rows += [
            ("exported", "\(text(members["adapter"])), \(grouped(members["adapter_bytes"]?.asInt ?? 0)) bytes"),
            ("content id", text(members["content_id"])),
            ("signer", text(members["signer"])),
            (
                "seal",
                "\(text(members["frozen_tensors"])) frozen tensors checked, \(text(members["frozen_changes"])) changed; "
                    + "the guard took \(fixed(100 * (members["seal_cpu_share"]?.asDouble ?? 0), 2)) % of the steps' "
                    + "processor time"
            ),
            ("memory", "peak \(fixed(peak, 2)) GB resident, \(fixed(anonymous, 2)) GB of it anonymous"),
            (
                "speed",
                "\(number(members["tokens_per_second"], 0)) tokens/s, \(number(members["seconds"], 1)) s in all, "
                    + "\(number(members["startup_seconds"], 1)) s of it before the first step"
            ),
            ("chain head", text(members["chain_head"])),
            ("report", text(members["report"])),
        ]
        if members["synthetic_weights"]?.asBool == true {
            rows.append(("note", "synthetic weights: losses of this base say nothing about language"))
        }
        console.show(table(rows))
    }

    private func text(_ value: JSONValue?) -> String { escaped(value?.plainText ?? "–", limit: 300) }

    private func number(_ value: JSONValue?, _ decimals: Int) -> String {
        value?.asDouble.map { fixed($0, decimals) } ?? "–"
    }
}
