import TensorCore

// Operations on stored activations, for tests that think in matrices: values in f32 are stored as they are.

func stored(_ matrix: Matrix, _ format: ActivationFormat = .f32) throws -> Activation {
    let measure = Arena.measuring()
    _ = Activation(rows: matrix.rows, columns: matrix.columns, format: format, in: measure)
    let arena = try Arena(byteCount: measure.used)
    let result = Activation(rows: matrix.rows, columns: matrix.columns, format: format, in: arena)
    result.store(matrix, workers: Workers(count: 1))
    return result
}

func attention(
    q: Matrix, k: Matrix, v: Matrix, keyCount: Int, headCount: Int, keyValueHeadCount: Int, into o: Matrix,
    logSumExp: Matrix?, workers: Workers
) throws {
    let output = try stored(o)
    attention(
        q: try stored(q), k: try stored(k), v: try stored(v), keyCount: keyCount, headCount: headCount,
        keyValueHeadCount: keyValueHeadCount, into: output, logSumExp: logSumExp, workers: workers)
    output.load(into: o, workers: workers)
}

func attentionBackward(
    _ dO: Matrix, q: Matrix, k: Matrix, v: Matrix, o: Matrix, logSumExp: Matrix, headCount: Int,
    keyValueHeadCount: Int, into dq: Matrix, dk: Matrix, dv: Matrix, workers: Workers
) throws {
    let gradients = AttentionGradients(
        tokens: q.rows, queryLength: q.columns, keyValueLength: k.columns, in: try Arena(byteCount: 1 << 20))
    attentionBackward(
        dO, q: try stored(q), k: try stored(k), v: try stored(v), o: try stored(o), logSumExp: logSumExp,
        headCount: headCount, keyValueHeadCount: keyValueHeadCount, into: gradients, workers: workers)
    for (sum, gradient) in [(dq, gradients.dq), (dk, gradients.dk), (dv, gradients.dv)] { sum.add(gradient) }
}

func swiGLU(gate: Matrix, up: Matrix, into a: Matrix) {
    gate.withSpan { g in
        up.withSpan { u in
            a.withMutableSpan { a in
                unsafe g.withUnsafeBufferPointer { g in
                    unsafe u.withUnsafeBufferPointer { u in
                        unsafe a.withUnsafeMutableBufferPointer { a in
                            if let g = g.baseAddress, let u = u.baseAddress, let target = a.baseAddress {
                                unsafe SwiGLU.activate(gate: g, up: u, into: target, count: a.count)
                            }
                        }
                    }
                }
            }
        }
    }
}
