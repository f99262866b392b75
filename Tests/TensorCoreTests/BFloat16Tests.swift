import Blocks
import CKernels
import TensorCore
import TestSupport
import Testing

/// Packed rows and products in bfloat16, held against operands that were rounded here, by another way of rounding, and sums
/// in Double.
@Suite struct BFloat16Tests {
    /// To 8 significant bits, nearest, ties to even.
    static func rounded(_ value: Float) -> Float {
        guard value != 0, value.isFinite else { return value }
        let unit = Float(sign: .plus, exponent: value.exponent - 7, significand: 1)
        return (value / unit).rounded(.toNearestOrEven) * unit
    }

    @Test func `rounding is to nearest with ties to even, and what is no number stays none`() {
        let values: [Float] = [
            1, -0.0, 1 + 0x1p-8, 1 + 3 * 0x1p-8, 1 + 0x1p-8 + 0x1p-20, 3.4e38, .infinity, -.infinity, 0x1p-120, 65_280,
        ]
        for path in [CKPathPlain, CKPathAVX512] {
            let got = Self.packed(path, values)
            #expect(got.map(\.bitPattern) == values.map { Self.rounded($0).bitPattern })
            #expect(Self.packed(path, [.nan, .signalingNaN, 1]).map(\.isNaN) == [true, true, false, false])
        }
    }

    /// A packed row, padded to whole pairs: plain bfloat16 values.
    static func packed(_ path: CKPath, _ values: [Float]) -> [Float] {
        var row = [UInt16](repeating: 7, count: (values.count + 1) / 2 * 2)
        ck_pack_rows(CKBF16, path, values, values.count, 1, values.count, &row, row.count * 2)
        return row.map { Float(bitPattern: UInt32($0) << 16) }
    }

    @Test(arguments: [(5, 256, 40), (33, 1_280, 300), (1, 2_048, 96)])
    func `products are those of rounded operands`(tokens: Int, inputs: Int, outputs: Int) {
        let x = randomMatrix(tokens, inputs, seed: 4)
        let w = randomMatrix(outputs, inputs, seed: 5, deviation: 0.1)
        let dy = randomMatrix(tokens, outputs, seed: 6)
        let weight = LinearWeight(dense: w, arithmetic: .bf16)
        let workers = Workers(count: 2)
        let y = Matrix(rows: tokens, columns: outputs)
        linear(x, weight, bias: nil, into: y, workers: workers)
        let dx = randomMatrix(tokens, inputs, seed: 7)
        var wantedDX = dx.doubles
        linearBackwardInput(dy, weight, into: dx, workers: workers)
        let (rx, rw, rdy) = (x.values.map(Self.rounded), w.values.map(Self.rounded), dy.values.map(Self.rounded))
        var wantedY = [Double](repeating: 0, count: tokens * outputs)
        for t in 0..<tokens {
            for o in 0..<outputs {
                for i in 0..<inputs {
                    wantedY[t * outputs + o] += Double(rx[t * inputs + i]) * Double(rw[o * inputs + i])
                    wantedDX[t * inputs + i] += Double(rdy[t * outputs + o]) * Double(rw[o * inputs + i])
                }
            }
        }
        #expect(distance(y.values, wantedY) < float32Tolerance)
        #expect(distance(dx.values, wantedDX) < float32Tolerance)
    }

    @Test func `threads and other rows change no bit`() throws {
        let (tokens, inputs, outputs) = (29, 512, 200)
        let x = randomMatrix(tokens, inputs, seed: 8)
        let bytes = try StorageType.q4_K.encode(randomMatrix(outputs, inputs, seed: 9).values.span)
        let weight = LinearWeight(
            stored: .q4_K, region: .init(bytes), outputs: outputs, inputs: inputs, arithmetic: .bf16)
        let targets = randomTokens(tokens, vocabulary: outputs, seed: 10)
        func run(_ x: Matrix, _ targets: [Int32], _ count: Int) -> [[UInt32]] {
            let workers = Workers(count: count)
            let y = Matrix(rows: x.rows, columns: outputs)
            linear(x, weight, bias: nil, into: y, workers: workers)
            let dx = Matrix(rows: x.rows, columns: inputs)
            linearBackwardInput(y, weight, into: dx, workers: workers)
            let dHidden = Matrix(rows: x.rows, columns: inputs)
            let head = headCrossEntropyWithGradient(
                x, weight, targets: targets, scale: 0.5, into: dHidden, workers: workers)
            return [y.bits, dx.bits, dHidden.bits, head.losses.map(\.bitPattern)]
        }
        let one = run(x, targets, 1)
        #expect(run(x, targets, 3) == one)
        let last = run(
            Matrix(rows: 1, columns: inputs, values: Array(x.values.suffix(inputs))), [targets[tokens - 1]], 2)
        for (alone, among) in zip(last, one) { #expect(alone == Array(among.suffix(alone.count))) }
    }

    @Test func `head losses and gradient stay near those of f32`() {
        let (tokens, inputs, vocabulary) = (17, 256, 700)
        let hidden = randomMatrix(tokens, inputs, seed: 11)
        let w = randomMatrix(vocabulary, inputs, seed: 12, deviation: 0.05)
        let targets = randomTokens(tokens, vocabulary: vocabulary, seed: 13)
        var losses: [[Float]] = []
        var gradients: [Matrix] = []
        for arithmetic in [Arithmetic.f32, .bf16] {
            let gradient = Matrix(rows: tokens, columns: inputs)
            losses.append(
                headCrossEntropyWithGradient(
                    hidden, LinearWeight(dense: w, arithmetic: arithmetic), targets: targets, scale: 1, into: gradient,
                    workers: Workers(count: 2)
                ).losses)
            gradients.append(gradient)
        }
        #expect(zip(losses[0], losses[1]).allSatisfy { abs($0 - $1) < 0.02 } && losses[0] != losses[1])
        #expect(distance(gradients[1].values, gradients[0].doubles) < 0.01)
    }
}
