// A sparse bias on the head's logits: a number for each of a few tokens, which the walk over the vocabulary adds as it
// goes. Forward here, gradient beside it:
//
//   l_nv = hidden_n · W_v + s · b_v   for v among the tokens
//   db_v += s · scale · Σ_n (exp(l_nv − L_n) − [v = target_n])

internal import Foundation

/// A bias on the logits of some tokens, and its gradient.
///
/// Sendable by contract, as a matrix is.
public final class TokenBias: Sendable {
    /// Ids, ascending and each once.
    public let tokens: [Int32]
    /// b: `[1, tokens]`, in the order of ``tokens``.
    public let values: Matrix
    /// s: what one unit of b adds to a logit. A step of AdamW moves every number by about the rate; s sets how much
    /// that is in nats.
    public let scale: Float
    /// db: `[1, tokens]`, added to in passes with gradients.
    public let gradient: Matrix

    /// - Precondition: `tokens` ascend, each once, from 0 on.
    public init(tokens: [Int32], scale: Float = 1) {
        precondition(
            zip(tokens, tokens.dropFirst()).allSatisfy { $0 < $1 } && tokens.first.map { $0 >= 0 } ?? true,
            "a bias needs ascending tokens")
        self.tokens = tokens
        self.scale = scale
        values = Matrix(rows: 1, columns: tokens.count)
        gradient = Matrix(rows: 1, columns: tokens.count)
    }

    /// Places in ``tokens`` of those in a range of the vocabulary.
    private func places(in vocabulary: Range<Int>) -> Range<Int> {
        func first(from value: Int) -> Int {
            var (low, high) = (0, tokens.count)
            while low < high {
                let middle = (low + high) / 2
                if Int(tokens[middle]) < value { low = middle + 1 } else { high = middle }
            }
            return low
        }
        return first(from: vocabulary.lowerBound)..<first(from: vocabulary.upperBound)
    }

    /// Adds the bias to a chunk's logits, `[rows, chunk]`, and keeps those of its tokens.
    ///
    /// - Parameter kept: `[rows, tokens]`; nil without gradients.
    func add(
        to logits: UnsafeMutablePointer<Float>, stride: Int, rows: Int, vocabulary: Range<Int>, keeping kept: Matrix?
    ) {
        for place in places(in: vocabulary) {
            let column = Int(tokens[place]) - vocabulary.lowerBound
            let bias = unsafe scale * values.pointer[place]
            for row in 0..<rows {
                unsafe logits[row * stride + column] += bias
                if let kept { unsafe kept.pointer[row * tokens.count + place] = logits[row * stride + column] }
            }
        }
    }

    /// Adds the bias to whole rows of logits, `[rows, vocabulary]`.
    ///
    /// - Precondition: every token is in the vocabulary.
    public func add(to logits: Matrix) {
        precondition(tokens.last.map { Int($0) < logits.columns } ?? true, "a bias on a token without a logit")
        unsafe add(
            to: logits.pointer, stride: logits.columns, rows: logits.rows, vocabulary: 0..<logits.columns, keeping: nil)
    }

    /// db_v += s · scale · Σ_n (exp(l_nv − L_n) − [v = target_n]), summed in Double.
    ///
    /// - Parameter kept: l, `[rows, tokens]`.
    func addGradient(kept: Matrix, targets: [Int32], logSumExp: [Float], scale lossScale: Float) {
        var sums = [Double](repeating: 0, count: tokens.count)
        for (row, target) in targets.enumerated() {
            let shift = logSumExp[row]
            for place in tokens.indices {
                let exponent = unsafe kept.pointer[row * tokens.count + place] - shift
                sums[place] += Double(tokens[place] == target ? expm1(exponent) : exp(exponent))
            }
        }
        for place in tokens.indices {
            unsafe gradient.pointer[place] += Float(sums[place] * Double(scale) * Double(lossScale))
        }
    }
}
