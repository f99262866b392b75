internal import Bytes
internal import Corpus
internal import Digest
internal import Model
internal import PolymathKit

/// Training text without a person in it: the control of bets about what adapters learn of one.
enum RandomTokens: Equatable {
    /// Ids drawn uniformly from the vocabulary.
    case uniform
    /// The person's own training tokens in random order: word frequencies, and nothing else of the person.
    case shuffled

    var title: String { self == .uniform ? "uniformly random tokens" : "own tokens in random order" }

    /// An adapter trained on as many random tokens as the person's training part has.
    func train(_ person: String, seed: UInt64, steps: Int, _ bench: Workbench) throws -> Workbench.TrainedAdapter {
        let base = try bench.base()
        let own = try TokenStream(try bench.corpus(person).training, tokenizer: base.tokenizer()).tokens
        var random = CounterRandom(seed: seed, purpose: "random tokens of a control")
        var ids = own
        switch self {
        case .uniform:
            let vocabulary = try base.decoder().configuration.vocabularySize
            for index in ids.indices { ids[index] = Int32(random.nextInt(below: vocabulary)) }
        case .shuffled: random.shuffle(&ids)
        }
        let path = "\(bench.scratch)/\(self)-\(person)-\(seed).json"
        try AtomicFile.write(
            JSONValue.array(ids.map { .integer(Int64($0)) }).canonicalBytes, to: path, mode: 0o600,
            placement: .replacing)
        return try bench.train(person, seed: seed) { request in
            request.corpus = nil
            request.tokens = path
            request.steps = steps
        }
    }
}
