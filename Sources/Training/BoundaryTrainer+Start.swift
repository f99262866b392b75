internal import Model
internal import TensorCore

extension BoundaryTrainer {
    /// Makes these the masters that the first step finds, held inside what an adapter may hold.
    ///
    /// Tensors that are not named keep the base's values. A checkpoint that is restored afterwards has its own masters.
    ///
    /// - Parameter gains: trained norm gains by name, each of the embedding length.
    /// - Precondition: no step has been made; every name is a trained gain's.
    public func start(from gains: [(name: String, values: [Float])]) {
        precondition(step == 0, "a training starts once")
        for gain in gains {
            guard let parameter = parameters.first(where: { $0.name == gain.name }),
                parameter.value.count == gain.values.count
            else { preconditionFailure("\(gain.name) is no trained gain of \(gain.values.count) values") }
            parameter.value.withMutableSpan { span in
                for index in gain.values.indices { span[index] = gain.values[index] }
            }
        }
        bounds?.hold()
    }
}
