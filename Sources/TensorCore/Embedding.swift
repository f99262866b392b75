// The table look-up at the bottom of a model and its gradient.
//
//   x_t = W[token_t];  dW[token_t] += dx_t

/// Copies the decoded row of every token.
///
/// - Parameters:
///   - tokens: row numbers of `weight`, each in `0..<weight.outputs`.
///   - weight: `[vocabulary, width]`.
///   - x: `[tokens, width]`, assigned.
public func embedding(_ tokens: [Int32], _ weight: LinearWeight, into x: Matrix) {
    precondition(x.hasShape(tokens.count, weight.inputs), "embedding: x \(x.shape) for \(tokens.count) tokens")
    for (row, token) in tokens.enumerated() {
        var span = unsafe MutableSpan(_unsafeStart: x.pointer + row * x.columns, count: x.columns)
        weight.row(Int(token), into: &span)
    }
}

/// Adds every row of `dx` to the row of its token, in the order of the tokens.
///
/// - Parameters:
///   - dx: `[tokens, width]`, the gradient of `x`.
///   - tokens: as given to `embedding`.
///   - dWeight: `[vocabulary, width]`, added to.
public func embeddingBackward(_ dx: Matrix, tokens: [Int32], into dWeight: Matrix) {
    precondition(dx.hasShape(tokens.count, dWeight.columns), "embeddingBackward: dx \(dx.shape), dW \(dWeight.shape)")
    for (row, token) in tokens.enumerated() {
        precondition(token >= 0 && Int(token) < dWeight.rows, "token \(token) outside 0..<\(dWeight.rows)")
        let width = dx.columns
        unsafe Vector.add(dx.pointer + row * width, into: dWeight.pointer + Int(token) * width, count: width)
    }
}
