import TensorCore
import TestSupport
import Testing

/// Moments in eight bits. They are reached through the update that keeps them: with β₁ = β₂ = 0 they become gradient and
/// gradient², and with a rate of 0 nothing else happens.
@Suite struct MomentsTests {
    static let workers = Workers(count: 1)

    private static func moments(_ rows: Int, _ columns: Int, form: Moments.Form = .int8) -> (
        first: Moments, second: Moments
    ) {
        (
            Moments(rows: rows, columns: columns, form: form, order: .first),
            Moments(rows: rows, columns: columns, form: form, order: .second)
        )
    }

    private static func keep(
        _ gradient: Matrix, in moments: (first: Moments, second: Moments), beta: Double = 0, key: UInt64 = 1
    ) {
        let step = AdamWStep(beta1: beta, beta2: beta, rate: 0, root: 1, epsilon: 1e-8, keep: 1, ditherKey: key)
        let form = WeightGradient(
            outputs: gradient.rows, inputs: gradient.columns, rows: gradient.rows * gradient.columns)
        for row in 0..<gradient.rows {
            // One row of the gradient at a time, from a factor that is 1 there.
            let (dy, x) = (Matrix(rows: 1, columns: gradient.rows), Matrix(rows: 1, columns: gradient.columns))
            dy[0, row] = 1
            x.copyRows(from: gradient, sourceRow: row, count: 1, toRow: 0)
            form.add(dy, x, workers: workers)
        }
        applyUpdate(
            .adamW(step, first: moments.first, second: moments.second), of: .weight(form), scale: 1,
            to: Matrix(rows: gradient.rows, columns: gradient.columns), workers: workers)
    }

    /// The distance of a code's neighbours at a value, in units of its block's scale.
    private static func spacing(_ units: Double, run: Double) -> Double {
        var (top, spacing) = (2 * run, 1.0)
        while units >= top { (top, spacing) = (2 * top, 2 * spacing) }
        return spacing
    }

    @Test(arguments: [(1, 1), (3, 300), (2, 512), (5, 255), (1, 257)])
    func `a value becomes one of its two neighbours, and the largest of a block is kept`(rows: Int, columns: Int) {
        let gradient = randomMatrix(rows, columns, seed: 7, deviation: 3)
        // Several orders of magnitude in each block.
        for row in 0..<rows { for column in 0..<columns where column % 3 == 0 { gradient[row, column] *= 1e-3 } }
        let moments = Self.moments(rows, columns)
        Self.keep(gradient, in: moments)
        let (first, second) = (moments.first.values, moments.second.values)
        for row in 0..<rows {
            for block in 0..<(columns + 255) / 256 {
                let places = block * 256..<min(columns, (block + 1) * 256)
                let largest = Double(places.map { gradient[row, $0].magnitude }.max() ?? 0)
                for column in places {
                    let (value, index) = (Double(gradient[row, column]), row * columns + column)
                    let (unit, rootUnit) = (largest / 1_984, largest / 4_032)
                    let limit = unit * Self.spacing(value.magnitude / unit, run: 16) * 1.0001
                    #expect(abs(Double(first[index]) - value) <= limit, "\(first[index]) for \(value)")
                    let root = Double(second[index]).squareRoot()
                    let rootLimit = rootUnit * Self.spacing(value.magnitude / rootUnit, run: 32) * 1.0001
                    #expect(abs(root - value.magnitude) <= rootLimit, "\(root) for \(value)")
                    #expect(root > 0)
                    if value.magnitude == largest { #expect(abs(Double(first[index]) - value) <= 1e-6 * largest) }
                }
            }
        }
    }

    @Test func `every code is kept as it is, whatever decides between neighbours`() {
        var units: [Float] = (0..<16).map(Float.init)
        for exponent in 0..<7 { units += (16..<32).map { Float($0 << exponent) } }
        var roots: [Float] = (0..<32).map(Float.init)
        for exponent in 0..<7 { roots += (32..<64).map { Float($0 << exponent) } }
        #expect(units.count == 128 && roots.count == 256)
        for key in UInt64(0)..<20 {
            let signed = Matrix(rows: 2, columns: 128, values: units + units.map { -$0 })
            let moments = Self.moments(2, 128)
            Self.keep(signed, in: moments, key: key)
            #expect(moments.first.values == signed.values)
            let all = Self.moments(1, 256)
            Self.keep(Matrix(rows: 1, columns: 256, values: roots), in: all, key: key)
            #expect(all.second.values == roots.map { $0 * $0 })
        }
    }

    @Test func `over all keys the mean is the value`() {
        let gradient = Matrix(rows: 1, columns: 6, values: [1_984, 1_000.3, -77.7, 3.25, 0.1, -0.4])
        var (sums, roots) = ([Double](repeating: 0, count: 6), [Double](repeating: 0, count: 6))
        let count = 4_000
        for key in 0..<count {
            let moments = Self.moments(1, 6)
            Self.keep(gradient, in: moments, key: UInt64(key))
            for (index, value) in moments.first.values.enumerated() { sums[index] += Double(value) / Double(count) }
            for (index, value) in moments.second.values.enumerated() {
                roots[index] += Double(value).squareRoot() / Double(count)
            }
        }
        for index in 0..<6 {
            let value = Double(gradient[0, index])
            // Four deviations of a mean of as many values that lie a code apart.
            let limit = 4 * Self.spacing(value.magnitude, run: 16) / 2 / Double(count).squareRoot()
            #expect(abs(sums[index] - value) <= limit, "\(sums[index]) for \(value)")
            // Below half a unit of a root there is no 0 to make up for its 1.
            if index < 4 { #expect(abs(roots[index] - value.magnitude) <= limit, "\(roots[index]) for \(value)") }
        }
    }

    @Test func `nothing stays nothing, and a root above it never becomes nothing`() {
        let gradient = Matrix(rows: 2, columns: 3, values: [1, 0, 1e-12, 0, 0, 0])
        for key in UInt64(0)..<50 {
            let moments = Self.moments(2, 3)
            Self.keep(gradient, in: moments, key: key)
            let second = moments.second.values
            #expect(second[0] > 0 && second[1] == 0 && second[2] > 0)
            #expect(second[3...].allSatisfy { $0 == 0 } && moments.first.values[3...].allSatisfy { $0 == 0 })
        }
    }

    // With β₂ = 0.999 a step moves a root by less than a hundredth of what lies between two codes: rounded to the nearest
    // it would stay where it is for good.
    @Test func `what moves by less than a code a step still gets where it goes`() {
        let moments = Self.moments(4, 256)
        func keep(_ gradient: Matrix, key: UInt64) { Self.keep(gradient, in: moments, beta: 0.999, key: key) }
        let (large, small) = (Matrix(rows: 4, columns: 256), Matrix(rows: 4, columns: 256))
        large.fill(1)
        small.fill(0.5)
        for row in 0..<4 { small[row, 0] = 1 }
        keep(large, key: 0)
        let start = moments.second.values[1]
        for key in 1..<700 { keep(small, key: UInt64(key)) }
        var wanted = Double(start)
        for _ in 1..<700 { wanted = 0.999 * wanted + 0.001 * 0.25 }
        let got = moments.second.values.enumerated().filter { $0.offset % 256 != 0 }.reduce(0.0) {
            $0 + Double($1.element)
        }
        let mean = got / Double(4 * 255)
        #expect(abs(mean - wanted) < 0.03 * wanted, "\(mean) for \(wanted), from \(start)")
    }

    @Test func `the bits do not depend on the number of threads`() {
        func bits(_ workers: Workers) -> [UInt32] {
            let (value, moments) = (randomMatrix(300, 1_100, seed: 5), Self.moments(300, 1_100))
            for key in UInt64(1)...3 {
                let gradient = WeightGradient(outputs: 300, inputs: 1_100, rows: 5)
                gradient.add(randomMatrix(5, 300, seed: key), randomMatrix(5, 1_100, seed: key + 9), workers: workers)
                let step = AdamWStep(
                    beta1: 0.9, beta2: 0.99, rate: 0.1, root: 0.1, epsilon: 1e-8, keep: 0.9, ditherKey: key)
                applyUpdate(
                    .adamW(step, first: moments.first, second: moments.second), of: .weight(gradient), scale: 0.5,
                    to: value, workers: workers)
            }
            return value.bits + moments.first.words.bits + moments.second.words.bits
        }
        let expected = bits(Workers(count: 1))
        for threads in [2, 3, 7] { #expect(bits(Workers(count: threads)) == expected, "\(threads) threads") }
    }

    @Test func `eight bits take a byte a value and a word a block`() {
        #expect(Moments.wordCount(.int8, rows: 10, columns: 1_000) == 10 * 4 + 2_500)
        #expect(Moments.numberCount(.int8, rows: 10, columns: 1_000) == 40)
        #expect(Moments.wordCount(.int8, rows: 3, columns: 3) == 3 + 3)
        #expect(Moments.wordCount(.f32, rows: 10, columns: 1_000) == 10_000)
        #expect(Self.moments(10, 1_000).first.words.count == 2_540)
    }
}
