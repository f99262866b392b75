/// The two halves of a path, as the system reads it; Foundation's own way of cutting one ends the process at `"x"`.
public enum PathName {
    /// The folder that holds what `path` names: with its trailing slash, "./" where the path names none.
    public static func folder(of path: String) -> String { SystemCall.folder(of: path) }

    /// What follows the last slash; all of a path without one.
    public static func last(of path: String) -> String { String(StagingName.lastComponent(of: path)) }
}
