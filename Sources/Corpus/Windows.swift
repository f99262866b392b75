/// `T` inputs and their `T` next-token targets.
public struct Window: Equatable, Sendable {
    /// `[T]` token ids.
    public var inputs: [Int32]
    /// `[T]` token ids: the inputs' successors.
    public var targets: [Int32]
    /// `[T]`: whether each target's cross-entropy belongs to the loss.
    public var counted: [Bool]

    public init(inputs: [Int32], targets: [Int32], counted: [Bool]) {
        self.inputs = inputs
        self.targets = targets
        self.counted = counted
    }

    /// The number of counted targets; at least 1 in a window of `Windows`.
    public var countedCount: Int { counted.count { $0 } }
}

/// The windows of a token stream, cut with a stride of `T`.
///
/// Window i of a stream of N tokens has inputs `[i·T, i·T + T)` and targets one further on, for the ⌊(N − 1) / T⌋
/// windows that are complete. A window in which no target counts is dropped before the rest are numbered.
public struct Windows: Sendable {
    public let stream: TokenStream
    /// `T`, in tokens.
    public let sequenceLength: Int
    /// Where each window's first input stands in the stream, ascending.
    public let starts: [Int]
    /// Complete windows that were dropped because none of their targets counts.
    public let droppedWindows: Int
    /// Tokens at the end of the stream that are no window's target because their window is incomplete.
    public let leftOverTokens: Int

    /// Cuts a stream into windows.
    ///
    /// - Throws: `CorpusError` when there is not one complete window, or none with a counted target.
    public init(_ stream: TokenStream, sequenceLength: Int) throws(CorpusError) {
        guard sequenceLength > 0 else { throw .invalidSequenceLength(sequenceLength) }
        let complete = max(0, stream.count - 1) / sequenceLength
        guard complete > 0 else {
            let (needed, overflow) = sequenceLength.addingReportingOverflow(1)
            throw .tooFewTokens(
                count: stream.count, needed: overflow ? .max : needed, sequenceLength: sequenceLength)
        }
        let starts = (0..<complete).lazy.map { $0 * sequenceLength }
            .filter { start in stream.counted[(start + 1)...(start + sequenceLength)].contains(true) }
        self.init(
            stream: stream, sequenceLength: sequenceLength, starts: Array(starts), complete: complete)
        guard count > 0 else { throw .nothingCounted(windows: complete) }
    }

    private init(stream: TokenStream, sequenceLength: Int, starts: [Int], complete: Int) {
        self.init(
            stream: stream, sequenceLength: sequenceLength, starts: starts, droppedWindows: complete - starts.count,
            leftOverTokens: stream.count - 1 - complete * sequenceLength)
    }

    private init(
        stream: TokenStream, sequenceLength: Int, starts: [Int], droppedWindows: Int, leftOverTokens: Int
    ) {
        self.stream = stream
        self.sequenceLength = sequenceLength
        self.starts = starts
        self.droppedWindows = droppedWindows
        self.leftOverTokens = leftOverTokens
    }

    /// `n`, the number of windows.
    public var count: Int { starts.count }

    /// Window `index`.
    ///
    /// - Precondition: `index` is at least 0 and below `count`.
    public subscript(index: Int) -> Window {
        let inputs = starts[index]..<starts[index] + sequenceLength
        let targets = inputs.lowerBound + 1..<inputs.upperBound + 1
        return Window(
            inputs: Array(stream.tokens[inputs]), targets: Array(stream.tokens[targets]),
            counted: Array(stream.counted[targets]))
    }

    /// The number of counted targets in all windows.
    public var countedTargets: Int {
        starts.reduce(0) { $0 + stream.counted[($1 + 1)...($1 + sequenceLength)].count { $0 } }
    }

    /// Sets the last windows aside for validation.
    ///
    /// Of n windows, ⌊n · fraction⌋ are set aside, but at least one when the fraction is not 0, and never all:
    /// a single window stays with training, and there is no validation.
    ///
    /// - Parameter validationFraction: from 0 (no validation) to below 1.
    public func split(
        validationFraction: Double
    ) throws(CorpusError) -> (training: Windows, validation: Windows?) {
        guard validationFraction >= 0, validationFraction < 1 else {
            throw .invalidValidationFraction(validationFraction)
        }
        let wanted = validationFraction == 0 ? 0 : max(1, Int(Double(count) * validationFraction))
        let validationCount = min(wanted, count - 1)
        guard validationCount > 0 else { return (self, nil) }
        return (selecting(starts.dropLast(validationCount)), selecting(starts.suffix(validationCount)))
    }

    private func selecting(_ starts: ArraySlice<Int>) -> Windows {
        Windows(
            stream: stream, sequenceLength: sequenceLength, starts: Array(starts), droppedWindows: droppedWindows,
            leftOverTokens: leftOverTokens)
    }
}
