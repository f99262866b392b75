/// What a checked vocabulary is turned into: the bytes, kinds and merge rules of every id.
struct VocabularyTables {
    private(set) var bytes: [UInt8] = []
    private(set) var offsets: [Int] = [0]
    private(set) var kinds: [TokenKind] = []
    private(set) var controlTokens: [String: Int32] = [:]
    let merges: MergeTable

    init(_ vocabulary: TokenizerVocabulary) throws(TokenizerError) {
        let tokens = vocabulary.tokens
        guard !tokens.isEmpty else { throw .emptyVocabulary }
        guard tokens.count < Int(Int32.max) else { throw .tooManyTokens(tokens.count) }
        guard vocabulary.types.isEmpty || vocabulary.types.count == tokens.count else {
            throw .typeCountMismatch(tokens: tokens.count, types: vocabulary.types.count)
        }
        var kinds = [TokenKind](repeating: .normal, count: tokens.count)
        for (index, type) in vocabulary.types.enumerated() {
            guard let kind = TokenKind(rawValue: type) else { throw .unknownTokenType(index: index, type: type) }
            kinds[index] = kind
        }
        var bytes: [UInt8] = []
        var offsets = [0]
        offsets.reserveCapacity(tokens.count + 1)
        var byteTokens = [Int32](repeating: -1, count: 256)
        var ids: [ArraySlice<UInt8>: Int32] = [:]
        ids.reserveCapacity(tokens.count)
        var controlTokens: [String: Int32] = [:]
        for (index, stored) in tokens.enumerated() {
            guard !stored.isEmpty else { throw .emptyToken(index: index) }
            if let first = ids.updateValue(Int32(index), forKey: stored[...]) {
                throw .duplicateToken(first: Int(first), second: index)
            }
            if kinds[index] == .normal {
                guard let spelt = ByteAlphabet.decode(stored) else { throw .notByteLevel(index: index) }
                if spelt.count == 1 { byteTokens[Int(spelt[0])] = Int32(index) }
                bytes.append(contentsOf: spelt)
            } else {
                if kinds[index] == .control {
                    controlTokens[String(decoding: stored, as: UTF8.self)] = Int32(index)
                }
                bytes.append(contentsOf: stored)
            }
            offsets.append(bytes.count)
        }
        if let missing = byteTokens.firstIndex(of: -1) { throw .missingByte(UInt8(missing)) }
        self.merges = MergeTable(rules: try Self.rules(vocabulary.merges, ids: ids), byteTokens: byteTokens)
        self.bytes = bytes
        self.offsets = offsets
        self.kinds = kinds
        self.controlTokens = controlTokens
    }

    private static func rules(
        _ merges: [[UInt8]], ids: [ArraySlice<UInt8>: Int32]
    ) throws(TokenizerError) -> [UInt64: UInt64] {
        var rules: [UInt64: UInt64] = [:]
        rules.reserveCapacity(merges.count)
        for (rank, merge) in merges.enumerated() {
            guard let space = merge.firstIndex(of: 0x20), space > 0, space + 1 < merge.count,
                !merge[(space + 1)...].contains(0x20)
            else { throw .malformedMerge(index: rank) }
            let left = merge[..<space]
            let right = merge[(space + 1)...]
            guard let leftID = ids[left], let rightID = ids[right], let product = ids[left + right] else {
                throw .mergeOfUnknownToken(index: rank)
            }
            let rule = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: product))
            if let first = rules.updateValue(rule, forKey: MergeTable.pair(leftID, rightID)) {
                throw .duplicateMerge(first: Int(first >> 32), second: rank)
            }
        }
        return rules
    }
}
