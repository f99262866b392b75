import Foundation
import PolymathKit
import TestSupport
import Testing
import Training

/// The README's numbers against the library's own.
@Suite struct DefaultsTests {
    let text: String

    init() throws { text = try String(contentsOfFile: Repository.root + "/README.md", encoding: .utf8) }

    /// The default column of an option's row.
    private func readme(_ option: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix("| `--\(option)`") }?
            .split(separator: "|").dropFirst().first.map { $0.trimmingCharacters(in: .whitespaces) }
    }

    @Test func `the README's defaults are the library's`() {
        let request = TrainingRequest(base: "nano")
        typealias Defaults = TrainingRequest.Defaults
        for (option, value) in [
            ("scope", "`\(request.scope.rawValue)`"), ("batch-size", "\(request.batchSize)"),
            ("optimizer", "`\(request.optimizer.rawValue)`"), ("schedule", "`\(request.schedule.rawValue)`"),
            ("weight-decay", "\(Int(request.weightDecay))"), ("grad-clip", "\(Int(request.gradientClip))"),
            ("seed", request.seed.map { "\($0)" } ?? "a secret one"),
            ("shuffle", request.shuffle ? "on" : "off"),
            ("validation-fraction", "\(request.validationFraction)"), ("patience", "\(request.patience) (off)"),
            ("adapter-encoding", "`\(request.encoding.rawValue)`"),
            ("seq-len", "\(Defaults.sequenceLength) (or the context length, if shorter)"),
            ("steps", "\(Defaults.epochs) epochs"), ("corpus", "the collection `\(Defaults.collection)`"),
        ] { #expect(readme(option) == value, "--\(option)") }
        #expect(request.steps == nil && request.learningRate == nil && request.warmup == nil)
        #expect(request.batchSize == Defaults.batchSize && request.gradientClip == Defaults.gradientClip)
    }

    @Test(arguments: TrainingOptions.OptimizerKind.allCases)
    func `the README's learning rates are those of every scope`(optimizer: TrainingOptions.OptimizerKind) {
        let lines = text.split(separator: "\n")
        func cells(_ start: String) -> [String] {
            let line = lines.first { $0.hasPrefix("| \(start) |") } ?? ""
            return line.split(separator: "|").dropFirst().map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let scopes = cells("learning rate")
        #expect(Set(scopes) == Set(Scope.allCases.map { "`\($0.rawValue)`" }))
        let rates = scopes.compactMap { name in Scope(rawValue: String(name.dropFirst().dropLast())) }
            .map { TrainingRequest.Defaults.learningRate($0, optimizer) }
        #expect(cells("`\(optimizer.rawValue)`").map { Double($0) } == rates)
    }
}
