// TLS 1.3 between two Ed25519 identities, over OpenSSL. This file and Socket.swift hold all unsafe code of the room.
//
// Invariants: every pointer that OpenSSL gives is owned by exactly one `deinit` or `defer` here and never leaves the file;
// lengths given to OpenSSL are those of the array that is lent for the call; an `SSL` is used by one thread at a time; an
// `SSL_CTX` is not changed once it is made.

internal import CTLS
package import Digest

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif

/// One's own side of every connection: the identity's key in a certificate that it signs itself, made in memory.
///
/// Nobody reads the certificate's words: a peer is known by its public key alone, and no authority is asked.
/// Sendable: OpenSSL locks its own counts, and nothing else in a context changes after `init`.
@safe
package final class TLSContext: @unchecked Sendable {
    fileprivate let context: OpaquePointer

    /// - Throws: `PeerError.noTLS` where libssl cannot do what is needed.
    package init(_ identity: Identity) throws(PeerError) {
        guard let context = unsafe SSL_CTX_new(TLS_method()) else { throw .noTLS }
        unsafe self.context = context
        let pem = Array(identity.pem.utf8)
        guard unsafe ctls_restrict(context) == 1,
            let text = unsafe BIO_new_mem_buf(pem, Int32(pem.count))
        else { throw .noTLS }
        defer { unsafe BIO_free(text) }
        guard let key = unsafe PEM_read_bio_PrivateKey(text, nil, nil, nil), let certificate = unsafe X509_new() else {
            throw .noTLS
        }
        defer {
            unsafe EVP_PKEY_free(key)
            unsafe X509_free(certificate)
        }
        guard unsafe X509_set_version(certificate, 2) == 1,
            unsafe ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1,
            unsafe ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "20000101000000Z") == 1,
            unsafe ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "99991231235959Z") == 1,
            unsafe X509_set_pubkey(certificate, key) == 1, unsafe X509_sign(certificate, key, nil) > 0,
            unsafe SSL_CTX_use_certificate(context, certificate) == 1,
            unsafe SSL_CTX_use_PrivateKey(context, key) == 1
        else { throw .noTLS }
        // Both sides must show a certificate. Its chain proves nothing; whose key it is, is asked after the handshake, which
        // has proved that the peer holds that key.
        unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        unsafe SSL_CTX_set_cert_verify_callback(context, { _, _ in 1 }, nil)
    }

    deinit { unsafe SSL_CTX_free(context) }
}

/// A connection whose peer has proved whose it is. For one thread at a time.
///
/// The process must ignore SIGPIPE: a peer may go away at any moment.
@safe
package final class TLSConnection {
    /// The key whose private half the peer holds.
    package let peer: PublicKey
    /// How messages name the other side.
    package let name: String
    private let session: Session
    private let socket: Socket

    /// Shakes hands.
    ///
    /// - Parameter accepts: whether a peer of this key may stay; asked before any byte is read or written for it.
    /// - Throws: `PeerError.handshake`, `.silence`, `.closed`, `.untrustedPeer`.
    package init(
        _ socket: Socket, _ context: TLSContext, isServer: Bool, within seconds: Double,
        accepts: (PublicKey) -> Bool
    ) throws(PeerError) {
        name = socket.name
        self.socket = socket
        session = try Session(context, socket, isServer: isServer)
        let deadline = Deadline(seconds)
        try unsafe session.repeating(socket, deadline, isHandshake: true) { unsafe SSL_do_handshake($0) }
        guard let key = session.peerKey else {
            throw .handshake(peer: socket.name, reason: "it shows no Ed25519 key")
        }
        guard accepts(key) else { throw .untrustedPeer(peer: socket.name, fingerprint: key.fingerprint) }
        peer = key
    }

    deinit { socket.close() }

    /// Tells the peer that this is the end; nothing is awaited.
    package func close() { session.close() }

    /// Exactly `count` bytes.
    ///
    /// - Throws: `PeerError.silence`, `.closed`, `.connection`.
    package func read(_ count: Int, _ deadline: Deadline) throws(PeerError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let limit = Int32(min(count - done, 1 << 20))
            done += try unsafe session.repeating(socket, deadline, isHandshake: false) { ssl in
                unsafe bytes.withUnsafeMutableBytes { buffer in
                    // done < count, so the buffer is not empty, and `limit` bytes from that place on lie inside it.
                    unsafe SSL_read(ssl, buffer.baseAddress.map { unsafe $0 + done }, limit)
                }
            }
        }
        return bytes
    }

    /// All of `bytes`.
    ///
    /// - Throws: as ``read(_:_:)``.
    package func write(_ bytes: [UInt8], _ deadline: Deadline) throws(PeerError) {
        var done = 0
        while done < bytes.count {
            let limit = Int32(min(bytes.count - done, 1 << 20))
            done += try unsafe session.repeating(socket, deadline, isHandshake: false) { ssl in
                unsafe bytes.withUnsafeBytes { buffer in
                    unsafe SSL_write(ssl, buffer.baseAddress.map { unsafe $0 + done }, limit)
                }
            }
        }
    }
}

/// An `SSL` and who frees it.
@safe
private final class Session {
    private let ssl: OpaquePointer

    init(_ context: TLSContext, _ socket: Socket, isServer: Bool) throws(PeerError) {
        guard let ssl = unsafe SSL_new(context.context) else { throw .noTLS }
        unsafe self.ssl = ssl
        guard unsafe SSL_set_fd(ssl, socket.descriptor) == 1 else { throw .noTLS }
        if isServer { unsafe SSL_set_accept_state(ssl) } else { unsafe SSL_set_connect_state(ssl) }
    }

    deinit { unsafe SSL_free(ssl) }

    func close() { _ = unsafe SSL_shutdown(ssl) }

    /// Calls `work` until it has moved something, waiting for the socket as OpenSSL asks.
    ///
    /// - Returns: how much it moved.
    @discardableResult
    func repeating(
        _ socket: Socket, _ deadline: Deadline, isHandshake: Bool, _ work: (OpaquePointer) -> Int32
    ) throws(PeerError) -> Int {
        while true {
            ERR_clear_error()
            errno = 0
            let result = unsafe work(ssl)
            if result > 0 { return Int(result) }
            let system = errno
            let code = unsafe SSL_get_error(ssl, result)
            switch code {
            case SSL_ERROR_WANT_READ: try socket.wait(forWriting: false, deadline)
            case SSL_ERROR_WANT_WRITE: try socket.wait(forWriting: true, deadline)
            case SSL_ERROR_ZERO_RETURN: throw .closed(peer: socket.name)
            default:
                guard let reason = Self.reason(code, system) else { throw .closed(peer: socket.name) }
                throw isHandshake
                    ? .handshake(peer: socket.name, reason: reason) : .connection(peer: socket.name, reason: reason)
            }
        }
    }

    /// OpenSSL's words for what went wrong; nil where the other side merely hung up.
    private static func reason(_ code: Int32, _ system: Int32) -> String? {
        let number = ERR_get_error()
        if number != 0 {
            // What OpenSSL calls it when a peer hangs up without the end that TLS has for it.
            if let text = unsafe ERR_reason_error_string(number) {
                let words = unsafe String(cString: text)
                return words == "unexpected eof while reading" ? nil : words
            }
            return "error \(number)"
        }
        if code == SSL_ERROR_SYSCALL, ![0, EPIPE, ECONNRESET].contains(system) {
            return unsafe String(cString: strerror(system))
        }
        return nil
    }

    /// The Ed25519 key of the peer's certificate; nil for any other kind.
    var peerKey: PublicKey? {
        guard let certificate = unsafe SSL_get1_peer_certificate(ssl) else { return nil }
        defer { unsafe X509_free(certificate) }
        guard let key = unsafe X509_get0_pubkey(certificate), unsafe EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: PublicKey.byteCount)
        var length = bytes.count
        guard unsafe EVP_PKEY_get_raw_public_key(key, &bytes, &length) == 1, length == bytes.count else { return nil }
        return PublicKey(bytes: bytes)
    }
}
