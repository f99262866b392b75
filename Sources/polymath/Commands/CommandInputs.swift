internal import Corpus
internal import Foundation
internal import GGUF
internal import PolymathKit
internal import TensorCore

// What several commands take from their arguments in the same way.

extension Arguments {
    /// Where bases, collections and runs are looked for.
    var home: Home { Home.locate(option: text(.home)) }

    /// As many threads as asked for, else one per core.
    var workers: Workers {
        let asked = takes(.threads) ? integer(.threads) : nil
        return Workers(count: asked ?? min(64, max(1, ProcessInfo.processInfo.activeProcessorCount)))
    }

    /// The base that `--base` names, mapped.
    func loadBase(workers: Workers? = nil) throws -> LoadedBase {
        try LoadedBase(requiredText(.base), home: home, workers: workers ?? self.workers)
    }
}

extension Console {
    /// Progress over bytes, for hashing a base.
    func hashingProgress(of base: LoadedBase) -> @Sendable (Int) -> Void {
        let name = base.name
        let total = base.gguf.tensors.reduce(0) { $0 + $1.byteCount }
        return { done in self.progress("Hashing \(name)", done: done, of: total) }
    }
}

/// A count with thousands separated by commas: `1,117,320,736`.
func grouped(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var text = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return text
}

/// A number with a fixed count of decimals, whatever the locale.
func fixed(_ value: Double, _ decimals: Int) -> String {
    value.formatted(
        .number.precision(.fractionLength(decimals)).grouping(.never).locale(Locale(identifier: "en_US_POSIX")))
}

/// Lines of `label  value`, the values in one column.
func table(_ rows: [(String, String)]) -> String {
    let width = rows.map(\.0.count).max() ?? 0
    return rows.map { $0.0 + String(repeating: " ", count: width - $0.0.count + 2) + $0.1 }.joined(separator: "\n")
}
