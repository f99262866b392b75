import Digest
import Testing

@Suite struct SecretSeedTests {
    private let seed = SecretSeed(bytes: (0..<32).map { UInt8($0) })

    @Test func `a seed is 32 bytes or 64 hexadecimal digits and nothing else`() throws {
        let seed = try #require(seed)
        #expect(SecretSeed(hex: seed.hex) == seed && SecretSeed(hex: seed.hex.uppercased()) == seed)
        #expect(SecretSeed(bytes: [UInt8](repeating: 0, count: 31)) == nil)
        #expect(SecretSeed(hex: String(seed.hex.dropLast(2))) == nil)
        #expect(SecretSeed(hex: "zz" + seed.hex.dropFirst(2)) == nil)
    }

    @Test func `the commitment is a digest of a fixed line and the bytes, as written down`() throws {
        let seed = try #require(seed)
        #expect(seed.commitment == SHA256Digest.of(Array("polymath seed commitment 1\n".utf8) + (0..<32)))
    }

    @Test func `two seeds that are drawn differ, and neither shows itself`() {
        let seeds = [SecretSeed.generate(), .generate()]
        #expect(seeds[0] != seeds[1] && seeds[0].commitment != seeds[1].commitment)
        var dumped = ""
        dump(RandomSeed.secret(seeds[0]), to: &dumped)
        let shown = "\(seeds[0]) \(RandomSeed.secret(seeds[0])) \(String(reflecting: seeds[0])) \(dumped)"
        #expect(shown.contains("a secret seed"))
        #expect(
            !shown.contains(seeds[0].hex.prefix(8))
                && !shown.contains(seeds[0].bytes.map(String.init).joined(separator: ", ")))
    }

    @Test func `all of its bytes decide the numbers, and so do purpose and step`() throws {
        func first(_ seed: SecretSeed, _ purpose: String = "shuffle", _ step: UInt64 = 0) -> UInt64 {
            var random = CounterRandom(of: .secret(seed), purpose: purpose, step: step)
            return random.nextUInt64()
        }
        let seed = try #require(seed)
        let others = try (0..<32).map { index in
            var bytes = seed.bytes
            bytes[index] ^= 1
            return first(try #require(SecretSeed(bytes: bytes)))
        }
        let draws = others + [first(seed), first(seed, "export"), first(seed, "shuffle", 1)]
        #expect(Set(draws).count == draws.count)
        // The stream never changes between versions: a run must be repeatable.
        #expect(first(seed) == 0x3e4f7520e9049f66)
    }

    @Test func `a number gives the numbers that it always gave`() {
        var old = CounterRandom(seed: 42, purpose: "shuffle", step: 3)
        var new = CounterRandom(of: 42, purpose: "shuffle", step: 3)
        #expect((0..<4).map { _ in old.nextUInt64() } == (0..<4).map { _ in new.nextUInt64() })
    }
}

/// ChaCha20-Poly1305 as RFC 8439 has it.
@Suite struct SealedBoxTests {
    private let key = (0..<32).map { UInt8(0x80 + $0) }
    private let context = Array("a run".utf8)

    @Test func `the example of RFC 8439, section 2.8.2, comes out`() throws {
        let text =
            "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
        let nonce = try #require(Hex.decode("070000004041424344454647"))
        let extra = try #require(Hex.decode("50515253c0c1c2c3c4c5c6c7"))
        let box = try SealedBox.seal(Array(text.utf8), key: key, nonce: nonce, context: extra)
        #expect(box.count == text.utf8.count + SealedBox.overhead)
        #expect(Hex.encode(box.dropFirst(12).prefix(16)) == "d31a8d34648e60db7b86afbc53ef7ec2")
        #expect(Hex.encode(box.suffix(16)) == "1ae10b594f09e26a7e902ecbd0600691")
        #expect(try SealedBox.open(box, key: key, context: extra) == Array(text.utf8))
    }

    @Test func `any flipped bit, another key and another context open nothing`() throws {
        let message = (0..<32).map { UInt8($0) }
        let box = try SealedBox.seal(message, key: key, context: context)
        #expect(try SealedBox.open(box, key: key, context: context) == message)
        for index in box.indices {
            var damaged = box
            damaged[index] ^= 1 << (index % 8)
            #expect(try SealedBox.open(damaged, key: key, context: context) == nil, "byte \(index)")
        }
        #expect(try SealedBox.open(box, key: key.reversed(), context: context) == nil)
        #expect(try SealedBox.open(box, key: key, context: context + [0]) == nil)
        #expect(try SealedBox.open(Array(box.dropLast()), key: key, context: context) == nil)
        #expect(try SealedBox.open([], key: key, context: context) == nil)
        #expect(try SealedBox.seal(message, key: key, context: context) != box, "a nonce was used twice")
    }
}
