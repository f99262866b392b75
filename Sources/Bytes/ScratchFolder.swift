internal import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// A folder of this process's own, mode 0700, that goes with the object and everything in it.
public final class ScratchFolder: Sendable {
    public let path: String

    /// - Parameters:
    ///   - place: the folder to make it in.
    ///   - name: what its name begins with; a random part follows.
    /// - Throws: `BytesError`.
    public init(in place: String, name: String) throws(BytesError) {
        let folder = SystemCall.withoutTrailingSlashes(place)
        path = (folder == "/" ? "" : folder) + "/" + name + "-" + String(UInt64.random(in: 0 ... .max), radix: 36)
        guard unsafe mkdir(path, 0o700) == 0 else { throw SystemCall.failure(path, "make folder", errno) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
