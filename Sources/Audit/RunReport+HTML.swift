// The page: one file, no script, nothing fetched. Verdict first, then what was learned, then the evidence.

internal import Digest

extension RunReport {
    /// The whole of `report.html`: the same data always give the same bytes.
    public var html: String {
        let sections: [(id: HTML, name: HTML, content: HTML)] = [
            ("verdict", verdictName, verdictSection), ("outcome", "Before and after", outcomeSection),
            ("curve", "Loss while training", curveSection), ("trained", "What was trained", trainedSection),
            ("sealed", "What stayed sealed", sealSection), ("cost", "Memory and speed", costSection),
            ("device", "The device over time", deviceSection),
            ("handed-on", "What left the machine, and what did not", departureSection),
            ("identities", "Identities", identitySection), ("check", "Check it yourself", commandSection),
        ].filter { !$0.content.text.isEmpty }
        let links = sections.dropFirst().map { "<a href=\"#\($0.id)\">\($0.name)</a> " as HTML }
        let bodies = sections.map { section -> HTML in
            """
            <section id="\(section.id)" class="\(section.id.text == "verdict" ? verdictClass : "plain")" \
            aria-labelledby="\(section.id)-h"><h2 id="\(section.id)-h">\(section.name)</h2>\(section.content)</section>

            """
        }
        // The browser applies the one style sheet that has this digest, and nothing else.
        let style = Base64.encode(SHA256Digest.of(Array(ReportStyle.sheet.text.utf8)).bytes)
        let page: HTML = """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src \
            'sha256-\(style)'; base-uri 'none'; form-action 'none'">
            <meta name="referrer" content="no-referrer">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(title)</title>
            <style>\(ReportStyle.sheet)</style></head>
            <body><main>
            <header><p class="over">Polymath · training report</p><h1>\(title)</h1>\(syntheticNote)\(runLine)</header>
            \(bodies[0])<nav aria-label="Sections">\(links.joined())</nav>
            \(bodies.dropFirst().joined())<footer><p>Made by \(program) from the files of run \(run) alone; made again from \
            the same files it is the same, byte for byte. It holds no script and loads nothing.</p></footer>
            </main></body></html>

            """
        return page.text
    }

    private var syntheticNote: HTML {
        guard isSynthetic else { return "" }
        return """
            <p class="synthetic"><strong>A base with synthetic weights:</strong> seeded random numbers in a real \
            architecture. Its losses say nothing about language.</p>
            """
    }

    private var runLine: HTML {
        """
        <p class="note">Run \(run), from <span class="time">\(Self.clock(started))</span> to \
        <span class="time">\(Self.clock(ended))</span> UTC.</p>
        """
    }

    /// `2026-01-31T12:00:00Z` as people write it; any other text as it is.
    static func clock(_ time: String) -> String {
        let isStandard =
            time.utf8.count == 20 && time.hasSuffix("Z") && time.utf8.dropFirst(10).first == UInt8(ascii: "T")
        return isStandard ? time.prefix(10) + " " + time.dropFirst(11).dropLast() : time
    }
}

// MARK: - Verdict

extension RunReport {
    var verdictClass: HTML { verdict.isPassed ? "verdict ok" : "verdict bad" }

    var verdictName: HTML {
        if verdict.isPassed { return "Verified from the run’s own files" }
        switch state {
        case .closed: return "Not verified"
        case .paused(let step): return "Not verified: paused after step \(step)"
        case .open: return "Not verified: the run has no end"
        case .violated: return "Stopped: a sealed byte changed"
        }
    }

    var verdictSection: HTML {
        let failed = verdict.checks.count { $0.result == .failed }
        let open = verdict.checks.count { $0.result == .notChecked }
        let left: HTML =
            open > 0
            ? " \(open) stay open, since they need what is not in the run’s folder: see “Check it yourself”." : ""
        let sum: HTML =
            verdict.isPassed
            ? "\(deed)All \(verdict.checks.count - open) checks that its files allow have passed.\(left)"
            : "\(failed) of \(verdict.checks.count) checks failed.\(left)"
        let reason: HTML =
            switch state {
            case .violated(let facts): "<p>Training ended there and nothing was exported.</p>\(Self.list(facts))"
            case .paused: "<p>Nothing has been exported yet. The run can go on from here.</p>"
            case .open: "<p>It was stopped before it came to its end, or is still under way.</p>"
            case .closed: ""
            }
        let rows = verdict.checks.map { check -> HTML in
            let (sign, kind): (HTML, HTML) =
                switch check.result {
                case .passed: ("✓ passed", "ok")
                case .failed: ("✕ failed", "bad")
                case .notChecked: ("– open", "open")
                }
            return """
                <tr class="\(kind)"><td class="sign">\(sign)</td><td>\(check.sentence, limit: 600)</td>\
                <td><span class="ground">\(check.ground.rawValue)</span></td></tr>

                """
        }
        return """
            <p class="lead">\(sum)</p>\(reason)
            <dl class="grounds">\(Ground.allCases.map(grounds).joined())</dl>
            <table class="checks"><thead><tr><th scope="col">Result</th><th scope="col">What was checked</th>\
            <th scope="col">Ground</th></tr></thead><tbody>
            \(rows.joined())</tbody></table>
            """
    }

    /// What was done, in one sentence.
    private var deed: HTML {
        guard let artefact, let frozenTensorCount else { return "" }
        let count = trainedTensors.reduce(0) { $0 + $1.dimensions.reduce(1, *) }
        return """
            This run trained \(Numeral.grouped(count)) numbers of \(baseName) on \(corpusName), changed \
            \(frozenChangeCount ?? 0) of \(Numeral.grouped(frozenTensorCount)) frozen tensors, and exported \
            \(Numeral.grouped(artefact.byteCount)) signed bytes. 
            """
    }

    /// What a ground means, and how its checks came out.
    private func grounds(_ ground: Ground) -> HTML {
        let checks = verdict.checks.filter { $0.ground == ground }
        let counts: [(HTML, Int)] = [
            ("passed", checks.count { $0.result == .passed }), ("failed", checks.count { $0.result == .failed }),
            ("open", checks.count { $0.result == .notChecked }),
        ].filter { $0.1 > 0 }
        let told = counts.enumerated().map {
            "\($0.offset > 0 ? ", " as HTML : "")\($0.element.1) \($0.element.0)" as HTML
        }
        let meaning: HTML =
            switch ground {
            case .arithmetic: "Anyone can recompute it from the files."
            case .replay: "Training again from base, corpus and recipe must give the same bytes."
            case .signersWord: "Believed as far as the holder of the signing key is."
            }
        let sum: HTML = told.isEmpty ? "no check" : told.joined()
        return "<div><dt>\(ground.rawValue): \(sum)</dt><dd>\(meaning)</dd></div>"
    }

    /// Names and values, one pair beside the other.
    static func list(_ facts: [Fact]) -> HTML {
        let rows = facts.map { "<dt>\($0.name)</dt><dd>\($0.value, limit: 300)</dd>" as HTML }
        return "<dl class=\"facts\">\(rows.joined())</dl>"
    }
}

// MARK: - Outcome

extension RunReport {
    var outcomeSection: HTML {
        var tiles: [HTML] = []
        func tile(_ name: HTML, _ value: HTML, _ note: HTML) {
            tiles.append("<div class=\"tile\"><p>\(name)</p><p class=\"big\">\(value)</p><p>\(note)</p></div>")
        }
        if let first = comparisons.first {
            tile(
                "Loss on \(first.name) text", "\(first.lossAfter, decimals: decimals)",
                "was \(first.lossBefore, decimals: decimals) nats per token")
        }
        if let artefact { tile("Exported", "\(Numeral.grouped(artefact.byteCount)) bytes", "\(artefact.name), signed") }
        if let frozenTensorCount {
            tile(
                "Frozen tensors", "\(frozenChangeCount ?? 0) changed",
                "of \(Numeral.grouped(frozenTensorCount)), every byte hashed")
        }
        guard !tiles.isEmpty || !comparisons.isEmpty else { return "" }
        let rows = comparisons.map { item -> HTML in
            """
            <tr><th scope="row">\(item.name), loss</th><td>\(item.lossBefore, decimals: decimals)</td>\
            <td>\(item.lossAfter, decimals: decimals)</td><td>\(item.lossAfter - item.lossBefore, decimals: decimals)</td></tr>
            <tr><th scope="row">\(item.name), perplexity</th><td>\(Self.perplexity(item.lossBefore))</td>\
            <td>\(Self.perplexity(item.lossAfter))</td><td></td></tr>

            """
        }
        let table: HTML =
            rows.isEmpty
            ? "<p>This run had no validation text, so there is no before and after on text it was not trained on.</p>"
            : """
            <table><thead><tr><th scope="col">Measured on</th><th scope="col">Before</th><th scope="col">After</th>\
            <th scope="col">Change</th></tr></thead><tbody>
            \(rows.joined())</tbody></table>
            <p class="note">Loss is the mean cross-entropy in nats per token, lower is better; perplexity is e to its \
            power. “After” is measured with the exported file as read back from disk. The text was not trained on, but \
            it chose the step that was exported. Ground: <span class="ground">signer’s word</span>, until a replay \
            reaches the same figures.</p>
            """
        return "<div class=\"tiles\">\(tiles.joined())</div>\(table)"
    }

    /// Digits after the point that the run's losses were recorded with, at most four.
    private var decimals: Int {
        let losses = comparisons.flatMap { [$0.lossBefore, $0.lossAfter] } + validationLoss.map(\.value)
        var scale = 1.0
        for decimals in 0..<4 {
            if losses.allSatisfy({ abs($0 * scale - ($0 * scale).rounded()) < 1e-9 }) { return max(1, decimals) }
            scale *= 10
        }
        return 4
    }

    /// e^loss with three significant digits; e to the power of x without a maths library: the table needs no more.
    private static func perplexity(_ loss: Double) -> HTML {
        guard loss.isFinite, abs(loss) < 100 else { return "–" }
        // 2^k · e^r with |r| ≤ ln2/2, and e^r by its series, whose 16th term is below 1e-20.
        let k = (loss / 0.6931471805599453).rounded()
        let r = loss - k * 0.6931471805599453
        var term = 1.0
        var sum = 1.0
        for n in 1...16 {
            term *= r / Double(n)
            sum += term
        }
        return "\(Numeral.significant(sum * Double(sign: .plus, exponent: Int(k), significand: 1)))"
    }

    var curveSection: HTML {
        guard !trainingLoss.isEmpty || !validationLoss.isEmpty else { return "" }
        let width = Self.meanWidth(of: trainingLoss.count)
        var layers: [ReportChart.Layer] = [.dots(trainingLoss)]
        if width > 1 { layers.append(.line(Self.runningMean(trainingLoss, width: width), kind: "mean")) }
        if !validationLoss.isEmpty { layers.append(.rings(validationLoss, kind: "valid")) }
        if let bestStep { layers.append(.mark(step: bestStep, label: "exported: step \(bestStep)")) }
        let ends: HTML =
            validationLoss.count > 1
            ? """
            Validation loss goes from \(validationLoss[0].value, decimals: decimals) at step \(validationLoss[0].step) to \
            \(validationLoss[validationLoss.count - 1].value, decimals: decimals) at step \
            \(validationLoss[validationLoss.count - 1].step).
            """ : ""
        let chart = ReportChart(
            id: "loss", title: "Loss over steps",
            description:
                "Training loss of \(trainingLoss.count) steps and \(validationLoss.count) validations. \(ends)",
            unit: "loss, nats per token", layers: layers)
        let mean: HTML =
            width > 1 ? "<li><span class=\"key mean\"></span>mean of the \(width) steps around</li>" : ""
        let valid: HTML =
            validationLoss.isEmpty ? "" : "<li><span class=\"key valid\"></span>validation text, not trained on</li>"
        let exported: HTML =
            bestStep == nil
            ? "" : " The exported state is the best on the validation text, or the last where nothing was validated."
        return """
            <figure>\(chart.svg)<figcaption><ul class="keys"><li><span class="key dot"></span>one training step, before \
            its update</li>\(mean)\(valid)</ul>A step sees a few windows only, so single steps scatter with what is in \
            them.\(exported)</figcaption></figure>
            """
    }
}
