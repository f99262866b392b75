import Foundation
import TestSupport
import Testing

/// Runs under limits that the operating system enforces: they fit, or they say so; none is killed and none crashes.
@Suite struct MemoryLimitTests {
    let program = Program()

    private func words(_ out: String, steps: Int = 2, compute: String = "bf16") -> [String] {
        [
            "train", "--base", Repository.checkpoint("nano-q4_k_m.gguf"), "--corpus",
            Repository.root + "/Corpora/skerry-diary", "--steps", "\(steps)", "--seq-len", "96",
            "--validation-fraction", "0", "--compute", compute, "--seed", "0", "--out", out, "--json",
        ]
    }

    private func planned(_ outcome: Program.Outcome, _ name: String = "total") throws -> Int {
        let plans = outcome.objects.lazy.compactMap { $0["memory"] as? [String: Any] }
        return try #require(plans.first?[name] as? Int)
    }

    @Test(.enabled(if: MemoryGroup.canMake, "making control groups needs root"))
    func `a run completes under a hard limit of what it announces, and is refused below what it needs`() throws {
        let free = try program.run(words("free"))
        #expect(free.status == 0, "\(free.error)")
        let announced = try planned(free)
        let group = try MemoryGroup(limit: announced)
        let within = try program.run(words("within"), under: group.wrapper)
        #expect(within.status == 0, "\(within.output)\(within.error)")
        #expect(try planned(within) <= announced)

        // Less than what is planned freely: layers are computed twice, to the same bytes.
        let least = try announced - planned(free, "activations_and_scratch") / 4
        try group.set(limit: least)
        let tight = try program.run(words("tight"), under: group.wrapper)
        #expect(tight.status == 0, "\(tight.output)\(tight.error)")
        #expect(try planned(tight) <= least)
        let bytes = try #require(program.bytes("free/adapter.gguf"))
        #expect(program.bytes("within/adapter.gguf") == bytes && program.bytes("tight/adapter.gguf") == bytes)

        try group.set(limit: 28 << 20)
        let refused = try program.run(words("refused"), under: group.wrapper)
        #expect(refused.status == 5, "\(refused.output)\(refused.error)")
        #expect(refused.errorMessage?.contains("bytes that /sys/fs/cgroup") == true, "\(refused.output)")
        #expect(!program.holds("refused"))
    }

    @Test(.enabled(if: MemoryGroup.canMake, "making control groups needs root"))
    func `a limit that falls below the need during a run ends it with exit 5 and a checkpoint`() throws {
        let free = try program.run(words("whole", steps: 20, compute: "f32"))
        let group = try MemoryGroup(limit: 1 << 30)
        // What the process holds beyond this can be taken back, so that the kernel agrees to the limit.
        let need = try #require(free.object("run_finished")?["anonymous_memory_bytes"] as? Int)
        let stopped = try program.run(
            words("part", steps: 20, compute: "f32"),
            watch: { output in
                guard output.contains("\"step\":3,") else { return false }
                try group.set(limit: need + 6 << 20)
                return true
            }, under: group.wrapper)
        #expect(stopped.status == 5, "\(stopped.output.suffix(600))\(stopped.error)")
        #expect(stopped.errorMessage?.contains("with a checkpoint, since /sys/fs/cgroup") == true)
        let last = try #require(try program.chain("part").last)
        #expect(last["kind"] as? String == "pause" && stopped.stepLosses.count < 20)
        try group.set(limit: 1 << 30)
        #expect(try program.run(["train", "--resume", "part"], under: group.wrapper).status == 0)
        #expect(program.bytes("part/adapter.gguf") == program.bytes("whole/adapter.gguf"))
    }

    @Test(arguments: ["-d", "-v"])
    func `a resource limit that leaves too little room is refused before anything is made`(limit: String) throws {
        for command in [
            words("refused"),
            [
                "eval", "--base", Repository.reference("qwen2-tied-f32.gguf"), "--tokens",
                Repository.reference("tokens.json"),
            ],
        ] {
            let outcome = try program.run(
                command,
                under: ["/bin/sh", "-c", "ulimit \(limit) \(limit == "-d" ? 100_000 : 300_000) && exec \"$@\"", "sh"])
            #expect(outcome.status == 5, "\(outcome.output)\(outcome.error)")
            #expect((outcome.output + outcome.error).contains("refused"), "\(outcome.output)\(outcome.error)")
            #expect(!program.holds("refused"))
        }
    }
}
