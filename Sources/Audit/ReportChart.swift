// Line drawings over steps, as inline SVG: no script, no numbers rounded into a lie, a text for those who cannot see it.

/// One chart: values over steps, with axes, a title and a description.
struct ReportChart {
    /// How a series is drawn; each has its own class in the style sheet.
    enum Layer {
        /// One light dot for each value: what is measured, noise and all.
        case dots([RunReport.Point])
        case line([RunReport.Point], kind: HTML)
        /// A line with a ring at each value.
        case rings([RunReport.Point], kind: HTML)
        /// A vertical line at a step, labelled.
        case mark(step: Int, label: HTML)
        /// Small triangles on the step axis.
        case ticks([Int])
    }

    /// Unique in the page: title and description are found by it.
    let id: HTML
    let title: HTML
    /// What the drawing shows, in words and numbers.
    let description: HTML
    let unit: HTML
    let layers: [Layer]
    var startsAtZero = false
    /// A value as the axis writes it; `step` is the distance between two lines.
    var label: (_ value: Double, _ step: Double) -> String = Self.decimalLabel

    static let width = 640.0
    static let height = 350.0
    static let left = 74.0
    static let right = 14.0
    static let top = 46.0
    static let bottom = 58.0
    /// More dots than this make the page large and the drawing no clearer.
    private static let dotLimit = 1500

    /// The figure; nothing when no layer has a finite value.
    var svg: HTML {
        let points = layers.flatMap(\.points).filter(\.value.isFinite)
        guard let lowest = points.map(\.value).min(), let highest = points.map(\.value).max(),
            let first = points.map(\.step).min(), let last = points.map(\.step).max()
        else { return "" }
        let low = startsAtZero ? min(0, lowest) : lowest
        let pad = highest > low ? 0.0 : max(abs(highest) * 0.05, 0.5)
        let values = Axis(from: startsAtZero ? low : low - pad, to: highest + pad, lines: 5)
        let steps = Axis(
            from: Double(first), to: Double(max(last, first + 1)), lines: 6, wholeNumbers: true, isTight: true)
        let frame = Frame(steps: steps, values: values)
        return """
            <svg viewBox="0 0 640 350" role="img" aria-labelledby="\(id)-t \(id)-d">\
            <title id="\(id)-t">\(title)</title><desc id="\(id)-d">\(description)</desc>\
            \(axes(frame))\(layers.map { draw($0, frame) }.joined())</svg>
            """
    }

    private func axes(_ frame: Frame) -> HTML {
        var all: HTML = "<text class=\"axis\" x=\"4\" y=\"20\">\(unit)</text>"
        for value in frame.values.lines {
            let y = frame.y(value)
            all += """
                <line class="grid" x1="74" x2="626" y1="\(y, decimals: 1)" y2="\(y, decimals: 1)"/>\
                <text x="66" y="\(y + 5, decimals: 1)" text-anchor="end">\(label(value, frame.values.distance))</text>
                """
        }
        for value in frame.steps.lines {
            let x = frame.x(Int(value))
            all += """
                <line class="grid" x1="\(x, decimals: 1)" x2="\(x, decimals: 1)" y1="292" y2="298"/>\
                <text x="\(x, decimals: 1)" y="319" text-anchor="middle">\(Numeral.grouped(Int(value)))</text>
                """
        }
        all += "<text class=\"axis\" x=\"626\" y=\"346\" text-anchor=\"end\">step</text>"
        return all
    }

    private func draw(_ layer: Layer, _ frame: Frame) -> HTML {
        switch layer {
        case .dots(let points):
            let stride = max(1, (points.count + Self.dotLimit - 1) / Self.dotLimit)
            let kept = points.enumerated().filter { $0.offset % stride == 0 || $0.offset == points.count - 1 }
            let path = kept.map(\.element).filter(\.value.isFinite).map { point in
                "M\(frame.x(point.step), decimals: 1),\(frame.y(point.value), decimals: 1)h0" as HTML
            }
            return "<path class=\"dots\" d=\"\(path.joined())\"/>"
        case .line(let points, let kind):
            return "<polyline class=\"\(kind)\" points=\"\(frame.path(points))\"/>"
        case .rings(let points, let kind):
            let rings = points.filter(\.value.isFinite).map { point in
                """
                <circle class="\(kind)" cx="\(frame.x(point.step), decimals: 1)" \
                cy="\(frame.y(point.value), decimals: 1)" r="4.5"/>
                """ as HTML
            }
            return "<polyline class=\"\(kind)\" points=\"\(frame.path(points))\"/>\(rings.joined())"
        case .mark(let step, let label):
            let x = frame.x(step)
            // To the left of the line where there is no room on its right.
            let isLate = x > Self.width * 0.6
            return """
                <line class="mark" x1="\(x, decimals: 1)" x2="\(x, decimals: 1)" y1="46" y2="292"/>\
                <text class="mark" x="\(x + (isLate ? -7 : 7), decimals: 1)" y="62" \
                text-anchor="\(isLate ? "end" as HTML : "start")">\(label)</text>
                """
        case .ticks(let steps):
            let path = Set(steps).sorted().map { step in
                "M\(frame.x(step), decimals: 1),291l-6,-11h12z" as HTML
            }
            return "<path class=\"ticks\" d=\"\(path.joined())\"/>"
        }
    }

    /// Maps steps and values to the drawing.
    private struct Frame {
        let steps: Axis
        let values: Axis

        func x(_ step: Int) -> Double {
            left + steps.share(of: Double(step)) * (width - left - right)
        }

        func y(_ value: Double) -> Double {
            height - bottom - values.share(of: value) * (height - top - bottom)
        }

        func path(_ points: [RunReport.Point]) -> HTML {
            points.filter(\.value.isFinite).map {
                "\(x($0.step), decimals: 1),\(y($0.value), decimals: 1) " as HTML
            }.joined()
        }
    }

    /// As many decimals as tell two neighbouring lines apart.
    static func decimalLabel(_ value: Double, _ step: Double) -> String {
        var decimals = 0
        var scaled = step
        while decimals < 9, abs(scaled - scaled.rounded()) > 1e-6 * scaled {
            (decimals, scaled) = (decimals + 1, scaled * 10)
        }
        return Numeral.text(value, decimals: decimals)
    }
}

extension ReportChart.Layer {
    var points: [RunReport.Point] {
        switch self {
        case .dots(let points), .line(let points, _), .rings(let points, _): points
        case .mark, .ticks: []
        }
    }
}

/// A range cut at round numbers: 1, 2 or 5 times a power of ten apart.
package struct Axis: Sendable {
    package let lower: Double
    package let upper: Double
    package let distance: Double
    /// Where lines are drawn, ascending.
    package let lines: [Double]

    /// - Parameters:
    ///   - lines: about how many.
    ///   - isTight: keeps the range as given; otherwise it is widened to the next line.
    package init(from low: Double, to high: Double, lines count: Int, wholeNumbers: Bool = false, isTight: Bool = false)
    {
        let span = max(high - low, abs(high) * 1e-9, 1e-12)
        var power = 1.0
        while power * 10 <= span / Double(count) { power *= 10 }
        while power > span / Double(count) { power /= 10 }
        let factors: [Double] = [1, 2, 5, 10]
        var distance = power * (factors.first { $0 * power * Double(count) >= span } ?? 10)
        if wholeNumbers { distance = max(1, distance.rounded()) }
        let from = isTight ? (low / distance).rounded(.up) : (low / distance).rounded(.down)
        let to = isTight ? (high / distance).rounded(.down) : (high / distance).rounded(.up)
        self.distance = distance
        lower = isTight ? low : from * distance
        upper = isTight ? high : to * distance
        // A round number is what a product, not a sum of steps, comes closest to.
        lines = from <= to ? stride(from: from, through: to, by: 1).map { $0 * distance } : []
    }

    func share(of value: Double) -> Double {
        upper > lower ? min(1, max(0, (value - lower) / (upper - lower))) : 0
    }
}

extension RunReport {
    /// How many neighbours the running mean of `count` values takes; 1 means that no mean is worth drawing.
    static func meanWidth(of count: Int) -> Int { count < 8 ? 1 : max(5, count / 20) | 1 }

    /// At each step the mean of the `width` values around it, fewer at the ends.
    ///
    /// - Complexity: O(*n*).
    package static func runningMean(_ points: [Point], width: Int) -> [Point] {
        let values = points.filter(\.value.isFinite)
        var sums = [0.0]
        for point in values { sums.append((sums.last ?? 0) + point.value) }
        return values.indices.map { index in
            let from = max(0, index - width / 2)
            let to = min(values.count - 1, index + width / 2)
            return Point(step: values[index].step, value: (sums[to + 1] - sums[from]) / Double(to - from + 1))
        }
    }
}
