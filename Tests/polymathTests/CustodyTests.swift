import Digest
import Foundation
import TestSupport
import Testing

/// The text stays on the machine: what the real program asks of the kernel, command by command.
@Suite(
    .enabled(if: SystemCallTrace.tool != nil, "strace is not installed or may not trace here: apt install strace"))
struct CustodyTests {
    let program = Program()

    /// Each step of the main job and every other command, in an order in which each finds what it needs.
    static let cycle: [[String]] = [
        ["corpus", "check", "diary"],
        ["corpus", "fertility", "diary", "--base", "nano.gguf"],
        ["corpus", "list"],
        ["corpus", "plant", "diary", "--out", "planted", "--canaries", "1", "--copies", "1"],
        ["train", "--base", "nano.gguf", "--corpus", "diary", "--steps", "2", "--out", "run"] + small,
        ["train", "--resume", "killed"],
        ["eval", "--base", "nano.gguf", "--adapter", "run/adapter.gguf", "--corpus", "diary", "--compare"] + small,
        ["generate", "--base", "nano.gguf", "--adapter", "run/adapter.gguf", "--prompt", "Glass", "--max-tokens", "2"],
        ["tokenize", "--base", "nano.gguf"],
        ["adapter", "inspect", "run/adapter.gguf"],
        ["adapter", "verify", "--base", "nano.gguf", "--adapter", "run/adapter.gguf"],
        ["adapter", "merge", "--base", "nano.gguf", "--adapter", "run/adapter.gguf", "--out", "merged.gguf"],
        ["adapter", "export", "--base", "nano.gguf", "--adapter", "run/adapter.gguf", "--out", "peft"],
        [
            "adapter", "privacy", "--base", "nano.gguf", "--adapter", "run/adapter.gguf", "--data", "diary",
            "--secrets", "planted/secrets.json", "--alternatives", "2",
        ] + small,
        ["audit", "verify", "run", "--base", "nano.gguf"],
        ["audit", "report", "run"],
        ["audit", "attestation", "run/attestation.dsse.json"],
        ["audit", "export", "run", "--out", "handed"],
        ["audit", "secret", "run"],
        ["audit", "replay", "run", "--base", "nano.gguf", "--corpus", "diary"],
        ["audit", "secret", "run", "--out", "seed.txt"],
        ["audit", "seal", "nano.gguf"],
        [
            "federation", "manifest", "make", "--base", "nano.gguf", "--model-id", "nano", "--url",
            "https://example.org/nano.gguf", "--out", "manifest.json",
        ],
        ["federation", "manifest", "verify", "manifest.json", "--base", "nano.gguf"],
        [
            "federation", "aggregate", "inbox", "--base", "nano.gguf", "--round", "1", "--roster", "roster.txt",
            "--faults",
            "0", "--out", "round.gguf",
        ],
        ["federation", "check", "round.record.json", "inbox", "--adapter", "round.gguf", "--base", "nano.gguf"],
        ["telemetry", "export", "run", "--format", "csv", "--out", "table.csv"],
        ["telemetry", "simulate", "--days", "1"],
        ["base", "list"],
        ["base", "inspect", "nano.gguf"],
        ["bench", "step", "--base", "tiny.gguf", "--seq-len", "4", "--batch-size", "1", "--repeat", "1"],
        [
            "bench", "gradients", "--base", "tiny.gguf", "--tokens", "tokens.json", "--seq-len", "4", "--batch-size",
            "1",
        ],
        ["bets", "list", "--home", "."],
        ["bets", "table", "--home", ".", "--out", "bets.md"],
        ["bets", "retract", "1", "--reason", "A trace.", "--home", "."],
        ["doctor"],
        ["completion", "bash"],
    ]

    private static let small = ["--seq-len", "16"]

    /// Not run here: the one that may open a socket has a test of its own, the others write a gigabyte or take minutes.
    static let others = ["base pull", "base synth", "bench kernels", "bets run"]

    private func prepare() throws {
        let files = FileManager.default
        try files.copyItem(
            atPath: Repository.checkpoint("nano-q4_k_m.gguf"), toPath: program.folder.path("nano.gguf"))
        try files.copyItem(
            atPath: Repository.reference("qwen2-tied-f32.gguf"), toPath: program.folder.path("tiny.gguf"))
        try files.copyItem(atPath: Repository.reference("tokens.json"), toPath: program.folder.path("tokens.json"))
        for folder in ["diary", "inbox", "Bets", "Documentation/Results/bets"] {
            try files.createDirectory(atPath: program.folder.path(folder), withIntermediateDirectories: true)
        }
        for place in ["Bets", "Documentation/Results/bets"] {
            let name = "/01-own-adapter.json"
            try files.copyItem(
                atPath: Repository.root + "/" + place + name, toPath: program.folder.path(place) + name)
        }
        let sample = SampleAdapter(program: program)
        let people = try (1...3).map { try Identity.fromSeed([UInt8](repeating: $0, count: 32)) }
        let root = try sample.root()
        for (index, person) in people.enumerated() {
            _ = try sample.write("inbox/\(index).gguf", root: root, identity: person)
        }
        _ = try program.write("roster.txt", people.map { $0.publicKey.fingerprint + "\n" }.joined())
        for part in ["train", "test"] {
            let text = try String(
                contentsOfFile: Repository.root + "/Corpora/skerry-diary/\(part).jsonl", encoding: .utf8)
            _ = try program.write("diary/\(part).jsonl", String(text.split(separator: "\n")[0]) + "\n")
        }
    }

    private func trace(_ words: [String]) throws -> (outcome: Program.Outcome, trace: SystemCallTrace) {
        let path = program.folder.path(".trace")
        let tool = try #require(SystemCallTrace.tool)
        let outcome = try program.run(
            words, input: "Glass falling.\n", under: [tool] + SystemCallTrace.words(output: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return (outcome, SystemCallTrace(try String(contentsOfFile: path, encoding: .utf8)))
    }

    @Test func `no command but base pull opens a socket, and each writes only where it was told to`() throws {
        try prepare()
        let killed = try program.run(
            ReferenceRun.words(steps: 30, length: 8, batch: 1, out: "killed") + ["--checkpoint-every", "2"],
            watch: { $0.contains("\"step\":5,") }, signal: SIGKILL)
        #expect(killed.status == 128 + SIGKILL)
        let folder = program.folder.path
        // A replay trains in a folder of its own among the temporary ones, and removes it.
        let places = [folder + "/", FileManager.default.temporaryDirectory.path + "/polymath-replay-", "/dev/null"]
        for words in Self.cycle {
            let (outcome, trace) = try trace(words)
            let name = words.joined(separator: " ")
            #expect(outcome.status == 0, "\(name): \(outcome.error)")
            #expect(trace.network.isEmpty, "\(name): \(trace.network.prefix(3))")
            let written = trace.writtenPaths(from: folder)
            let astray = written.filter { path in !places.contains { path.hasPrefix($0) } }
            #expect(astray.isEmpty, "\(name): \(astray.prefix(3))")
            // It has seen something: at least the run's own files.
            if words[0] == "train" { #expect(written.contains { $0.hasSuffix("/report.html") }, "\(name)") }
        }
    }

    @Test func `base pull does open sockets, so the trace would show one`() throws {
        let content = [UInt8](repeating: 7, count: 4096)
        let server = try LoopbackServer.serving(content)
        try FileManager.default.createDirectory(
            atPath: program.folder.path("Checkpoints"), withIntermediateDirectories: true)
        _ = try program.write(
            "Checkpoints/catalog.json",
            """
            {"version": 1, "bases": [{"name": "tiny", "title": "a toy", "architecture": "qwen2", "file": "tiny.gguf",
             "licence": "CC0-1.0", "source": {"url": "http://127.0.0.1:\(server.port)/tiny", "revision": "1"},
             "bytes": \(content.count), "sha256": "\(SHA256Digest.of(content).hex)", "root": null}]}
            """)
        let (outcome, trace) = try trace(["base", "pull", "tiny", "--home", "."])
        #expect(outcome.status == 0, "\(outcome.error)")
        let connections = trace.network.filter { $0.name == "connect" }
        #expect(connections.contains { $0.arguments.contains("sin_port=htons(\(server.port))") }, "\(trace.network)")
    }

    @Test func `every command is traced or named as one that is not`() throws {
        let overview = try program.run(["help"]).output
        let commands = try #require(overview.components(separatedBy: "COMMANDS\n").last)
            .components(separatedBy: "\n\n")[0].split(separator: "\n").map { line in
                line.components(separatedBy: "  ").filter { !$0.isEmpty }[0]
            }
        #expect(commands.count > 20)
        let traced = Set(
            Self.cycle.flatMap { words in (1...3).map { length in words.prefix(length).joined(separator: " ") } })
        for command in commands where !Self.others.contains(command) {
            #expect(traced.contains(command), "\(command) is not in the cycle that is traced")
        }
    }
}

/// Where code that could reach a network is, and that it is in no other place.
@Suite struct NetworkCodeTests {
    @Test func `one source file of polymath knows the network, and nothing but base pull's download uses it`() throws {
        let sources = Repository.root + "/Sources"
        let files = try #require(FileManager.default.enumerator(atPath: sources)).compactMap { $0 as? String }
        var withNetwork: [String] = []
        var withTransfer: [String] = []
        for file in files where [".swift", ".c", ".h", ".modulemap"].contains(where: file.hasSuffix) {
            let text = try String(contentsOfFile: sources + "/" + file, encoding: .utf8)
            let words = [
                "FoundationNetworking", "URLSession", "CFSocket", "Process()", "NWConnection", "socket(", "connect(",
                "sendto(", "getaddrinfo(", "sys/socket.h", "openssl/bio.h", "openssl/ssl.h", "contentsOf: URL(string",
            ]
            if words.contains(where: text.contains) { withNetwork.append(file) }
            if text.contains("Transfer(") { withTransfer.append(file) }
        }
        // The former two belong to `polymath-pipeline` alone: the linker test below says that nothing else holds them.
        #expect(
            withNetwork.sorted() == [
                "CTLS/shim.h", "PipelineNetwork/Socket.swift", "PolymathKit/Base/Transfer.swift",
            ])
        #expect(withTransfer == ["PolymathKit/Base/BaseDownload.swift"])
    }

    @Test func `no other program is run, but git by the bets that measure`() throws {
        let sources = Repository.root + "/Sources"
        let files = try #require(FileManager.default.enumerator(atPath: sources)).compactMap { $0 as? String }
        var starting: Set<String> = []
        var asking: Set<String> = []
        for file in files where [".swift", ".c", ".h"].contains(where: file.hasSuffix) {
            let text = try String(contentsOfFile: sources + "/" + file, encoding: .utf8)
            let words = ["popen(", "posix_spawn", "execv", "execl", "fork(", "Process()"]
            if words.contains(where: text.contains) { starting.insert(file) }
            if text.contains("ToolOutput.") { asking.insert(file) }
        }
        #expect(starting == ["Device/ToolOutput.swift"])
        #expect(asking == ["Bets/BetFiles.swift"])
    }

    @Test func `doctor runs nothing that stands in the path`() throws {
        let program = Program()
        let mark = program.folder.path("mark")
        let bin = program.folder.path("bin")
        try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
        for name in ["swift", "sh", "uname", "nproc", "git"] {
            let path = try program.write("bin/" + name, "#!/bin/sh\ntouch '\(mark)'\n")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }
        let outcome = try program.run(["doctor"], under: ["/usr/bin/env", "PATH=" + bin])
        #expect(outcome.status == 0 && outcome.output.contains("Swift 6."), "\(outcome.output)")
        #expect(!FileManager.default.fileExists(atPath: mark))
    }

    /// libc's calls themselves: what our objects and the Swift code linked into them would need of a library.
    @Test(arguments: ["polymath", "polymath-verify"])
    func `neither program asks the linker for a socket`(name: String) throws {
        let path = try #require(Program.binary(name))
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/nm") else { return }
        let symbols = try Self.undefined(path)
        #expect(symbols.contains("write"))
        let calls: Set = [
            "socket", "socketpair", "connect", "bind", "listen", "accept", "send", "sendto", "sendmsg", "sendmmsg",
            "getaddrinfo", "gethostbyname", "io_uring_setup", "getpwuid", "getpwuid_r", "getpwnam",
        ]
        #expect(symbols.isDisjoint(with: calls), "\(symbols.intersection(calls))")
        let networking = symbols.contains { $0.contains("FoundationNetworking") }
        #expect(networking == (name == "polymath"))
    }

    private static func undefined(_ path: String) throws -> Set<String> {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/nm")
        process.arguments = ["-D", "--undefined-only", path]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Set(
            text.split(separator: "\n").compactMap { line in
                line.split(separator: " ").last.map { String($0.prefix { $0 != "@" }) }
            })
    }
}

/// What the trace is read with, on lines as strace writes them.
@Suite struct SystemCallTraceTests {
    @Test func `calls in two halves, relative names and failures are read`() {
        let trace = SystemCallTrace(
            """
            7  openat(AT_FDCWD</home/a>, "run/x.json", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 3</home/a/run/x.json>
            7  openat(AT_FDCWD</home/a>, "/etc/hosts", O_RDONLY|O_CLOEXEC) = 3</etc/hosts>
            8  connect(4<socket:[1]>, {sa_family=AF_UNIX, sun_path="/run/x"}, 110 <unfinished ...>
            7  mkdir("../b", 0700) = -1 EEXIST (File exists)
            8  <... connect resumed>) = -1 ENOENT (No such file or directory)
            7  rename("c", "/d") = 0
            9  sendto(5<socket:[2]>, "x", 1, 0, NULL, 0 <unfinished ...>

            """)
        #expect(trace.calls.count == 6)
        #expect(trace.network.map(\.name) == ["connect", "sendto"])
        #expect(trace.network[0].result == "-1 ENOENT (No such file or directory)")
        #expect(trace.writtenPaths(from: "/home/a") == ["/home/a/run/x.json", "/home/b", "/home/a/c", "/d"])
    }
}
