import Digest
import Foundation
import TestSupport
import Testing

/// `polymath-pipeline`, the program itself: two processes, and what each says and ends with.
@Suite struct PipelineCommandTests {
    let program = Program(home: Repository.root)

    private func pipeline(_ words: [String]) throws -> Program.Outcome {
        try program.run(words, of: "polymath-pipeline")
    }

    /// Makes an identity and gives the path of its public key.
    private func publicKey(_ name: String) throws -> String {
        let identity = try Identity.loadOrCreate(path: program.folder.path(name + ".pem"))
        return try program.write(name + ".pub", identity.publicKey.pem)
    }

    private func run(_ stages: String, as name: String = "a") -> [String] {
        [
            "run", "--base", "nano", "--stages", stages, "--prompt", "The tide", "--max-tokens", "3", "--identity",
            program.folder.path(name + ".pem"), "--compute", "f32", "--compare", "--json",
        ]
    }

    @Test func `two processes give the whole decoder's bits, and strangers are refused`() throws {
        _ = try publicKey("a")
        let peers = try program.write("peers", "a.pub   # the coordinator\n")
        let serve = [
            "serve", "--base", "nano", "--layers", "1..4", "--listen", "127.0.0.1:0", "--peers", peers, "--identity",
            program.folder.path("b.pem"), "--json",
        ]
        var met: Program.Outcome?
        var other: Program.Outcome?
        var stranger: Program.Outcome?
        let served = try program.run(
            serve,
            watch: { text in
                guard let line = text.split(separator: "\n").first,
                    let said = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                    let port = said["port"] as? Int, let key = said["fingerprint"] as? String
                else { return false }
                let stages = try program.write("stages", "layers 2..3 127.0.0.1:\(port) \(key)\n")
                met = try pipeline(run(stages))
                stranger = try pipeline(run(stages, as: "c"))
                let forged = key.dropLast() + (key.hasSuffix("0") ? "1" : "0")
                other = try pipeline(run(program.write("others", "layers 2..3 127.0.0.1:\(port) \(forged)\n")))
                return true
            }, signal: SIGTERM, of: "polymath-pipeline")
        #expect(served.status == 128 + SIGTERM)
        let finished = try #require(met?.object("pipeline_finished"), "\(met?.output ?? "")")
        #expect(met?.status == 0)
        #expect(finished["identical_to_whole_decoder"] as? Bool == true)
        let stages = try #require(finished["stages"] as? [[String: Any]])
        #expect(
            stages.map { $0["role"] as? String } == ["embedding", "layers 0..1", "layers 2..3", "layers 4..5", "head"])
        #expect(stages.map { ($0["at"] as? String) == "here" } == [true, true, false, true, true])
        #expect(stages.map { $0["num_pieces"] as? Int } == [3, 3, 3, 3, 3])
        // Passed over, and computed here.
        #expect(stranger?.status == 0 && stranger?.object("passed_over") != nil)
        #expect(other?.status == 4)
        #expect((other?.object("error")?["message"] as? String)?.contains("is not on the list of peers.") == true)
        let refusals = served.objects.filter { $0["event"] as? String == "refused" }
        #expect(refusals.count >= 1)
        #expect((refusals.first?["message"] as? String)?.contains("is not on the list of peers.") == true)
    }

    @Test func `impossible options and lists end with one sentence`() throws {
        let peers = try program.write("peers", "SHA256:\(String(repeating: "0", count: 64))\n")
        let stages = try program.write(
            "stages", "layers 2..9 127.0.0.1:1 SHA256:\(String(repeating: "0", count: 64))\n")
        let broken = try program.write("broken", "layers two 127.0.0.1:1 x\n")
        func serve(_ layers: String, _ address: String, _ list: String) -> [String] {
            [
                "serve", "--base", "nano", "--layers", layers, "--listen", address, "--peers", list, "--identity",
                program.folder.path("b.pem"),
            ]
        }
        let cases: [([String], Int32, String)] = [
            (serve("3", "127.0.0.1:0", peers), 2, "--layers must be FIRST..LAST"),
            (serve("1..6", "127.0.0.1:0", peers), 2, "Layers 1..6 are not in the base; its layers run from 0 to 5."),
            (serve("1..2", "nowhere", peers), 2, "“nowhere” is no address; give HOST:PORT"),
            (serve("1..2", "127.0.0.1:0", "none"), 2, "There is no list of peers at none."),
            (serve("1..2", "127.0.0.1:0", broken), 1, "Line 1 of"),
            (serve("1..2", "192.0.2.1:1", peers), 1, "The connection with 192.0.2.1:1 failed"),
            (run("none"), 2, "There is no list of stages at none."),
            (run(broken), 1, "Line 1 of"),
            (run(stages), 2, "layers 2..9 are listed, where the base has 6"),
        ]
        for (words, status, message) in cases {
            let outcome = try pipeline(words)
            let said = outcome.error + outcome.output
            #expect(outcome.status == status, "\(words): \(said)")
            #expect(said.contains(message), "\(said)")
        }
    }

    @Test func `its help says what it is and what it is not`() throws {
        let overview = try pipeline(["help"])
        #expect(overview.status == 0 && overview.output.contains("no serving engine"))
        for command in ["serve", "run"] {
            let help = try pipeline(["help", command])
            #expect(help.output.contains("measuring instrument") && help.output.contains("EXIT STATUS"))
            #expect(help.output.split(separator: "\n").allSatisfy { $0.count <= 120 })
        }
    }
}
