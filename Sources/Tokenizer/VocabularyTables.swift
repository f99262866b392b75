/// What a checked vocabulary is turned into: the bytes, kinds and merge rules of every id.
struct VocabularyTables {
    private(set) var bytes: [UInt8] = []
    private(set) var offsets: [Int] = [0]
    private(set) var kinds: [TokenKind] = []
    /// By their bytes: a string is compared by its normal form, which takes long for what a hostile file may hold.
    private(set) var controlTokens: [[UInt8]: Int32] = [:]
    let merges: MergeTable

    init(_ vocabulary: TokenizerVocabulary) throws(TokenizerError) {
        let tokens = vocabulary.tokens
        guard !tokens.isEmpty else { throw .emptyVocabulary }
        guard tokens.count < Int(Int32.max) else { throw .tooManyTokens(tokens.count) }
        if let empty = tokens.indices.first(where: { tokens.range(of: $0).isEmpty }) { throw .emptyToken(index: empty) }
        guard vocabulary.types.isEmpty || vocabulary.types.count == tokens.count else {
            throw .typeCountMismatch(tokens: tokens.count, types: vocabulary.types.count)
        }
        var kinds = [TokenKind](repeating: .normal, count: tokens.count)
        for (index, type) in vocabulary.types.enumerated() {
            guard let kind = TokenKind(rawValue: type) else { throw .unknownTokenType(index: index, type: type) }
            kinds[index] = kind
        }
        let index = try TokenIndex(tokens)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tokens.bytes.count)
        var offsets = [0]
        offsets.reserveCapacity(tokens.count + 1)
        var byteTokens = [Int32](repeating: -1, count: 256)
        var controlTokens: [[UInt8]: Int32] = [:]
        for id in tokens.indices {
            let stored = tokens.bytes[tokens.range(of: id)]
            if kinds[id] == .normal {
                guard ByteAlphabet.decode(stored, appendingTo: &bytes) else { throw .notByteLevel(index: id) }
                let start = offsets[id]
                if bytes.count == start + 1 { byteTokens[Int(bytes[start])] = Int32(id) }
            } else {
                if kinds[id] == .control {
                    controlTokens[Array(stored)] = Int32(id)
                }
                bytes.append(contentsOf: stored)
            }
            offsets.append(bytes.count)
        }
        if let missing = byteTokens.firstIndex(of: -1) { throw .missingByte(UInt8(missing)) }
        merges = MergeTable(rules: try Self.rules(vocabulary.merges, index: index), byteTokens: byteTokens)
        self.bytes = bytes
        self.offsets = offsets
        self.kinds = kinds
        self.controlTokens = controlTokens
    }

    private static func rules(
        _ merges: ByteStrings, index: borrowing TokenIndex
    ) throws(TokenizerError) -> MergeRules {
        guard merges.count < 1 << 30 else { throw .tooManyMerges(merges.count) }
        var rules = MergeRules(capacity: merges.count)
        let text = merges.bytes
        var product: Int32 = -1
        for rank in merges.indices {
            let merge = merges.range(of: rank)
            guard let space = text[merge].firstIndex(of: 0x20), space > merge.lowerBound,
                space + 1 < merge.upperBound, !text[space + 1..<merge.upperBound].contains(0x20)
            else { throw .malformedMerge(index: rank) }
            let left = merge.lowerBound..<space
            let right = space + 1..<merge.upperBound
            guard let leftID = index.id(of: left, in: text), let rightID = index.id(of: right, in: text),
                // Where a vocabulary was trained, each rule made the next token.
                let made = index.id(of: left, right, in: text, guess: product + 1)
            else { throw .mergeOfUnknownToken(index: rank) }
            product = made
            if let first = rules.add(MergeRules.pair(leftID, rightID), product: product) {
                throw .duplicateMerge(first: first, second: rank)
            }
        }
        return rules
    }
}
