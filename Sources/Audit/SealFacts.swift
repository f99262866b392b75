// What was looked at of the base during a run, counted from the rows of its chain, and said in sentences.

internal import Digest

/// The looks at a base that a chain of training records: no more is claimed than these.
///
/// The attestation, the report and `audit verify` all say ``sentences``.
public struct SealFacts: Equatable, Sendable {
    /// Bytes of the base that a whole check hashes; nil where no whole check is on record.
    public let sealedBytes: Int?
    /// Whole checks by occasion, in the order of the first of each: start, resume, checkpoint, export, end.
    public let wholeChecks: [(occasion: String, count: Int)]
    /// Updates, each of them made after a look at the file's identity and times; what a resume made again counts once.
    public let updates: Int
    /// Bytes hashed before each update: least, most and in all.
    public let leastBytes: Int
    public let mostBytes: Int
    public let allBytes: Int
    /// Updates before which nothing was hashed.
    public let updatesWithoutHash: Int
    /// The most updates between two looks at the same byte; nil where it was not counted.
    public let longestUnchecked: Int?
    /// Whether a lease was held from the first whole check to the last; nil where that is not on record.
    public let heldLease: Bool?
    /// Whether every step read a private copy of the base.
    public let readCopy: Bool
    /// Whether the file's times were compared before each update.
    private let comparedTimes: Bool

    public static func == (a: SealFacts, b: SealFacts) -> Bool { a.sentences == b.sentences }

    public init(_ chain: AuditChain) {
        var checks: [(occasion: String, count: Int)] = []
        var steps: [Int: JSONValue] = [:]
        var leases: [String?] = []
        var copies: [Bool] = []
        func count(_ occasion: String) {
            if let index = checks.firstIndex(where: { $0.occasion == occasion }) {
                checks[index].count += 1
            } else {
                checks.append((occasion, 1))
            }
        }
        // A check that was told after the last signature could be anybody's line.
        for row in chain.rows where !chain.isPassedOver(row) {
            switch row.kind {
            case RowKind.sealCheck:
                count(row.body["occasion"]?.asString ?? "unnamed")
                leases.append(row.body["file_lease"]?.asString)
                copies.append(row.body["private_copy"]?.asBool ?? false)
            case RowKind.checkpoint: count("checkpoint")
            case RowKind.step: if let step = row.body["step"]?.asInt { steps[step] = row.body }
            case RowKind.resume:
                let from = row.body["from_step"]?.asInt ?? 0
                steps = steps.filter { $0.key <= from }
            default: break
            }
        }
        let bytes = steps.values.map { max(0, $0["seal_checked_bytes"]?.asInt ?? 0) }
        let unchecked = steps.values.map { $0["seal_unchecked_steps"]?.asInt }
        sealedBytes = chain.rows.last { $0.kind == RowKind.sealCheck && !chain.isPassedOver($0) }?.body["bytes"]?.asInt
        wholeChecks = checks
        updates = steps.count
        leastBytes = bytes.min() ?? 0
        mostBytes = bytes.max() ?? 0
        allBytes = bytes.reduce(0) { $0.addingReportingOverflow($1).partialValue }
        updatesWithoutHash = bytes.count { $0 == 0 }
        longestUnchecked = unchecked.contains(nil) ? nil : unchecked.compactMap(\.self).max()
        heldLease = leases.isEmpty || leases.contains(nil) ? nil : leases.allSatisfy { $0 == "held" }
        readCopy = !copies.isEmpty && copies.allSatisfy(\.self)
        comparedTimes = chain.version >= 2
    }

    /// What was looked at, in whole sentences without their full stops.
    public var sentences: [String] {
        var sentences: [String] = []
        let total = wholeChecks.reduce(0) { $0 + $1.count }
        if total > 0, let sealedBytes {
            let each = wholeChecks.map { "\($0.occasion) \($0.count)" }.joined(separator: ", ")
            sentences.append(
                "all \(sealedBytes) sealed bytes of the base were hashed \(total) times (\(each)) and found unchanged each time"
            )
        }
        if updates > 0 {
            let hashed =
                leastBytes == mostBytes ? "\(mostBytes)" : "\(leastBytes) to \(mostBytes)"
            let times = comparedTimes ? "device, inode, length and times" : "device, inode and length"
            sentences.append(
                "before each of \(updates) updates the file's \(times) were compared, and \(hashed) bytes hashed "
                    + "(none at \(updatesWithoutHash) updates, \(allBytes) in all), and found unchanged")
        }
        if let longestUnchecked {
            sentences.append(
                "between two looks at the same byte lay at most \(longestUnchecked) \(longestUnchecked == 1 ? "update" : "updates")"
            )
        }
        if heldLease == true {
            sentences.append(
                "the system held a lease on the base's file at each whole check: nobody had opened it for writing meanwhile"
            )
        }
        if heldLease == false, !readCopy {
            sentences.append(
                "the system held no lease on the base's file throughout: a process that had it mapped for writing before could "
                    + "change it and put it back between two looks unseen")
        }
        if readCopy {
            sentences.append("every step read a copy of the base in memory that this process alone could write")
        }
        return sentences
    }
}
