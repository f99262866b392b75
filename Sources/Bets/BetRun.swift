internal import Bytes
internal import Conventions
public import PolymathKit
internal import Device
internal import Foundation
internal import TensorCore

/// Runs one bet: from its committed claim to a result on disk, or as a smoke test to figures alone.
public struct BetRun {
    public var threads: Int
    /// A smoke test: less of everything, no commit asked for, nothing kept.
    public var isQuick = false
    /// The command line, for the result.
    public var command = ""
    private let home: Home

    public init(home: Home, threads: Int) {
        self.home = home
        self.threads = threads
    }

    /// What a run came to.
    public struct Outcome: Sendable {
        public let claim: BetClaim
        public let measured: Measured
        public let verdict: Verdict
        public let seconds: Double
        /// Of the result; nil for a quick run.
        public let path: String?
    }

    /// - Throws: `BetError`; whatever the experiment throws. Nothing is kept then.
    public func run(_ claim: BetClaim, say: @escaping (String) -> Void) throws -> Outcome {
        guard let experiment = Experiments.all.first(where: { $0.name == claim.name }) else {
            throw BetError.noExperiment(bet: claim.number, name: claim.name)
        }
        var commits: (checkout: String, claim: String)?
        if !isQuick { commits = try committed(claim) }
        let scratch = try ScratchFolder(in: NSTemporaryDirectory(), name: "polymath-bet")
        defer { withExtendedLifetime(scratch) {} }
        let bench = Workbench(home: home, isQuick: isQuick, threads: threads, scratch: scratch.path, say: say)
        let began = Date()
        let measured = try experiment.init().run(bench)
        let seconds = Date().timeIntervalSince(began)
        let criteria = Set((claim.strict + claim.lenient + claim.catastrophic).map(\.measure))
        if let name = measured.measures.keys.sorted().first(where: { measured.measures[$0]?.isFinite == false }) {
            throw BetError.notFinite(bet: claim.number, measure: name)
        }
        if let name = criteria.sorted().first(where: { measured.measures[$0] == nil }) {
            throw BetError.missingMeasure(bet: claim.number, measure: name)
        }
        let verdict = try claim.verdict(measured.measures)
        var path: String?
        if let commits {
            let result = BetResult(
                claim: claim, measured: measured, timings: bench.timings, seconds: seconds, command: command,
                began: began.formatted(.iso8601), commit: commits.checkout, claimCommit: commits.claim,
                program: "polymath \(Version.string), \(KernelPath.current)", machine: machine)
            _ = try MadeFolders(BetResult.folder(home: home.root))
            try result.write(home: home.root)
            path = BetResult.path(claim, home: home.root)
        }
        return Outcome(claim: claim, measured: measured, verdict: verdict, seconds: seconds, path: path)
    }

    /// Says of a result that it no longer counts; it stays in the table.
    ///
    /// - Throws: `BetError.noResult`.
    public static func retract(_ number: Int, reason: String, home: Home) throws {
        guard var result = try BetResult.all(home: home.root).first(where: { $0.claim.number == number }) else {
            throw BetError.noResult(bet: number, folder: BetResult.folder(home: home.root))
        }
        result.retraction = reason
        try result.write(home: home.root)
    }

    /// The commits that hold the claim and the code that measures it.
    private func committed(_ claim: BetClaim) throws(BetError) -> (checkout: String, claim: String) {
        let checkout = try BetFiles.commit(of: home.root)
        for path in ["Sources", "Package.swift", "Corpora", "Checkpoints"] {
            try BetFiles.requireCommitted(path, in: home.root)
        }
        return (checkout, try BetFiles.commit(of: "Bets/" + claim.fileName, in: home.root))
    }

    private var machine: String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let name = text.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
        let processor = name?.trimmingCharacters(in: .whitespaces) ?? "unknown processor"
        return "\(processor), \(threads) threads"
    }
}
