import Foundation
import TestSupport
import Testing

@Suite struct StartupTests {
    @Test func `a run says, before its first step, what it took to come there`() throws {
        let program = Program()
        let began = Date()
        let outcome = try program.run(ReferenceRun.words(model: "qwen2-tied-f32", steps: 2, out: "run"))
        let wall = Date().timeIntervalSince(began)
        #expect(outcome.status == 0, "\(outcome.error)")
        let names = outcome.objects.compactMap { $0["event"] as? String }
        let ready = try #require(names.firstIndex(of: "ready"))
        #expect(ready == names.firstIndex(of: "run_started").map { $0 + 1 })
        #expect(ready < (names.firstIndex(of: "step") ?? 0))
        let event = outcome.objects[ready]
        let seconds = try #require(event["startup_seconds"] as? Double)
        // The kernel tells a process's start to 10 ms.
        #expect(seconds > 0 && seconds < wall + 0.02)
        let finished = try #require(outcome.object("run_finished"))
        #expect(finished["startup_seconds"] as? Double == seconds)
        #expect(seconds <= (finished["seconds"] as? Double ?? 0))
        let anonymous = try #require(event["anonymous_memory_bytes"] as? Int)
        #expect(anonymous > 0 && anonymous <= (finished["anonymous_memory_bytes"] as? Int ?? 0))
    }
}
