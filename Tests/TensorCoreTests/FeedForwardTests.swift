import Blocks
import TensorCore
import TestSupport
import Testing

/// One forward and backward pass of a gated feed-forward whose width is no multiple of any tile.
struct GatedPass {
    /// a, from products with the identity.
    let forward: [Matrix]
    /// The gradients of gate and up in f32, a as backward sees it, and the gradient of x.
    let gradients: [Matrix]

    init(arithmetic: Arithmetic, keeps: Bool, workers: Workers) throws {
        let (tokens, d, f) = (37, 96, 712)
        func weight(_ outputs: Int, _ inputs: Int, _ seed: UInt64) -> LinearWeight {
            LinearWeight(dense: randomMatrix(outputs, inputs, seed: seed, deviation: 0.1), arithmetic: arithmetic)
        }
        let weights = GatedWeights(gate: weight(f, d, 1), up: weight(f, d, 2), down: weight(d, f, 3))
        let arena = try Arena(byteCount: 8 << 20)
        func rows(_ inner: Int) -> PackedRows {
            PackedRows(rows: tokens, inner: inner, arithmetic: arithmetic, in: arena)
        }
        let format = arithmetic.wideActivationFormat
        let saved = GatedActivations(tokens: tokens, featureCount: f, format: format, in: arena)
        let (x, dy, a, dUp) = (rows(d), rows(d), rows(f), rows(f))
        x.pack(randomMatrix(tokens, d, seed: 4), workers: workers)
        dy.pack(randomMatrix(tokens, d, seed: 5), workers: workers)
        gatedForward(x, weights, saving: keeps ? saved : nil, into: a, workers: workers)
        let y = Matrix(rows: tokens, columns: d)
        linear(a, weights.down, bias: nil, into: y, adds: false, workers: workers)
        forward = [y]
        func matrix() -> Matrix { Matrix(rows: tokens, columns: f) }
        let values = (dGate: matrix(), dUp: matrix(), a: matrix())
        gatedBackward(
            dy, weights, from: keeps ? .saved(saved) : .recomputed(x, format), into: a, dUp: dUp, values: values,
            workers: workers)
        let dx = Matrix(rows: tokens, columns: d)
        linearBackwardInput([(a, weights.gate), (dUp, weights.up)], into: dx, adds: false, workers: workers)
        gradients = [values.dGate, values.dUp, values.a, dx]
    }
}

@Suite struct FeedForwardTests {
    @Test(arguments: Arithmetic.allCases)
    func `what is computed again has the bits of what was saved`(arithmetic: Arithmetic) throws {
        let workers = Workers(count: 2)
        let kept = try GatedPass(arithmetic: arithmetic, keeps: true, workers: workers)
        let again = try GatedPass(arithmetic: arithmetic, keeps: false, workers: workers)
        #expect(kept.forward.map(\.bits) == again.forward.map(\.bits))
        #expect(kept.gradients.map(\.bits) == again.gradients.map(\.bits))
    }

    @Test(arguments: [(Arithmetic.bf16, 0.02), (.int8, 0.05)])
    func `faster arithmetic stays near f32`(arithmetic: Arithmetic, tolerance: Double) throws {
        let workers = Workers(count: 2)
        let exact = try GatedPass(arithmetic: .f32, keeps: true, workers: workers)
        let fast = try GatedPass(arithmetic: arithmetic, keeps: true, workers: workers)
        for (expected, found) in zip(exact.forward + exact.gradients, fast.forward + fast.gradients) {
            #expect(distance(found.values, expected.doubles) < tolerance)
            #expect(found.bits != expected.bits)
        }
    }
}

@Suite struct ActivationTests {
    @Test func `bfloat16 and eight bits round once, and to the same however often`() throws {
        let x = randomMatrix(5, 75, seed: 1, deviation: 3)
        for (format, bound) in [(ActivationFormat.f32, 0.0), (.bf16, 0x1p-8), (.int8, 1 / 126.0)] {
            let once = Matrix(rows: 5, columns: 75)
            try stored(x, format).load(into: once, workers: Workers(count: 2))
            for row in 0..<5 {
                for start in stride(from: 0, to: 75, by: 32) {
                    let block = start..<min(start + 32, 75)
                    let largest = block.map { abs(x[row, $0]) }.max() ?? 0
                    for column in block {
                        #expect(Double(abs(once[row, column] - x[row, column])) <= bound * Double(largest))
                    }
                }
            }
            let twice = Matrix(rows: 5, columns: 75)
            try stored(once, format).load(into: twice, workers: Workers(count: 1))
            if format != .int8 { #expect(once.bits == twice.bits) }
        }
    }

    @Test func `a value that is not finite spoils its block and no other`() throws {
        for bad in [Float.nan, .infinity, -.infinity] {
            let x = randomMatrix(1, 96, seed: 2)
            x[0, 40] = bad
            let read = Matrix(rows: 1, columns: 96)
            try stored(x, .int8).load(into: read, workers: Workers(count: 1))
            for column in 0..<96 { #expect(read[0, column].isNaN == (32..<64).contains(column)) }
        }
    }

    @Test func `zeros and values too small to keep are read as zero`() throws {
        let x = Matrix(rows: 1, columns: 64)
        x[0, 40] = Float(bitPattern: 700)
        let read = Matrix(rows: 1, columns: 64)
        try stored(x, .int8).load(into: read, workers: Workers(count: 1))
        #expect(read.values == [Float](repeating: 0, count: 64))
    }

    @Test func `an arena hands out what its measure counted, and no byte more`() throws {
        func lay(_ arena: Arena) -> [Activation] {
            (1..<5).map { Activation(rows: $0, columns: 33 * $0, format: .int8, in: arena) }
        }
        let measure = Arena.measuring()
        _ = lay(measure)
        let arena = try Arena(byteCount: measure.used)
        let all = lay(arena)
        #expect(arena.used == measure.used)
        #expect(all.map(\.byteCount).reduce(0, +) <= measure.used)
    }

    @Test func `memory that the system cannot give is refused with its size`() {
        #expect(throws: ArenaError.refused(byteCount: 1 << 60)) { try Arena(byteCount: 1 << 60) }
    }
}
