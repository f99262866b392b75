// Two small charts as inline SVG: losses over steps, and sealed bytes checked over steps.

enum ReportChart {
    private static let width = 640.0
    private static let height = 260.0
    private static let left = 52.0
    private static let right = 12.0
    private static let top = 12.0
    private static let bottom = 32.0

    /// Training as a line, validation as points joined by a line, the best step marked.
    static func losses(training: [RunReport.Point], validation: [RunReport.Point], best: Int?) -> HTML {
        let training = thinned(training.filter(\.loss.isFinite))
        let validation = validation.filter(\.loss.isFinite)
        let all = training + validation
        guard let lowest = all.map(\.loss).min(), let highest = all.map(\.loss).max(),
            let lastStep = all.map(\.step).max()
        else { return "" }
        let margin = max((highest - lowest) * 0.08, 1e-3)
        let frame = Frame(steps: 0...max(1, lastStep), values: (lowest - margin)...(highest + margin))
        var marks: HTML = ""
        if let best, let point = validation.first(where: { $0.step == best }) {
            marks = """
                <circle class="best" cx="\(frame.x(point.step), decimals: 1)" cy="\(frame.y(point.loss), decimals: 1)" r="8"/>
                """
        }
        let dots = validation.map { point -> HTML in
            "<circle class=\"valid\" cx=\"\(frame.x(point.step), decimals: 1)\" cy=\"\(frame.y(point.loss), decimals: 1)\" r=\"3.5\"/>"
        }
        return """
            <figure><svg viewBox="0 0 640 260" role="img" aria-label="Loss in nats per token over steps">\
            \(frame.axes(decimals: 2))<polyline class="train" points="\(frame.path(training))"/>\
            <polyline class="valid" points="\(frame.path(validation))"/>\(dots.joined())\(marks)</svg></figure>
            """
    }

    /// Sealed bytes checked since the start, as multiples of the whole.
    static func coverage(_ coverage: [RunReport.Coverage], whole: Int) -> HTML {
        guard whole > 0, !coverage.isEmpty else { return "" }
        let points = thinned(
            coverage.map { RunReport.Point(step: $0.step, loss: Double($0.checkedBytes) / Double(whole)) })
        let frame = Frame(
            steps: 0...max(1, points.map(\.step).max() ?? 1), values: 0...max(1, points.map(\.loss).max() ?? 1))
        return """
            <figure><svg viewBox="0 0 640 260" role="img" aria-label="Complete checks of the sealed bytes over steps">\
            \(frame.axes(decimals: 1))<polyline class="seal" points="\(frame.path(points))"/></svg>\
            <figcaption>How many times over the sealed bytes had been checked, by step.</figcaption></figure>
            """
    }

    /// At most 600 points: each keeps its place, so that the shape stays.
    private static func thinned(_ points: [RunReport.Point]) -> [RunReport.Point] {
        let stride = max(1, (points.count + 599) / 600)
        return points.enumerated().filter { $0.offset % stride == 0 || $0.offset == points.count - 1 }.map(\.element)
    }

    /// Maps steps and values to the drawing.
    private struct Frame {
        let steps: ClosedRange<Int>
        let values: ClosedRange<Double>

        func x(_ step: Int) -> Double {
            let share = Double(step - steps.lowerBound) / Double(max(1, steps.upperBound - steps.lowerBound))
            return left + share * (width - left - right)
        }

        func y(_ value: Double) -> Double {
            let share = (value - values.lowerBound) / (values.upperBound - values.lowerBound)
            return height - bottom - share * (height - top - bottom)
        }

        func path(_ points: [RunReport.Point]) -> HTML {
            points.map { "\(x($0.step), decimals: 1),\(y($0.loss), decimals: 1) " as HTML }.joined()
        }

        /// Four horizontal lines with their values, and the first and last step.
        func axes(decimals: Int) -> HTML {
            var all: HTML = ""
            for index in 0...3 {
                let value =
                    values.lowerBound + (values.upperBound - values.lowerBound) * Double(index) / 3
                let y = y(value)
                all += """
                    <line class="grid" x1="52" x2="628" y1="\(y, decimals: 1)" y2="\(y, decimals: 1)"/>\
                    <text x="46" y="\(y + 4, decimals: 1)" text-anchor="end">\(value, decimals: decimals)</text>
                    """
            }
            all += """
                <text x="52" y="252">step \(steps.lowerBound)</text>\
                <text x="628" y="252" text-anchor="end">\(steps.upperBound)</text>
                """
            return all
        }
    }
}
