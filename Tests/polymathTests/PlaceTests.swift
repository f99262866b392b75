import Digest
import Foundation
import TestSupport
import Testing

/// What a run may hand on says nothing of where on the machine anything lies, whatever the place is called.
@Suite struct PlaceTests {
    let program = Program()

    /// Longer than what messages show of a path, and with characters that messages escape.
    static let places = [
        "of alice example with a name that is longer than a hundred and twenty characters in all, so that what a message "
            + "shows of it is cut somewhere/x",
        "of alice example \\ with a back\\slash", "of alice example with \u{1B}[31m and \u{202E}",
        "of alice example/.",
    ]

    private func files(in folder: String) throws -> [(name: String, text: String)] {
        let names = try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
        return names.compactMap { name in
            FileManager.default.contents(atPath: folder + "/" + name).map {
                (name, String(decoding: $0, as: UTF8.self))
            }
        }
    }

    private func expectNoPlace(in folder: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        for (name, text) in try files(in: folder) where name != "local.json" {
            #expect(!text.contains("alice"), "\(name)", sourceLocation: sourceLocation)
            #expect(!text.contains(program.folder.path), "\(name)", sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: places, [true, false])
    func `a violation tells of the base without its place`(place: String, isMoved: Bool) throws {
        let folder = program.folder.path(place)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let base = folder + "/base.gguf"
        try FileManager.default.copyItem(atPath: Repository.reference("qwen2-tied-f32.gguf"), toPath: base)
        var words = ReferenceRun.words(steps: 5_000, length: 8, batch: 1, out: place + "/run") + ["--threads", "1"]
        words[2] = base
        let outcome = try program.run(words) { output in
            guard output.contains("\"event\":\"step\"") else { return false }
            if isMoved {
                try FileManager.default.moveItem(atPath: base, toPath: base + ".gone")
            } else {
                try FileManager.default.removeItem(atPath: base)
                try Data([1, 2, 3]).write(to: URL(fileURLWithPath: base))
            }
            return true
        }
        #expect(outcome.status == 3, "\(outcome.error)")
        #expect(FileManager.default.fileExists(atPath: folder + "/run/report.html"))
        try expectNoPlace(in: folder + "/run")
    }

    @Test func `a resume that passes over a damaged checkpoint remarks on it without a place`() throws {
        let place = Self.places[0]
        try FileManager.default.createDirectory(
            atPath: program.folder.path(place), withIntermediateDirectories: true)
        let out = place + "/run"
        let killed = try program.run(
            ReferenceRun.words(steps: 5_000, length: 8, batch: 1, out: out) + ["--checkpoint-every", "2"],
            watch: { $0.contains("\"step\":7,") }, signal: SIGKILL)
        #expect(killed.status == 128 + SIGKILL)
        let checkpoints = program.folder.path(out + "/checkpoints")
        let newest = try #require(
            try FileManager.default.contentsOfDirectory(atPath: checkpoints).filter { $0.hasPrefix("step_") }.max())
        try FileManager.default.removeItem(atPath: checkpoints + "/" + newest + "/state.f32")
        let resumed = try program.run(
            ["train", "--resume", out, "--json"], watch: { $0.contains("\"event\":\"step\"") }, signal: SIGINT)
        #expect(resumed.status == 128 + SIGINT, "\(resumed.output)")
        let remarks = try #require(resumed.object("resumed")?["remarks"] as? [String])
        #expect(remarks.contains { $0.contains(newest) }, "\(remarks)")
        try expectNoPlace(in: program.folder.path(out))
    }
}
