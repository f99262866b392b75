// The page: one file, no script, nothing fetched. Verdict first, then what was learned, then the evidence.

internal import Digest

extension RunReport {
    /// The whole of `report.html`.
    public var html: String {
        let sections = [
            head, verdictSection, outcomeSection, curveSection, trainedSection, sealSection, identitySection,
            verifySection,
        ]
        let page: HTML = """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <meta name="referrer" content="no-referrer">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(title)</title>
            <style>\(ReportStyle.sheet)</style></head>
            <body><main>\(sections.joined())<footer>Run \(run) · \(time) · this page holds no script and loads nothing.</footer></main></body></html>

            """
        return page.text
    }

    private var head: HTML {
        let synthetic: HTML =
            isSynthetic
            ? """
            <p class="label">synthetic weights</p><p class="note">The base has seeded random weights in a real architecture. \
            Its losses say nothing about language.</p>
            """ : ""
        return """
            <header><p class="over">Polymath · training report</p><h1>\(title)</h1>\(synthetic)</header>
            """
    }

    private var verdictSection: HTML {
        let failed = verdict.checks.count { $0.result == .failed }
        let open = verdict.checks.count { $0.result == .notChecked }
        let headline: HTML = verdict.isPassed ? "Verified" : "Not verified"
        let sum: HTML =
            verdict.isPassed
            ? "\(verdict.checks.count - open) checks passed\(open > 0 ? ", \(open) could not be made here" as HTML : "")."
            : "\(failed) of \(verdict.checks.count) checks failed."
        let rows = verdict.checks.map { check -> HTML in
            let (sign, kind): (HTML, HTML) =
                switch check.result {
                case .passed: ("✓", "ok")
                case .failed: ("✕", "bad")
                case .notChecked: ("–", "open")
                }
            return """
                <li class="\(kind)"><span class="sign" aria-label="\(check.result.rawValue)">\(sign)</span>\
                <span>\(check.sentence, limit: 600)</span><span class="ground">\(check.ground.rawValue)</span></li>
                """
        }
        return """
            <section class="verdict \(verdict.isPassed ? "ok" as HTML : "bad")"><h2>\(headline)</h2><p>\(sum)</p>
            <ul class="checks">\(rows.joined())</ul>
            <p class="note"><b>arithmetic</b>: anyone can recompute it from the files. <b>replay</b>: training again \
            must give the same bytes. <b>signer’s word</b>: believed as far as the signer is.</p></section>
            """
    }

    private var outcomeSection: HTML {
        var tiles: [HTML] = []
        func tile(_ name: HTML, _ value: HTML, _ note: HTML = "") {
            tiles.append("<div class=\"tile\"><p>\(name)</p><p class=\"big\">\(value)</p><p>\(note)</p></div>")
        }
        if let first = comparisons.first {
            tile(
                "Loss on \(first.name)", "\(first.lossAfter, decimals: 4)",
                "from \(first.lossBefore, decimals: 4) nats per token")
        }
        if let bytes = artefactByteCount {
            tile("Exported", "\(Numeral.grouped(bytes)) bytes", "\(artefactName ?? "")")
        }
        tile(
            "Frozen tensors", "\(frozenChangeCount) changed", "of \(Numeral.grouped(frozenTensorCount)) frozen")
        if let peak = peakMemoryBytes {
            let anonymous: HTML = anonymousMemoryBytes.map { "\(Numeral.bytes($0)) of it anonymous" } ?? ""
            tile("Peak memory", "\(Numeral.bytes(peak))", anonymous)
        }
        if let speed = tokensPerSecond {
            let time: HTML = seconds.map { "\($0, decimals: 1) s in all" } ?? ""
            tile("Speed", "\(speed, decimals: 1) tokens/s", time)
        }
        let rows = comparisons.map { item -> HTML in
            """
            <tr><th scope="row">\(item.name)</th><td>\(item.lossBefore, decimals: 4)</td><td>\(item.lossAfter, decimals: 4)</td>\
            <td>\(item.lossAfter - item.lossBefore, decimals: 4)</td><td>\(Self.perplexity(item.lossBefore))</td>\
            <td>\(Self.perplexity(item.lossAfter))</td></tr>
            """
        }
        let table: HTML =
            rows.isEmpty
            ? ""
            : """
            <div class="wide"><table><thead><tr><th>Text</th><th>Loss before</th><th>after</th><th>change</th>\
            <th>Perplexity before</th><th>after</th></tr></thead><tbody>\(rows.joined())</tbody></table></div>
            """
        return "<section><h2>Before and after</h2><div class=\"tiles\">\(tiles.joined())</div>\(table)</section>"
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

    private var curveSection: HTML {
        guard !trainingLoss.isEmpty || !validationLoss.isEmpty else { return "" }
        let best: HTML =
            bestStep.map { "The exported state is that of step \($0), the best on the validation part." } ?? ""
        return """
            <section><h2>Loss while training</h2>\
            \(ReportChart.losses(training: trainingLoss, validation: validationLoss, best: bestStep))\
            <p class="note"><span class="key train"></span> training, each step · <span class="key valid"></span> \
            validation. \(best)</p></section>
            """
    }

    private var trainedSection: HTML {
        guard !trainedTensors.isEmpty else { return "" }
        let largest = trainedTensors.map { Self.ratio($0) }.max() ?? 0
        let rows = trainedTensors.map { tensor -> HTML in
            let ratio = Self.ratio(tensor)
            let share = largest > 0 ? Int((ratio / largest * 100).rounded()) : 0
            return """
                <tr><th scope="row"><code>\(tensor.name)</code></th><td>\(Numeral.grouped(tensor.elementCount))</td>\
                <td>\(Numeral.significant(tensor.updateNorm))</td><td>\(Numeral.significant(ratio * 100)) %</td>\
                <td class="bar"><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">\
                <rect width="\(share)" height="8"/></svg></td></tr>
                """
        }
        return """
            <section><h2>What was trained</h2><p>Scope <b>\(scope)</b>: \(trainedTensors.count) tensors. Update norm is the \
            length of what training added.</p><div class="wide"><table><thead><tr><th>Tensor</th><th>Values</th>\
            <th>Update norm</th><th>of the base’s</th><th></th></tr></thead><tbody>\(rows.joined())</tbody></table></div></section>
            """
    }

    private static func ratio(_ tensor: TrainedTensor) -> Double {
        tensor.baseNorm > 0 ? tensor.updateNorm / tensor.baseNorm : 0
    }

    private var sealSection: HTML {
        let bound: HTML =
            coverageBoundSteps.map { " A change from outside is found within \($0) steps." } ?? ""
        let rows = sealedTensors.map { tensor -> HTML in
            """
            <tr><th scope="row"><code>\(tensor.name)</code></th><td>\(tensor.type)</td>\
            <td>\(tensor.dimensions.map(String.init).joined(separator: " × "))</td><td><code>\(tensor.digest)</code></td></tr>
            """
        }
        let list: HTML =
            rows.isEmpty
            ? ""
            : """
            <details><summary>All \(sealedTensors.count) sealed tensors and their SHA-256</summary><div class="wide">\
            <table><thead><tr><th>Tensor</th><th>Type</th><th>Shape</th><th>SHA-256 as stored</th></tr></thead>\
            <tbody>\(rows.joined())</tbody></table></div></details>
            """
        return """
            <section><h2>What stayed sealed</h2><p>\(Numeral.grouped(frozenTensorCount)) tensors were frozen in this run; \
            \(frozenChangeCount) changed. Sealed bytes: \(Numeral.bytes(sealedByteCount)).\(bound)</p>\
            \(ReportChart.coverage(sealCoverage, whole: sealedByteCount))\(list)</section>
            """
    }

    private var identitySection: HTML {
        func list(_ name: HTML, _ facts: [(HTML, HTML)]) -> HTML {
            let rows = facts.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" as HTML }
            return "<div class=\"card\"><h3>\(name)</h3><dl>\(rows.joined())</dl></div>"
        }
        func foreign(_ facts: [Fact]) -> [(HTML, HTML)] { facts.map { ("\($0.name)", "\($0.value)") } }
        var evidence: [(HTML, HTML)] = [("Signer", "<code>\(signer)</code>")]
        if let contentID { evidence.append(("Content id", "<code>\(contentID.hex)</code>")) }
        if let chainHead { evidence.append(("Chain head", "<code>\(chainHead.hex)</code>")) }
        return """
            <section><h2>Identities</h2><div class="cards">\
            \(list("Base", [("Name", "\(baseName)"), ("Root", "<code>\(baseRoot.hex)</code>")] + foreign(baseFacts)))\
            \(list("Corpus", [("Name", "\(corpusName)")] + foreign(corpusFacts)))\
            \(list("Recipe", [("Digest", "<code>\(recipe.hex)</code>")] + foreign(recipeFacts)))\
            \(list("Evidence", evidence))</div></section>
            """
    }

    private var verifySection: HTML {
        guard !verifyCommands.isEmpty else { return "" }
        let lines = verifyCommands.map { "<code>\($0, limit: 1000)</code>\n" as HTML }
        return """
            <section><h2>Check it yourself</h2><p>This page is a summary; these commands judge the files themselves.</p>\
            <pre>\(lines.joined())</pre></section>
            """
    }
}
