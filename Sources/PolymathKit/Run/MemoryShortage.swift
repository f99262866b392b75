public import Device
internal import Bytes
internal import Digest
internal import TensorCore

/// Why a run that fitted into memory when it began does not fit any more.
public enum MemoryShortage: Equatable, Sendable {
    /// A control group allows less than the run needs.
    case limit(MemoryLimit, needed: Int)
    /// The operating system refuses a small block.
    case refused(byteCount: Int)

    /// Follows "since".
    var clause: String {
        switch self {
        case .limit(let limit, let needed):
            "\(escaped(limit.file, limit: 200)) leaves this process \(limit.availableBytes) bytes of memory and it needs "
                + "\(needed)"
        case .refused(let byteCount): "the operating system refuses \(byteCount) bytes of memory"
        }
    }

    /// Members of the pause's row and event, which may be handed on: they do not say which control group it was, since
    /// those are named after users and services.
    var members: [String: JSONValue] {
        var members: [String: JSONValue] = ["reason": "memory"]
        switch self {
        case .limit(let limit, let needed):
            members["why"] = "a limit of the operating system leaves this process too little memory"
            members["limit"] = .exactly(limit.bytes)
            members["available"] = .exactly(limit.availableBytes)
            members["needed"] = .exactly(needed)
        case .refused: members["why"] = .string(clause)
        }
        return members
    }
}

/// Looks between steps whether what the run holds is still allowed: the kernel kills without asking.
struct MemoryWatch {
    /// The most that the run is expected to hold.
    private let planned: Int
    private let limit: () -> MemoryLimit?
    private var lookedAt = -Double.infinity
    private(set) var shortage: MemoryShortage?

    /// Seconds between two looks, so that very short steps are not spent looking.
    private static let interval = 0.25
    /// What writing a checkpoint and the record of a pause take at most, for gains.
    private static let spare = 8 << 20

    init(planned: Int, limit: @escaping () -> MemoryLimit? = { MemoryLimit.current() }) {
        self.planned = planned
        self.limit = limit
    }

    /// - Parameter peak: anonymous bytes that the run was seen to hold at most; 0 before its first step.
    mutating func look(peak: Int, at seconds: Double = DeviceClock.seconds) {
        guard shortage == nil, seconds - lookedAt >= Self.interval else { return }
        lookedAt = seconds
        let needed = peak > 0 ? min(planned, peak + Self.spare) : planned
        if let limit = limit(), limit.availableBytes < needed {
            shortage = .limit(limit, needed: needed)
        } else if !Arena.hasRoom(for: Self.spare) {
            shortage = .refused(byteCount: Self.spare)
        }
    }
}
