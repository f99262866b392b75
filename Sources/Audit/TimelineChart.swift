// Several small drawings, one below the other, over the same axis of time.

struct TimelineChart {
    let timeline: RunReport.Timeline

    private static let width = 640.0
    private static let left = 74.0
    private static let right = 626.0
    private static let top = 8.0
    private static let titleHeight = 24.0
    private static let panelHeight = 84.0
    private static let gap = 14.0
    /// Most points of one line; more make the page large and the drawing no clearer.
    private static let pointLimit = 600
    /// Classes of the style sheet, by a series' place in its panel.
    private static let kinds: [HTML] = ["valid", "seal", "warm", "mean"]

    private var panels: [RunReport.Timeline.Panel] {
        timeline.panels.filter { $0.series.contains { $0.moments.contains { $0.value?.isFinite == true } } }
    }

    private static func panelTop(_ index: Int) -> Double {
        top + Double(index) * (titleHeight + panelHeight + gap) + titleHeight
    }

    var svg: HTML {
        let panels = panels
        let bottom = Self.panelTop(max(0, panels.count - 1)) + Self.panelHeight
        let height = bottom + 54
        let (unit, divisor) = Self.unit(timeline.seconds)
        let axis = Axis(
            from: 0, to: max(timeline.seconds / divisor, 1e-3), lines: 6, isTight: true)
        var drawing: HTML = ""
        for rest in timeline.rests {
            let from = x(rest.from, axis, divisor)
            let to = max(from + 1, x(rest.to, axis, divisor))
            drawing += """
                <rect class="rest" x="\(from, decimals: 1)" width="\(to - from, decimals: 1)" y="\(Self.top, decimals: 0)" \
                height="\(bottom - Self.top, decimals: 0)"/>
                """
        }
        for moment in timeline.breaks {
            let x = x(moment, axis, divisor)
            drawing += """
                <line class="break" x1="\(x, decimals: 1)" x2="\(x, decimals: 1)" y1="\(Self.top, decimals: 0)" \
                y2="\(bottom, decimals: 0)"/>
                """
        }
        for (index, panel) in panels.enumerated() {
            drawing += draw(panel, top: Self.panelTop(index), axis, divisor)
        }
        for value in axis.lines {
            let x = x(value * divisor, axis, divisor)
            let label = ReportChart.decimalLabel(value, axis.distance)
            drawing += """
                <line class="grid" x1="\(x, decimals: 1)" x2="\(x, decimals: 1)" y1="\(bottom, decimals: 0)" \
                y2="\(bottom + 6, decimals: 0)"/><text x="\(x, decimals: 1)" y="\(bottom + 24, decimals: 0)" \
                text-anchor="middle">\(label)</text>
                """
        }
        drawing += """
            <text class="axis" x="626" y="\(bottom + 46, decimals: 0)" text-anchor="end">\(unit) of the run</text>
            """
        return """
            <svg viewBox="0 0 640 \(height, decimals: 0)" role="img" aria-labelledby="device-t device-d">\
            <title id="device-t">The device over time</title><desc id="device-d">\(description(panels))</desc>\(drawing)</svg>
            """
    }

    /// The panels in words and numbers.
    private func description(_ panels: [RunReport.Timeline.Panel]) -> HTML {
        let ranges = panels.flatMap { panel in
            panel.series.compactMap { series -> HTML? in
                let values = series.moments.compactMap(\.value).filter(\.isFinite)
                guard let low = values.min(), let high = values.max() else { return nil }
                return "\(panel.title), \(series.name): \(low, decimals: 2) to \(high, decimals: 2). "
            }
        }
        return """
            \(ranges.joined())\(timeline.rests.count) rests and \(timeline.breaks.count) resumptions in \
            \(timeline.seconds, decimals: 1) seconds.
            """
    }

    private func draw(
        _ panel: RunReport.Timeline.Panel, top: Double, _ axis: Axis, _ divisor: Double
    ) -> HTML {
        let values = panel.series.flatMap(\.moments).compactMap(\.value).filter(\.isFinite)
        guard let lowest = values.min(), let highest = values.max() else { return "" }
        let low = panel.startsAtZero ? min(0, lowest) : lowest
        let pad = highest > low ? 0 : max(abs(highest) * 0.05, 0.5)
        let range = Axis(from: panel.startsAtZero ? low : low - pad, to: highest + pad, lines: 3)
        func y(_ value: Double) -> Double { top + Self.panelHeight * (1 - range.share(of: value)) }
        var drawing: HTML = """
            <text class="axis" x="74" y="\(top - 8, decimals: 0)">\(panel.title)</text>
            """
        for value in range.lines {
            let label = ReportChart.decimalLabel(value, range.distance)
            drawing += """
                <line class="grid" x1="74" x2="626" y1="\(y(value), decimals: 1)" y2="\(y(value), decimals: 1)"/>\
                <text x="66" y="\(y(value) + 5, decimals: 1)" text-anchor="end">\(label)</text>
                """
        }
        var place = Self.right
        for (series, kind) in zip(panel.series, Self.kinds).reversed() where panel.series.count > 1 {
            drawing += """
                <text class="name \(kind)" x="\(place, decimals: 0)" y="\(top - 8, decimals: 0)" \
                text-anchor="end">\(series.name)</text>
                """
            place -= Double(min(series.name.count, 20)) * 8 + 14
        }
        for (series, kind) in zip(panel.series, Self.kinds) {
            for piece in Self.pieces(series.moments) {
                let points = piece.map { (x($0.seconds, axis, divisor), y($0.value ?? 0)) }
                if panel.isDotted || points.count == 1 {
                    let path = points.map { "M\($0.0, decimals: 1),\($0.1, decimals: 1)h0" as HTML }
                    drawing += "<path class=\"dots \(kind)\" d=\"\(path.joined())\"/>"
                } else {
                    let path = points.map { "\($0.0, decimals: 1),\($0.1, decimals: 1) " as HTML }
                    drawing += "<polyline class=\"thin \(kind)\" points=\"\(path.joined())\"/>"
                }
            }
        }
        return drawing
    }

    private func x(_ seconds: Double, _ axis: Axis, _ divisor: Double) -> Double {
        Self.left + axis.share(of: seconds / divisor) * (Self.right - Self.left)
    }

    /// Stretches without a gap, thinned: of a bucket of moments the lowest and the highest stay, so no peak is lost.
    static func pieces(_ moments: [RunReport.Timeline.Moment]) -> [[RunReport.Timeline.Moment]] {
        let width = max(1, (moments.count * 2 + pointLimit - 1) / pointLimit)
        return moments.split { $0.value?.isFinite != true }.map { piece in
            guard width > 2 else { return Array(piece) }
            return stride(from: piece.startIndex, to: piece.endIndex, by: width).flatMap { start in
                let bucket = piece[start..<min(start + width, piece.endIndex)]
                let low = bucket.indices.min { bucket[$0].value ?? 0 < bucket[$1].value ?? 0 } ?? start
                let high = bucket.indices.max { bucket[$0].value ?? 0 < bucket[$1].value ?? 0 } ?? start
                return low == high ? [bucket[low]] : [bucket[min(low, high)], bucket[max(low, high)]]
            }
        }
    }

    /// A unit in which the axis has readable numbers, and its seconds.
    private static func unit(_ seconds: Double) -> (HTML, Double) {
        if seconds < 180 { return ("seconds", 1) }
        return seconds < 3 * 3600 ? ("minutes", 60) : ("hours", 3600)
    }
}
