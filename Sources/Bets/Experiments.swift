/// Everything that can be run, in the order of the bets.
public enum Experiments {
    public static let all: [any Experiment.Type] = [
        OwnAdapter.self,
        NormsOrLora.self,
        NormsOrLoraSeeds.self,
        SameBytes.self,
        EightBits.self,
        Averaging.self,
        Ternary.self,
        Noise.self,
        MixtureOfPeople.self,
        AuditCost.self,
        RobustMedian.self,
        PipelineThrottle.self,
    ]
}
