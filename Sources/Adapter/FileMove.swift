// Moving a proven file to its place.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif

enum FileMove {
    /// Puts the file at `source` in the place of `path`, in one step.
    static func replace(_ path: String, with source: String) throws(AdapterError) {
        guard unsafe rename(source, path) == 0 else {
            throw .writing("The merged file cannot be moved to its place: error \(errno) of the system.")
        }
    }

    /// Removes a file if it is there.
    static func remove(_ path: String) { _ = unsafe unlink(path) }
}
