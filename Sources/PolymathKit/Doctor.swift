public import Device
import Foundation
import TensorCore

/// What this machine offers a run, for `polymath doctor` and for reports of trouble.
public struct Doctor: Sendable {
    /// The compiler that this program was built with. What a shell would find today is no part of it, and asking would
    /// mean to run whatever stands first in the path.
    public let toolchain = Doctor.compiler
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

    public init(home: Home) throws(BaseError) {
        let information = ProcessInfo.processInfo
        let processorText = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
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

    /// As far as the compiler says it of itself: conditions are all there is.
    private static var compiler: String {
        #if compiler(>=6.5)
            "Swift 6.5 or newer"
        #elseif compiler(>=6.4)
            "Swift 6.4"
        #else
            "Swift 6.3"
        #endif
    }
}
