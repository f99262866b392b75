// Straight loops over floats, eight lanes at a time. Every sum has one fixed order that depends on the count alone,
// and a value never depends on its position: a tail is padded to whole lanes and takes the same instructions.

typealias Lanes = SIMD8<Float>

enum Vector {
    static let width = 8

    /// The next `min(count, 8)` floats; missing lanes are 0.
    @inline(__always)
    static func load(_ source: UnsafePointer<Float>, _ count: Int) -> Lanes {
        if count >= width {
            return unsafe UnsafeRawPointer(source).loadUnaligned(as: Lanes.self)
        }
        var lanes = Lanes()
        for lane in 0..<count { lanes[lane] = unsafe source[lane] }
        return lanes
    }

    /// Stores the first `min(count, 8)` lanes.
    @inline(__always)
    static func store(_ lanes: Lanes, _ target: UnsafeMutablePointer<Float>, _ count: Int) {
        if count >= width {
            unsafe UnsafeMutableRawPointer(target).storeBytes(of: lanes, as: Lanes.self)
        } else {
            for lane in 0..<count { unsafe target[lane] = lanes[lane] }
        }
    }

    /// The lanes added in one fixed order.
    @inline(__always)
    static func sum(_ lanes: Lanes) -> Float {
        let four = lanes.lowHalf + lanes.highHalf
        let two = four.lowHalf + four.highHalf
        return two.x + two.y
    }

    /// Σ a·b
    static func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float {
        var first = Lanes()
        var second = Lanes()
        var index = 0
        while index &+ 16 <= count {
            unsafe first += load(a + index, width) * load(b + index, width)
            unsafe second += load(a + index + width, width) * load(b + index + width, width)
            index &+= 16
        }
        while index < count {
            let left = count &- index
            unsafe first += load(a + index, left) * load(b + index, left)
            index &+= width
        }
        return sum(first + second)
    }

    /// target += scale · source
    static func add(
        _ source: UnsafePointer<Float>, scale: Float = 1, into target: UnsafeMutablePointer<Float>, count: Int
    ) {
        var index = 0
        while index < count {
            let left = count &- index
            unsafe store(load(target + index, left) + load(source + index, left) * scale, target + index, left)
            index &+= width
        }
    }

    /// |x|
    @inline(__always)
    static func magnitude(_ x: Lanes) -> Lanes {
        unsafe unsafeBitCast(unsafeBitCast(x, to: SIMD8<UInt32>.self) & 0x7FFF_FFFF, to: Lanes.self)
    }

    /// target *= scale
    static func multiply(_ target: UnsafeMutablePointer<Float>, by scale: Float, count: Int) {
        var index = 0
        while index < count {
            let left = count &- index
            unsafe store(load(target + index, left) * scale, target + index, left)
            index &+= width
        }
    }

    /// The largest value; -∞ for none. NaN elements may be passed over: they show in the sums that follow.
    static func maximum(_ source: UnsafePointer<Float>, count: Int) -> Float {
        var best = Lanes(repeating: -.infinity)
        var index = 0
        while index &+ width <= count {
            let lanes = unsafe load(source + index, width)
            best.replace(with: lanes, where: lanes .> best)
            index &+= width
        }
        var result = -Float.infinity
        for lane in 0..<width where best[lane] > result { result = best[lane] }
        while index < count {
            let value = unsafe source[index]
            if value > result { result = value }
            index &+= 1
        }
        return result
    }

    /// Σ x², in Double.
    static func sumOfSquaresInDouble(_ source: UnsafePointer<Float>, count: Int) -> Double {
        var sums = SIMD4<Double>()
        var index = 0
        while index &+ 4 <= count {
            let four = unsafe SIMD4<Double>(UnsafeRawPointer(source + index).loadUnaligned(as: SIMD4<Float>.self))
            sums += four * four
            index &+= 4
        }
        var total = (sums.x + sums.y) + (sums.z + sums.w)
        while index < count {
            let value = unsafe Double(source[index])
            total += value * value
            index &+= 1
        }
        return total
    }
}
