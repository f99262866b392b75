/// The merge rules of a byte-level BPE and the loop that applies them to one word.
///
/// The rule of lowest rank is applied first, the leftmost place first among equals. The symbols of a word form a
/// linked list and the possible merges a binary heap, so a word of n bytes takes O(n log n) whatever its length.
struct MergeTable: Sendable {
    private let rules: MergeRules
    /// The id of each single byte's token.
    private let byteTokens: [Int32]

    init(rules: MergeRules, byteTokens: [Int32]) {
        self.rules = rules
        self.byteTokens = byteTokens
    }

    /// Buffers that one encoding call reuses from word to word.
    struct Workspace {
        fileprivate var symbols: [Int32] = []
        fileprivate var next: [Int32] = []
        fileprivate var previous: [Int32] = []
        fileprivate var heap: [Candidate] = []
    }

    fileprivate struct Candidate {
        /// Rank in the high half, place in the low half: their order is the order of merging.
        var order: UInt64
        /// The two ids that stood there when the candidate was made; when they have gone it is stale.
        var pair: UInt64
        var product: Int32
    }

    /// Appends the tokens of one word, `bytes[range]`, to `tokens`.
    ///
    /// - Precondition: a word is shorter than 2³¹ bytes.
    func append(_ bytes: [UInt8], _ range: Range<Int>, to tokens: inout [Int32], using work: inout Workspace) {
        if range.count == 1 {
            tokens.append(byteTokens[Int(bytes[range.lowerBound])])
            return
        }
        work.symbols.removeAll(keepingCapacity: true)
        work.next.removeAll(keepingCapacity: true)
        work.previous.removeAll(keepingCapacity: true)
        work.heap.removeAll(keepingCapacity: true)
        for (place, index) in range.enumerated() {
            work.symbols.append(byteTokens[Int(bytes[index])])
            work.next.append(Int32(place + 1))
            work.previous.append(Int32(place - 1))
        }
        for place in 0..<range.count - 1 { push(place, place + 1, &work) }
        while let best = Self.pop(&work.heap) {
            let left = Int(best.order & 0xFFFF_FFFF)
            let right = Int(work.next[left])
            guard right < range.count, MergeRules.pair(work.symbols[left], work.symbols[right]) == best.pair else {
                continue
            }
            work.symbols[left] = best.product
            // -1 is in no rule, so candidates that began at the swallowed symbol are stale from now on.
            work.symbols[right] = -1
            let beyond = Int(work.next[right])
            work.next[left] = Int32(beyond)
            if beyond < range.count {
                work.previous[beyond] = Int32(left)
                push(left, beyond, &work)
            }
            if work.previous[left] >= 0 { push(Int(work.previous[left]), left, &work) }
        }
        var place = 0
        while place < range.count {
            tokens.append(work.symbols[place])
            place = Int(work.next[place])
        }
    }

    private func push(_ left: Int, _ right: Int, _ work: inout Workspace) {
        let pair = MergeRules.pair(work.symbols[left], work.symbols[right])
        guard let rule = rules[pair] else { return }
        let candidate = Candidate(
            order: UInt64(rule.rank) << 32 | UInt64(left), pair: pair, product: rule.product)
        var child = work.heap.count
        work.heap.append(candidate)
        while child > 0 {
            let parent = (child - 1) / 2
            guard candidate.order < work.heap[parent].order else { break }
            work.heap[child] = work.heap[parent]
            child = parent
        }
        work.heap[child] = candidate
    }

    private static func pop(_ heap: inout [Candidate]) -> Candidate? {
        guard let last = heap.popLast() else { return nil }
        guard let best = heap.first else { return last }
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].order < heap[child].order { child += 1 }
            guard heap[child].order < last.order else { break }
            heap[parent] = heap[child]
            parent = child
        }
        heap[parent] = last
        return best
    }
}
