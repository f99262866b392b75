internal import Tokenizer

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

/// The windows of a token stream, cut with a stride of `T`: places in the stream, which is read when one is asked for.
///
/// Window i of a stream of N tokens has inputs `[i·T, i·T + T)` and targets one further on, for the ⌊(N − 1) / T⌋
/// windows that are complete. A window in which no target counts is dropped before the rest are numbered.
public struct Windows: Sendable {
    public let stream: TokenStream
    /// `T`, in tokens.
    public let sequenceLength: Int
    /// Complete windows that were dropped because none of their targets counts.
    public let droppedWindows: Int
    /// Tokens at the end of the stream that are no window's target because their window is incomplete.
    public let leftOverTokens: Int
    private let places: Places

    /// Which of the complete windows these are.
    fileprivate enum Places {
        case all(Range<Int>)
        case some(ArraySlice<Int>)
    }

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
        let places = try Self.places(in: stream, complete: complete, sequenceLength)
        self.init(
            stream: stream, sequenceLength: sequenceLength, places: places, droppedWindows: complete - places.count,
            leftOverTokens: stream.count - 1 - complete * sequenceLength)
        guard count > 0 else { throw .nothingCounted(windows: complete) }
    }

    private init(
        stream: TokenStream, sequenceLength: Int, places: Places, droppedWindows: Int, leftOverTokens: Int
    ) {
        self.stream = stream
        self.sequenceLength = sequenceLength
        self.places = places
        self.droppedWindows = droppedWindows
        self.leftOverTokens = leftOverTokens
    }

    /// The windows with a counted target.
    private static func places(
        in stream: TokenStream, complete: Int, _ length: Int
    ) throws(CorpusError) -> Places {
        guard stream.countedCount < stream.count else { return .all(0..<complete) }
        var kept: [Int] = []
        // Some thousands of tokens at a time.
        let step = max(1, (1 << 16) / length)
        for first in stride(from: 0, to: complete, by: step) {
            let end = min(first + step, complete)
            let words = try stream.packed(first * length + 1..<end * length + 1)
            for place in first..<end {
                let start = words.startIndex + (place - first) * length
                if words[start..<start + length].contains(where: PackedToken.isCounted) { kept.append(place) }
            }
        }
        return kept.count == complete ? .all(0..<complete) : .some(kept[...])
    }

    /// `n`, the number of windows.
    public var count: Int { places.count }

    /// Where each window's first input stands in the stream, ascending.
    public var starts: [Int] { (0..<count).map { places[$0] * sequenceLength } }

    /// Window `index`, read from the stream.
    ///
    /// - Precondition: `index` is at least 0 and below `count`.
    /// - Throws: `CorpusError.storage` where the file that holds the tokens cannot be read.
    public subscript(index: Int) -> Window {
        get throws(CorpusError) {
            let start = places[index] * sequenceLength
            let masked = try stream.masked(start..<start + sequenceLength + 1)
            return Window(
                inputs: Array(masked.tokens.dropLast()), targets: Array(masked.tokens.dropFirst()),
                counted: Array(masked.counted.dropFirst()))
        }
    }

    /// The number of counted targets in all windows.
    public var countedTargets: Int {
        get throws(CorpusError) {
            guard stream.countedCount < stream.count else { return count * sequenceLength }
            var sum = 0
            for index in 0..<count { sum += try self[index].countedCount }
            return sum
        }
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
        let trainingCount = count - validationCount
        return (selecting(0..<trainingCount), selecting(trainingCount..<count))
    }

    /// The first windows: `count` of them, or all.
    public func prefix(_ count: Int) -> Windows { selecting(0..<min(max(count, 0), self.count)) }

    private func selecting(_ range: Range<Int>) -> Windows {
        Windows(
            stream: stream, sequenceLength: sequenceLength, places: places.selecting(range),
            droppedWindows: droppedWindows, leftOverTokens: leftOverTokens)
    }
}

extension Windows.Places {
    fileprivate var count: Int {
        switch self {
        case .all(let range): range.count
        case .some(let places): places.count
        }
    }

    fileprivate subscript(index: Int) -> Int {
        precondition(index >= 0 && index < count, "window \(index) of \(count)")
        return switch self {
        case .all(let range): range.lowerBound + index
        case .some(let places): places[places.startIndex + index]
        }
    }

    fileprivate func selecting(_ range: Range<Int>) -> Self {
        switch self {
        case .all(let all): .all(all.lowerBound + range.lowerBound..<all.lowerBound + range.upperBound)
        case .some(let places):
            .some(places[places.startIndex + range.lowerBound..<places.startIndex + range.upperBound])
        }
    }
}
