import Bets
import Blocks
import GGUF
import TestSupport
import Testing

@Suite struct ReplacedTypesTests {
    @Test func `a base written in its own types is the same model, and in F32 as long as its elements say`() throws {
        let base = try GGUFFile(path: Repository.checkpoint("nano-f16.gguf"))
        let folder = TemporaryFolder()
        let path = folder.path("again.gguf")
        let count = try ReplacedTypes(projections: .f16, embedding: .f16).write(base, to: path)
        let again = try GGUFFile(path: path)
        #expect(count == again.file?.byteCount)
        #expect(again.records.map(\.key) == base.records.map(\.key))
        for (old, new) in zip(base.tensors, again.tensors) {
            #expect(old.name == new.name && old.type == new.type && old.dimensions == new.dimensions)
            #expect(base.region(of: old).hasSameBytes(as: again.region(of: new)))
        }
        let whole = try ReplacedTypes(projections: .f32, embedding: .f32).byteCount(base)
        let elements = base.tensors.reduce(0) { $0 + $1.elementCount }
        #expect(whole > 4 * elements && whole < 4 * elements + 400_000)
    }

    @Test(arguments: [StorageType.tq2_0, .tq1_0]) func `ternary nano is at most a ninth of it`(type: StorageType) throws
    {
        let base = try GGUFFile(path: Repository.checkpoint("nano-f16.gguf"))
        let whole = try ReplacedTypes(projections: .f32, embedding: .f32).byteCount(base)
        let ternary = try ReplacedTypes(projections: type, embedding: .q4_K).byteCount(base)
        #expect(9 * ternary <= whole)
    }
}
