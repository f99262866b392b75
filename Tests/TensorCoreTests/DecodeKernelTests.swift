import Blocks
import CKernels
import TestSupport
import Testing

/// The kernels that products decode with, against the plain decoders of Blocks, on every path this processor has.
@Suite struct DecodeKernelTests {
    static let types: [StorageType] = [.q4_0, .q8_0, .q4_K, .q6_K]
    static let paths = [CKPathPlain, CKPathAVX2, CKPathAVX512, CKPathNEON]

    /// Any bytes, but no NaN among the scales: which NaN a product of two gives is the processor's choice.
    static func blocks(_ type: StorageType, _ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes = (0..<count * type.blockByteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let halves =
            switch type {
            case .q4_K: [1, 3]
            case .q6_K: [209]
            default: [1]
            }
        for block in 0..<count {
            // Without its lowest exponent bit a binary16 is neither infinite nor NaN; some of these are subnormal.
            for half in halves { bytes[block * type.blockByteCount + half] &= 0xFB }
        }
        return bytes
    }

    @Test(arguments: types, paths)
    func `every path gives the bits of the plain decoder`(type: StorageType, path: CKPath) {
        var written = 0
        for (rows, blocks) in [(1, 1), (1, 7), (3, 2), (64, 5)] {
            // Rows have more blocks than are wanted of them, and stand apart where they go.
            let (stored, stride) = (blocks + 2, blocks * type.blockLength + 16)
            let bytes = Self.blocks(type, rows * stored, seed: UInt64(rows * 100 + blocks))
            var got = [Float](repeating: -1, count: rows * stride)
            let isDecoded = ck_decode_on(
                path, type.rawValue, bytes, stored * type.blockByteCount, &got, stride, rows, blocks)
            // A path that this processor lacks writes nothing.
            guard isDecoded else {
                #expect(path != CKPathPlain)
                #expect(got.allSatisfy { $0 == -1 })
                continue
            }
            written += 1
            let whole = type.decoded(bytes.span.bytes)
            var wanted = [Float](repeating: -1, count: rows * stride)
            for row in 0..<rows {
                for index in 0..<blocks * type.blockLength {
                    wanted[row * stride + index] = whole[row * stored * type.blockLength + index]
                }
            }
            #expect(got.map(\.bitPattern) == wanted.map(\.bitPattern), "\(rows) rows of \(blocks) blocks")
        }
        #expect(written == 0 || written == 4)
    }

    @Test func `a type without a kernel is refused and nothing is written`() {
        var output = [Float](repeating: -1, count: 256)
        let bytes = [UInt8](repeating: 1, count: 256)
        for type in StorageType.allCases where !Self.types.contains(type) {
            #expect(!ck_decode(type.rawValue, bytes, 0, &output, 0, 1, 1), "\(type.name)")
        }
        #expect(output.allSatisfy { $0 == -1 })
    }
}
