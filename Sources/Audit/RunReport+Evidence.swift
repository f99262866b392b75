// The second half of the page: what was trained and sealed, what it cost, what may be handed on, and how to check it.

internal import Digest

extension RunReport {
    var trainedSection: HTML {
        guard !trainedTensors.isEmpty else { return "" }
        let largest = trainedTensors.map(Self.ratio).max() ?? 0
        let rows = trainedTensors.map { tensor -> HTML in
            let ratio = Self.ratio(tensor)
            let share = largest > 0 ? Int((ratio / largest * 100).rounded()) : 0
            return """
                <tr><th scope="row"><code>\(tensor.name)</code></th><td>\(Self.shape(tensor.dimensions))</td>\
                <td>\(Numeral.significant(tensor.updateNorm))</td>\
                <td class="roomy">\(Numeral.significant(tensor.baseNorm))</td>\
                <td>\(Numeral.significant(ratio * 100)) %</td>\
                <td class="bar roomy"><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">\
                <rect width="\(share)" height="8"/></svg></td></tr>

                """
        }
        let count = trainedTensors.reduce(0) { $0 + $1.dimensions.reduce(1, *) }
        return """
            <p>Scope <b>\(scope)</b>: \(trainedTensors.count) tensors with \(Numeral.grouped(count)) values. No other \
            number of the model was trained.</p><div class="wide" tabindex="0" role="region" aria-label="Trained tensors">\
            <table><thead><tr><th scope="col">Tensor</th><th scope="col">Shape</th><th scope="col">Update norm</th>\
            <th scope="col" class="roomy">Base norm</th><th scope="col">Relative</th><td class="roomy"></td></tr></thead><tbody>
            \(rows.joined())</tbody></table></div><p class="note">The update norm is the Euclidean length of what the \
            exported file adds to the base’s values; relative, its share of their length.</p>
            """
    }

    private static func ratio(_ tensor: TrainedTensor) -> Double {
        tensor.baseNorm > 0 ? tensor.updateNorm / tensor.baseNorm : 0
    }

    private static func shape(_ dimensions: [Int]) -> HTML {
        "\(dimensions.map(Numeral.grouped).joined(separator: " × "))"
    }

    var sealSection: HTML {
        let frozen: HTML =
            frozenTensorCount.map {
                """
                \(Numeral.grouped($0)) tensors were frozen in this run; <b>\(frozenChangeCount ?? 0) changed</b>. 
                """
            } ?? ""
        let bound: HTML =
            coverageBoundSteps.map {
                """
                 A change from outside that lasts is found within \($0) steps, and always before the export; one that is undone \
                before it is looked at shows on the times of the file alone.
                """
            }
            ?? ""
        let facts: HTML =
            sealFacts.isEmpty
            ? ""
            : """
            <p>Counted from the rows of the chain:</p><ul>\(sealFacts.map { "<li>\($0, limit: 400)</li>" as HTML }.joined())</ul>
            """
        let share: HTML =
            sealCPUShare.map {
                " Re-hashing between steps took \($0 * 100, decimals: 2) % of the run’s processor time."
            } ?? ""
        let rows = sealedTensors.map { tensor -> HTML in
            """
            <tr><th scope="row"><code>\(tensor.name)</code></th><td>\(tensor.type)</td>\
            <td>\(Self.shape(tensor.dimensions))</td><td><code>\(tensor.digest)</code></td></tr>

            """
        }
        let list: HTML =
            rows.isEmpty
            ? ""
            : """
            <details><summary>All \(sealedTensors.count) sealed tensors and their SHA-256</summary>\
            <div class="wide" tabindex="0" role="region" aria-label="Sealed tensors"><table class="digests"><thead><tr>\
            <th scope="col">Tensor</th><th scope="col">Type</th><th scope="col">Shape</th>\
            <th scope="col">SHA-256 of the bytes as stored</th></tr></thead><tbody>
            \(rows.joined())</tbody></table></div></details>
            """
        return """
            <p>\(frozen)All \(sealedTensors.count) tensors of the base file, \(Numeral.bytes(sealedByteCount)), are mapped \
            read-only and were hashed whole at every complete check.\(bound)\(share)</p>\(facts)\(coverage)\(checks)\(list)
            """
    }

    private var coverage: HTML {
        guard coveredByteCount > 0, let last = rollingBytes.last else { return "" }
        let times = rollingBytes.map { Point(step: $0.step, value: $0.value / Double(coveredByteCount)) }
        let whole = last.value / Double(coveredByteCount)
        let chart = ReportChart(
            id: "seal", title: "Seal coverage over steps",
            description: """
                By step \(last.step) the checks between steps had hashed \(whole, decimals: 2) times the sealed bytes; \
                \(completeChecks.count) complete checks are marked.
                """,
            unit: "times the whole base",
            layers: [
                .line([Point(step: 0, value: 0)] + times, kind: "seal"), .ticks(completeChecks.map(\.step)),
            ], startsAtZero: true)
        return """
            <figure>\(chart.svg)<figcaption><ul class="keys"><li><span class="key seal"></span>share of the base re-hashed \
            between steps, since the start (1 = all of it once)</li><li><span class="key tick"></span>complete check: every \
            sealed byte at once</li></ul></figcaption></figure>
            """
    }

    private var checks: HTML {
        guard !completeChecks.isEmpty else { return "" }
        let rows = completeChecks.map {
            """
            <tr><th scope="row">\($0.occasion)</th><td>\($0.step)</td><td>\(Self.clock($0.time))</td></tr>
            """ as HTML
        }
        return """
            <details><summary>Complete checks that found every sealed tensor unchanged: \(completeChecks.count)</summary>\
            <div class="wide"><table><thead><tr><th scope="col">Occasion</th><th scope="col">After step</th>\
            <th scope="col">Time (UTC)</th></tr></thead><tbody>\(rows.joined())</tbody></table></div></details>
            """
    }

    var costSection: HTML {
        var facts: [Fact] = []
        if let peak = peakMemoryBytes {
            let part = anonymousMemoryBytes.map { ", \(Numeral.bytes($0)) of it anonymous (not the mapped base)" } ?? ""
            facts.append(Fact("Peak memory", Numeral.bytes(peak) + part))
        }
        if let tokensPerSecond {
            facts.append(Fact("Training speed", Numeral.text(tokensPerSecond, decimals: 1) + " tokens per second"))
        }
        if let seconds { facts.append(Fact("Duration", Numeral.text(seconds, decimals: 1) + " s, hashing included")) }
        guard !facts.isEmpty || !speed.isEmpty else { return "" }
        return """
            \(Self.list(facts))<div class="pair">\(memoryChart)\(speedChart)</div>\
            <p class="note">Measured on the machine that trained; they decide nothing about the result.</p>
            """
    }

    private var memoryChart: HTML {
        guard let last = residentMemory.last else { return "" }
        // One unit for the whole axis.
        let gibibyte = 1_073_741_824.0
        let unit: (name: HTML, bytes: Double) = last.value >= gibibyte ? ("GiB", gibibyte) : ("MiB", 1_048_576)
        func scaled(_ points: [Point]) -> [Point] {
            points.map { Point(step: $0.step, value: $0.value / unit.bytes) }
        }
        let chart = ReportChart(
            id: "memory", title: "Peak memory over steps",
            description:
                "The largest resident memory so far reaches \(last.value / unit.bytes, decimals: 1) \(unit.name).",
            unit: "peak memory so far, \(unit.name)",
            layers: [.line(scaled(residentMemory), kind: "valid"), .line(scaled(anonymousMemory), kind: "seal")],
            startsAtZero: true)
        return """
            <figure>\(chart.svg)<figcaption><ul class="keys"><li><span class="key valid line"></span>resident</li>\
            <li><span class="key seal"></span>anonymous</li></ul></figcaption></figure>
            """
    }

    private var speedChart: HTML {
        guard let tokensPerSecond = tokensPerSecond ?? speed.last?.value else { return "" }
        let width = Self.meanWidth(of: speed.count)
        var layers: [ReportChart.Layer] = [.dots(speed)]
        if width > 1 { layers.append(.line(Self.runningMean(speed, width: width), kind: "mean")) }
        let chart = ReportChart(
            id: "speed", title: "Speed over steps",
            description: "Tokens per second of each step, about \(tokensPerSecond, decimals: 0).",
            unit: "tokens per second", layers: layers, startsAtZero: true)
        let mean: HTML = width > 1 ? "<li><span class=\"key mean\"></span>mean of the \(width) around</li>" : ""
        return """
            <figure>\(chart.svg)<figcaption><ul class="keys"><li><span class="key dot"></span>one step</li>\(mean)</ul>\
            </figcaption></figure>
            """
    }

    var identitySection: HTML {
        func card(_ name: HTML, _ facts: [(HTML, HTML)]) -> HTML {
            let rows = facts.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" as HTML }
            return "<div class=\"card\"><h3>\(name)</h3><dl>\(rows.joined())</dl></div>"
        }
        func foreign(_ facts: [Fact]) -> [(HTML, HTML)] { facts.map { ("\($0.name)", "\($0.value)") } }
        let weights: (HTML, HTML) = (
            "Weights", isSynthetic ? "<b>synthetic</b>: seeded random numbers" : "as in the file"
        )
        var evidence: [(HTML, HTML)] = [("Signer", "<code>\(signer)</code>")]
        if let artefact {
            evidence.append(("Content id of \(artefact.name)", "<code>\(artefact.contentID.hex)</code>"))
        }
        if let chainHead { evidence.append(("Head of the audit chain", "<code>\(chainHead.hex)</code>")) }
        evidence.append(("Recipe", "<code>\(recipe.hex)</code>"))
        return """
            <div class="cards">\
            \(card("Base", [("Name", "\(baseName)"), weights, ("Root", "<code>\(baseRoot.hex)</code>")] + foreign(baseFacts)))\
            <div>\(card("Corpus", [("Name", "\(corpusName)")] + foreign(corpusFacts)))\(card("Evidence", evidence))</div></div>
            <details><summary>The recipe: every option that decides the result</summary>\(Self.list(recipeFacts))</details>
            """
    }

    var commandSection: HTML {
        guard !commands.isEmpty else { return "" }
        let items = commands.map { command -> HTML in
            let lines = command.lines.map { "<code>\($0, limit: 2000)</code>\n" as HTML }
            return "<li><p>\(command.purpose)</p><pre>\(lines.joined())</pre></li>"
        }
        return """
            <p>This page is a summary of files. These commands judge the files themselves; RUN is the run’s folder, or what \
            was exported from it.</p><ol class="commands">\(items.joined())</ol>
            """
    }
}
