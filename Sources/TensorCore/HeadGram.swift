// What the norm of the head's gradient needs, summed up in the walk that finds the losses:
//
//   (e·eᵀ)_nm = Σ_v e_nv · e_mv,  e_nv = scale · (exp(l_nv − L_n) − [v = target_n])
//
// L is known only when the walk has ended, so each part of the vocabulary sums exp(l_nv − m_n) · exp(l_mv − m_m) with its
// own running maxima m, and brings its sums along when one of them grows. Columns that are somebody's target stay out of
// these sums: their logits are kept and their e is taken at the end, where 1 can be subtracted from a probability near 1.

internal import Foundation

/// Sendable by contract: each part of the vocabulary writes its own sums.
final class HeadGram: @unchecked Sendable {
    private let targets: [Int32]
    /// The targets without repetition, ascending.
    private let columns: [Int]
    /// `[parts · N, N]`, on and below the diagonal of each part.
    private let sums: Matrix
    /// `[N, columns]`: logits.
    private let targetLogits: Matrix

    init(targets: [Int32], parts: Int) {
        self.targets = targets
        columns = Set(targets).map { Int($0) }.sorted()
        sums = Matrix(rows: parts * targets.count, columns: targets.count)
        targetLogits = Matrix(rows: targets.count, columns: columns.count)
    }

    /// The parts' sums, the targets' logits and gradients, and the result.
    static func byteCount(rows: Int, parts: Int) -> Int { (parts + 3) * rows * rows * MemoryLayout<Float>.stride }

    /// Indices of the columns that lie in a run of the vocabulary.
    private func indices(in vocabulary: Range<Int>) -> Range<Int> {
        func first(from value: Int) -> Int {
            var (low, high) = (0, columns.count)
            while low < high {
                let middle = (low + high) / 2
                if columns[middle] < value { low = middle + 1 } else { high = middle }
            }
            return low
        }
        return first(from: vocabulary.lowerBound)..<first(from: vocabulary.upperBound)
    }

    /// Keeps what of a chunk's logits, `[N, chunk]`, belongs to a target.
    func keep(_ logits: UnsafePointer<Float>, stride: Int, vocabulary: Range<Int>) {
        for index in indices(in: vocabulary) {
            let column = columns[index] - vocabulary.lowerBound
            for row in 0..<targets.count {
                unsafe targetLogits.pointer[row * columns.count + index] = logits[row * stride + column]
            }
        }
    }

    /// Brings a part's sums to a row's new maximum.
    func shrink(row: Int, by factor: Float, part: Int) {
        let count = targets.count
        let own = unsafe sums.pointer + part * count * count
        unsafe Vector.multiply(own + row * count, by: factor, count: row + 1)
        for below in row..<count { unsafe own[below * count + row] *= factor }
    }

    /// Adds a chunk's exp(l − m), `[N, chunk]`, whose columns of targets become 0.
    func add(_ values: UnsafeMutablePointer<Float>, stride: Int, vocabulary: Range<Int>, part: Int) {
        let count = targets.count
        for index in indices(in: vocabulary) {
            let column = columns[index] - vocabulary.lowerBound
            for row in 0..<count { unsafe values[row * stride + column] = 0 }
        }
        unsafe BLAS.addGram(
            .init(values, stride: stride), into: sums.pointer + part * count * count, stride: count, rows: count,
            inner: vocabulary.count)
    }

    /// e·eᵀ on and below the diagonal, `[N, N]`.
    ///
    /// - Parameter maxima: `[parts, N]`, m of every part.
    func joined(maxima: Matrix, logSumExp: [Float], scale: Float, workers: Workers) -> Matrix {
        let count = targets.count
        let result = Matrix(rows: count, columns: count)
        let gradients = Matrix(rows: count, columns: columns.count)
        let shares = (0..<maxima.rows * count).map { index in
            exp(Double(maxima[index / count, index % count]) - Double(logSumExp[index % count])) * Double(scale)
        }
        workers.forEach(tasks: count) { row in
            for column in 0...row {
                var sum = 0.0
                for part in 0..<maxima.rows {
                    let own = unsafe sums.pointer[(part * count + row) * count + column]
                    sum += Double(own) * shares[part * count + row] * shares[part * count + column]
                }
                unsafe result.pointer[row * count + column] = Float(sum)
            }
            for index in 0..<columns.count {
                let place = row * columns.count + index
                let exponent = unsafe Double(targetLogits.pointer[place]) - Double(logSumExp[row])
                let isTarget = columns[index] == Int(targets[row])
                unsafe gradients.pointer[place] = scale * Float(isTarget ? expm1(exponent) : exp(exponent))
            }
        }
        unsafe BLAS.addGram(
            .init(gradients.pointer, stride: columns.count), into: result.pointer, stride: count, rows: count,
            inner: columns.count)
        return result
    }
}
