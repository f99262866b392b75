internal import Bytes

/// Why a file of a run's folder cannot be used, without the place where the folder lies: what a verdict says goes into
/// the report, and that may be handed on.
func placeless(_ error: any Error) -> String {
    (error as? BytesError)?.placeless ?? "\(error)"
}
