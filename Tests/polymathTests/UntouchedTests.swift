import Adapter
import Digest
import Foundation
import TestSupport
import Testing

/// Files of other people: whatever lies about, a command that is refused changes nothing, and one that is not changes
/// what it says and nothing else.
///
/// `POLYMATH_FIELD_SEED` draws other folders; the seed is told with every fault.
@Suite(.serialized) struct UntouchedTests {
    let program = Program()
    let seed = ProcessInfo.processInfo.environment["POLYMATH_FIELD_SEED"].flatMap(UInt64.init) ?? 11

    /// How a verb writes.
    private enum Way: Equatable, Sendable {
        /// One new file or folder.
        case file, folder
        /// A folder that may be there, empty.
        case run
        /// A file, in whose place an older one may stand.
        case replacing
    }

    private struct Writer: Sendable {
        let way: Way
        /// The command line, without the place that is written.
        let words: [String]
        var flag = "--out"
        /// What stands beside the place afterwards, for the name of the place.
        var beside: @Sendable (String) -> [String] = { _ in [] }
        /// Words that make the line wrong, in the place of others.
        var broken: [String: String] = ["tiny.gguf": "nowhere.gguf"]
    }

    private static let small = ["--tokens", "tokens.json", "--seq-len", "8", "--validation-fraction", "0"]

    /// Every verb that is told where to write.
    private static let writers: [String: Writer] = [
        "train": Writer(way: .run, words: ["--base", "tiny.gguf", "--steps", "1"] + small),
        "generate": Writer(
            way: .run, words: ["--base", "tiny.gguf", "--prompt", "x", "--max-tokens", "1"], flag: "--audit"),
        "adapter merge": Writer(way: .file, words: ["--base", "tiny.gguf", "--adapter", "run/adapter.gguf"]),
        "adapter export": Writer(way: .folder, words: ["--base", "tiny.gguf", "--adapter", "run/adapter.gguf"]),
        "audit seal": Writer(way: .file, words: ["tiny.gguf"]),
        "audit report": Writer(way: .file, words: ["run"], broken: ["run": "nowhere"]),
        "audit export": Writer(way: .folder, words: ["run"], broken: ["run": "nowhere"]),
        "federation aggregate": Writer(
            way: .file,
            words: ["inbox", "--base", "tiny.gguf", "--round", "1", "--roster", "roster.txt", "--faults", "0"],
            beside: { ["\($0).record.json"] }),
        "federation manifest make": Writer(
            way: .file, words: ["--base", "tiny.gguf", "--model-id", "t", "--url", "https://example.org/t"]),
        "telemetry export": Writer(way: .file, words: ["run", "--format", "csv"], broken: ["run": "nowhere"]),
        "telemetry export as a folder": Writer(
            way: .folder, words: ["run", "--format", "tensorboard"], broken: ["run": "nowhere"]),
        "corpus plant": Writer(
            way: .folder, words: ["diary", "--canaries", "1", "--copies", "1"], broken: ["diary": "nowhere"]),
        "bets table": Writer(way: .replacing, words: ["--home", "."], broken: [:]),
    ]

    /// Every verb that writes nothing, with a line by which it does its work.
    private static let readers: [String: [String]] = [
        "eval": ["--base", "tiny.gguf", "--adapter", "run/adapter.gguf", "--tokens", "tokens.json", "--seq-len", "8"],
        "tokenize": ["--base", "tiny.gguf"],
        "adapter inspect": ["run/adapter.gguf"],
        "adapter verify": ["--base", "tiny.gguf", "--adapter", "run/adapter.gguf"],
        "adapter privacy": [
            "--base", "tiny.gguf", "--adapter", "run/adapter.gguf", "--data", "diary", "--seq-len", "4",
        ],
        "audit verify": ["run"],
        "audit attestation": ["run/attestation.dsse.json"],
        "audit replay": ["run"],
        "federation check": ["round.record.json", "inbox", "--adapter", "round.gguf", "--base", "tiny.gguf"],
        "federation manifest verify": ["manifest.json"],
        "telemetry simulate": ["--days", "1"],
        "base list": [], "base inspect": ["tiny.gguf"],
        "corpus list": [], "corpus check": ["diary"], "corpus fertility": ["diary", "--base", "tiny.gguf"],
        "bench step": ["--base", "tiny.gguf", "--seq-len", "4", "--batch-size", "1", "--repeat", "1"],
        "bench gradients": [
            "--base", "tiny.gguf", "--tokens", "tokens.json", "--seq-len", "4", "--batch-size", "1",
        ],
        "bets list": ["--home", "."],
        "doctor": [], "completion": ["bash"],
    ]

    /// Verbs with a test of their own, here or elsewhere: what is not told where to write, takes minutes, or needs a server.
    private static let others = [
        "base pull": "BaseDownloadTests", "base synth": "below, and BaseSynthesisTests",
        "bench kernels": "takes a minute", "bets run": "takes minutes; keeps its result in the home's own folder",
        "bets retract": "below", "audit secret": "SecretSeedTests; the run here was given a seed",
    ]

    // MARK: What is there

    /// A closed run, an inbox, a corpus and a bet, in the program's folder.
    private func prepare() throws {
        let files = FileManager.default
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
        for (part, text) in [
            ("train", "The glass fell, and then the rain came in before the day was over."),
            ("test", "Nobody had seen a seal that year; old Brenna counted sheep instead, and wrote it down."),
        ] { _ = try program.write("diary/\(part).jsonl", "{\"text\":\"\(text)\"}\n") }
        func must(_ words: [String]) throws {
            let outcome = try program.run(words)
            try #require(outcome.status == 0, "\(words): \(outcome.output)\(outcome.error)")
        }
        try must(["train", "--base", "tiny.gguf", "--steps", "1", "--out", "run"] + Self.small)
        let sample = SampleAdapter(program: program, base: program.folder.path("tiny.gguf"))
        let root = try sample.root()
        var roster = ""
        for number in 1...3 {
            let person = try Identity.fromSeed([UInt8](repeating: UInt8(number), count: 32))
            _ = try sample.write("inbox/\(number).gguf", delta: Float(number) * 0.001, root: root, identity: person)
            roster += person.publicKey.fingerprint + "\n"
        }
        _ = try program.write("roster.txt", roster)
        for (verb, out) in [("federation aggregate", "round.gguf"), ("federation manifest make", "manifest.json")] {
            try must(try line(verb, at: out))
        }
    }

    private func line(_ name: String, at place: String?, broken: Bool = false) throws -> [String] {
        let writer = try #require(Self.writers[name])
        let words = writer.words.map { broken ? writer.broken[$0] ?? $0 : $0 }
        let verb = name.components(separatedBy: " as ")[0].split(separator: " ").map(String.init)
        return verb + words + (place.map { [writer.flag, $0] } ?? [])
    }

    /// Names that a run, a download or a write under way gives its files, and plain ones.
    private static let pool = [
        "seal.json", "local.json", "start.gguf", "run.json", "events.jsonl", "audit.jsonl", "fault.json",
        "adapter.gguf",
        "report.html", "x.part", "x.unfinished", "x.unproven", ".x.abc.part", ".seal.json.0123456789abc.part",
        "letter.txt",
        "checkpoints", "x.gguf.part.etag",
    ]

    /// Fills a folder with things of somebody else's.
    private func fill(_ folder: String, _ random: inout SeededGenerator, names: [String]) throws {
        let files = FileManager.default
        let modes = [0o755, 0o700, 0o777, 0o750]
        try files.createDirectory(
            atPath: folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: modes.randomElement(using: &random) ?? 0o755])
        for name in names {
            let path = folder + "/" + name
            switch Int.random(in: 0..<8, using: &random) {
            case 0: try files.createDirectory(atPath: path, withIntermediateDirectories: true)
            case 1:
                try files.createDirectory(atPath: path, withIntermediateDirectories: true)
                try Data("mine".utf8).write(to: URL(fileURLWithPath: path + "/letter.txt"))
            case 2: try files.createSymbolicLink(atPath: path, withDestinationPath: "nowhere")
            case 3: try files.createSymbolicLink(atPath: path, withDestinationPath: program.folder.path("tiny.gguf"))
            case 4: mkfifo(path, 0o644)
            case 5: try Data().write(to: URL(fileURLWithPath: path))
            default:
                let bytes = (0..<40).map { _ in UInt8.random(in: 0...255, using: &random) }
                try Data(bytes).write(to: URL(fileURLWithPath: path))
            }
        }
    }

    private func some(_ random: inout SeededGenerator) -> [String] {
        Self.pool.filter { _ in Bool.random(using: &random) }
    }

    private var snapshot: Snapshot { Snapshot(of: program.folder.path) }

    /// Runs a line that must be refused, and leave everything as it is.
    private func expectRefused(_ words: [String], _ what: String) throws {
        let before = snapshot
        let outcome = try program.run(words)
        let place = "seed \(seed): \(what): \(words.joined(separator: " "))"
        #expect(outcome.status == 2, "\(place) ended with \(outcome.status): \(outcome.error)")
        #expect(outcome.error.split(separator: "\n").count == 1, "\(place): \(outcome.error)")
        #expect(snapshot.differences(from: before) == [], "\(place)")
    }

    // MARK: What must hold

    @Test func `a verb that writes takes no name, empties no folder and leaves what lies beside`() throws {
        try prepare()
        var random = SeededGenerator(seed: seed)
        for (number, name) in Self.writers.keys.sorted().enumerated() {
            let writer = try #require(Self.writers[name])
            let field = "field\(number)"
            let names = some(&random)
            // What this program once took for its own leftovers of the new name.
            let siblings = ["new.unfinished", "new.unproven", "new.part", ".new.0123456789abc.part"]
            try fill(program.folder.path(field), &random, names: names + siblings)
            // A folder that is refused whole, whatever is in it.
            let full = field + "/full"
            try fill(program.folder.path(full), &random, names: some(&random) + ["mine.txt"])

            let taken =
                writer.way == .replacing ? full : field + "/" + (names.randomElement(using: &random) ?? "new.part")
            let isEmpty = (try? FileManager.default.contentsOfDirectory(atPath: program.folder.path(taken)))?.isEmpty
            // An empty folder is what a run may take, unless a link leads to it.
            if writer.way != .run || isEmpty != true {
                try expectRefused(line(name, at: taken), "a name that is taken")
            }
            try expectRefused(line(name, at: full), "a folder with something in it")
            // What a run that was ended before it began may have left in its folder once, and anybody else as well.
            let begun = field + "/begun"
            let beginnings = ["seal.json", "local.json", "start.gguf"].filter { _ in Bool.random(using: &random) }
            try fill(
                program.folder.path(begun), &random,
                names: beginnings + ["seal.json"].filter { _ in beginnings.isEmpty })
            try expectRefused(line(name, at: begun), "a folder of beginnings")
            if !writer.broken.isEmpty {
                try expectRefused(line(name, at: field + "/new", broken: true), "an input that is not there")
            }
            if writer.way != .run {
                try expectRefused(line(name, at: field + "/none/new"), "a folder that is not there")
            }

            let new = field + "/new"
            let before = snapshot
            let outcome = try program.run(line(name, at: new))
            let after = snapshot
            let place = "seed \(seed): \(name)"
            #expect(outcome.status == 0, "\(place): \(outcome.output)\(outcome.error)")
            let made = [new] + writer.beside(new)
            for path in made { #expect(after.entries[path] != nil && before.entries[path] == nil, "\(place): \(path)") }
            // The folder's own time is another now.
            let differing = after.differences(from: before, besides: made).filter { !$0.hasPrefix(field + ":") }
            #expect(differing == [], "\(place)")
            if writer.way != .replacing { try expectRefused(line(name, at: new), "what it made itself") }
        }
    }

    @Test func `a verb that replaces takes the place of its own file alone`() throws {
        try prepare()
        _ = try program.write("page.md", "# Bets\n\nan earlier one")
        _ = try program.write("mine.md", "mine")
        let refused = try program.run(try line("bets table", at: "mine.md"))
        #expect(refused.status == 2 && program.bytes("mine.md") == Array("mine".utf8), "\(refused.error)")
        let cases: [(words: [String], replaced: String)] = [
            (try line("bets table", at: "page.md"), "page.md"), (["audit", "report", "run"], "run/report.html"),
            (
                ["bets", "retract", "1", "--reason", "A test.", "--home", "."],
                "Documentation/Results/bets/01-own-adapter.json"
            ),
        ]
        for (words, replaced) in cases {
            let before = snapshot
            let outcome = try program.run(words)
            #expect(outcome.status == 0, "\(words): \(outcome.error)")
            let folder = String(replaced.prefix { $0 != "/" })
            let differing = snapshot.differences(from: before, besides: [replaced])
            #expect(differing.allSatisfy { $0.hasPrefix(folder) && $0.contains(": mode 4") }, "\(words): \(differing)")
            #expect(snapshot.entries[replaced] != before.entries[replaced], "\(words)")
        }
        // A device or a pipe is never replaced, a base that nobody synthesised neither.
        mkfifo(program.folder.path("pipe"), 0o644)
        let results = "Documentation/Results/bets/01-own-adapter.json"
        for words in [
            try line("bets table", at: "pipe"), try line("bets table", at: "./Documentation/../" + results),
            ["base", "synth", "qwen-1.5b-q4", "--layers", "1", "--out", "tiny.gguf"],
            ["base", "synth", "qwen-1.5b-q4", "--layers", "1", "--out", "pipe"],
            ["audit", "report", "run", "--out", "./run/../run/start.gguf"],
            ["telemetry", "export", "run", "--format", "csv", "--out", "run/checkpoints/x"],
        ] {
            let before = snapshot
            let outcome = try program.run(words)
            #expect([1, 2].contains(outcome.status), "\(words): \(outcome.error)")
            #expect(outcome.error.split(separator: "\n").count == 1, "\(words): \(outcome.error)")
            #expect(snapshot.differences(from: before) == [], "\(words)")
        }
    }

    @Test func `two outputs are never one file, whatever their spelling`() throws {
        try prepare()
        try FileManager.default.createSymbolicLink(
            atPath: program.folder.path("here"), withDestinationPath: program.folder.path)
        let plain = try line("federation aggregate", at: "s.gguf")
        for record in ["s.gguf", "./s.gguf", "inbox/../s.gguf", "here/s.gguf", program.folder.path("s.gguf")] {
            try expectRefused(plain + ["--record", record], "two outputs")
        }
        // Nor is an output an input.
        try expectRefused(line("adapter merge", at: "here/tiny.gguf"), "the base")
        try expectRefused(line("audit report", at: "./run/audit.jsonl"), "the chain")
        try expectRefused(line("corpus plant", at: "./diary"), "the corpus")
        try expectRefused(line("audit export", at: "here/run/handed"), "the run itself")
    }

    @Test func `a verb that reads changes nothing`() throws {
        try prepare()
        for (name, words) in Self.readers.sorted(by: { $0.key < $1.key }) {
            let before = snapshot
            let outcome = try program.run(name.split(separator: " ").map(String.init) + words, input: "x\n")
            #expect(outcome.status == 0, "\(name): \(outcome.output)\(outcome.error)")
            #expect(snapshot.differences(from: before) == [], "\(name)")
        }
    }

    @Test func `every verb is tried or named as one that is not`() throws {
        let overview = try program.run(["help"]).output
        let verbs = try #require(overview.components(separatedBy: "COMMANDS\n").last)
            .components(separatedBy: "\n\n")[0].split(separator: "\n").map { line in
                line.components(separatedBy: "  ").filter { !$0.isEmpty }[0]
            }
        #expect(verbs.count > 30)
        let known = Set(Self.writers.keys).union(Self.readers.keys).union(Self.others.keys)
        #expect(verbs.filter { !known.contains($0) } == [], "give each a case here")
        #expect(known.filter { !verbs.contains($0) && !$0.contains(" as ") } == [])
    }

    @Test func `an identity of one letter is made, and nothing beside it is taken for a leftover`() throws {
        let names = ["x.999999-letter.tmp", "x.999999-1.tmp", "x.old.tmp"]
        for name in names { _ = try program.write(name, "mine") }
        let outcome = try program.run([
            "train", "--base", Repository.reference("qwen2-tied-f32.gguf"), "--tokens",
            Repository.reference("tokens.json"), "--seq-len", "8", "--dry-run", "--identity", "x",
        ])
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(program.folder.names == (names + ["x"]).sorted())
    }
}
