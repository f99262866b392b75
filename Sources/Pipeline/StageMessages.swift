public import Digest
internal import Bytes

// What coordinator and stages say to each other, and how a stage's answer names what it was computed from.
//
//   input   = SHA-256 of the piece's bytes (f32 or token ids, little-endian)
//   history = SHA-256("polymath piece 1\n" ‖ request ‖ u32 stage ‖ u32 position ‖ u32 rows ‖ history before ‖ input)
//   output  = SHA-256 of the result's bytes
//
// The history before the first piece is 32 zeros. Layers remember earlier pieces in their cache, so their history is a
// chain over all of them; embedding and head remember nothing, so theirs begins anew with every piece.

/// Rows for one stage to compute.
public struct StageWork: Equatable, Sendable {
    public var request: SHA256Digest
    public var stage: Int
    /// Counts the times that the stage's layers were given to somebody; the first is 0.
    public var attempt: Int
    /// Of the first row, in the request's text.
    public var position: Int
    public var rowCount: Int
    /// Most positions that the request will have.
    public var capacity: Int
    /// Whether only the digest of the result is wanted, since the result itself has long been used.
    public var isReplay: Bool
    /// Token ids or hidden states.
    public var payload: [UInt8]

    public init(
        request: SHA256Digest, stage: Int, attempt: Int, position: Int, rowCount: Int, capacity: Int, isReplay: Bool,
        payload: [UInt8]
    ) {
        self.request = request
        self.stage = stage
        self.attempt = attempt
        self.position = position
        self.rowCount = rowCount
        self.capacity = capacity
        self.isReplay = isReplay
        self.payload = payload
    }
}

/// A stage's answer, and what it says it is the answer to.
public struct Contribution: Equatable, Sendable {
    public var request: SHA256Digest
    public var stage: Int
    public var attempt: Int
    public var position: Int
    public var rowCount: Int
    public var input: SHA256Digest
    public var history: SHA256Digest
    public var output: SHA256Digest
    /// Seconds that the stage computed.
    public var seconds: Double
    /// What the stage's process holds; 0 where nobody looked.
    public var anonymousBytes = 0
    public var residentBytes = 0
    /// Empty for a replay.
    public var payload: [UInt8]

    public init(
        request: SHA256Digest, stage: Int, attempt: Int, position: Int, rowCount: Int, input: SHA256Digest,
        history: SHA256Digest, output: SHA256Digest, seconds: Double, anonymousBytes: Int = 0, residentBytes: Int = 0,
        payload: [UInt8]
    ) {
        self.request = request
        self.stage = stage
        self.attempt = attempt
        self.position = position
        self.rowCount = rowCount
        self.input = input
        self.history = history
        self.output = output
        self.seconds = seconds
        self.anonymousBytes = anonymousBytes
        self.residentBytes = residentBytes
        self.payload = payload
    }
}

extension SHA256Digest {
    /// The history of a stage that has seen nothing.
    static let noHistory: SHA256Digest = SHA256Digest(bytes: [UInt8](repeating: 0, count: byteCount)) ?? .of([])

    /// The history after one more piece.
    func extended(
        request: SHA256Digest, stage: Int, position: Int, rowCount: Int, input: SHA256Digest
    ) -> SHA256Digest {
        var writer = ByteWriter(capacity: 128)
        writer.append(utf8: "polymath piece 1\n")
        writer.append(request.bytes)
        writer.append(UInt32(clamping: stage))
        writer.append(UInt32(clamping: position))
        writer.append(UInt32(clamping: rowCount))
        writer.append(bytes)
        writer.append(input.bytes)
        return .of(writer.bytes)
    }
}
