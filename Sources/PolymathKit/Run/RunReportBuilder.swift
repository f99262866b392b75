internal import Audit
internal import Corpus
internal import Digest
internal import GGUF
internal import Model
internal import Seal
internal import Training

/// Gathers what `report.html` shows of a finished run.
struct RunReportBuilder {
    let plan: RunPlan
    let manifest: SealManifest
    let recipe: Recipe
    let summary: RunSummary
    let observer: RunObserver
    let coverageBound: Int
    let norms: [(change: Double, base: Double)]
    let folder: RunFolder

    func html() -> String {
        let verdict = AuditVerification.verify(
            runFolder: folder.path, baseManifestRoot: manifest.root, head: summary.chainHead,
            trustedSigner: plan.identity.publicKey)
        let names = plan.options.scope.tensorNames(of: plan.shape) { plan.gguf.tensor(named: $0) != nil }
        return RunReport(
            title: "\(plan.base.name) trained on \(plan.corpus.name)", run: folder.name, time: RunEvents.now(),
            verdict: verdict, baseName: plan.base.name, baseRoot: manifest.root, isSynthetic: plan.isSynthetic,
            baseFacts: baseFacts, corpusName: plan.corpus.name, corpusFacts: corpusFacts,
            scope: plan.options.scope.rawValue, recipe: recipe.digest, recipeFacts: recipeFacts,
            artefactName: summary.exportPath.lastComponent, contentID: summary.contentID,
            artefactByteCount: summary.exportByteCount, signer: summary.signer, chainHead: summary.chainHead,
            comparisons: comparisons, trainingLoss: observer.steps.map { .init(step: $0.step, loss: $0.loss) },
            validationLoss: observer.validations.map { .init(step: $0.step, loss: $0.loss) },
            bestStep: summary.bestStep,
            trainedTensors: zip(names, norms).map { name, norm in
                .init(
                    name: name, elementCount: elementCount(name), updateNorm: norm.change, baseNorm: norm.base)
            },
            sealedTensors: manifest.tensors.map {
                .init(
                    name: $0.name, type: $0.typeName, dimensions: $0.dimensions.map { Int(clamping: $0) },
                    digest: $0.digest.hex)
            },
            sealedByteCount: manifest.tensorByteCount,
            sealCoverage: observer.coverage.map { .init(step: $0.step, checkedBytes: $0.checkedBytes) },
            frozenTensorCount: summary.frozenTensors, frozenChangeCount: summary.frozenChanges,
            coverageBoundSteps: coverageBound, peakMemoryBytes: summary.peakMemoryBytes,
            anonymousMemoryBytes: summary.anonymousMemoryBytes, tokensPerSecond: summary.tokensPerSecond,
            seconds: summary.seconds, verifyCommands: verifyCommands
        ).html
    }

    private var comparisons: [RunReport.Comparison] {
        guard let before = summary.validationBefore, let after = summary.validationAfter else { return [] }
        return [.init(name: "validation", lossBefore: before, lossAfter: after)]
    }

    private func elementCount(_ name: String) -> Int {
        (plan.gguf.tensor(named: name) ?? plan.gguf.tensor(named: "token_embd.weight"))?.elementCount ?? 0
    }

    private var baseFacts: [RunReport.Fact] {
        let shape = plan.shape
        return [
            .init("File", plan.base.path.lastComponent), .init("Architecture", shape.architecture),
            .init(
                "Shape",
                "\(shape.layerCount) layers, d \(shape.embeddingLength), \(shape.headCount) heads, "
                    + "\(shape.keyValueHeadCount) KV heads, FFN \(shape.feedForwardLength), "
                    + "vocabulary \(shape.vocabularySize)"),
            .init("Weights", plan.isSynthetic ? "synthetic weights" : "as published"),
        ]
    }

    private var corpusFacts: [RunReport.Fact] {
        [
            .init("Corpus id", plan.corpus.id.hex),
            .init("Training windows", "\(plan.corpus.training.count) of \(plan.sequenceLength) tokens"),
            .init("Validation windows", "\(plan.corpus.validation?.count ?? 0)"),
        ]
    }

    private var recipeFacts: [RunReport.Fact] {
        (recipe.json.asObject ?? [:]).sorted { $0.key < $1.key }.map { key, value in
            .init(key, value.asString ?? value.canonicalString)
        }
    }

    private var verifyCommands: [String] {
        var commands = ["polymath audit verify RUN --base \(plan.request.base) --head \(summary.chainHead.hex)"]
        if plan.options.scope.exportsAdapter {
            commands.append("polymath adapter verify --base \(plan.request.base) --adapter RUN/adapter.gguf")
        }
        return commands
    }
}
