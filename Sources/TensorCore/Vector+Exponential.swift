// The exponential function without a library call, so that it runs in vector registers and gives the same bits in
// every lane, on every position and in debug as in release builds.

extension Vector {
    /// e^x to about 1.2e-7 relative for -87.33 ≤ x ≤ 88.37; 0 below, the value at 88.37 above, NaN for NaN.
    ///
    /// x = n·ln 2 + r with |r| ≤ ln 2 / 2; e^r by the polynomial of Cephes' `expf`; the result is e^r · 2^n.
    @inline(__always)
    static func exponential(_ x: Lanes) -> Lanes {
        let lowest: Float = -87.33
        let highest: Float = 88.37
        var bounded = x
        bounded.replace(with: Lanes(repeating: lowest), where: x .< lowest)
        bounded.replace(with: Lanes(repeating: highest), where: x .> highest)
        // Adding 1.5·2^23 rounds to a whole number and leaves it in the low bits of the sum.
        let shifter: Float = 12_582_912
        let shifted = bounded * 1.442_695_04 + shifter
        let n = shifted - shifter
        let r = (bounded - n * 0.693_359_375) + n * 2.121_944_4e-4
        var p = r * 1.987_569_15e-4 + 1.398_199_950_7e-3
        p = p * r + 8.333_451_907_3e-3
        p = p * r + 4.166_579_589_4e-2
        p = p * r + 1.666_666_545_9e-1
        p = p * r + 5.000_000_120_1e-1
        let power = p * (r * r) + r + 1
        let exponent = (unsafe unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &+ 127) &<< 23
        let scale = unsafe unsafeBitCast(exponent, to: Lanes.self)
        return (power * scale).replacing(with: 0, where: x .< lowest)
    }

    /// values = e^(values - offset); returns their sum.
    static func exponentials(
        _ values: UnsafeMutablePointer<Float>, minus offset: Float, count: Int
    ) -> Float {
        var sums = Lanes()
        var index = 0
        while index &+ width <= count {
            let lanes = exponential(unsafe load(values + index, width) - offset)
            unsafe store(lanes, values + index, width)
            sums += lanes
            index &+= width
        }
        if index < count {
            let left = count &- index
            var lanes = exponential(unsafe load(values + index, left) - offset)
            for lane in left..<width { lanes[lane] = 0 }
            unsafe store(lanes, values + index, left)
            sums += lanes
        }
        return sum(sums)
    }

    /// 1 / (1 + e^-x)
    @inline(__always)
    static func sigmoid(_ x: Lanes) -> Lanes {
        Lanes(repeating: 1) / (exponential(-x) + 1)
    }
}
