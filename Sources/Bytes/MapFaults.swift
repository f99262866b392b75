private import CGuard

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Android)
    import Android
#endif

/// What becomes of a mapped file that somebody cuts short: the processor reports the next touch of a lost page, which ends a
/// process that does not handle it.
///
/// A handler belongs to the whole process. The programs install it when they begin; an app that embeds the library does so
/// itself, or leaves it and takes the risk for files that others may cut. Nothing else here installs one.
public enum MapFaults {
    /// From now on lost pages of any ``MappedFile`` are read as zeros, and ``MappedFile/checkWhole()`` throws.
    public static func recover() throws(BytesError) {
        let result = cg_recover()
        guard result == 0 else {
            throw .io(path: "", operation: "install a handler of faults", reason: SystemCall.reason(-result))
        }
    }

    /// The first file in this process that was found cut while it was read; nil where there was none.
    public static var cutPath: String? {
        unsafe cg_cut_path().map { unsafe String(cString: $0) }
    }
}
