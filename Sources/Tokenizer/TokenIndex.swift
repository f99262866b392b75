/// Finds a stored token's id by its bytes, wherever these stand: a hash table of ids alone, at most half full.
struct TokenIndex: ~Copyable {
    private let tokens: ByteStrings
    /// An id or -1; a taken slot's neighbours hold what else hashed there (linear probing).
    private var slots: [Int32]
    private let shift: UInt64
    /// Drawn anew for each table, so that no file can be made whose tokens all meet in one slot.
    private let seed = UInt64.random(in: 0 ... .max)

    /// - Throws: `TokenizerError.duplicateToken` for the first token that repeats an earlier one.
    init(_ tokens: ByteStrings) throws(TokenizerError) {
        self.tokens = tokens
        let bits = UInt64.bitWidth - (2 * tokens.count).leadingZeroBitCount
        slots = [Int32](repeating: -1, count: 1 << bits)
        shift = UInt64(UInt64.bitWidth - bits)
        for id in tokens.indices {
            let range = tokens.range(of: id)
            let slot = slot(of: range, range.upperBound..<range.upperBound, in: tokens.bytes)
            if slots[slot] >= 0 { throw .duplicateToken(first: Int(slots[slot]), second: id) }
            slots[slot] = Int32(id)
        }
    }

    /// The token whose bytes are those of `first` and then those of `second` in `text`; nil when there is none.
    ///
    /// - Parameter guess: looked at first, for it costs less than a search; it need not be an id.
    func id(of first: Range<Int>, _ second: Range<Int>, in text: [UInt8], guess: Int32) -> Int32? {
        if guess >= 0, guess < tokens.count, holds(Int(guess), first, second, in: text) { return guess }
        let id = slots[slot(of: first, second, in: text)]
        return id < 0 ? nil : id
    }

    func id(of range: Range<Int>, in text: [UInt8]) -> Int32? {
        id(of: range, range.upperBound..<range.upperBound, in: text, guess: -1)
    }

    /// The slot that holds the token, or the empty one where it would go.
    private func slot(of first: Range<Int>, _ second: Range<Int>, in text: [UInt8]) -> Int {
        // FNV-1a, spread over all bits by a last multiplication.
        var hash = seed
        for index in first { hash = (hash ^ UInt64(text[index])) &* 0x100_0000_01B3 }
        for index in second { hash = (hash ^ UInt64(text[index])) &* 0x100_0000_01B3 }
        hash = (hash ^ hash >> 32) &* 0x9E37_79B9_7F4A_7C15
        var slot = Int(hash >> shift)
        while slots[slot] >= 0, !holds(Int(slots[slot]), first, second, in: text) {
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }

    private func holds(_ id: Int, _ first: Range<Int>, _ second: Range<Int>, in text: [UInt8]) -> Bool {
        let own = tokens.range(of: id)
        guard own.count == first.count + second.count else { return false }
        for offset in 0..<first.count
        where tokens.bytes[own.lowerBound + offset] != text[first.lowerBound + offset] {
            return false
        }
        let rest = own.lowerBound + first.count
        for offset in 0..<second.count where tokens.bytes[rest + offset] != text[second.lowerBound + offset] {
            return false
        }
        return true
    }
}
