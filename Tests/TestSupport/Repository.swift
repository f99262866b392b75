/// Where things lie in the checkout that these tests were built from.
public enum Repository {
    /// The repository's root folder, without a trailing slash.
    public static let root: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/")
    }()

    /// The path of a file in `Tests/Reference`.
    public static func reference(_ name: String) -> String { root + "/Tests/Reference/" + name }

    /// The path of a file in `Checkpoints`.
    public static func checkpoint(_ name: String) -> String { root + "/Checkpoints/" + name }
}
