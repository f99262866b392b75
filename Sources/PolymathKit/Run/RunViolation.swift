internal import Bytes
public import Conventions
internal import Foundation
public import Seal

/// Sealed bytes changed during a run: what changed, how far the run was, and what it can go on from.
public struct RunViolation: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    public let violation: SealViolation
    public let folder: String
    /// Whole steps made.
    public let step: Int
    /// Step of the newest good checkpoint; nil when there is none, and the start is what is good.
    public let goodCheckpoint: Int?

    public var exitStatus: ExitStatus { .sealViolation }

    public var description: String {
        var sentence = violation.description
        if sentence.hasSuffix(".") { sentence.removeLast() }
        let checked = violation.lastCompleteCheck.map { "the last complete check began at \($0.formatted(.iso8601))" }
        return sentence + ": seen after step \(step), \(checked ?? "and no complete check was made before"); "
            + Self.advice(folder: folder, goodCheckpoint: goodCheckpoint) + "."
    }

    /// What to do about it, without a full stop.
    static func advice(folder: String, goodCheckpoint: Int?) -> String {
        let from = goodCheckpoint.map { "the good checkpoint of step \($0)" } ?? "the start, as no checkpoint is good"
        return "nothing was exported, and once the base is whole again, polymath train --resume "
            + "\(escaped(folder, limit: 400)) goes on from \(from)"
    }
}
