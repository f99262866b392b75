/// The version of this program; part of the kernel path, so a resumed run meets the program it began with.
public enum Version {
    public static let string = "0.1.0"
}
