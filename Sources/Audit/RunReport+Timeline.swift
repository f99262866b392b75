// What the device did while the run went on, over one axis of time.

extension RunReport {
    /// The run's time, without that in which no process was at it.
    public struct Timeline: Equatable, Sendable {
        /// A value at a moment; nil where the device did not tell.
        public struct Moment: Equatable, Sendable {
            public var seconds: Double
            public var value: Double?

            public init(seconds: Double, value: Double?) {
                self.seconds = seconds
                self.value = value
            }
        }

        /// One line of a panel.
        public struct Series: Equatable, Sendable {
            public var name: String
            public var moments: [Moment]

            public init(_ name: String, _ moments: [Moment]) {
                self.name = name
                self.moments = moments
            }
        }

        /// Up to four series that share an axis of values.
        public struct Panel: Equatable, Sendable {
            /// What the axis shows, e.g. `temperature, °C`.
            public var title: String
            public var series: [Series]
            public var startsAtZero: Bool
            public var isDotted: Bool

            public init(_ title: String, _ series: [Series], startsAtZero: Bool = false, isDotted: Bool = false) {
                self.title = title
                self.series = series
                self.startsAtZero = startsAtZero
                self.isDotted = isDotted
            }
        }

        /// A stretch in which the run rested.
        public struct Rest: Equatable, Sendable {
            public var from: Double
            public var to: Double

            public init(from: Double, to: Double) {
                self.from = from
                self.to = to
            }
        }

        /// Something that began or ended.
        public struct Transition: Equatable, Sendable {
            public var seconds: Double
            /// UTC.
            public var time: String
            public var step: Int?
            public var what: String
            public var why: String

            public init(seconds: Double, time: String, step: Int?, what: String, why: String) {
                self.seconds = seconds
                self.time = time
                self.step = step
                self.what = what
                self.why = why
            }
        }

        public var seconds = 0.0
        public var panels: [Panel] = []
        public var rests: [Rest] = []
        /// Where one process ended and another went on.
        public var breaks: [Double] = []
        public var transitions: [Transition] = []
        /// What no reading of the run told.
        public var missing: [String] = []

        public init() {}
    }

    var deviceSection: HTML {
        guard let timeline, timeline.panels.contains(where: { !$0.series.isEmpty }) else { return "" }
        let missing: HTML =
            timeline.missing.isEmpty
            ? "" : "<p>The device did not tell: \(timeline.missing.joined(separator: ", ")).</p>"
        let keys = [
            timeline.rests.isEmpty ? "" : "<li><span class=\"key rest\"></span>the run rests</li>" as HTML,
            timeline.breaks.isEmpty ? "" : "<li><span class=\"key break\"></span>another process goes on</li>",
        ].joined()
        return """
            \(missing)<figure>\(TimelineChart(timeline: timeline).svg)<figcaption><ul class="keys">\(keys)</ul>Time counts \
            while a process was at the run. A line is broken where the device did not tell.</figcaption></figure>\
            \(transitionTable(timeline.transitions))
            """
    }

    private func transitionTable(_ transitions: [Timeline.Transition]) -> HTML {
        guard !transitions.isEmpty else { return "" }
        // More would not be read; the events hold them all.
        let limit = 200
        let rows = transitions.prefix(limit).map { item -> HTML in
            """
            <tr><th scope="row">\(item.what)</th><td>\(item.step.map(Numeral.grouped) ?? "–")</td>\
            <td>\(item.why)</td><td>\(Self.clock(item.time))</td></tr>

            """
        }
        let more: HTML =
            transitions.count > limit ? "<p class=\"note\">The first \(limit) of \(transitions.count).</p>" : ""
        return """
            <details><summary>Rests, pauses and resumptions: \(transitions.count)</summary><div class="wide"><table><thead>\
            <tr><th scope="col">What</th><th scope="col">After step</th><th scope="col">Why</th>\
            <th scope="col">Time (UTC)</th></tr></thead><tbody>
            \(rows.joined())</tbody></table></div>\(more)</details>
            """
    }
}
