import Foundation
import TestSupport
import Testing

/// Where a run is written, and what is left of one that fails.
@Suite struct RunFolderTests {
    let program = Program()

    private func train(_ out: String, steps: Int = 1) throws -> Program.Outcome {
        try program.run(ReferenceRun.words(steps: steps, length: 8, batch: 1, out: out))
    }

    @Test func `a folder that holds a run is not written into`() throws {
        #expect(try train("run").status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: program.folder.path("run")).sorted()
        let adapter = program.bytes("run/adapter.gguf")
        let outcome = try train("run", steps: 2)
        #expect(outcome.status == 2)
        #expect(outcome.errorMessage == "The folder run already holds a run; choose another --out, or remove it first.")
        #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder.path("run")).sorted() == names)
        #expect(program.bytes("run/adapter.gguf") == adapter)
    }

    @Test func `a folder that holds anything else is not written into`() throws {
        try FileManager.default.createDirectory(atPath: program.folder.path("full"), withIntermediateDirectories: true)
        _ = try program.write("full/letter.txt", "mine")
        let outcome = try train("full")
        #expect(outcome.status == 2)
        #expect(outcome.errorMessage?.contains("is not empty") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder.path("full")) == ["letter.txt"])
    }

    @Test func `an empty folder is used, wherever it stands, and is this user's alone afterwards`() throws {
        let folder = program.folder.path("run")
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        let empty = try program.run(["train", "--resume", "run"])
        #expect(empty.status == 2 && empty.error.contains("it is empty; start the run again"), "\(empty.error)")
        #expect(try train("run/").status == 0)
        #expect(try mode("run") == 0o700)
        #expect(try program.run(["audit", "verify", "run"]).status == 0)
        let none = try program.run(["train", "--resume", "nowhere"])
        #expect(none.status == 2 && none.error.contains("there is no such folder"), "\(none.error)")
    }

    @Test(.enabled(if: SmallDisk.canMount, "mounting a small file system needs root"))
    func `the root of a disk, which nothing can take the place of, is filled as it is`() throws {
        let disk = try SmallDisk(kilobytes: 4096, at: program.folder.path("disk"))
        #expect(try train("disk").status == 0)
        #expect(try program.run(["audit", "verify", "disk"]).status == 0)
        #expect(try mode("disk") == 0o700)
        withExtendedLifetime(disk) {}
        let small = try SmallDisk(kilobytes: 12, at: program.folder.path("small"))
        try FileManager.default.setAttributes([.posixPermissions: 0o750], ofItemAtPath: small.path)
        let outcome = try train("small")
        #expect(outcome.status == 5, "\(outcome.output)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: small.path) == [])
        #expect(try mode("small") == 0o750)
    }

    private func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: program.folder.path(name))
        return try #require(attributes[.posixPermissions] as? NSNumber).intValue
    }

    // Names that a run gives its own files as well: nothing says that they are not somebody else's.
    @Test(arguments: [
        "notes.part", ".seal.json.0123456789abc.part", "seal.json", "local.json", "start.gguf", "events.jsonl",
    ])
    func `a refused folder keeps what is in it, and its mode`(name: String) throws {
        try FileManager.default.createDirectory(
            atPath: program.folder.path("run"), withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o755])
        _ = try program.write("run/" + name, "mine")
        let outcome = try train("run")
        #expect(outcome.status == 2, "\(outcome.output)")
        #expect(outcome.errorMessage?.contains("is not empty") == true, "\(outcome.output)")
        #expect(program.bytes("run/" + name) == Array("mine".utf8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder.path("run")) == [name])
        #expect(try mode("run") == 0o755)
    }

    @Test func `folders above the run's are made, and go again with a run that cannot begin`() throws {
        #expect(try train("a/b/run").status == 0)
        #expect(try program.run(["audit", "verify", "a/b/run"]).status == 0)
        _ = try program.write("broken.gguf", "GGUF")
        let words = ReferenceRun.words(steps: 1, length: 8, batch: 1, out: "c/d/run")
        let outcome = try program.run(words + ["--start", program.folder.path("broken.gguf")])
        #expect(outcome.status != 0)
        #expect(!program.holds("c"))
    }

    // Tests may run as root, whom no permission stops: a file as parent, and a file system that takes no folders, do.
    @Test(arguments: ["taken", "taken/run", "/proc/polymath/run"])
    func `a place that cannot be written exits 2`(out: String) throws {
        _ = try program.write("taken", "mine")
        let outcome = try train(out)
        #expect(outcome.status == 2)
        #expect(outcome.errorMessage?.contains("The folder \(out) cannot be written") == true, "\(outcome.output)")
        #expect(program.bytes("taken") == Array("mine".utf8))
    }

    // Only scope boundary can get there: gains are held inside what an adapter may hold.
    @Test(arguments: [
        (4, "of step 2 is not a finite number"), (1, "With what step 1 left the loss is not a finite number"),
    ])
    func `a loss that is no number stops the run with nothing exported`(steps: Int, message: String) throws {
        let outcome = try program.run(
            ReferenceRun.words(
                scope: "boundary", optimizer: "sgd", rate: "1e30", steps: steps, length: 8, batch: 1, out: "run"))
        #expect(outcome.status == 1)
        // With one step, no step sees the loss of what its update left; the export does.
        #expect(outcome.stepLosses.count == 1)
        #expect(outcome.object("error")?["exit_code"] as? Int == 1)
        #expect(outcome.errorMessage?.contains(message) == true, "\(outcome.output)")
        #expect(outcome.errorMessage?.contains("lower --learning-rate") == true, "\(outcome.output)")
        try expectNothingExported()
    }

    @Test(arguments: ["q8_0", "f32"])
    func `whatever the rate, a norm scope exports what a reader takes`(encoding: String) throws {
        let words = ReferenceRun.words(
            model: "qwen2-untied-q4_0", scope: "all-norms", optimizer: "sgd", rate: "1e30", steps: 3, length: 8,
            batch: 1, out: "run")
        let outcome = try program.run(words + ["--adapter-encoding", encoding])
        #expect(outcome.status == 0, "\(outcome.output)")
        let verified = try program.run(["adapter", "verify", "--base", words[2], "--adapter", "run/adapter.gguf"])
        #expect(verified.status == 0, "\(verified.error)")
    }

    @Test(.enabled(if: SmallDisk.canMount, "mounting a small file system needs root"), arguments: [16, 28])
    func `a full disk exits 5 and leaves no adapter`(kilobytes: Int) throws {
        let disk = try SmallDisk(kilobytes: kilobytes, at: program.folder.path("disk"))
        let outcome = try train("disk/run", steps: 3)
        #expect(outcome.status == 5, "\(outcome.output)")
        #expect(outcome.errorMessage?.contains("no space is left to write") == true, "\(outcome.output)")
        for file in ["adapter.gguf", "attestation.dsse.json", "report.html"] {
            #expect(!program.holds("disk/run/\(file)"), "\(file) is there")
        }
        // A run that had not begun is gone; one that had keeps its open chain.
        #expect(program.holds("disk/run") == (outcome.object("run_started") != nil))
        let names = FileManager.default.enumerator(atPath: disk.path)?.compactMap { $0 as? String } ?? []
        #expect(!names.contains { $0.hasSuffix(".part") }, "\(names)")
    }

    private func expectNothingExported() throws {
        for file in ["adapter.gguf", "boundary.gguf", "attestation.dsse.json", "report.html"] {
            #expect(!program.holds("run/\(file)"), "\(file) is there")
        }
        #expect(try !program.chain("run").contains { ["close", "export"].contains($0["kind"] as? String ?? "") })
        #expect(try program.run(["audit", "verify", "run"]).status != 0)
    }
}
