import Audit
import Digest
import Testing

@Suite struct `A report` {
    private func report(_ foreign: String) -> RunReport {
        var verdict = Verdict()
        verdict.add("chain", .passed, .arithmetic, foreign)
        verdict.add("head", .notChecked, .signersWord, "No head.")
        return RunReport(
            title: foreign, run: foreign, time: "2026-01-31T12:00:00Z", verdict: verdict, baseName: foreign,
            baseRoot: SHA256Digest.of([]), isSynthetic: true, baseFacts: [.init(foreign, foreign)], corpusName: foreign,
            corpusFacts: [.init(foreign, foreign)], scope: foreign, recipe: SHA256Digest.of([]),
            recipeFacts: [.init(foreign, foreign)], artefactName: foreign, contentID: SHA256Digest.of([]),
            artefactByteCount: 9056, signer: foreign, chainHead: SHA256Digest.of([]),
            comparisons: [.init(name: foreign, lossBefore: 3.5, lossAfter: 3.25)],
            trainingLoss: (1...2000).map { .init(step: $0, loss: 4 - Double($0) / 4000) },
            validationLoss: [.init(step: 0, loss: 4), .init(step: 1000, loss: 3.6), .init(step: 2000, loss: .nan)],
            bestStep: 1000,
            trainedTensors: [.init(name: foreign, elementCount: 1536, updateNorm: 0.5, baseNorm: 40)],
            sealedTensors: [.init(name: foreign, type: foreign, dimensions: [1536, 2], digest: foreign)],
            sealedByteCount: 1_000_000, sealCoverage: [.init(step: 64, checkedBytes: 1_000_000)],
            frozenTensorCount: 333, frozenChangeCount: 0, coverageBoundSteps: 64, peakMemoryBytes: 1 << 30,
            anonymousMemoryBytes: 1 << 20, tokensPerSecond: 51.2, seconds: 12, verifyCommands: [foreign])
    }

    @Test(arguments: [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'; x:expression(1)", "&lt;b&gt;",
        "</style><b>",
        "a\u{202E}b", "a\u{200B}\u{2066}b", "a\u{0}\u{1B}[31mb\r\n",
    ])
    func `shows foreign text and lets none of it act`(foreign: String) {
        let html = report(foreign).html
        let plain = report("plain").html
        func tags(_ text: String) -> Int { text.count { $0 == "<" } }
        #expect(tags(html) == tags(plain))
        #expect(html.count { $0 == "\"" } == plain.count { $0 == "\"" })
        #expect(!html.contains("<script") && !html.contains("<img"))
        for scalar in html.unicodeScalars where scalar != "\n" {
            #expect(scalar.properties.generalCategory != .control && scalar.properties.generalCategory != .format)
        }
    }

    @Test func `loads nothing and says what matters first`() throws {
        let html = report("plain").html
        #expect(html.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""))
        for word in ["http:", "https:", "src=", "@import", "url(", "javascript:"] { #expect(!html.contains(word)) }
        #expect(html.contains("synthetic weights"))
        #expect(html.contains("33.1"))
        #expect(html.contains("9,056 bytes"))
        let verdict = try #require(html.firstRange(of: "Verified"))
        let table = try #require(html.firstRange(of: "Before and after"))
        #expect(verdict.lowerBound < table.lowerBound)
    }

    @Test func `of an empty or failed run still stands`() {
        var verdict = Verdict()
        #expect(!verdict.isPassed)
        verdict.add("seal", .failed, .arithmetic, "A byte changed.")
        let html = RunReport(
            title: "t", run: "r", time: "", verdict: verdict, baseName: "b", baseRoot: SHA256Digest.of([]),
            corpusName: "c", scope: "norms", recipe: SHA256Digest.of([]), signer: "s",
            comparisons: [.init(name: "x", lossBefore: .nan, lossAfter: .infinity)]
        ).html
        #expect(html.contains("Not verified") && html.contains("1 of 1 checks failed"))
    }
}
