// What a report shows, and nothing of how it looks.

public import Adapter
public import Digest

/// The data of `report.html`. Every string may be foreign; all of them are escaped when rendered.
public struct RunReport: Sendable {
    /// How far the run got, for the headline.
    public enum State: Equatable, Sendable {
        case closed
        case paused(step: Int)
        /// Neither closed nor paused: killed, failed, or still under way.
        case open
        /// A sealed byte changed; the facts say which, where and when.
        case violated([Fact])
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

    /// A value at a step; `step` counts from 1, and 0 is the base before any update.
    public struct Point: Equatable, Sendable {
        public var step: Int
        public var value: Double

        public init(step: Int, value: Double) {
            self.step = step
            self.value = value
        }
    }

    /// One line of the before-and-after table, in nats per token.
    public struct Comparison: Equatable, Sendable {
        /// Which text, e.g. `validation`.
        public var name: String
        public var lossBefore: Double
        public var lossAfter: Double

        public init(name: String, lossBefore: Double, lossAfter: Double) {
            self.name = name
            self.lossBefore = lossBefore
            self.lossAfter = lossAfter
        }
    }

    /// The file that may be handed on.
    public struct Artefact: Equatable, Sendable {
        public var name: String
        public var contentID: SHA256Digest
        public var byteCount: Int
        /// What its bytes are; nil where the file was not looked into.
        public var inventory: ExportInventory?

        public init(name: String, contentID: SHA256Digest, byteCount: Int, inventory: ExportInventory? = nil) {
            self.name = name
            self.contentID = contentID
            self.byteCount = byteCount
            self.inventory = inventory
        }
    }

    public struct TrainedTensor: Equatable, Sendable {
        public var name: String
        /// As the file lists them, row length first.
        public var dimensions: [Int]
        /// Euclidean norm of what training added, and of the base's values.
        public var updateNorm: Double
        public var baseNorm: Double

        public init(name: String, dimensions: [Int], updateNorm: Double, baseNorm: Double) {
            self.name = name
            self.dimensions = dimensions
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

    /// A look at every sealed byte, which found them unchanged.
    public struct CompleteCheck: Equatable, Sendable {
        /// What it stood before or after: `start`, `checkpoint`, `export` …
        public var occasion: String
        /// Updates made when it was made.
        public var step: Int
        public var time: String

        public init(occasion: String, step: Int, time: String) {
            self.occasion = occasion
            self.step = step
            self.time = time
        }
    }

    /// Shell commands by which a reader checks something.
    public struct Command: Equatable, Sendable {
        public var purpose: String
        public var lines: [String]

        public init(_ purpose: String, _ lines: String...) {
            self.purpose = purpose
            self.lines = lines
        }
    }

    public var title: String
    public var run: String
    /// UTC, of the first and the last row of the chain.
    public var started = ""
    public var ended: String
    public var program = ""
    public var state: State
    public var verdict: Verdict

    public var baseName: String
    public var baseRoot: SHA256Digest
    /// Random weights in a real architecture: said in the report's head.
    public var isSynthetic = false
    public var baseFacts: [Fact] = []
    public var corpusName: String
    public var corpusFacts: [Fact] = []
    public var scope: String
    public var recipe: SHA256Digest
    public var recipeFacts: [Fact] = []
    public var artefact: Artefact?
    public var signer: String
    public var chainHead: SHA256Digest?

    public var comparisons: [Comparison] = []
    /// Nats per token of each step's batch, before that step's update.
    public var trainingLoss: [Point] = []
    public var validationLoss: [Point] = []
    /// The step whose state was exported.
    public var bestStep: Int?
    public var trainedTensors: [TrainedTensor] = []

    public var sealedTensors: [SealedTensor] = []
    public var sealedByteCount = 0
    /// Bytes of one whole coverage: tensors, metadata, and what is kept in memory of them.
    public var coveredByteCount = 0
    /// Bytes that the rolling checks had hashed by the end of a step, counted since the start.
    public var rollingBytes: [Point] = []
    public var completeChecks: [CompleteCheck] = []
    public var frozenTensorCount: Int?
    public var frozenChangeCount: Int?
    /// What was looked at of the base, counted from the chain: ``SealFacts/sentences``.
    public var sealFacts: [String] = []
    /// Steps within which a change from outside is found.
    public var coverageBoundSteps: Int?
    /// The rolling checks' part of the run's processor time.
    public var sealCPUShare: Double?

    /// The largest so far at the end of a step, bytes.
    public var residentMemory: [Point] = []
    public var anonymousMemory: [Point] = []
    /// Tokens per second of each step.
    public var speed: [Point] = []
    /// What the device did; nil for a run that did not record it.
    public var timeline: Timeline?
    public var peakMemoryBytes: Int?
    public var anonymousMemoryBytes: Int?
    public var tokensPerSecond: Double?
    public var seconds: Double?
    public var commands: [Command] = []

    public init(
        title: String, run: String, ended: String, state: State, verdict: Verdict, baseName: String,
        baseRoot: SHA256Digest, corpusName: String, scope: String, recipe: SHA256Digest, signer: String
    ) {
        self.title = title
        self.run = run
        self.ended = ended
        self.state = state
        self.verdict = verdict
        self.baseName = baseName
        self.baseRoot = baseRoot
        self.corpusName = corpusName
        self.scope = scope
        self.recipe = recipe
        self.signer = signer
    }
}
