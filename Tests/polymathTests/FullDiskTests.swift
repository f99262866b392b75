import Foundation
import TestSupport
import Testing

/// Commands that write where there is no room: exit 5, one sentence, and no half of a file.
@Suite(.enabled(if: SmallDisk.canMount, "mounting a small file system needs root"))
struct FullDiskTests {
    let program = Program()
    static let base = Repository.reference("qwen2-tied-f32.gguf")

    private func expectNoRoom(
        _ words: [String], kilobytes: Int = 16, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let disk = try SmallDisk(kilobytes: kilobytes, at: program.folder.path("disk"))
        let outcome = try program.run(words)
        #expect(outcome.status == 5, "\(outcome.error)", sourceLocation: sourceLocation)
        #expect(outcome.error.hasPrefix("polymath: "), "\(outcome.error)", sourceLocation: sourceLocation)
        #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)", sourceLocation: sourceLocation)
        #expect(
            outcome.error.contains("no space is left") || outcome.error.contains("its file system has"),
            "\(outcome.error)", sourceLocation: sourceLocation)
        let left = FileManager.default.enumerator(atPath: disk.path)?.compactMap { $0 as? String } ?? []
        #expect(
            !left.contains { $0.hasSuffix(".gguf") || $0.hasSuffix(".json") }, "\(left)", sourceLocation: sourceLocation
        )
    }

    @Test func `a synthetic base is not begun`() throws {
        try expectNoRoom(["base", "synth", "qwen-1.5b-q4", "--out", "disk/big.gguf"])
    }

    @Test func `a merge leaves nothing`() throws {
        #expect(try program.run(ReferenceRun.words(steps: 1, length: 8, batch: 1, out: "run")).status == 0)
        try expectNoRoom([
            "adapter", "merge", "--base", Self.base, "--adapter", "run/adapter.gguf", "--out", "disk/merged.gguf",
        ])
    }

    @Test func `a pull keeps no name`() throws {
        try FileManager.default.createDirectory(
            atPath: program.folder.path("disk/Checkpoints"), withIntermediateDirectories: true)
        let zeros = String(repeating: "0", count: 64)
        let catalogue = try program.write(
            "list.json",
            """
            {"version": 1, "bases": [{"name": "toy", "title": "a toy", "architecture": "qwen2", "file": "toy.gguf",
             "licence": "CC0-1.0", "source": {"url": "http://127.0.0.1:1/toy.gguf", "revision": "1"},
             "bytes": 1000000, "sha256": "\(zeros)", "root": null}]}
            """)
        try expectNoRoom(["base", "pull", "toy", "--home", "disk", "--catalog", catalogue])
    }

    @Test(arguments: [4, 8, 12])
    func `a reply that cannot be put on record leaves no folder`(kilobytes: Int) throws {
        let disk = try SmallDisk(kilobytes: kilobytes, at: program.folder.path("disk"))
        let outcome = try program.run([
            "generate", "--base", Self.base, "--prompt", "x", "--max-tokens", "1", "--audit", "disk/replies",
        ])
        #expect(outcome.error.contains("'disk/replies/"), "\(outcome.error)")
        #expect(outcome.status == 5, "\(outcome.status) \(outcome.error)")
        #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == [])
    }

    @Test func `a seal is not left in halves`() throws {
        let base = Repository.checkpoint("nano-q4_k_m.gguf")
        try expectNoRoom(["audit", "seal", "--base", base, "--out", "disk/seal.json"], kilobytes: 8)
    }
}
