// The run's events against what the chain says of them.

internal import Bytes
internal import Digest

extension AuditVerification {
    /// Most bytes of `events.jsonl` that are read.
    package static let eventsLimit = 1 << 30

    /// `events.jsonl` grows while the chain does: the last row that speaks of it vouches for its first bytes.
    static func judgeEvents(_ chain: AuditChain, _ folder: String, _ verdict: inout Verdict) {
        let marks = chain.rows.lazy.reversed().compactMap { row -> (count: Int, digest: String)? in
            let holder = row.body["state"] ?? row.body
            guard let count = holder["events_bytes"]?.asInt, let digest = holder["events_sha256"]?.asString else {
                return nil
            }
            return (count, digest)
        }
        guard let mark = marks.first else { return }
        do {
            let bytes = try WholeFile.read(folder + "/events.jsonl", limit: eventsLimit)
            let isWhole = mark.count >= 0 && mark.count <= bytes.count
            let found = SHA256Digest.of(Array(bytes.prefix(max(0, mark.count)))).hex
            let isSame = isWhole && found == mark.digest
            verdict.add(
                "events", isSame ? .passed : .failed, .arithmetic,
                isSame
                    ? "events.jsonl begins with the \(mark.count) bytes that the chain records."
                    : "events.jsonl is not what the chain records: its first \(mark.count) bytes should have the SHA-256 "
                        + "\(escaped(mark.digest)), and \(isWhole ? "have \(found)" : "it has only \(bytes.count)").")
        } catch {
            verdict.add(
                "events", .failed, .arithmetic,
                "events.jsonl, which the chain records, is unreadable: \(placeless(error))")
        }
    }
}
