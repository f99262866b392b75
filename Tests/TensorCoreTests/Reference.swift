import Foundation
import TensorCore

/// Every forward operation written plainly in Double: the oracle of values and, by central differences, of gradients.
enum Reference {
    static func linear(_ x: [Double], _ w: [Double], _ bias: [Double]?, outputs: Int, inputs: Int) -> [Double] {
        var y = [Double]()
        for t in 0..<x.count / inputs {
            for o in 0..<outputs {
                var sum = bias?[o] ?? 0
                for i in 0..<inputs { sum += x[t * inputs + i] * w[o * inputs + i] }
                y.append(sum)
            }
        }
        return y
    }

    /// s·(x·Aᵀ)·Bᵀ
    static func lowRank(
        _ x: [Double], _ a: [Double], _ b: [Double], scale: Double, inputs: Int, rank: Int
    ) -> [Double] {
        let u = linear(x, a, nil, outputs: rank, inputs: inputs)
        return linear(u, b, nil, outputs: b.count / rank, inputs: rank).map { $0 * scale }
    }

    static func rmsNorm(_ x: [Double], _ gain: [Double], epsilon: Double) -> [Double] {
        let n = gain.count
        return (0..<x.count / n).flatMap { t in
            let row = x[t * n..<(t + 1) * n]
            let mean = row.reduce(0) { $0 + $1 * $1 } / Double(n)
            return zip(row, gain).map { $0 * $1 / (mean + epsilon).squareRoot() }
        }
    }

    static func swiGLU(_ gate: [Double], _ up: [Double]) -> [Double] {
        zip(gate, up).map { $0 / (1 + exp(-$0)) * $1 }
    }

    static func rotary(
        _ x: [Double], heads: Int, headLength h: Int, base: Double, position: Int, layout: RotaryLayout
    ) -> [Double] {
        var y = x
        for t in 0..<x.count / (heads * h) {
            for head in 0..<heads {
                for pair in 0..<h / 2 {
                    let start = (t * heads + head) * h
                    let a = start + (layout == .splitHalf ? pair : 2 * pair)
                    let b = start + (layout == .splitHalf ? pair + h / 2 : 2 * pair + 1)
                    let angle = Double(position + t) * pow(base, -2 * Double(pair) / Double(h))
                    y[a] = x[a] * cos(angle) - x[b] * sin(angle)
                    y[b] = x[a] * sin(angle) + x[b] * cos(angle)
                }
            }
        }
        return y
    }

    /// Values of o and of logSumExp.
    static func attention(
        q: [Double], k: [Double], v: [Double], keyCount: Int, heads: Int, keyValueHeads: Int, headLength h: Int
    ) -> (o: [Double], logSumExp: [Double]) {
        let tokens = q.count / (heads * h)
        var o = [Double](repeating: 0, count: q.count)
        var logSumExp = [Double](repeating: 0, count: heads * tokens)
        for head in 0..<heads {
            let keyHead = head / (heads / keyValueHeads)
            for t in 0..<tokens {
                let qStart = (t * heads + head) * h
                let scores = (0...keyCount - tokens + t).map { s in
                    let kStart = (s * keyValueHeads + keyHead) * h
                    return (0..<h).reduce(0) { $0 + q[qStart + $1] * k[kStart + $1] } / Double(h).squareRoot()
                }
                let top = scores.max() ?? 0
                let sum = scores.reduce(0) { $0 + exp($1 - top) }
                logSumExp[head * tokens + t] = top + log(sum)
                for (s, score) in scores.enumerated() {
                    let p = exp(score - top) / sum
                    for c in 0..<h { o[qStart + c] += p * v[(s * keyValueHeads + keyHead) * h + c] }
                }
            }
        }
        return (o, logSumExp)
    }

    static func embedding(_ tokens: [Int32], _ w: [Double], width: Int) -> [Double] {
        tokens.flatMap { w[Int($0) * width..<(Int($0) + 1) * width] }
    }

    /// Loss and logSumExp of every row.
    static func headCrossEntropy(
        _ hidden: [Double], _ w: [Double], targets: [Int32], width: Int, bias: [(token: Int, value: Double)] = []
    ) -> (losses: [Double], logSumExp: [Double]) {
        let vocabulary = w.count / width
        var logits = linear(hidden, w, nil, outputs: vocabulary, inputs: width)
        for (token, value) in bias {
            for n in targets.indices { logits[n * vocabulary + token] += value }
        }
        var losses = [Double]()
        var sums = [Double]()
        for (n, target) in targets.enumerated() {
            let row = logits[n * vocabulary..<(n + 1) * vocabulary]
            let top = row.max() ?? 0
            let sum = top + log(row.reduce(0) { $0 + exp($1 - top) })
            sums.append(sum)
            losses.append(sum - row[row.startIndex + Int(target)])
        }
        return (losses, sums)
    }
}
