internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Device
internal import Digest
internal import Foundation
internal import PolymathKit

/// `polymath doctor`: what this machine offers a run.
enum DoctorCommand: Command {
    static let specification = CommandSpecification(
        path: ["doctor"], summary: "Show the libraries, processor, memory, disk and bases that a run would use",
        flags: [.home, .json])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let doctor = try Doctor(home: arguments.home)
        console.emit(
            "doctor",
            [
                "version": .string(Version.string), "toolchain": .string(doctor.toolchain),
                "kernel_path": .string(doctor.kernelPath), "operating_system": .string(doctor.operatingSystem),
                "processor": doctor.processor.map { .string($0) } ?? .null, "cores": .exactly(doctor.cores),
                "features": .array(doctor.features.map { .string($0) }),
                "memory_bytes": .exactly(doctor.memoryBytes),
                "peak_memory_bytes": doctor.memory.map { .exactly($0.peakResidentBytes) } ?? .null,
                "home": .string(doctor.home.root),
                "free_disk_bytes": doctor.freeDiskBytes.map { .exactly($0) } ?? .null,
                "bases": .array(doctor.bases.filter(\.isPresent).map { .string($0.name) }),
            ])
        let present = doctor.bases.filter(\.isPresent)
        let absent = doctor.bases.filter { !$0.isPresent }
        var rows = [
            ("polymath", Version.string), ("toolchain", doctor.toolchain),
            ("products", escaped(doctor.kernelPath)), ("system", escaped(doctor.operatingSystem)),
            ("processor", escaped(doctor.processor ?? "unknown") + ", \(doctor.cores) cores"),
            ("features", doctor.features.isEmpty ? "none of note" : doctor.features.joined(separator: ", ")),
            ("memory", "\(grouped(doctor.memoryBytes)) bytes"),
            ("home", escaped(doctor.home.root, limit: 300)),
            ("free disk", doctor.freeDiskBytes.map { "\(grouped($0)) bytes" } ?? "unknown: the home is not there"),
            ("bases here", present.isEmpty ? "none" : present.map { escaped($0.name) }.joined(separator: ", ")),
        ]
        if !absent.isEmpty { rows.append(("not here", absent.map { escaped($0.name) }.joined(separator: ", "))) }
        console.show(table(rows))
    }
}
