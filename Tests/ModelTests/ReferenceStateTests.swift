import Blocks
import Bytes
import GGUF
import Model
import TensorCore
import TestSupport
import Testing

/// Logits, losses and every boundary gradient of the first batch against an independent implementation.
@Suite struct ReferenceStateTests {
    static let models = ["qwen2-tied-f32", "qwen2-untied-q4_0", "qwen2-tied-q4_k_m"]
    /// Design, section 8: logits 2e-4 absolute, gradients 1e-3 of the tensor's largest entry.
    static let logitTolerance: Float = 2e-4
    static let gradientTolerance: Float = 1e-3

    @Test(arguments: models)
    func `logits and losses equal the reference`(model: String) throws {
        let (decoder, expected) = try Self.load(model)
        let tokens = try Self.tokens(expected)
        let inputs = Array(tokens.dropLast())
        let logits = try decoder.logits(inputs).values
        let wanted = try Self.floats(expected, "logits")
        #expect(logits.count == wanted.count)
        let worst = zip(logits, wanted).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst <= Self.logitTolerance, "largest difference \(worst)")

        let losses = try decoder.losses(Self.window(tokens))
        let wantedLosses = try Self.floats(expected, "losses")
        let worstLoss = zip(losses, wantedLosses).map { abs($0 - $1) }.max() ?? .infinity
        #expect(
            losses.count == wantedLosses.count && worstLoss <= Self.logitTolerance, "largest difference \(worstLoss)")
    }

    @Test(arguments: models)
    func `every boundary gradient equals the reference`(model: String) throws {
        let (decoder, expected) = try Self.load(model)
        let names = expected.tensors.map(\.name).filter { $0.hasPrefix("grad.") }.map { String($0.dropFirst(5)) }
        let parameters = try decoder.makeTrainable(names)
        // The reference's first batch: two windows of the boundary trace, 48 tokens each.
        let ids = try Self.corpus()
        let windows = [0, 1].map { Self.window(Array(ids[$0 * 48...$0 * 48 + 48])) }
        for window in windows {
            _ = try decoder.lossesAddingGradients(window, scale: 1 / 96, lowest: 0)
        }
        #expect(parameters.count >= 20)
        for parameter in parameters {
            let wanted = try Self.floats(expected, "grad." + parameter.name)
            let got = parameter.gradient.values
            #expect(got.count == wanted.count)
            let largest = wanted.map { abs($0) }.max() ?? 0
            let worst = zip(got, wanted).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst <= Self.gradientTolerance * largest, "\(parameter.name): \(worst) of \(largest)")
        }
    }

    @Test(arguments: models)
    func `a cache gives the logits of a whole pass`(model: String) throws {
        let (decoder, expected) = try Self.load(model)
        let inputs = Array(try Self.tokens(expected).dropLast())
        let whole = try decoder.logits(inputs)
        let cache = try KeyValueCache(decoder.configuration, capacity: inputs.count, arithmetic: decoder.arithmetic)
        _ = try decoder.extend(cache, with: Array(inputs[..<5]))
        var worst: Float = 0
        for position in 5..<inputs.count {
            let logits = try decoder.extend(cache, with: [inputs[position]])
            for (column, logit) in logits.enumerated() { worst = max(worst, abs(logit - whole[position, column])) }
        }
        #expect(worst <= Self.logitTolerance, "largest difference \(worst)")
    }

    @Test(arguments: models)
    func `one, two and three threads give the same bits`(model: String) throws {
        var results: [[Float]] = []
        for count in 1...3 {
            let (decoder, expected) = try Self.load(model, workers: count)
            let parameters = try decoder.makeTrainable([
                "blk.0.attn_norm.weight", "output_norm.weight", "output.weight",
            ])
            let window = Self.window(try Self.tokens(expected))
            let losses = try decoder.lossesAddingGradients(window, scale: 1 / 48, lowest: 0)
            results.append(losses + parameters.flatMap(\.gradient.values))
        }
        #expect(results[0] == results[1] && results[0] == results[2])
    }

    // MARK: Reading the reference

    static func load(_ model: String, workers: Int = 2) throws -> (Decoder, GGUFFile) {
        let base = try GGUFFile(path: Repository.reference("\(model).gguf"))
        let expected = try GGUFFile(path: Repository.reference("\(model).boundary-sgd.expected.gguf"))
        return (try Decoder(base, workers: Workers(count: workers)), expected)
    }

    static func floats(_ file: GGUFFile, _ name: String) throws -> [Float] {
        let tensor = try #require(file.tensor(named: name))
        return file.region(of: tensor).withBytes { tensor.type.decoded($0) }
    }

    static func tokens(_ file: GGUFFile) throws -> [Int32] {
        let tensor = try #require(file.tensor(named: "tokens"))
        var cursor = ByteCursor(file.region(of: tensor))
        return try (0..<tensor.elementCount).map { _ in try cursor.readInt32() }
    }

    static func window(_ tokens: [Int32]) -> TokenWindow {
        TokenWindow(
            inputs: Array(tokens.dropLast()), targets: Array(tokens.dropFirst()),
            counted: Array(repeating: true, count: tokens.count - 1))
    }

    static func corpus() throws -> [Int32] {
        let text = String(decoding: try WholeFile.read(Repository.reference("tokens.json")), as: UTF8.self)
        return text.split { !$0.isNumber }.compactMap { Int32($0) }
    }
}
