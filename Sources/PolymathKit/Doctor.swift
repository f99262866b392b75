public import Device
import Foundation
import TensorCore

/// What this machine offers a run, for `polymath doctor` and for reports of trouble.
public struct Doctor: Sendable {
    /// First line of `swift --version`; nil when there is no `swift` in the path.
    public let toolchain: String?
    /// Library, version and core that the products run on.
    public let kernelPath: String
    public let operatingSystem: String
    public let processor: String?
    public let cores: Int
    /// The instruction sets that matter here, of those the processor has.
    public let features: [String]
    public let memoryBytes: Int
    public let memory: MemorySample?
    public let home: Home
    /// Free on the file system of the home; nil when it is not there.
    public let freeDiskBytes: Int?
    public let bases: [BaseListing]

    public static let watchedFeatures = [
        "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "bf16", "i8mm",
    ]

    public init(home: Home, environment: [String: String]) throws(BaseError) {
        let information = ProcessInfo.processInfo
        let processorText = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        toolchain = Self.swiftVersion(path: environment["PATH"] ?? "")
        kernelPath = KernelPath.current
        operatingSystem = information.operatingSystemVersionString
        processor = Self.field("model name", of: processorText)
        let flags = Self.field("flags", of: processorText) ?? Self.field("Features", of: processorText) ?? ""
        let has = Set(flags.split(separator: " ").map(String.init))
        features = Self.watchedFeatures.filter(has.contains)
        cores = information.activeProcessorCount
        memoryBytes = Int(clamping: information.physicalMemory)
        memory = MemoryProbe.sample()
        self.home = home
        freeDiskBytes = DiskSpace.available(at: home.root)
        bases = try BaseListing.all(home: home)
    }

    /// The first `name : value` line of a processor's description.
    package static func field(_ name: String, of text: String) -> String? {
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            guard line[..<colon].trimmingCharacters(in: .whitespaces) == name else { continue }
            return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return nil
    }

    private static func swiftVersion(path: String) -> String? {
        let places = path.split(separator: ":").map { String($0) + "/swift" }
        guard let tool = places.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else { return nil }
        let text = ToolOutput.read(tool, ["--version"])
        return text?.split(separator: "\n").first.map(String.init)
    }
}
