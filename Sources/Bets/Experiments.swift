/// Everything that can be run, in the order of the bets.
public enum Experiments {
    public static let all: [any Experiment.Type] = [
        OwnAdapter.self,
        EightBits.self,
        Averaging.self,
        PipelineThrottle.self,
    ]
}
