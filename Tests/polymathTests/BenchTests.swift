import Foundation
import TestSupport
import Testing

@Suite struct BenchStepTests {
    let program = Program()
    let base = Repository.reference("qwen2-tied-f32.gguf")

    private func bench(_ options: [String]) throws -> [String: Any] {
        let outcome = try program.run(
            ["bench", "step", "--base", base, "--seq-len", "16", "--repeat", "2", "--json"] + options)
        #expect(outcome.status == 0 && outcome.objects.count == 1, "\(outcome.output)")
        return try #require(outcome.object("bench"))
    }

    @Test func `a step's figures are all there, and where its time goes`() throws {
        let figures = try bench(["--compute", "bf16", "--threads", "2"])
        let seconds = try #require(figures["step_seconds"] as? [String: Double])
        let (low, middle, high) = (seconds["min"] ?? 0, seconds["median"] ?? 0, seconds["max"] ?? 0)
        #expect(low > 0 && low <= middle && middle <= high)
        let operations = try #require(figures["operations"] as? Double)
        let achieved = try #require(figures["achieved_gops"] as? Double)
        #expect(abs(achieved * middle * 1e9 - operations) < 1e-6 * operations)
        if let peak = figures["machine_peak_gops"] as? Double {
            #expect(abs((figures["share_of_peak"] as? Double ?? 0) * peak / achieved - 1) < 1e-9)
        }
        for key in ["peak_rss_bytes", "peak_anonymous_bytes"] { #expect(figures[key] as? Int ?? 0 > 1 << 20, "\(key)") }
        #expect(figures["compute"] as? String == "bf16" && figures["threads"] as? Int == 2)
        #expect(figures["scope"] as? String == "norms" && figures["forward_only"] as? Bool == false)
        let parts = try #require(figures["operation_seconds"] as? [String: Double])
        for kind in [
            "products", "input_gradients", "packing", "attention", "attention_gradient", "head", "elementwise",
            "optimizer",
            "other",
        ] { #expect(parts[kind] ?? 0 > 0, "\(kind)") }
        #expect(parts["weight_gradients"] == 0)
        #expect(parts.values.reduce(0, +) >= low)
    }

    @Test func `tail is timed before and after its first pass over the windows`() throws {
        let figures = try bench(["--scope", "tail", "--batch-size", "2"])
        let first = try #require(figures["first_pass_step_seconds"] as? [String: Double])
        #expect(first["median"] ?? 0 > 0)
        let (cached, whole) = (figures["operations"] as? Double ?? 0, figures["first_pass_operations"] as? Double ?? 0)
        #expect(cached > 0 && cached < whole)
        #expect(try bench(["--scope", "norms"])["first_pass_step_seconds"] == nil)
    }

    @Test func `the loss depends on the seed and on nothing that time depends on`() throws {
        let one = try bench(["--threads", "1", "--scope", "boundary"])
        let two = try bench(["--threads", "2", "--scope", "boundary"])
        let other = try bench(["--seed", "1", "--scope", "boundary"])
        #expect(one["loss"] as? Double == two["loss"] as? Double)
        #expect(one["loss"] as? Double != other["loss"] as? Double)
        #expect((one["operation_seconds"] as? [String: Double])?["weight_gradients"] ?? 0 > 0)
    }

    @Test func `a forward pass asks for no gradient`() throws {
        let figures = try bench(["--forward-only"])
        #expect(figures["forward_only"] as? Bool == true && figures["scope"] == nil)
        let parts = try #require(figures["operation_seconds"] as? [String: Double])
        #expect(parts["products"] ?? 0 > 0 && parts["head"] ?? 0 > 0)
        for kind in ["input_gradients", "attention_gradient", "optimizer"] { #expect(parts[kind] == 0, "\(kind)") }
        let step = try bench([])
        #expect(step["operations"] as? Double ?? 0 > 1.9 * (figures["operations"] as? Double ?? 0))
    }

    @Test func `a budget changes no bit, and one that is too small is refused with what would fit`() throws {
        let usual = try bench([])
        let least = try program.run(["bench", "step", "--base", base, "--seq-len", "16", "--memory-budget", "1M"])
        #expect(least.status == 5)
        #expect(least.error.contains("budget"), "\(least.error)")
        let within = try bench(["--memory-budget", "512M"])
        #expect(within["memory_budget"] as? Int == 512 << 20)
        #expect(within["loss"] as? Double == usual["loss"] as? Double)
    }

    @Test func `people get a table, and the time by operation falling`() throws {
        let outcome = try program.run(["bench", "step", "--base", base, "--seq-len", "8", "--repeat", "1"])
        #expect(outcome.status == 0, "\(outcome.error)")
        for label in ["base", "timed", "seconds", "operations", "achieved", "memory", "where a step's time goes"] {
            #expect(outcome.output.contains("\n" + label) || outcome.output.hasPrefix(label), "\(label)")
        }
        let shares = outcome.output.matches(of: /([0-9.]+) %\n/).compactMap { Double($0.output.1) }
        #expect(shares.count >= 6 && shares == shares.sorted(by: >))
    }

    @Test(
        arguments: [
            (["--scope", "tail", "--forward-only"], "--scope and --forward-only"),
            (["--memory-budget", "1G", "--forward-only"], "--memory-budget and --forward-only"),
            (["--seq-len", "100000"], "context"),
            (["--repeat", "0"], "--repeat"),
        ] as [([String], String)])
    func `what cannot be timed is refused`(options: [String], message: String) throws {
        let outcome = try program.run(["bench", "step", "--base", base] + options)
        #expect(outcome.status == 2)
        #expect(outcome.error.contains(message), "\(outcome.error)")
    }
}

@Suite struct BenchKernelsTests {
    let program = Program()

    @Test func `bytes per second are told for each storage type and number of threads`() throws {
        let decoding = try program.run(["bench", "kernels", "--only", "decode", "--repeat", "1", "--json"])
        #expect(decoding.status == 0, "\(decoding.output)")
        #expect(decoding.objects.compactMap { $0["type"] as? String } == ["Q4_0", "Q4_K", "Q6_K"])
        for row in decoding.objects {
            let (bytes, seconds) = (row["bytes"] as? Double ?? 0, row["seconds"] as? [String: Double])
            let rate = row["gigabytes_per_second"] as? Double ?? 0
            #expect(rate > 0 && abs(rate * (seconds?["median"] ?? 0) * 1e9 - bytes) < 1e-6 * bytes)
            #expect(row["event"] as? String == "bench" && row["bench"] as? String == "kernel")
        }
        let hashing = try program.run(["bench", "kernels", "--only", "sha256", "--repeat", "1", "--threads", "2"])
        #expect(hashing.status == 0, "\(hashing.error)")
        #expect(hashing.output.contains("1 thread") && hashing.output.contains("2 threads"), "\(hashing.output)")
    }

    @Test func `a group that is none is refused`() throws {
        let outcome = try program.run(["bench", "kernels", "--only", "everything"])
        #expect(outcome.status == 2)
        #expect(outcome.error.contains("--only"), "\(outcome.error)")
    }
}
