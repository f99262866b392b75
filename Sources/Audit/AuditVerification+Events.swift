// The run's events against what the chain says of them.

internal import Bytes
internal import Digest

extension AuditChain {
    /// What a row says of `events.jsonl`: how long it was by then, and the SHA-256 of that.
    package struct EventsMark: Equatable, Sendable {
        package let byteCount: Int
        let digest: String

        init?(_ row: AuditRow) {
            let holder = row.body["state"] ?? row.body
            guard let count = holder["events_bytes"]?.asInt, count >= 0, let digest = holder["events_sha256"]?.asString
            else { return nil }
            byteCount = count
            self.digest = digest
        }

        /// Whether the file begins with the recorded bytes.
        package func holds(for bytes: [UInt8]) -> Bool { byteCount <= bytes.count && found(in: bytes) == digest }

        func found(in bytes: [UInt8]) -> String { SHA256Digest.of(Array(bytes.prefix(byteCount))).hex }
    }

    /// The latest row's that speaks of the events.
    package var eventsMark: EventsMark? { rows.lazy.reversed().compactMap(EventsMark.init).first }

    /// The latest that a signature covers.
    package var signedEventsMark: EventsMark? {
        rows.prefix(vouchedRowCount).lazy.reversed().compactMap(EventsMark.init).first
    }

    /// Stretches of the events that nobody had signed for when a resume came: what was told of steps that were then computed
    /// again, or what somebody put there.
    package var unvouchedEvents: [Range<Int>] {
        rows.filter { $0.kind == RowKind.resume }.compactMap { row in
            guard let start = row.body["events_vouched_bytes"]?.asInt,
                let count = row.body["events_unvouched_bytes"]?.asInt,
                start >= 0, count > 0, start <= AuditVerification.eventsLimit, count <= AuditVerification.eventsLimit
            else { return nil }
            return start..<start + count
        }
    }
}

extension AuditVerification {
    /// Most bytes of `events.jsonl` that are read.
    package static let eventsLimit = 1 << 30

    /// `events.jsonl` grows while the chain does: the last row that speaks of it vouches for its first bytes, and the close,
    /// like a pause, for all of it.
    static func judgeEvents(_ chain: AuditChain, _ folder: String, _ verdict: inout Verdict) {
        guard let mark = chain.eventsMark else { return }
        let bytes: [UInt8]
        do {
            bytes = try WholeFile.read(folder + "/events.jsonl", limit: eventsLimit)
        } catch {
            verdict.add(
                "events", .failed, .arithmetic,
                "events.jsonl, which the chain records, is unreadable: \(placeless(error))")
            return
        }
        guard mark.holds(for: bytes) else {
            verdict.add(
                "events", .failed, .arithmetic,
                "events.jsonl is not what the chain records: its first \(mark.byteCount) bytes should have the SHA-256 "
                    + "\(escaped(mark.digest)), and "
                    + (mark.byteCount <= bytes.count ? "have \(mark.found(in: bytes))." : "it has only \(bytes.count).")
            )
            return
        }
        let isWhole = chain.version >= 2 && chain.status != .open
        guard !isWhole || bytes.count == mark.byteCount else {
            verdict.add(
                "events", .failed, .arithmetic,
                "events.jsonl has \(bytes.count - mark.byteCount) bytes after the \(mark.byteCount) that the chain vouches for: "
                    + "they were added after it was signed.")
            return
        }
        verdict.add(
            "events", .passed, .arithmetic,
            isWhole
                ? "events.jsonl is the file of \(mark.byteCount) bytes that the chain records, and no byte more."
                : "events.jsonl begins with the \(mark.byteCount) bytes that the chain records.")
    }
}
