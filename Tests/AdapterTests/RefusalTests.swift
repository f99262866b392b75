import Adapter
import Blocks
import Bytes
import Digest
import GGUF
import TestSupport
import Testing

/// Each file here is validly signed and breaks one rule.
@Suite struct `A reader refuses` {
    private func error(_ bytes: [UInt8]) -> AdapterError? {
        do throws(AdapterError) {
            _ = try NormAdapter.decode(bytes)
            return nil
        } catch { return error }
    }

    private func spoilt(
        keys change: (inout [(String, GGUFValue)]) -> Void = { _ in },
        tensors spoil: (inout [Fixture.Tensor]) -> Void = { _ in }
    ) throws -> AdapterError? {
        var keys = try Fixture.keys()
        var tensors = Fixture.tensors()
        change(&keys)
        spoil(&tensors)
        return error(try Fixture.signed(keys, tensors))
    }

    @Test func `another set, order, type or value of keys`() throws {
        #expect(try spoilt() == nil)
        #expect(
            try spoilt(keys: { $0.swapAt(0, 1) })
                == .keyOrder(position: 0, expected: "general.architecture", found: "general.type"))
        #expect(try spoilt(keys: { $0.append(("more", .bool(true))) }) == .keyCount(expected: 10, found: 11))
        #expect(try spoilt(keys: { $0.removeLast() }) == .keyCount(expected: 10, found: 9))
        #expect(
            try spoilt(keys: { $0[3].1 = .uint64(1) })
                == .keyType(key: "adapter.norm.version", expected: "a 32-bit unsigned number"))
        #expect(
            try spoilt(keys: { $0[3].1 = .uint32(2) })
                == .keyValue(key: "adapter.norm.version", expected: "1", found: "2"))
        #expect(
            try spoilt(keys: { $0[1].1 = .string("model") })
                == .keyValue(key: "general.type", expected: "“adapter”", found: "model"))
        #expect(
            try spoilt(keys: { $0[4].1 = .string("boundary") })
                == .keyValue(key: "adapter.norm.scope", expected: "norms, tail or all-norms", found: "boundary"))
        #expect(
            try spoilt(keys: { $0[5].1 = .string("q4_0") })
                == .keyValue(key: "adapter.norm.encoding", expected: "q8_0 or f32", found: "q4_0"))
        #expect(
            try spoilt(keys: { $0[6].1 = .array(GGUFArray(bytes: [1, 2])) })
                == .keyType(key: "adapter.base.root", expected: "32 bytes"))
    }

    @Test func `other tensors`() throws {
        #expect(
            try spoilt(tensors: { $0[0].name = "blk.0.attn_q.weight" }) == .notANormGain("blk.0.attn_q.weight"))
        #expect(
            try spoilt(tensors: { $0[2].name = "blk.02.attn_norm.weight" }) == .notANormGain("blk.02.attn_norm.weight"))
        #expect(
            try spoilt(tensors: { $0[0].name = "blk.0.attn_q_norm.weight" })
                == .notANormGain("blk.0.attn_q_norm.weight"))
        #expect(
            try spoilt(tensors: { $0.swapAt(0, 1) })
                == .tensorOrder(position: 0, expected: "blk.0.attn_norm.weight", found: "blk.0.ffn_norm.weight"))
        #expect(try spoilt(tensors: { $0.removeLast() }) == .tensorCount(expected: 5, found: 4))
        #expect(
            try spoilt(tensors: { $0[1].dimensions = [32, 2] })
                == .shape(tensor: "blk.0.ffn_norm.weight", expected: [64], found: [32, 2]))
        #expect(
            try spoilt(tensors: {
                $0[1].type = .q8_0
                $0[1].bytes = [UInt8](repeating: 0, count: 68)
            }) == .storage(tensor: "blk.0.ffn_norm.weight", expected: "F32", found: "Q8_0"))
        #expect(
            try spoilt(tensors: { $0[0].bytes.replaceSubrange(4..<8, with: [0, 0, 0x80, 0x7F]) })
                == .nonFinite(tensor: "blk.0.attn_norm.weight", index: 1))
    }

    @Test func `scales and steps that no encoder writes`() throws {
        func spoilt(_ bytes: [UInt8]) throws -> AdapterError? {
            var keys = try Fixture.keys()
            keys[5].1 = .string("q8_0")
            var tensors = Fixture.tensors()
            for index in tensors.indices {
                tensors[index].type = .q8_0
                tensors[index].bytes = [UInt8](repeating: 0, count: 68)
            }
            tensors[4].bytes.replaceSubrange(34..<34 + bytes.count, with: bytes)
            return error(try Fixture.signed(keys, tensors))
        }
        #expect(try spoilt([]) == nil)
        #expect(try spoilt([0x00, 0x7C]) == .nonFinite(tensor: "output_norm.weight", index: 32))
        #expect(try spoilt([0x00, 0xBC]) == .malformedBlock(tensor: "output_norm.weight", block: 1))
        #expect(try spoilt([0x00, 0x3C, 0x80]) == .malformedBlock(tensor: "output_norm.weight", block: 1))
        #expect(try spoilt([0x00, 0x00, 0x01]) == .malformedBlock(tensor: "output_norm.weight", block: 1))
    }

    @Test func `a forged, longer, shorter or empty file`() throws {
        let good = try Fixture.adapter()
        #expect(error([]) != nil)
        #expect(error(Array(good.dropLast(200))) != nil)
        #expect(error(Array(good.dropLast())) != nil)
        #expect(error(good + [0]) == .length(expected: good.count, found: good.count + 1))
        var forged = good
        forged[good.count - 40] ^= 1
        #expect(error(forged) == .signature(signer: try Fixture.identity().publicKey.fingerprint))
        // Two tensors of 68 bytes each: the 28 bytes after the last one are padding.
        var padded = good
        padded[good.count - 1] = 1
        #expect(error(try Fixture.signed(padded)) == .padding(offset: good.count - 1))
    }

    @Test func `every change of any one byte`() throws {
        let good = try Fixture.adapter(.tail)
        for index in good.indices {
            var bad = good
            bad[index] ^= 1 << UInt8(index % 8)
            #expect(error(bad) != nil, "byte \(index)")
        }
    }

    @Test func `twenty thousand mutations, without a crash`() throws {
        let good = try [Fixture.adapter(), Fixture.adapter(.allNorms, encoding: .f32)]
        let seed: UInt64 = 20_26
        var random = SeededGenerator(seed: seed)
        for round in 0..<20_000 {
            let original = good[round % 2]
            var bad = original
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // Most mutations go where the structure is.
                let limit = Bool.random(using: &random) ? min(900, bad.count) : bad.count
                guard limit > 0 else { break }
                let at = Int.random(in: 0..<limit, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bad[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bad.removeSubrange(at..<min(bad.count, at + Int.random(in: 1...40, using: &random)))
                case 2: bad.insert(contentsOf: [UInt8](repeating: 0xFF, count: 8), at: at)
                case 3: bad = Array(bad.prefix(at))
                default:
                    let end = min(bad.count, at + 8)
                    bad.replaceSubrange(
                        at..<end, with: repeatElement(UInt8.random(in: 0...255, using: &random), count: end - at))
                }
            }
            if bad != original { #expect(error(bad) != nil, "seed \(seed), round \(round)") }
        }
    }
}
