import Adapter
import Blocks
import Bytes
import GGUF
import TestSupport
import Testing

@Suite struct `An inventory of an exported file` {
    @Test(arguments: AdapterScope.allCases, [DeltaEncoding.q8_0, .f32])
    func `puts every byte of an adapter into one class`(scope: AdapterScope, encoding: DeltaEncoding) throws {
        let bytes = try Fixture.adapter(scope, encoding: encoding)
        let inventory = ExportInventory(try GGUFFile(parsing: ByteRegion(bytes)))
        #expect(inventory.byteCount == bytes.count)
        #expect(inventory.digestBytes == 64 && inventory.signatureBytes == 96)
        let gains = scope.tensorNames(layerCount: Fixture.layers)
        #expect(inventory.valueBytes == gains.count * (encoding == .f32 ? Fixture.width * 4 : Fixture.width / 32 * 34))
        // The names are the format's own and no others, and stand in the file as counted.
        let own = [
            "general.architecture", "qwen2", "general.type", "adapter", "adapter.type", "norm", "adapter.norm.version",
            "adapter.norm.scope", scope.rawValue, "adapter.norm.encoding", encoding.rawValue, "adapter.base.root",
            "adapter.run.recipe", "adapter.signer", "adapter.signature",
        ]
        #expect(inventory.names == own + gains.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        #expect(inventory.nameBytes == inventory.names.reduce(0) { $0 + $1.utf8.count })
        // By hand: ten keys, of which five are words, one a number and four lists of bytes; a shape of one dimension each.
        #expect(inventory.structureBytes == 24 + 10 * 12 + 5 * 8 + 4 + 4 * 12 + gains.count * 32)
    }
}
