public import Digest
public import TensorCore

/// Outputs of the frozen layers below scope `tail`, by training window: computed once, read at every later step.
///
/// A cached output is the very matrix that was computed, so a hit changes no bit. Windows that do not fit in
/// `limit` bytes are computed again each time.
struct PrefixCache {
    private let limit: Int
    private var used = 0
    private var outputs: [Int: Matrix] = [:]
    /// What is kept, in the order in which it was made.
    private(set) var kept: [KeptOutput] = []

    init(limit: Int) { self.limit = limit }

    mutating func output(of window: Int, _ compute: () -> Matrix) -> Matrix {
        if let known = outputs[window] { return known }
        let made = compute()
        let bytes = made.count * MemoryLayout<Float>.stride
        if used + bytes <= limit {
            used += bytes
            outputs[window] = made
            kept.append(KeptOutput(window: window, values: made))
        }
        return made
    }
}

/// A cached output of the frozen layers, with the digest that it had when it was made.
public struct KeptOutput: Sendable {
    /// Index among the training windows.
    public let window: Int
    /// The live matrix.
    public let values: Matrix
    public let digest: SHA256Digest

    init(window: Int, values: Matrix) {
        self.window = window
        self.values = values
        digest = values.withSpan { span in unsafe SHA256Digest.of(span.bytes) }
    }
}
