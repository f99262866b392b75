// Files in the GGUF container: bases, adapters, boundary files.

import Adapter
import Blocks
import Bytes
import Digest
import GGUF
import Model
import Tokenizer

extension FuzzTarget {
    /// A base: header, arrays of metadata, the first block of each tensor, configuration and vocabulary.
    static let gguf = FuzzTarget(
        name: "gguf", heapMultiple: 96, seeds: { [try Samples.base(), try Samples.smallest()] }
    ) {
        bytes in
        do throws(GGUFError) {
            let file = try GGUFFile(parsing: ByteRegion(bytes))
            for record in file.records { try touch(record.value) }
            for tensor in file.tensors { decodeFirstBlock(of: tensor, in: file) }
        } catch {
            explain(error)
        }
    }

    /// What a decoder and a tokenizer make of a base's metadata.
    static let vocabulary = FuzzTarget(name: "vocabulary", heapMultiple: 256, seeds: { [try Samples.base()] }) {
        bytes in
        guard let file = try? GGUFFile(parsing: ByteRegion(bytes)) else { return }
        do throws(ModelError) {
            _ = try DecoderConfiguration(file)
            let vocabulary = try TokenizerVocabulary(file)
            let tokenizer: Tokenizer
            do throws(TokenizerError) {
                tokenizer = try Tokenizer(vocabulary: vocabulary)
            } catch {
                return explain(error)
            }
            _ = tokenizer.encode("a walk by the river, 1990: naïve ☂")
        } catch {
            explain(error)
        }
    }

    static let adapter = FuzzTarget(name: "adapter", heapMultiple: 96, seeds: { try Samples.adapters() }) { bytes in
        readAdapter(bytes)
    }

    /// As ``adapter``, but signed anew after the mutation: what a stranger with a key of their own can send.
    static let signedAdapter = FuzzTarget(name: "signed-adapter", heapMultiple: 96, seeds: { try Samples.adapters() }) {
        readAdapter(Samples.signed($0, signer: "adapter.signer", signature: "adapter.signature") { $0 })
    }

    static let boundary = FuzzTarget(name: "boundary", heapMultiple: 96, seeds: { [try Samples.boundary()] }) { bytes in
        readBoundary(bytes)
    }

    static let signedBoundary = FuzzTarget(
        name: "signed-boundary", heapMultiple: 96, seeds: { [try Samples.boundary()] }
    ) { bytes in
        readBoundary(
            Samples.signed(bytes, signer: "boundary.signer", signature: "boundary.signature") {
                DSSEEnvelope.preAuthenticationEncoding(
                    type: BoundaryFile.payloadType, payload: SHA256Digest.of($0).bytes)
            })
    }

    private static func touch(_ value: GGUFValue) throws(GGUFError) {
        _ = value.asString
        _ = value.asInt
        guard let array = value.asArray else { return }
        _ = try? array.strings()
        _ = try? array.integers()
        _ = try? array.floats()
        _ = try? array.bytes()
    }

    private static func decodeFirstBlock(of tensor: GGUFTensor, in file: GGUFFile) {
        let region = file.region(of: tensor)
        guard tensor.type.isDecodable, region.byteCount >= tensor.type.blockByteCount else { return }
        var block = [Float](repeating: 0, count: tensor.type.blockLength)
        guard let first = try? region.subregion(offset: 0, byteCount: tensor.type.blockByteCount) else {
            broken("a tensor's first block is outside it")
        }
        first.withBytes { source in
            var output = block.mutableSpan
            tensor.type.decode(source, into: &output)
        }
    }

    private static func readAdapter(_ bytes: [UInt8]) {
        do throws(AdapterError) {
            let adapter = try NormAdapter.decode(bytes)
            guard adapter.contentID == SHA256Digest.of(bytes) else {
                broken("a content id that is not the file's digest")
            }
            try adapter.verify(against: Samples.parsedBase, root: Samples.root)
            for gain in try adapter.effectiveGains(on: Samples.parsedBase) {
                guard gain.values.allSatisfy(\.isFinite) else { broken("a gain that is no number") }
            }
        } catch {
            explain(error)
        }
    }

    private static func readBoundary(_ bytes: [UInt8]) {
        do throws(AdapterError) {
            let file = try BoundaryFile.decode(ByteRegion(bytes))
            try file.verify(against: Samples.parsedBase, root: Samples.root)
        } catch {
            explain(error)
        }
    }
}
