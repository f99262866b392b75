// What a person gives to train on.

import Corpus
import Digest
import GGUF
import Model
import PolymathKit
import TestSupport
import Tokenizer

extension FuzzTarget {
    /// Rows of a `.jsonl` file.
    static let rows = FuzzTarget(name: "rows", heapMultiple: 512, seeds: { Samples.rows }) { bytes in
        load(Scratch.file(bytes, extension: "jsonl"))
    }

    /// A `corpus.json`.
    static let record = FuzzTarget(name: "record", heapMultiple: 512, seeds: { [Samples.record] }) { bytes in
        do throws(CorpusError) {
            _ = try CorpusRecord(parsing: bytes, path: "corpus.json")
        } catch {
            explain(error)
        }
    }

    static let tokens = FuzzTarget(name: "tokens", heapMultiple: 64, seeds: { [Array("[1, 2, 3,400,  511]\n".utf8)] }) {
        bytes in
        do throws(CorpusError) {
            let file = try TokenFile(path: Scratch.file(bytes), vocabularySize: 512)
            guard try file.stream.tokens.allSatisfy({ (0..<512).contains($0) }) else {
                broken("an id outside the vocabulary")
            }
        } catch {
            explain(error)
        }
    }

    static let catalog = FuzzTarget(name: "catalog", heapMultiple: 512, seeds: { [Samples.catalog] }) { bytes in
        guard let json = try? JSONValue.parse(bytes) else { return }
        do throws(BaseError) {
            let catalog = try Catalog(json: json, path: "catalog.json")
            guard catalog.entries.allSatisfy({ !$0.file.contains("/") && $0.file != ".." }) else {
                broken("a catalogue file outside its folder")
            }
        } catch {
            explain(error)
        }
    }

    /// Plain text: tokens turn back into the text in normal form C.
    static let text = FuzzTarget(
        name: "text", heapMultiple: 1024, seeds: { Samples.texts }
    ) { bytes in
        load(Scratch.file(bytes, extension: "txt"))
        guard let text = String(validating: bytes, as: UTF8.self), let tokenizer = Samples.tokenizer else { return }
        let back = tokenizer.decode(tokenizer.encode(text))
        guard back.utf8.elementsEqual(Normalization.composed(Array(text.utf8))) else {
            broken("text that does not come back")
        }
    }

    private static func load(_ path: String) {
        do throws(CorpusError) {
            let corpus = try Corpus.load(path: path)
            _ = corpus.id(key: [1, 2, 3])
            if let tokenizer = Samples.tokenizer {
                let stream = try TokenStream(corpus.documents(of: .training), tokenizer: tokenizer)
                _ = try Windows(stream, sequenceLength: 8)
            }
        } catch {
            explain(error)
        }
    }
}
