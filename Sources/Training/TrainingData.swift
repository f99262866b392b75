public import Corpus
public import Model

/// Windows as the decoder takes them: held whole, or places in a stream of tokens that is read when one is asked for.
public struct TokenWindows: Sendable {
    private let source: Source

    private enum Source {
        case stored([TokenWindow])
        case places(Windows)
    }

    public init(_ windows: Windows) { source = .places(windows) }

    public init(_ windows: [TokenWindow]) { source = .stored(windows) }

    public var count: Int {
        switch source {
        case .stored(let windows): windows.count
        case .places(let windows): windows.count
        }
    }

    public var isEmpty: Bool { count == 0 }

    /// Tokens of the longest one.
    public var longest: Int {
        switch source {
        case .stored(let windows): windows.reduce(0) { max($0, $1.inputs.count) }
        case .places(let windows): windows.sequenceLength
        }
    }

    /// Window `index`.
    ///
    /// - Precondition: `index` is at least 0 and below `count`.
    /// - Throws: `CorpusError.storage` where tokens that lie in a file cannot be read.
    public subscript(index: Int) -> TokenWindow {
        get throws(CorpusError) {
            switch source {
            case .stored(let windows): return windows[index]
            case .places(let windows):
                let window = try windows[index]
                return TokenWindow(inputs: window.inputs, targets: window.targets, counted: window.counted)
            }
        }
    }

    /// Calls `body` with each window and its place, in order.
    public func forEach(_ body: (Int, TokenWindow) throws -> Void) throws {
        for index in 0..<count { try body(index, self[index]) }
    }

    /// The first windows: `count` of them, or all.
    public func prefix(_ count: Int) -> TokenWindows {
        switch source {
        case .stored(let windows): TokenWindows(Array(windows.prefix(count)))
        case .places(let windows): TokenWindows(windows.prefix(count))
        }
    }

    /// All of them at once, for few windows.
    public func all() throws(CorpusError) -> [TokenWindow] {
        var windows: [TokenWindow] = []
        for index in 0..<count { windows.append(try self[index]) }
        return windows
    }
}

/// Windows of a run: what is trained on, and what the best step is chosen by.
public struct TrainingData: Sendable {
    public let training: TokenWindows
    public let validation: TokenWindows

    public init(training: TokenWindows, validation: TokenWindows = TokenWindows([])) {
        self.training = training
        self.validation = validation
    }

    public init(training: Windows, validation: Windows?) {
        self.init(training: TokenWindows(training), validation: validation.map { TokenWindows($0) } ?? TokenWindows([]))
    }

    public init(training: [TokenWindow], validation: [TokenWindow] = []) {
        self.init(training: TokenWindows(training), validation: TokenWindows(validation))
    }
}
