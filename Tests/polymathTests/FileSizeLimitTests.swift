import Foundation
import TestSupport
import Testing

/// `ulimit -f`: a file that may not grow is told like a full disk, in all three programs.
@Suite struct FileSizeLimitTests {
    let program = Program()

    /// A shell that runs its arguments with files of at most `blocks` KiB.
    private func limited(_ blocks: Int) -> [String] {
        ["/bin/bash", "-c", "ulimit -f \(blocks); exec \"$@\" 2> >(cat >&2)", "bash"]
    }

    @Test(arguments: ["polymath", "polymath-verify", "polymath-pipeline"])
    func `standard output that may not grow exits 5`(name: String) throws {
        let outcome = try program.run(["help"], of: name, under: limited(0))
        #expect(outcome.status == 5)
        let fits = try program.run(["help"], of: name, under: limited(64))
        #expect(fits.status == 0 && !fits.output.isEmpty)
    }

    @Test func `a run whose files may not grow exits 5, says so, and leaves no half of one`() throws {
        let outcome = try program.run(
            ReferenceRun.words(steps: 2, length: 8, batch: 1, out: "run"), under: limited(4))
        #expect(outcome.status == 5, "\(outcome.output)")
        #expect(outcome.errorMessage?.contains("no space is left") == true, "\(outcome.output)")
        let left = try? FileManager.default.contentsOfDirectory(atPath: program.folder.path("run"))
        #expect(!(left ?? []).contains { $0.hasSuffix(".part") || $0 == "adapter.gguf" }, "\(left ?? [])")
    }

    @Test(arguments: ["polymath", "polymath-verify"])
    func `a seal that may not be written exits 5`(name: String) throws {
        let outcome = try program.run(
            ["audit", "seal", Repository.checkpoint("nano-q4_k_m.gguf"), "--out", "seal.json"], of: name,
            under: limited(1))
        #expect(outcome.status == 5, "\(outcome.error)")
        #expect(outcome.error.contains("no space is left"), "\(outcome.error)")
        #expect(!program.holds("seal.json"))
    }
}
