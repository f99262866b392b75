public import Digest
public import Model

/// What a coordinator tells a stage.
public enum StageOrder: Sendable {
    case compute(StageWork)
    /// The request is over.
    case forget(SHA256Digest)
    /// Nothing more will come.
    case close
}

/// What comes back from whoever computes a stage.
public struct Arrival: Sendable {
    public enum Content: Sendable {
        case contribution(Contribution)
        /// Nothing more will come; `reason` is a sentence.
        case lost(reason: String)
    }

    /// As the link was made for, whatever the contribution says.
    public let stage: Int
    public let attempt: Int
    public let content: Content

    public init(stage: Int, attempt: Int, content: Content) {
        self.stage = stage
        self.attempt = attempt
        self.content = content
    }
}

/// Somebody who computes a stage.
public protocol StageLink: Sendable {
    /// How reports name it.
    var name: String { get }
    /// Returns at once; the answer arrives where ``StageSource/link(stage:role:attempt:deliver:)`` was told to deliver.
    func send(_ order: StageOrder)
}

/// Where stages come from.
public protocol StageSource {
    /// Somebody to compute a stage; nil when nobody is left.
    ///
    /// - Parameter deliver: may be called on any thread.
    func link(
        stage: Int, role: DecoderPart.Role, attempt: Int, deliver: @escaping @Sendable (Arrival) -> Void
    ) throws -> (any StageLink)?
}
