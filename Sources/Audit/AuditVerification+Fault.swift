// What a fault handler left behind, when no row of the chain tells of it yet.

internal import Bytes
internal import Foundation
internal import Seal

extension AuditVerification {
    /// A record of a fault is a violation of the seal, signed by nobody: it fails the run, whoever reads it.
    static func judgeFault(_ folder: String, _ verdict: inout Verdict) {
        let path = folder + "/" + FaultRecord.fileName
        let found: String
        do {
            guard let record = try FaultRecord.read(path: path) else { return }
            found = record.violation(path: "the base", manifest: nil, lastCompleteCheck: nil).description
        } catch {
            found = placeless(error)
        }
        verdict.add(
            "fault", .failed, .signersWord,
            "The run ended at a fault that its chain does not tell of yet (\(FaultRecord.fileName)): \(found)")
    }
}
