import Foundation

/// One reader of foreign bytes, as a function that must hold for every input.
///
/// What holds: it returns (no crash, no endless loop), it throws nothing but the reader's own error type, and it takes at
/// most `heapSlack` + `heapMultiple` × input bytes of memory while it works.
public struct FuzzTarget: Sendable {
    public let name: String
    /// Bytes of memory that each byte of input may cost at most.
    public let heapMultiple: Int
    /// Valid inputs to mutate.
    public let seeds: @Sendable () throws -> [[UInt8]]
    /// Reads the input; a property that does not hold is a crash.
    public let run: @Sendable ([UInt8]) -> Void

    /// What an input of any length may cost: tables, messages, the first blocks of arrays.
    public static let heapSlack = 1 << 18

    public static let all: [FuzzTarget] = [
        .gguf, .vocabulary, .adapter, .signedAdapter, .boundary, .signedBoundary, .dsse, .attestation, .chain, .seal,
        .specialist, .signedSpecialist, .json, .pem, .trusted, .run, .checkpoint, .rows, .record, .tokens, .catalog,
        .text, .roster, .round, .signedRound,
    ]

    public static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// Ends the process: a reader did something that no input may make it do.
func broken(_ what: String) -> Never { fatalError("broken: \(what)") }

/// A message must be one that a person can read: not empty, not endless, nothing that steers a terminal.
func explain(_ error: some Error & CustomStringConvertible) {
    let text = error.description
    if isExplaining { print(text) }
    guard !text.isEmpty, text.utf8.count < 4096 else { broken("a message of \(text.utf8.count) bytes") }
    guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F && !(0x80..<0xA0).contains($0.value) })
    else {
        broken("a message with control characters: \(text.debugDescription)")
    }
}

/// Whether refusals are printed: to see what an input, or a seed that should be good, is refused for.
private let isExplaining = ProcessInfo.processInfo.environment["POLYMATH_FUZZ_EXPLAIN"] != nil
