import GGUF
import Model
import TensorCore
import TestSupport
import Testing

/// The hand-written backward of the whole decoder against measured slopes of its own forward.
///
/// A slope is `(L(x + h) − L(x − h)) / 2h`; each token's loss is f32 (rounding about 2e-7), the mean is taken in f64. With
/// h = 4e-3 the rounding of a slope is about 5e-5 and the third-order term about h² = 2e-5: both far below the tolerance.
@Suite struct WholeModelGradientTests {
    static let step: Float = 4e-3

    @Test(arguments: TinyBase.shapes)
    func `every tensor's gradient is the slope of the loss`(shape: TinyBase) throws {
        let decoder = try shape.decoder()
        let windows = [shape.window(9, seed: 1), shape.window(9, seed: 2, skip: 3)]
        let parameters = try decoder.makeTrainable(shape.trainable)
        try Self.addGradients(decoder, windows, lowest: 0)
        var random = SeededGenerator(seed: 3)
        for parameter in parameters {
            let gradient = parameter.gradient.values
            let largest = gradient.map(\.magnitude).max() ?? 0
            #expect(largest > 1e-3, "\(parameter.name) has next to no gradient: the test would see nothing")
            var places = Set([gradient.indices.max { gradient[$0].magnitude < gradient[$1].magnitude } ?? 0])
            while places.count < min(8, gradient.count) { places.insert(Int(random.next() % UInt64(gradient.count))) }
            for place in places.sorted() {
                let slope = try Self.slope(decoder, windows, parameter.value, at: place)
                #expect(
                    abs(slope - Double(gradient[place])) <= 2e-4 + 5e-3 * Double(largest),
                    "\(parameter.name)[\(place)]: \(gradient[place]) for the slope \(slope), largest \(largest)")
            }
        }
    }

    // Along its own gradient the slope is the gradient's length: one number that every entry takes part in.
    @Test(arguments: ["qwen2-tied-f32", "qwen2-untied-q4_0"])
    func `along its gradient a tensor of a reference base has the gradient's length as slope`(model: String) throws {
        let (decoder, expected) = try ReferenceStateTests.load(model)
        let names = expected.tensors.map(\.name).filter { $0.hasPrefix("grad.") }.map { String($0.dropFirst(5)) }
        let windows = [ReferenceStateTests.window(Array(try ReferenceStateTests.tokens(expected).prefix(25)))]
        let parameters = try decoder.makeTrainable(names)
        try Self.addGradients(decoder, windows, lowest: 0)
        for name in ["blk.0.attn_q.bias", "blk.0.attn_k.bias", "blk.0.attn_v.bias", "output.weight"] {
            #expect(names.contains(name))
        }
        for parameter in parameters {
            let start = parameter.value.values
            let gradient = parameter.gradient.values
            let length = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            guard length > 1e-4 else {
                Issue.record("\(parameter.name) has next to no gradient")
                continue
            }
            // As far as changes the loss by about 4e-3 to each side, if the slope is right.
            let reach = min(0.1, 4e-3 / length)
            func loss(_ sign: Double) throws -> Double {
                let moved = zip(start, gradient).map { Float(Double($0) + sign * reach * Double($1) / length) }
                parameter.value.copy(
                    from: Matrix(rows: parameter.value.rows, columns: parameter.value.columns, values: moved))
                return try Self.loss(decoder, windows)
            }
            let slope = try (loss(1) - loss(-1)) / (2 * reach)
            parameter.value.copy(
                from: Matrix(rows: parameter.value.rows, columns: parameter.value.columns, values: start))
            #expect(abs(slope - length) <= 0.02 * length, "\(parameter.name): \(length) for the slope \(slope)")
        }
    }

    @Test(arguments: TinyBase.shapes)
    func `gradients of several windows add up`(shape: TinyBase) throws {
        let windows = [shape.window(9, seed: 1), shape.window(5, seed: 2, skip: 2)]
        func gradients(_ chosen: [TokenWindow]) throws -> [[Float]] {
            let decoder = try shape.decoder()
            let parameters = try decoder.makeTrainable(shape.trainable)
            for window in chosen { _ = try decoder.lossesAddingGradients(window, scale: 0.25, lowest: 0) }
            return parameters.map(\.gradient.values)
        }
        let (both, first, second) = (
            try gradients(windows), try gradients([windows[0]]), try gradients([windows[1]])
        )
        for index in both.indices {
            for (sum, parts) in zip(both[index], zip(first[index], second[index])) {
                #expect(abs(sum - (parts.0 + parts.1)) <= 1e-5 * max(1, abs(sum)))
            }
        }
    }

    @Test func `a backward that ends higher gives the same gradients above, and none below`() throws {
        let shape = TinyBase(layers: 3)
        let window = shape.window(9, seed: 4)
        var results: [[[Float]]] = []
        for lowest in [0, 2] {
            let decoder = try shape.decoder()
            let parameters = try decoder.makeTrainable(shape.trainable)
            _ = try decoder.lossesAddingGradients(window, scale: 1 / 9, lowest: lowest)
            results.append(parameters.map(\.gradient.values))
        }
        for (index, name) in shape.trainable.enumerated() {
            let isAbove = name.hasPrefix("blk.2") || name.hasPrefix("output")
            #expect(results[0][index].contains { $0 != 0 }, "\(name)")
            if isAbove {
                #expect(results[1][index] == results[0][index], "\(name)")
            } else {
                #expect(results[1][index].allSatisfy { $0 == 0 }, "\(name)")
            }
        }
    }

    @Test func `going on from a kept prefix changes no bit`() throws {
        let shape = TinyBase(layers: 3)
        let window = shape.window(9, seed: 5, skip: 4)
        let (whole, kept) = (try shape.decoder(), try shape.decoder())
        let names = shape.trainable.filter { $0.hasPrefix("blk.2") || $0 == "output_norm.weight" }
        let wanted = try whole.makeTrainable(names)
        let got = try kept.makeTrainable(names)
        let losses = try whole.lossesAddingGradients(window, scale: 1, lowest: 2)
        let prefix = try kept.prefix(window, layersBelow: 2)
        #expect(try kept.lossesAddingGradients(window, scale: 1, lowest: 2, prefix: prefix, from: 2) == losses)
        #expect(got.map(\.gradient.values) == wanted.map(\.gradient.values))
        #expect(try kept.losses(window, prefix: prefix, from: 2) == whole.losses(window))
    }

    @Test func `a tied head that is trained leaves the embedding as it was`() throws {
        let shape = TinyBase(tied: true)
        let decoder = try shape.decoder()
        let window = shape.window(9, seed: 6)
        let before = try decoder.losses(window)
        let hidden = try decoder.prefix(window, layersBelow: 0).values
        let head = try #require(try decoder.makeTrainable(["output.weight"]).first)
        #expect(try decoder.losses(window) == before, "untying alone must change nothing")
        head.value[3, 2] += 1
        #expect(try decoder.losses(window) != before)
        #expect(try decoder.prefix(window, layersBelow: 0).values == hidden)
    }

    @Test func `a window in which nothing counts has no loss and no gradient`() throws {
        let shape = TinyBase()
        let decoder = try shape.decoder()
        let parameters = try decoder.makeTrainable(shape.trainable)
        #expect(try decoder.lossesAddingGradients(shape.window(6, seed: 1, skip: 1), scale: 1, lowest: 0) == [])
        #expect(parameters.allSatisfy { $0.gradient.values.allSatisfy { $0 == 0 } })
    }

    // MARK: Measuring

    private static func addGradients(_ decoder: Decoder, _ windows: [TokenWindow], lowest: Int) throws {
        let counted = windows.reduce(0) { $0 + $1.countedCount }
        for window in windows {
            _ = try decoder.lossesAddingGradients(window, scale: 1 / Float(counted), lowest: lowest)
        }
    }

    /// Mean over the counted targets of all windows, in f64.
    private static func loss(_ decoder: Decoder, _ windows: [TokenWindow]) throws -> Double {
        let losses = try windows.flatMap { try decoder.losses($0) }
        return losses.reduce(0.0) { $0 + Double($1) } / Double(losses.count)
    }

    private static func slope(
        _ decoder: Decoder, _ windows: [TokenWindow], _ value: Matrix, at place: Int
    ) throws -> Double {
        let (row, column) = (place / value.columns, place % value.columns)
        let start = value[row, column]
        defer { value[row, column] = start }
        value[row, column] = start + step
        let (high, above) = try (value[row, column], loss(decoder, windows))
        value[row, column] = start - step
        return try (above - loss(decoder, windows)) / Double(high - value[row, column])
    }
}

extension Decoder {
    /// The prefix in a matrix of its own.
    fileprivate func prefix(_ window: TokenWindow, layersBelow end: Int) throws -> Matrix {
        let output = Matrix(rows: window.inputs.count, columns: configuration.embeddingLength)
        try prefix(window, layersBelow: end, into: output)
        return output
    }
}
