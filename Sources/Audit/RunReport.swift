// What a report shows, and nothing of how it looks.

public import Digest

/// The data of `report.html`. Every string may be foreign; all of them are escaped when rendered.
public struct RunReport: Sendable {
    /// A loss at a step; `step` counts from 1, and 0 is the base before any update.
    public struct Point: Equatable, Sendable {
        public var step: Int
        public var loss: Double

        public init(step: Int, loss: Double) {
            self.step = step
            self.loss = loss
        }
    }

    /// One line of the before-and-after table, in nats per token.
    public struct Comparison: Equatable, Sendable {
        /// Which text, e.g. `validation` or `test`.
        public var name: String
        public var lossBefore: Double
        public var lossAfter: Double

        public init(name: String, lossBefore: Double, lossAfter: Double) {
            self.name = name
            self.lossBefore = lossBefore
            self.lossAfter = lossAfter
        }
    }

    public struct TrainedTensor: Equatable, Sendable {
        public var name: String
        public var elementCount: Int
        /// Euclidean norm of what training added, and of the base's values.
        public var updateNorm: Double
        public var baseNorm: Double

        public init(name: String, elementCount: Int, updateNorm: Double, baseNorm: Double) {
            self.name = name
            self.elementCount = elementCount
            self.updateNorm = updateNorm
            self.baseNorm = baseNorm
        }
    }

    public struct SealedTensor: Equatable, Sendable {
        public var name: String
        public var type: String
        public var dimensions: [Int]
        public var digest: String

        public init(name: String, type: String, dimensions: [Int], digest: String) {
            self.name = name
            self.type = type
            self.dimensions = dimensions
            self.digest = digest
        }
    }

    /// Sealed bytes that had been checked by the end of a step, counted since the start.
    public struct Coverage: Equatable, Sendable {
        public var step: Int
        public var checkedBytes: Int

        public init(step: Int, checkedBytes: Int) {
            self.step = step
            self.checkedBytes = checkedBytes
        }
    }

    /// A named fact, e.g. `Learning rate` and `0.003`.
    public struct Fact: Equatable, Sendable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public var title: String
    public var run: String
    public var time: String
    public var verdict: Verdict
    public var baseName: String
    public var baseRoot: SHA256Digest
    /// Random weights in a real architecture: said in the report's head.
    public var isSynthetic: Bool
    public var baseFacts: [Fact]
    public var corpusName: String
    public var corpusFacts: [Fact]
    public var scope: String
    public var recipe: SHA256Digest
    public var recipeFacts: [Fact]
    public var artefactName: String?
    public var contentID: SHA256Digest?
    public var artefactByteCount: Int?
    public var signer: String
    public var chainHead: SHA256Digest?
    public var comparisons: [Comparison]
    public var trainingLoss: [Point]
    public var validationLoss: [Point]
    public var bestStep: Int?
    public var trainedTensors: [TrainedTensor]
    public var sealedTensors: [SealedTensor]
    public var sealedByteCount: Int
    public var sealCoverage: [Coverage]
    public var frozenTensorCount: Int
    public var frozenChangeCount: Int
    /// Steps within which a change from outside is found.
    public var coverageBoundSteps: Int?
    public var peakMemoryBytes: Int?
    public var anonymousMemoryBytes: Int?
    public var tokensPerSecond: Double?
    public var seconds: Double?
    /// Shell commands, one for each line, by which a reader checks all this.
    public var verifyCommands: [String]

    public init(
        title: String, run: String, time: String, verdict: Verdict, baseName: String, baseRoot: SHA256Digest,
        isSynthetic: Bool = false, baseFacts: [Fact] = [], corpusName: String, corpusFacts: [Fact] = [], scope: String,
        recipe: SHA256Digest, recipeFacts: [Fact] = [], artefactName: String? = nil, contentID: SHA256Digest? = nil,
        artefactByteCount: Int? = nil, signer: String, chainHead: SHA256Digest? = nil, comparisons: [Comparison] = [],
        trainingLoss: [Point] = [], validationLoss: [Point] = [], bestStep: Int? = nil,
        trainedTensors: [TrainedTensor] = [], sealedTensors: [SealedTensor] = [], sealedByteCount: Int = 0,
        sealCoverage: [Coverage] = [], frozenTensorCount: Int = 0, frozenChangeCount: Int = 0,
        coverageBoundSteps: Int? = nil, peakMemoryBytes: Int? = nil, anonymousMemoryBytes: Int? = nil,
        tokensPerSecond: Double? = nil, seconds: Double? = nil, verifyCommands: [String] = []
    ) {
        self.title = title
        self.run = run
        self.time = time
        self.verdict = verdict
        self.baseName = baseName
        self.baseRoot = baseRoot
        self.isSynthetic = isSynthetic
        self.baseFacts = baseFacts
        self.corpusName = corpusName
        self.corpusFacts = corpusFacts
        self.scope = scope
        self.recipe = recipe
        self.recipeFacts = recipeFacts
        self.artefactName = artefactName
        self.contentID = contentID
        self.artefactByteCount = artefactByteCount
        self.signer = signer
        self.chainHead = chainHead
        self.comparisons = comparisons
        self.trainingLoss = trainingLoss
        self.validationLoss = validationLoss
        self.bestStep = bestStep
        self.trainedTensors = trainedTensors
        self.sealedTensors = sealedTensors
        self.sealedByteCount = sealedByteCount
        self.sealCoverage = sealCoverage
        self.frozenTensorCount = frozenTensorCount
        self.frozenChangeCount = frozenChangeCount
        self.coverageBoundSteps = coverageBoundSteps
        self.peakMemoryBytes = peakMemoryBytes
        self.anonymousMemoryBytes = anonymousMemoryBytes
        self.tokensPerSecond = tokensPerSecond
        self.seconds = seconds
        self.verifyCommands = verifyCommands
    }
}
