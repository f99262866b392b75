internal import Bytes

/// Why a peer could not be reached, was refused, or said no.
public enum PeerError: Error, Equatable, CustomStringConvertible, Sendable {
    case badAddress(String)
    /// A line of a list of stages.
    case badLine(path: String, line: Int, reason: String)
    /// libssl cannot do TLS 1.3 with Ed25519.
    case noTLS
    /// A connection could not be made, or broke; `reason` in the system's words.
    case connection(peer: String, reason: String)
    /// The other side hung up.
    case closed(peer: String)
    /// No TLS 1.3 came about.
    case handshake(peer: String, reason: String)
    case silence(peer: String, seconds: Double)
    /// The peer's key is not on the list.
    case untrustedPeer(peer: String, fingerprint: String)
    /// A frame's length is above what its sender may send.
    case frameTooLarge(peer: String, byteCount: Int, limit: Int)
    /// A frame that nobody asked for, or whose contents are not what its kind says.
    case malformed(peer: String, reason: String)
    /// The peer says no, in its own words.
    case refused(peer: String, reason: String)
    /// The peer's part of the decoder has other weights, or other kernels.
    case otherWeights(peer: String, stage: String)
    /// Layers that a stage does not lend.
    case notLent(asked: String, lent: String)

    public var description: String {
        switch self {
        case .badAddress(let text):
            "“\(escaped(text))” is no address; give HOST:PORT, for instance 127.0.0.1:7000."
        case .badLine(let path, let line, let reason):
            "Line \(line) of “\(escaped(path, limit: 200))” names no stage: \(reason); a line reads: layers 0..3 HOST:PORT "
                + "SHA256:FINGERPRINT."
        case .noTLS: "This system's libssl cannot do TLS 1.3 with Ed25519 keys."
        case .connection(let peer, let reason): "The connection with \(peer) failed: \(escaped(reason))."
        case .closed(let peer): "\(peer) hung up."
        case .handshake(let peer, let reason):
            "\(peer) was refused, since no TLS 1.3 with a key of its own came about: \(escaped(reason))."
        case .silence(let peer, let seconds): "\(peer) was silent for \(seconds) seconds."
        case .untrustedPeer(let peer, let fingerprint):
            "\(peer) was refused: its key \(fingerprint) is not on the list of peers."
        case .frameTooLarge(let peer, let byteCount, let limit):
            "\(peer) was refused: it announced a frame of \(byteCount) bytes, where at most \(limit) may come."
        case .malformed(let peer, let reason): "\(peer) was refused: it sent \(reason)."
        case .refused(let peer, let reason): "\(peer) refuses: \(escaped(reason, limit: 400))"
        case .otherWeights(let peer, let stage):
            "\(peer) holds other weights for \(stage), or computes with other kernels, and would give other bits."
        case .notLent(let asked, let lent): "\(asked) are not lent here; \(lent) are."
        }
    }
}
