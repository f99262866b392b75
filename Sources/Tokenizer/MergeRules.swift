/// The merge rules of a vocabulary: from two neighbouring ids to the rule's rank and its product.
///
/// A hash table of ranks, at most half full, over the rules themselves: 20 bytes a rule.
struct MergeRules: Sendable {
    /// By rank: the two ids, left in the high half, and what they become.
    private var pairs: [UInt64] = []
    private var products: [Int32] = []
    /// A rank or -1; collisions go to the next free slot.
    private var slots: [Int32]
    private let shift: UInt64
    /// Odd, and drawn anew for each table, so that no file can be made whose rules all meet in one slot.
    private let factor = UInt64.random(in: 0 ... .max) | 1

    /// - Parameter count: rules that will be added; below 2³⁰.
    init(capacity count: Int) {
        let bits = UInt64.bitWidth - (2 * count).leadingZeroBitCount
        slots = [Int32](repeating: -1, count: 1 << bits)
        shift = UInt64(UInt64.bitWidth - bits)
        pairs.reserveCapacity(count)
        products.reserveCapacity(count)
    }

    static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// Adds the rule of the next rank.
    ///
    /// - Returns: the rank of an earlier rule for the same two ids, which then stays the only one; nil when it is new.
    /// - Precondition: fewer rules were added than there is capacity for.
    mutating func add(_ pair: UInt64, product: Int32) -> Int? {
        precondition(pairs.count < slots.count / 2, "more rules than were announced")
        let slot = slot(of: pair)
        if slots[slot] >= 0 { return Int(slots[slot]) }
        slots[slot] = Int32(pairs.count)
        pairs.append(pair)
        products.append(product)
        return nil
    }

    subscript(pair: UInt64) -> (rank: Int32, product: Int32)? {
        let rank = slots[slot(of: pair)]
        return rank < 0 ? nil : (rank, products[Int(rank)])
    }

    private func slot(of pair: UInt64) -> Int {
        let mixed = pair &* factor
        var slot = Int(((mixed ^ mixed >> 32) &* factor) >> shift)
        while slots[slot] >= 0, pairs[Int(slots[slot])] != pair { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }
}
