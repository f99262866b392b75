internal import Seal

/// Everything that a run writes into its folder, by name: in no other place are these names spelled.
enum RunFile: String, CaseIterable {
    case run = "run.json"
    /// Where this machine keeps what the run needs; never handed on.
    case local = "local.json"
    case events = "events.jsonl"
    case audit = "audit.jsonl"
    case seal = "seal.json"
    /// Copy of the adapter that the run began with; there only where it began with one.
    case start = "start.gguf"
    /// The run's secret seed under its identity's key; there only where it drew one. Never handed on.
    case secret = "seed.sealed"
    case adapter = "adapter.gguf"
    case boundary = "boundary.gguf"
    case attestation = "attestation.dsse.json"
    case report = "report.html"
    /// Made empty when a run begins and gone when it ends; what a fault handler had time for stands in it.
    case fault = "fault.json"
    /// The one folder.
    case checkpoints = "checkpoints"

    /// Most bytes that a reader takes of what is written before the run begins.
    var byteLimit: Int {
        switch self {
        case .run, .local: RunRecord.byteLimit
        case .seal: SealManifest.byteLimit
        default: .max
        }
    }
}
