import Digest
import Testing

struct DSSETests {
    @Test func `the encoding before signing is that of the specification`() {
        let encoding = DSSEEnvelope.preAuthenticationEncoding(
            type: "http://example.com/HelloWorld", payload: Array("hello world".utf8))
        #expect(String(decoding: encoding, as: UTF8.self) == "DSSEv1 29 http://example.com/HelloWorld 11 hello world")
        let empty = DSSEEnvelope.preAuthenticationEncoding(type: "é", payload: [])
        #expect(String(decoding: empty, as: UTF8.self) == "DSSEv1 2 é 0 ")
    }

    @Test func `an envelope survives its file and opens for its signer alone`() throws {
        let identity = try Identity.fromSeed([UInt8](repeating: 1, count: 32))
        let stranger = try Identity.fromSeed([UInt8](repeating: 2, count: 32))
        let envelope = try DSSEEnvelope.sign(payloadType: "text/plain", payload: [1, 2, 3], by: identity)
        let read = try DSSEEnvelope.decode(envelope.encoded)
        #expect(read == envelope)
        #expect(try read.verifiedPayload(by: identity.publicKey) == [1, 2, 3])
        #expect(throws: DSSEError.noValidSignature(signer: stranger.publicKey.fingerprint)) {
            try read.verifiedPayload(by: stranger.publicKey)
        }
        let renamed = DSSEEnvelope(payloadType: "text/html", payload: [1, 2, 3], signatures: envelope.signatures)
        #expect(!renamed.isSigned(by: identity.publicKey))
        let changed = DSSEEnvelope(payloadType: "text/plain", payload: [1, 2, 4], signatures: envelope.signatures)
        #expect(!changed.isSigned(by: identity.publicKey))
    }

    @Test(arguments: [
        ("[]", DSSEError.malformed(member: "envelope", expected: "an object")),
        (
            #"{"payload":"AQID","payloadType":"t"}"#,
            .malformed(member: "signatures", expected: "a list of 1 to 64 signatures")
        ),
        (
            #"{"payload":"AQID","payloadType":"t","signatures":[]}"#,
            .malformed(member: "signatures", expected: "a list of 1 to 64 signatures")
        ),
        (
            #"{"payload":"AQI","payloadType":"t","signatures":[{"sig":""}]}"#,
            .malformed(member: "payload", expected: "base64")
        ),
        (
            #"{"payload":"","payloadType":1,"signatures":[{"sig":""}]}"#,
            .malformed(member: "payloadType", expected: "a text")
        ),
        (
            #"{"payload":"","payloadType":"t","signatures":[{"keyid":"x"}]}"#,
            .malformed(member: "sig", expected: "base64")
        ),
        (
            #"{"payload":"","payloadType":"t","signatures":[{"keyid":1,"sig":""}]}"#,
            .malformed(member: "keyid", expected: "a text")
        ),
        (
            #"{"payload":"","payloadType":"t","signatures":[{"sig":""}],"x":1}"#,
            .malformed(
                member: "envelope", expected: "an object with only payload, payloadType, signatures")
        ),
        ("{", .notJSON(.unexpectedEnd(offset: 1))),
    ])
    func `a malformed envelope is refused by its member`(text: String, error: DSSEError) {
        #expect(throws: error) { try DSSEEnvelope.decode(Array(text.utf8)) }
    }
}
