import Adapter
import Blocks
import Digest
import Foundation
import GGUF
import Model
import PolymathKit
import TensorCore
import TestSupport
import Testing

/// `Tests/Vectors/peft-logits.gguf` is what PEFT computes from our export; `make interop` checks that it still does.
@Suite struct `A PEFT export computes what we compute` {
    private static let adapterPath = Repository.root + "/Tests/Vectors/trained-tail-q8_0.gguf"

    private func base() throws -> LoadedBase {
        try LoadedBase(
            Repository.reference("qwen2-tied-f32.gguf"), home: Home.locate(option: Repository.root),
            workers: Workers(count: 1))
    }

    @Test func `logits agree within 1e-3, those of the base alone do not`() throws {
        let file = try GGUFFile(path: Repository.root + "/Tests/Vectors/peft-logits.gguf")
        let tokens = file.region(of: try #require(file.tensor(named: "tokens"))).array
        let inputs = stride(from: 0, to: tokens.count, by: 4).map { Int32(tokens[$0]) | Int32(tokens[$0 + 1]) << 8 }
        let stored = try #require(file.tensor(named: "logits"))
        let theirs = file.region(of: stored).withBytes { stored.type.decoded($0) }

        func worst(_ base: LoadedBase) throws -> Float {
            let ours = try base.decoder().logits(inputs).values
            #expect(ours.count == theirs.count)
            return zip(ours, theirs).map { abs($0 - $1) }.max() ?? .infinity
        }
        let adapted = try base()
        try adapted.attach(adapted.verifiedAdapter(path: Self.adapterPath))
        #expect(try worst(adapted) < 1e-3)
        #expect(try worst(base()) > 0.1)
    }

    @Test func `a folder that cannot be made leaves nothing behind`() throws {
        let folder = TemporaryFolder()
        let out = folder.path("missing/peft")
        #expect(throws: (any Error).self) {
            try ExportRun.peft(base(), adapter: Self.adapterPath, folder: out, baseModel: nil)
        }
        #expect(folder.names == [])
        let exported = try ExportRun.peft(
            base(), adapter: Self.adapterPath, folder: folder.path("peft"), baseModel: nil)
        #expect(folder.names == ["peft"] && exported.tensorCount == 3)
        let written = try FileManager.default.contentsOfDirectory(atPath: folder.path("peft")).sorted()
        #expect(written == [ExportRun.configurationName, ExportRun.weightsName])
    }
}
