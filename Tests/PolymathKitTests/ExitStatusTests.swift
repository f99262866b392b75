import Adapter
import Audit
import Bytes
import Conventions
import Corpus
import Digest
import Model
import PolymathKit
import Seal
import Testing
import Training

@Suite struct ExitStatusTests {
    struct Unknown: Error {}

    @Test(
        arguments: [
            (BytesError.notFound(path: "a"), 2), (BytesError.noSpace(path: "a"), 5),
            (BytesError.outOfBounds(offset: 1, count: 2, available: 0), 1),
            (CorpusError.missing(path: "a"), 2), (CorpusError.empty(path: "a"), 1),
            (CorpusError.digestMismatch(file: "a", expected: "b", actual: "c"), 4),
            (ModelError.contextExceeded(requested: 9, limit: 8), 2), (ModelError.missingTensor("a"), 1),
            (AdapterError.signature(signer: "a"), 4), (AdapterError.container("a"), 1),
            (AdapterError.wouldReplaceBase(path: "a"), 2),
            (TrainingError.invalidOption(name: "steps", value: "0", reason: "x"), 2),
            (TrainingError.nonFinite(quantity: "the loss", step: 3, lastGoodStep: 2), 1),
            (SealError.rootMismatch(stated: "a", computed: "b"), 4), (SealError.noArchitecture, 1),
            (AuditChainError.empty, 4), (IdentityError.noConfigurationFolder, 2),
            (InputError.missing(kind: "adapter", path: "a"), 2), (InputError.sharedText(corpus: "a", count: 1), 4),
            (BaseError.noSpace(path: "a", needed: 2, available: 1), 5), (Unknown(), 1),
        ] as [(any Error, Int32)])
    func `every room's errors end with the documented status`(error: any Error, code: Int32) {
        #expect(ExitStatus(for: error).code == code, "\(error)")
    }

    @Test func `a signal adds 128`() {
        #expect(ExitStatus.signal(15).code == 143)
    }
}
