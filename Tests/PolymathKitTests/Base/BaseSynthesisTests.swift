import Blocks
import Foundation
import GGUF
import PolymathKit
import TestSupport
import Testing

@Suite struct BaseSynthesisTests {
    static let tiny = SyntheticShape(
        title: "tiny shape", layers: 3, width: 256, heads: 4, keyValueHeads: 2, feedForward: 512, vocabulary: 300,
        context: 64, rotaryBase: 1e4, epsilon: 1e-6)

    @Test(arguments: SyntheticShape.Layout.allCases)
    func `a synthetic base is a sound file that says what it is`(layout: SyntheticShape.Layout) throws {
        let folder = TemporaryFolder()
        let path = folder.path("tiny.gguf")
        let size = try BaseSynthesis(shape: Self.tiny, layout: layout, seed: 7).write(to: path)
        let file = try GGUFFile(path: path)
        #expect(file.region.byteCount == size)
        #expect(file["polymath.synthetic"] == .bool(true))
        #expect(file["general.name"]?.asString?.contains("synthetic weights") == true)
        #expect(file["qwen2.block_count"]?.asInt == 3)
        #expect(file.tensors.count == 12 * 3 + (layout == .q4_0 ? 2 : 3))
        #expect(folder.names == ["tiny.gguf"])
    }

    @Test(arguments: SyntheticShape.Layout.allCases)
    func `values have the mean and the deviation asked for`(layout: SyntheticShape.Layout) throws {
        let folder = TemporaryFolder()
        let path = folder.path("tiny.gguf")
        try BaseSynthesis(shape: Self.tiny, layout: layout).write(to: path)
        let file = try GGUFFile(path: path)
        for wanted in Self.tiny.tensors(layout: layout) {
            let tensor = try #require(file.tensor(named: wanted.name))
            var values = [Float](repeating: 0, count: tensor.elementCount)
            file.region(of: tensor).withBytes { bytes in
                var span = values.mutableSpan
                tensor.type.decode(bytes, into: &span)
            }
            let count = Double(values.count)
            let mean = values.reduce(0.0) { $0 + Double($1) } / count
            let deviation = (values.reduce(0.0) { $0 + pow(Double($1) - mean, 2) } / count).squareRoot()
            let (expectedMean, expected): (Double, Double) =
                switch wanted.values {
                case .matrix(let deviation): (0, Double(deviation))
                case .vector(let mean, let deviation): (Double(mean), Double(deviation))
                }
            // Five standard errors of a mean; a deviation from 128 values wobbles by about 6 %.
            #expect(abs(mean - expectedMean) < 5 * expected / count.squareRoot(), "\(wanted.name)")
            #expect(abs(deviation / expected - 1) < (count > 5000 ? 0.03 : 0.3), "\(wanted.name) \(deviation)")
        }
    }

    @Test func `another depth changes the number of layers, and the title says so`() throws {
        let shape = Self.tiny.with(layers: 1)
        #expect(shape.layers == 1 && shape.width == Self.tiny.width)
        let folder = TemporaryFolder()
        try BaseSynthesis(shape: shape).write(to: folder.path("one.gguf"))
        let file = try GGUFFile(path: folder.path("one.gguf"))
        #expect(file["qwen2.block_count"]?.asInt == 1)
        #expect(file["general.name"]?.asString?.hasPrefix("tiny shape, 1 layers, q4_k_m") == true)
        #expect(try BaseSynthesis(name: "qwen-1.5b-q4", layers: 2).shape.layers == 2)
        #expect(try BaseSynthesis(name: "qwen-1.5b-q4").shape == .qwen1_5B)
    }

    @Test func `the same seed gives the same bytes, another seed others`() throws {
        let folder = TemporaryFolder()
        for (name, seed) in [("a", 1), ("b", 1), ("c", 2)] as [(String, UInt64)] {
            try BaseSynthesis(shape: Self.tiny, seed: seed).write(to: folder.path(name))
        }
        let bytes = try ["a", "b", "c"].map { try Data(contentsOf: URL(fileURLWithPath: folder.path($0))) }
        #expect(bytes[0] == bytes[1])
        #expect(bytes[0] != bytes[2])
    }

    @Test func `the large shape has the catalogue's tensors`() throws {
        let untied = SyntheticShape.qwen1_5B.tensors(layout: .q4_k_m)
        let tied = SyntheticShape.qwen1_5B.tensors(layout: .q4_0)
        #expect(untied.count == 339)
        #expect(tied.count == 338)
        #expect(!tied.contains { $0.name == "output.weight" })
        let six = untied.filter { $0.type == .q6_K }.map(\.name)
        #expect(six.count == 29)
        #expect(
            six.contains("output.weight") && six.contains("blk.0.attn_v.weight")
                && !six.contains("blk.3.ffn_down.weight"))
        let parameters = untied.reduce(0) { $0 + $1.dimensions.reduce(1, *) }
        #expect(parameters == 1_777_088_000)
        // The file that the catalogue names has 1,117,320,736 bytes; what is not tensors is its vocabulary.
        let bytes = untied.compactMap { $0.type.byteCount(elements: $0.dimensions.reduce(1, *)) }.reduce(0, +)
        #expect(bytes < 1_117_320_736 && bytes > 1_110_000_000)
    }

    @Test func `another file's vocabulary is copied as stored, and one of another size is refused`() throws {
        let folder = TemporaryFolder()
        let donor = folder.path("donor.gguf")
        try BaseSynthesis(shape: Self.tiny, seed: 1).write(to: donor)
        let copy = folder.path("copy.gguf")
        try BaseSynthesis(shape: Self.tiny, seed: 2, vocabularyPath: donor).write(to: copy)
        #expect(try GGUFFile(path: copy)["tokenizer.ggml.tokens"] == GGUFFile(path: donor)["tokenizer.ggml.tokens"])
        let nano = Repository.checkpoint("nano-q4_k_m.gguf")
        let expected = BaseError.badVocabulary(path: nano, reason: "it has 8192 tokens where this shape needs 300")
        #expect(throws: expected) {
            try BaseSynthesis(shape: Self.tiny, vocabularyPath: nano).write(to: folder.path("x.gguf"))
        }
        #expect(folder.names == ["copy.gguf", "donor.gguf"])
    }

    @Test func `a file that is not synthetic is never replaced`() throws {
        let folder = TemporaryFolder()
        let path = folder.path("mine.gguf")
        try Data("GGUF of mine".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: BaseError.exists(path: path)) { try BaseSynthesis(shape: Self.tiny).write(to: path) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("GGUF of mine".utf8))
    }
}
