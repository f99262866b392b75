import Foundation
import TestSupport
import Testing

/// What an independent implementation computed, step by step, with the settings it used.
private struct Trace: Decodable {
    let model: String
    let scope: String
    let optimizer: String
    let lr: Double
    let seq_len: Int
    let batch: Int
    let steps: Int
    let loss: [Double]
    let loss_first_batch_after: Double

    init(_ name: String) throws {
        self = try JSONDecoder().decode(
            Trace.self, from: Data(contentsOf: URL(fileURLWithPath: Repository.reference(name))))
    }
}

@Suite struct TraceTests {
    /// Design, section 8. The traces computed in f64 differ from those in f32 by at most 3e-6.
    static let tolerance = 1e-4

    static let names = ["qwen2-tied-f32", "qwen2-tied-q4_k_m", "qwen2-untied-q4_0"].flatMap { model in
        ["norms-adamw", "tail-sgd", "all-norms-adamw", "boundary-sgd"].map { "\(model).\($0).trace.json" }
    }

    @Test func `every reference trace is among those that are reproduced`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Repository.reference(""))
        #expect(files.filter { $0.hasSuffix(".trace.json") }.sorted() == Self.names.sorted())
    }

    @Test(arguments: names) func `the command line reproduces a trace step by step`(name: String) throws {
        let trace = try Trace(name)
        let program = Program()
        let model = try #require(trace.model.split(separator: ".").first).description
        let outcome = try program.run(
            ReferenceRun.words(
                model: model, scope: trace.scope, optimizer: trace.optimizer, rate: "\(trace.lr)", steps: trace.steps,
                length: trace.seq_len, batch: trace.batch, out: "run") + [
                    "--adapter-encoding", "f32", "--threads", "1",
                ]
        )
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.error)")
        #expect(trace.loss.count == trace.steps)
        #expect(outcome.stepLosses.count == trace.steps)
        for (step, (ours, theirs)) in zip(outcome.stepLosses, trace.loss).enumerated() {
            #expect(abs(ours - theirs) <= Self.tolerance, "step \(step + 1): \(ours), expected \(theirs)")
        }
        let after = try #require(outcome.object("run_finished")?["first_batch_loss_after"] as? Double)
        #expect(
            abs(after - trace.loss_first_batch_after) <= Self.tolerance,
            "after the run: \(after), expected \(trace.loss_first_batch_after)")
    }
}
