internal import TensorCore

/// Outputs of the frozen layers below scope `tail`, by training window: computed once, read at every later step.
///
/// A cached output is the very matrix that was computed, so a hit changes no bit. Windows that do not fit in
/// `limit` bytes are computed again each time.
struct PrefixCache {
    private let limit: Int
    private var used = 0
    private var outputs: [Int: Matrix] = [:]

    init(limit: Int) { self.limit = limit }

    mutating func output(of window: Int, _ compute: () -> Matrix) -> Matrix {
        if let known = outputs[window] { return known }
        let made = compute()
        let bytes = made.count * MemoryLayout<Float>.stride
        if used + bytes <= limit {
            used += bytes
            outputs[window] = made
        }
        return made
    }
}
