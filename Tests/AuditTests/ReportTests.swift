import Audit
import Digest
import Foundation
import Testing

@Suite struct `A report` {
    private func report(_ foreign: String, state: RunReport.State = .closed) -> RunReport {
        var verdict = Verdict()
        verdict.add("chain", .passed, .arithmetic, foreign)
        verdict.add("head", .notChecked, .signersWord, "No head.")
        var report = RunReport(
            title: foreign, run: foreign, ended: "2026-01-31T12:00:00Z", state: state, verdict: verdict,
            baseName: foreign, baseRoot: SHA256Digest.of([]), corpusName: foreign, scope: foreign,
            recipe: SHA256Digest.of([]), signer: foreign)
        report.started = foreign
        report.program = foreign
        report.isSynthetic = true
        report.baseFacts = [.init(foreign, foreign)]
        report.corpusFacts = [.init(foreign, foreign)]
        report.recipeFacts = [.init(foreign, foreign)]
        report.artefact = .init(name: foreign, contentID: SHA256Digest.of([]), byteCount: 9056)
        report.chainHead = SHA256Digest.of([])
        report.comparisons = [.init(name: foreign, lossBefore: 3.5, lossAfter: 3.25)]
        report.trainingLoss = (1...2000).map { .init(step: $0, value: 4 - Double($0) / 4000) }
        report.validationLoss = [
            .init(step: 0, value: 4), .init(step: 1000, value: 3.6), .init(step: 2000, value: .nan),
        ]
        report.bestStep = 1000
        report.trainedTensors = [.init(name: foreign, dimensions: [1536], updateNorm: 0.5, baseNorm: 40)]
        report.sealedTensors = [.init(name: foreign, type: foreign, dimensions: [1536, 2], digest: foreign)]
        report.sealedByteCount = 1_000_000
        report.coveredByteCount = 1_000_000
        report.rollingBytes = [.init(step: 64, value: 1_000_000)]
        report.completeChecks = [.init(occasion: foreign, step: 64, time: foreign)]
        report.frozenTensorCount = 333
        report.frozenChangeCount = 0
        report.coverageBoundSteps = 64
        report.residentMemory = [.init(step: 1, value: 1_000_000_000)]
        report.anonymousMemory = [.init(step: 1, value: 1_000_000)]
        report.speed = (1...20).map { .init(step: $0, value: 50) }
        var timeline = RunReport.Timeline()
        timeline.seconds = 200
        timeline.panels = [
            .init(
                foreign,
                [
                    .init(foreign, (0..<2000).map { .init(seconds: Double($0) / 10, value: Double($0 % 7)) }),
                    .init(foreign, [.init(seconds: 3, value: .nan), .init(seconds: 4, value: nil)]),
                ])
        ]
        timeline.rests = [.init(from: 3, to: 9)]
        timeline.breaks = [20]
        timeline.transitions = [.init(seconds: 3, time: foreign, step: 4, what: foreign, why: foreign)]
        timeline.missing = [foreign]
        report.timeline = timeline
        report.peakMemoryBytes = 1 << 30
        report.tokensPerSecond = 51.2
        report.seconds = 12
        report.commands = [.init(foreign, foreign)]
        return report
    }

    @Test(arguments: [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'; x:expression(1)", "&lt;b&gt;",
        "</style><b>", "</title><svg onload=x>", "a\u{202E}b", "a\u{200B}\u{2066}b", "a\u{0}\u{1B}[31mb\r\n",
        "]]>--><!--", "\u{2028}\u{FEFF}javascript:x",
    ])
    func `shows foreign text and lets none of it act`(foreign: String) {
        let violated = RunReport.State.violated([.init(foreign, foreign)])
        for state in [RunReport.State.closed, violated] {
            let html = report(foreign, state: state).html
            let plain = report("plain", state: state).html
            func tags(_ text: String) -> Int { text.count { $0 == "<" } }
            #expect(tags(html) == tags(plain))
            #expect(html.count { $0 == "\"" } == plain.count { $0 == "\"" })
            #expect(html.count { $0 == "'" } == plain.count { $0 == "'" })
            #expect(!html.contains("<script") && !html.contains("<img"))
            for scalar in html.unicodeScalars where scalar != "\n" {
                #expect(scalar.properties.generalCategory != .control && scalar.properties.generalCategory != .format)
            }
        }
    }

    @Test func `loads nothing, holds no script, and lets only its own style act`() throws {
        let html = report("plain").html
        for word in ["http:", "https:", "src=", "@import", "url(", "javascript:", "<script", " style=", "onclick"] {
            #expect(!html.contains(word), "\(word)")
        }
        let sheet = try #require(
            html.components(separatedBy: "<style>").last?.components(separatedBy: "</style>").first)
        let digest = Data(SHA256Digest.of(Array(sheet.utf8)).bytes).base64EncodedString()
        let policy = "default-src 'none'; style-src 'sha256-\(digest)'; base-uri 'none'; form-action 'none'"
        #expect(html.contains("<meta http-equiv=\"Content-Security-Policy\" content=\"\(policy)\">"))
    }

    @Test func `says what matters first`() throws {
        let html = report("plain").html
        #expect(html.contains("synthetic weights"))
        // e^3.5
        #expect(html.contains("33.1"))
        #expect(html.contains("9,056 bytes"))
        let places = [
            "synthetic weights", "<h2 id=\"verdict-h\">Verified", "Before and after</h2>", "Loss while training</h2>",
        ]
        .map { html.firstRange(of: $0)?.lowerBound }
        #expect(places.allSatisfy { $0 != nil })
        #expect(places.compactMap { $0 } == places.compactMap { $0 }.sorted())
    }

    /// Tags opened and closed in the order of the XML that SVG is, ids used once, drawings and tables named.
    @Test func `is whole and can be read without seeing it`() throws {
        let html = report("plain").html
        var open: [Substring] = []
        for piece in html.split(separator: "<").dropFirst() {
            let tag = piece.prefix { $0 != ">" }
            let name = tag.prefix { !$0.isWhitespace && $0 != "/" }
            let isVoid = ["!doctype", "meta"].contains(name) || tag.hasSuffix("/")
            if tag.hasPrefix("/") {
                #expect(open.popLast() == tag.dropFirst())
            } else if !isVoid {
                open.append(name)
            }
        }
        #expect(open.isEmpty)
        let ids = html.components(separatedBy: " id=\"").dropFirst().map { $0.prefix { $0 != "\"" } }
        #expect(Set(ids).count == ids.count)
        let drawings = html.components(separatedBy: "<svg ").dropFirst()
        #expect(drawings.count >= 6)
        #expect(drawings.allSatisfy { $0.contains("<desc") || $0.contains("aria-hidden=\"true\"") })
        #expect(html.components(separatedBy: "<table").count == html.components(separatedBy: "<thead").count)
        #expect(html.components(separatedBy: "<h1").count == 2)
    }

    @Test(arguments: [
        (RunReport.State.paused(step: 7), "Not verified: paused after step 7"),
        (.open, "Not verified: the run has no end"),
        (.violated([.init("Tensor", "blk.0.ffn_up.weight")]), "Stopped: a sealed byte changed"),
        (.closed, "Not verified"),
    ])
    func `of a run that failed says so in its headline`(state: RunReport.State, headline: String) {
        var verdict = Verdict()
        #expect(!verdict.isPassed)
        verdict.add("seal", .failed, .arithmetic, "A byte changed.")
        var report = RunReport(
            title: "t", run: "r", ended: "", state: state, verdict: verdict, baseName: "b",
            baseRoot: SHA256Digest.of([]),
            corpusName: "c", scope: "norms", recipe: SHA256Digest.of([]), signer: "s")
        report.comparisons = [.init(name: "x", lossBefore: .nan, lossAfter: .infinity)]
        #expect(report.html.contains("<h2 id=\"verdict-h\">\(headline)</h2>"))
        #expect(report.html.contains("1 of 1 checks failed"))
        #expect(!report.html.contains(">Verified<"))
    }
}

@Suite struct `A chart's axis` {
    @Test(arguments: [(0, 1), (3.1, 3.4), (0, 1234), (-2, 7e-3), (5, 5 + 1e-7), (1, 3)] as [(Double, Double)])
    func `is cut at round numbers and holds its range`(low: Double, high: Double) {
        let axis = Axis(from: low, to: high, lines: 5)
        let slack = axis.distance * 1e-6
        #expect(axis.lower <= low + slack && axis.upper >= high - slack)
        #expect((2...8).contains(axis.lines.count))
        #expect(zip(axis.lines, axis.lines.dropFirst()).allSatisfy { $0 < $1 })
        var mantissa = axis.distance
        while mantissa < 0.9 { mantissa *= 10 }
        while mantissa >= 9 { mantissa /= 10 }
        #expect([1.0, 2, 5].contains { abs($0 - mantissa) < 1e-6 })
    }

    @Test func `of steps has whole numbers inside the range`() {
        let axis = Axis(from: 0, to: 3, lines: 6, wholeNumbers: true, isTight: true)
        #expect(axis.lines == [0, 1, 2, 3])
        #expect(Axis(from: 1, to: 97, lines: 6, wholeNumbers: true, isTight: true).lines == [20, 40, 60, 80])
    }

    @Test func `a running mean takes its neighbours and keeps the ends`() {
        let points = (1...9).map { RunReport.Point(step: $0, value: Double($0)) }
        let mean = RunReport.runningMean(points, width: 5)
        #expect(mean.map(\.step) == Array(1...9))
        #expect(mean[0].value == 2 && mean[4].value == 5 && mean[8].value == 8)
    }
}
