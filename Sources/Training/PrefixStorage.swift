/// Where scope `tail` keeps the outputs of the frozen layers between steps.
public struct PrefixStorage: Equatable, Sendable {
    /// Bytes that outputs may take in memory; those that do not fit go to the file.
    public var memoryLimit: Int
    /// Folder in which a file without a name is made for them; nil computes them again at every step.
    public var folder: String?
    /// Bytes that are left free on the folder's file system, for the run's own files and for everybody else.
    public var reserve: Int

    public static let defaultMemoryLimit = 64 << 20
    public static let defaultReserve = 256 << 20

    public init(
        memoryLimit: Int = PrefixStorage.defaultMemoryLimit, folder: String?,
        reserve: Int = PrefixStorage.defaultReserve
    ) {
        self.memoryLimit = memoryLimit
        self.folder = folder
        self.reserve = reserve
    }

    /// Bytes of memory that the outputs of `windows` windows of `tokens` tokens and `width` values will hold at most.
    public func memoryByteCount(windows: Int, tokens: Int, width: Int) -> Int {
        let one = tokens * width * MemoryLayout<Float>.stride
        let kept = min(windows, one == 0 ? 0 : max(0, memoryLimit) / one)
        // What is not kept in memory passes through one buffer.
        return (kept + (kept < windows ? 1 : 0)) * one
    }
}

/// What a trainer could not do as well as planned; the run goes on, and its result is the same.
public enum TrainingNote: Equatable, Sendable, CustomStringConvertible {
    /// The file system has no more room to spare; `windows` outputs are kept.
    case noRoomForOutputs(windows: Int)
    /// No file can be made or used in the folder; `windows` outputs are kept in memory.
    case noFileForOutputs(windows: Int)

    public var description: String {
        switch self {
        case .noRoomForOutputs(let windows):
            "The disk has no more room to spare for the frozen layers' output: it is kept for \(windows) windows and "
                + "computed again for every other."
        case .noFileForOutputs(let windows):
            "No file can be used for the frozen layers' output: it is kept for \(windows) windows, in memory, and "
                + "computed again for every other."
        }
    }
}
