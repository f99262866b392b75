import Foundation
import TestSupport
import Testing

@Suite struct BenchGradientsTests {
    let program = Program()
    let base = Repository.reference("qwen2-untied-q4_0.gguf")

    private func bench(_ options: [String]) throws -> [[String: Any]] {
        let outcome = try program.run(
            ["bench", "gradients", "--base", base, "--seq-len", "24", "--batch-size", "2", "--json"] + options)
        #expect(outcome.status == 0, "\(outcome.output)")
        return outcome.objects
    }

    private func tensors(_ object: [String: Any]) throws -> [String: (cosine: Double, ratio: Double)] {
        let list = try #require(object["tensors"] as? [[String: Any]])
        return Dictionary(
            uniqueKeysWithValues: list.map {
                ($0["tensor"] as? String ?? "", ($0["cosine"] as? Double ?? 0, $0["norm_ratio"] as? Double ?? 0))
            })
    }

    @Test func `f32 beside itself is the same gradient in every tensor of the scope`() throws {
        let object = try #require(
            bench(["--compute", "f32", "--scope", "boundary", "--tokens", Repository.reference("tokens.json")]).first)
        let found = try tensors(object)
        #expect(found["output.weight"] != nil && found["blk.0.ffn_down.weight"] != nil)
        for (name, tensor) in found {
            #expect(abs(tensor.cosine - 1) < 1e-12 && abs(tensor.ratio - 1) < 1e-12, "\(name)")
        }
        #expect(object["loss"] as? Double == object["loss_f32"] as? Double)
    }

    @Test func `every faster arithmetic is compared, the least cosine is one of the tensors', and the seed counts`()
        throws
    {
        let objects = try bench([])
        #expect(objects.compactMap { $0["compute"] as? String } == ["bf16", "int8"])
        for object in objects {
            let found = try tensors(object)
            #expect(found.keys.allSatisfy { $0.hasSuffix("norm.weight") } && found["output_norm.weight"] != nil)
            let least = try #require(object["least_cosine"] as? Double)
            #expect(least == found.values.map(\.cosine).min() && least > 0.98 && least < 1)
            #expect(object["whole_cosine"] as? Double ?? 0 >= least)
            let (loss, exact) = (object["loss"] as? Double ?? 0, object["loss_f32"] as? Double ?? 0)
            #expect(loss != exact && abs(loss - exact) < 0.01 * exact)
        }
        let other = try #require(bench(["--seed", "1", "--compute", "bf16"]).first)
        #expect(other["loss_f32"] as? Double != objects[0]["loss_f32"] as? Double)
    }

    @Test func `people get a table`() throws {
        let outcome = try program.run([
            "bench", "gradients", "--base", base, "--seq-len", "8", "--scope", "tail", "--compute", "bf16",
        ])
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.output.contains("cosine") && outcome.output.contains("output_norm.weight"))
    }
}
