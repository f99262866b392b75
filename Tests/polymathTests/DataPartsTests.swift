import Foundation
import TestSupport
import Testing

/// Three parts of the data: what each may change in a run, and what it may not.
@Suite struct DataPartsTests {
    let program = Program()

    private func write(_ folder: String, training: String, validation: String, test: String) throws {
        try FileManager.default.createDirectory(atPath: program.folder.path(folder), withIntermediateDirectories: true)
        for (name, text) in [("train.jsonl", training), ("valid.jsonl", validation), ("test.jsonl", test)] {
            _ = try program.write("\(folder)/\(name)", text)
        }
    }

    private func train(_ corpus: String) throws -> Program.Outcome {
        try program.run([
            "train", "--base", Repository.reference("qwen2-tied-f32.gguf"), "--corpus", "./\(corpus)", "--steps", "2",
            "--seq-len", "8", "--batch-size", "1", "--seed", "0", "--json", "--out", "run-\(corpus)",
        ])
    }

    static let training = #"{"text": "The boat came home with the tide, and the nets were full of herring."}"# + "\n"
    static let validation = #"{"text": "A wind from the north kept every boat in the harbour."}"# + "\n"

    @Test func `train never reads the test part`() throws {
        try write("good", training: Self.training, validation: Self.validation, test: #"{"text": "Salt."}"# + "\n")
        // Not JSON, not even UTF-8 text: whoever reads it, fails.
        try write("spoilt", training: Self.training, validation: Self.validation, test: "")
        try Data([0xFF, 0xFE, 0x00]).write(to: URL(fileURLWithPath: program.folder.path("spoilt/test.jsonl")))
        let (good, spoilt) = (try train("good"), try train("spoilt"))
        #expect(good.status == 0, "\(good.output)")
        #expect(spoilt.status == 0, "\(spoilt.output)")
        #expect(good.stepLosses.count == 2 && spoilt.stepLosses == good.stepLosses)
        let after = [good, spoilt].map { $0.object("run_finished")?["validation_loss_after"] as? Double }
        #expect(after[0] != nil && after[0] == after[1])
        // What is published from it does read it.
        let published = try program.run([
            "eval", "--base", Repository.reference("qwen2-tied-f32.gguf"), "--corpus", "./spoilt", "--seq-len", "8",
        ])
        #expect(published.status == 1)
        #expect(published.error.contains("test.jsonl"), "\(published.error)")
    }

    @Test func `the validation part changes no step, only what is chosen and reported`() throws {
        try write("one", training: Self.training, validation: Self.validation, test: Self.training)
        try write("two", training: Self.training, validation: Self.training, test: Self.training)
        let (one, two) = (try train("one"), try train("two"))
        #expect(one.stepLosses.count == 2 && one.stepLosses == two.stepLosses)
        let before = [one, two].map { $0.object("run_finished")?["validation_loss_before"] as? Double }
        #expect(before[0] != nil && before[1] != nil && before[0] != before[1])
    }

    @Test func `a recorded corpus whose test part was changed exits 4 unread`() throws {
        let source = Repository.root + "/Corpora/skerry-diary"
        let path = program.folder.path("diary")
        try FileManager.default.copyItem(atPath: source, toPath: path)
        let test = URL(fileURLWithPath: path + "/test.jsonl")
        try (Data(contentsOf: test) + Data("\n".utf8)).write(to: test)
        let outcome = try train("diary")
        #expect(outcome.status == 4)
        #expect(outcome.errorMessage?.contains("test.jsonl") == true, "\(outcome.output)")
        #expect(!program.holds("run-diary"))
    }

    @Test func `a collection is found by its name`() throws {
        let home = Program(home: Repository.root)
        let outcome = try home.run([
            "train", "--base", Repository.reference("qwen2-tied-f32.gguf"), "--corpus", "skerry-diary", "--steps", "1",
            "--seq-len", "8", "--dry-run", "--json",
        ])
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect((outcome.object("plan")?["corpus"] as? [String: Any])?["name"] as? String == "skerry-diary")
    }
}
