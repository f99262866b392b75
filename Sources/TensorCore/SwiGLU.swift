// The gated activation of the feed-forward block and its gradients, element by element.
//
//   σ(g) = 1 / (1 + e^-g);  a = g·σ(g) · u
//   du = da · g·σ(g)
//   dg = da · u · σ(g)·(1 + g·(1 − σ(g)))
//
// Shazeer, 2020 (arXiv:2002.05202).

package enum SwiGLU {
    /// a = silu(gate) · up; `a` may be `gate` or `up` itself.
    package static func activate(
        gate: UnsafePointer<Float>, up: UnsafePointer<Float>, into a: UnsafeMutablePointer<Float>, count: Int
    ) {
        var index = 0
        while index < count {
            let left = count &- index
            let g = unsafe Vector.load(gate + index, left)
            let u = unsafe Vector.load(up + index, left)
            unsafe Vector.store(g * Vector.sigmoid(g) * u, a + index, left)
            index &+= Vector.width
        }
    }

    /// Replaces `gate` and `up` by their gradients.
    package static func differentiate(
        _ da: UnsafePointer<Float>, gate: UnsafeMutablePointer<Float>, up: UnsafeMutablePointer<Float>, count: Int
    ) {
        var index = 0
        while index < count {
            let left = count &- index
            let g = unsafe Vector.load(gate + index, left)
            let u = unsafe Vector.load(up + index, left)
            let d = unsafe Vector.load(da + index, left)
            let s = Vector.sigmoid(g)
            let slope = s * (g * (Lanes(repeating: 1) - s) + 1)
            unsafe Vector.store(d * u * slope, gate + index, left)
            unsafe Vector.store(d * (g * s), up + index, left)
            index &+= Vector.width
        }
    }
}
