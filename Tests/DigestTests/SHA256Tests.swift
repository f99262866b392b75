import Digest
import TestSupport
import Testing

struct SHA256Tests {
    // FIPS 180-2, appendix B, and NIST's long message.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            String(repeating: "a", count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ])
    func `digests match FIPS 180`(text: String, digest: String) {
        #expect(SHA256Digest.of(Array(text.utf8)).hex == digest)
    }

    @Test func `pieces give the digest of the whole`() {
        var random = CounterRandom(seed: 1, purpose: "pieces")
        let bytes = (0..<5_000).map { _ in UInt8(random.nextInt(below: 256)) }
        for _ in 0..<50 {
            var hasher = SHA256Hasher()
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + random.nextInt(below: 700))
                hasher.update(Array(bytes[start..<end]))
                start = end
            }
            #expect(hasher.finalize() == SHA256Digest.of(bytes))
        }
    }

    @Test func `one pass gives the digests of a message and of its pieces, whatever their lengths`() {
        var random = CounterRandom(seed: 3, purpose: "one pass")
        let bytes = (0..<3_000).map { _ in UInt8(random.nextInt(below: 256)) }
        let lengths =
            [0, 1, 63, 64, 65, 119, 120, 128, 191, 192, 256, 1_024, 3_000]
            + (0..<60).map { _ in
                random.nextInt(below: bytes.count)
            }
        for length in lengths {
            let message = Array(bytes[..<length])
            for pieceByteCount in [64, 192, 1_024, 4_096] {
                let wanted = stride(from: 0, to: length, by: pieceByteCount).map {
                    SHA256Digest.of(Array(message[$0..<min($0 + pieceByteCount, length)]))
                }
                for got in [
                    SHA256Digest.withPieces(of: message.span.bytes, pieceByteCount: pieceByteCount),
                    SHA256Digest.byLibcrypto(message.span.bytes, pieceByteCount: pieceByteCount),
                ] {
                    #expect(got.whole == SHA256Digest.of(message) && got.pieces == wanted)
                }
            }
        }
    }

    @Test(
        .enabled(
            if: ARMTools.areInstalled,
            "a cross compiler or qemu-aarch64 is not installed; make neon-deps does that"))
    func `64-bit ARM's instructions give the digests that sha256sum gives`() throws {
        let folder = TemporaryFolder()
        let (status, text) = try ARMTools.run("Tests/CDigest/neon.sh", [folder.path("programs")])
        #expect(status == 0 && text.contains("18 digests agree"), "\(text)")
    }

    // RFC 4231, cases 1, 2 and 6.
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0b, count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func `keyed digests match RFC 4231`(key: [UInt8], message: String, code: String) {
        #expect(HMACSHA256.code(key: key, message: Array(message.utf8)).hex == code)
    }

    @Test func `a digest is read from 64 lower-case digits alone`() {
        let hex = SHA256Digest.of([1, 2, 3]).hex
        #expect(SHA256Digest(hex: hex)?.bytes == SHA256Digest.of([1, 2, 3]).bytes)
        #expect(SHA256Digest(hex: hex.uppercased()) == nil)
        #expect(SHA256Digest(hex: String(hex.dropLast())) == nil)
        #expect(SHA256Digest(hex: String(hex.dropLast()) + "g") == nil)
        #expect(SHA256Digest(bytes: [UInt8](repeating: 0, count: 31)) == nil)
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ])
    func `base64 matches RFC 4648`(text: String, encoded: String) {
        #expect(Base64.encode(Array(text.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(text.utf8))
    }

    @Test(arguments: ["Zg", "Zg=", "Zh==", "Zm9=", "Zm 9", "Z===", "====", "Zg==Zg==", "Zm9v\n", "_-8="])
    func `loose base64 is refused`(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func `random bytes survive base64 and hex`() {
        var random = CounterRandom(seed: 2, purpose: "round trip")
        for count in 0..<100 {
            let bytes = (0..<count).map { _ in UInt8(random.nextInt(below: 256)) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Hex.decode(Hex.encode(bytes)) == bytes)
        }
    }
}
