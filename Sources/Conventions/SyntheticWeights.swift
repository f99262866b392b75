/// How a base says of itself that its weights are random, so that no figure of it is taken for a model's.
public enum SyntheticWeights {
    /// A boolean of the file's metadata; outside the seal.
    public static let key = "polymath.synthetic"
}
