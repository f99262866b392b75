/// Turns a text that arrives in pieces, cut anywhere, into the tokens of the whole, in bounded memory.
public struct StreamingEncoder {
    private let tokenizer: Tokenizer
    private var work = MergeTable.Workspace()
    private var stretches: TextStretches

    public init(_ tokenizer: Tokenizer, stretches: TextStretches = TextStretches()) {
        self.tokenizer = tokenizer
        self.stretches = stretches
    }

    /// Takes the next bytes of the text's UTF-8 and appends the tokens that have become certain.
    ///
    /// - Throws: `TokenizerError.noPlaceToCut`.
    public mutating func append(_ utf8: ArraySlice<UInt8>, to tokens: inout [Int32]) throws(TokenizerError) {
        var rest = utf8
        while !rest.isEmpty {
            let piece = rest.prefix(TextStretches.shortest)
            rest = rest.dropFirst(piece.count)
            if let stretch = try stretches.add(piece) { tokenizer.append(stretch, to: &tokens, using: &work) }
        }
    }

    /// Appends the tokens of a stretch that was cut already.
    public mutating func append(stretch: [UInt8], to tokens: inout [Int32]) {
        tokenizer.append(stretch, to: &tokens, using: &work)
    }

    /// Appends the tokens of what is left; the encoder can then take another text.
    public mutating func finish(to tokens: inout [Int32]) {
        tokenizer.append(stretches.finish(), to: &tokens, using: &work)
    }
}
