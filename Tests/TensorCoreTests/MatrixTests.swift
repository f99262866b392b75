import TensorCore
import TestSupport
import Testing

@Suite struct MatrixTests {
    @Test func `a matrix begins with zeros and holds what it is given`() {
        let matrix = Matrix(rows: 3, columns: 5)
        #expect(matrix.values == [Float](repeating: 0, count: 15))
        matrix[2, 4] = 7
        matrix[0, 1] = -1
        #expect(matrix.values[14] == 7 && matrix.values[1] == -1 && matrix[2, 4] == 7)
        matrix.withMutableSpan { $0[3] = 2 }
        #expect(matrix[0, 3] == 2)
        #expect(matrix.withSpan { $0.count } == 15)
        #expect(Matrix(rows: 0, columns: 4).values.isEmpty)
    }

    @Test(arguments: [1, 7, 8, 9, 100])
    func `sums and copies reach every element`(columns: Int) {
        let a = randomMatrix(3, columns, seed: 1)
        let b = randomMatrix(3, columns, seed: 2)
        let before = a.values
        a.add(b, scale: 0.5)
        #expect(a.values == zip(before, b.values).map { $0 + $1 * 0.5 })
        let squares = b.doubles.reduce(0) { $0 + $1 * $1 }
        #expect(abs(b.sumOfSquares() - squares) <= 1e-12 * squares)
        a.copy(from: b)
        #expect(a.bits == b.bits)
        let c = Matrix(rows: 4, columns: columns)
        c.copyRows(from: b, sourceRow: 1, count: 2, toRow: 2)
        #expect(c.values == [Float](repeating: 0, count: 2 * columns) + b.values[columns...])
    }

    @Test func `every task runs exactly once`() {
        for threads in [1, 2, 3, 64] {
            let counts = Matrix(rows: 1, columns: 1000)
            Workers(count: threads).forEach(tasks: 1000) { counts[0, $0] += 1 }
            #expect(counts.values == [Float](repeating: 1, count: 1000))
            Workers(count: threads).forEach(tasks: 0) { _ in Issue.record("no task to run") }
        }
    }
}
