// swift-tools-version: 6.2
import PackageDescription

// The dependency lists below are the room table of Documentation/DESIGN.md, section 2:
// every room may import what its line names, and nothing else.

let house: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let testHouse: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

func room(_ name: String, _ imports: [Target.Dependency] = [], linker: [LinkerSetting] = []) -> Target {
    .target(name: name, dependencies: imports, swiftSettings: house, linkerSettings: linker)
}

func tests(_ room: String, _ imports: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: room + "Tests", dependencies: [.target(name: room), "TestSupport"] + imports, swiftSettings: testHouse)
}

let package = Package(
    name: "polymath",
    products: [
        .executable(name: "polymath", targets: ["polymath"]),
        .executable(name: "polymath-verify", targets: ["polymath-verify"]),
        .executable(name: "polymath-pipeline", targets: ["polymath-pipeline"]),
        .library(name: "PolymathKit", targets: ["PolymathKit"]),
    ],
    targets: [
        // Both wings
        .target(name: "CGuard"),
        room("Bytes", ["CGuard"]),
        room("Blocks", ["Bytes"]),
        room("GGUF", ["Bytes", "Blocks"]),

        // Evidence wing
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "CDigest"),
        room("Digest", ["Bytes", "CCrypto", "CDigest"]),
        room("Seal", ["Bytes", "Digest", "GGUF", "CGuard"]),
        room("Adapter", ["Bytes", "Blocks", "Digest", "GGUF"]),
        room("Audit", ["Bytes", "Digest", "Seal", "Adapter"]),
        room("Federation", ["Bytes", "Blocks", "Digest", "GGUF", "Adapter"]),

        room("Conventions", ["Bytes", "Digest", "Seal", "Adapter", "Audit", "Federation"]),
        room("CommandLineKit", ["Bytes", "Digest", "Conventions"]),
        room(
            "EvidenceCommands",
            ["Bytes", "GGUF", "Digest", "Seal", "Adapter", "Audit", "Federation", "Conventions", "CommandLineKit"]),
        .executableTarget(
            name: "polymath-verify",
            dependencies: ["EvidenceCommands", "CommandLineKit", "Conventions"], swiftSettings: house),

        // Numeric wing
        .systemLibrary(name: "CBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .target(name: "CKernels"),
        room(
            "TensorCore", ["Bytes", "Blocks", "CKernels", "CBLAS"],
            linker: [.linkedLibrary("m", .when(platforms: [.linux]))]),
        room("Tokenizer"),
        room("Corpus", ["Bytes", "Digest", "Tokenizer"]),
        room("Model", ["Bytes", "Blocks", "TensorCore", "GGUF", "Tokenizer"]),
        room("Training", ["Model", "TensorCore", "Corpus", "Bytes", "Digest"]),

        // Where they meet
        room("Device", ["Bytes"]),
        room("Pipeline", ["Bytes", "Blocks", "Digest", "GGUF", "TensorCore", "Model"]),
        // Sockets stand in no room that `polymath` is made of.
        .systemLibrary(name: "CTLS", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
        room(
            "PipelineNetwork", ["Pipeline", "Bytes", "Digest", "GGUF", "TensorCore", "Model", "Device", "CTLS"]),
        room(
            "PolymathKit",
            [
                "Bytes", "Blocks", "GGUF", "Digest", "Seal", "Adapter", "Audit", "TensorCore", "Tokenizer", "Corpus",
                "Model", "Training", "Device", "Conventions",
            ]),
        room(
            "Bets",
            [
                "PolymathKit", "Bytes", "Blocks", "Digest", "Adapter", "Corpus", "Tokenizer", "Model", "Training",
                "TensorCore", "Device", "GGUF", "Conventions", "Pipeline", "Federation", "Seal",
            ]),
        .executableTarget(
            name: "polymath",
            dependencies: [
                "PolymathKit", "Bets", "Bytes", "Blocks", "GGUF", "Digest", "Seal", "Adapter", "Audit", "Federation",
                "Corpus", "Tokenizer", "Model", "Training", "TensorCore", "Device", "Conventions", "CommandLineKit",
                "EvidenceCommands",
            ], swiftSettings: house),
        .executableTarget(
            name: "polymath-pipeline",
            dependencies: [
                "PolymathKit", "Pipeline", "PipelineNetwork", "Bytes", "Digest", "GGUF", "Seal", "Audit", "Model",
                "TensorCore",
                "Tokenizer", "Conventions", "CommandLineKit",
            ], swiftSettings: house),

        // Tests
        .target(
            name: "TestSupport", dependencies: ["Bytes"], path: "Tests/TestSupport", swiftSettings: testHouse),
        tests("Bytes"),
        tests("Blocks", ["Bytes", "GGUF"]),
        tests("GGUF", ["Bytes", "Blocks"]),
        tests("Digest", ["Bytes"]),
        .executableTarget(
            name: "FaultProbe", dependencies: ["Bytes", "Seal"], path: "Tests/FaultProbe", swiftSettings: testHouse),
        tests("Seal", ["Bytes", "Blocks", "Digest", "GGUF", "FaultProbe"]),
        tests("Adapter", ["Bytes", "Blocks", "Digest", "GGUF"]),
        tests("Audit", ["Bytes", "Blocks", "Digest", "GGUF", "Seal", "Adapter"]),
        tests("Federation", ["Bytes", "Digest", "GGUF", "Adapter"]),
        // Fuzzing: `make fuzz` builds the program with libFuzzer, `make test` replays what it found.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "TestSupport", "Bytes", "Blocks", "GGUF", "Digest", "Seal", "Adapter", "Audit", "Federation",
                "Tokenizer",
                "Corpus", "Model", "PolymathKit",
            ], path: "Tests/Fuzz/FuzzTargets", swiftSettings: testHouse),
        .target(name: "CFuzz", path: "Tests/Fuzz/CFuzz"),
        .executableTarget(
            name: "polymath-fuzz", dependencies: ["FuzzTargets", "CFuzz", "Digest"], path: "Tests/Fuzz/polymath-fuzz",
            swiftSettings: testHouse),
        .testTarget(
            name: "FuzzTests", dependencies: ["FuzzTargets", "TestSupport", "polymath-fuzz"],
            path: "Tests/Fuzz/FuzzTests",
            swiftSettings: testHouse),
        // Also built for other processors: `make neon`.
        .target(name: "CKernelsCheck", dependencies: ["CKernels"], path: "Tests/CKernels", sources: ["check.c"]),
        tests("TensorCore", ["Bytes", "Blocks", "CKernels", "CKernelsCheck"]),
        tests("Device"),
        tests("Tokenizer", ["Bytes", "GGUF"]),
        tests("Corpus", ["Bytes", "Digest", "Tokenizer"]),
        tests("Model", ["Bytes", "Blocks", "GGUF", "TensorCore", "Tokenizer"]),
        tests("Pipeline", ["Bytes", "Digest", "GGUF", "TensorCore", "Model"]),
        tests("PipelineNetwork", ["Pipeline", "Bytes", "Digest", "GGUF", "TensorCore", "Model"]),
        tests("Training", ["Model", "TensorCore", "Corpus", "Bytes", "Digest", "GGUF"]),
        tests(
            "PolymathKit",
            [
                "Bytes", "Blocks", "GGUF", "Digest", "Seal", "Adapter", "Audit", "TensorCore", "Model", "Training",
                "Corpus", "Device", "Conventions",
            ]),
        tests("Bets", ["Bytes", "Blocks", "GGUF", "Digest", "Adapter", "PolymathKit", "Model", "TensorCore"]),
        .testTarget(
            name: "polymathTests",
            dependencies: ["TestSupport", "Bytes", "GGUF", "Blocks", "Digest", "Adapter", "Audit"],
            swiftSettings: testHouse),
    ],
    swiftLanguageModes: [.v6]
)
