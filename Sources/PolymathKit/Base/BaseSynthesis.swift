/// Bases of a known shape with seeded random weights.
public enum BaseSynthesis {
    /// The catalogue's names whose shape is known.
    public static let names = ["qwen-1.5b-q4"]
}
