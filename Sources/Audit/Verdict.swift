// What verification says, and on what ground: the texts that both command lines print.

internal import Bytes
public import Digest

/// Why a line of a verdict may be believed.
public enum Ground: String, CaseIterable, Sendable {
    /// Anyone can recompute it from the files at hand.
    case arithmetic
    /// Training again from base, corpus and recipe must reproduce it.
    case replay
    /// The holder of the signing key says so.
    case signersWord = "signer's word"
}

/// A list of checks; it passes when at least one check was made and none failed.
public struct Verdict: Equatable, Sendable {
    public enum Result: String, Sendable {
        case passed
        case failed
        /// What it needs was not at hand; says nothing either way.
        case notChecked = "not checked"
    }

    public struct Check: Equatable, Sendable {
        /// Short and stable, e.g. `chain-closed`: for programs.
        public var name: String
        public var result: Result
        /// One sentence for people.
        public var sentence: String
        public var ground: Ground

        public init(name: String, result: Result, sentence: String, ground: Ground) {
            self.name = name
            self.result = result
            self.sentence = sentence
            self.ground = ground
        }
    }

    public var checks: [Check]

    public init(checks: [Check] = []) {
        self.checks = checks
    }

    public var isPassed: Bool {
        checks.contains { $0.result == .passed } && !checks.contains { $0.result == .failed }
    }

    /// Whether nobody vouches for the key that signed.
    public var isSignerUnknown: Bool { checks.contains { $0.name == "signer" && $0.result == .notChecked } }

    public mutating func add(_ name: String, _ result: Result, _ ground: Ground, _ sentence: String) {
        checks.append(Check(name: name, result: result, sentence: asSentence(sentence), ground: ground))
    }

    /// One line for each check, then the sum; safe for a terminal.
    public var text: String {
        var lines = checks.map { check in
            let mark =
                switch check.result {
                case .passed: "ok    "
                case .failed: "FAILED"
                case .notChecked: "-     "
                }
            return "\(mark)  \(escaped(check.sentence, limit: 600))  [\(check.ground.rawValue)]"
        }
        let failed = checks.count { $0.result == .failed }
        let open = checks.count { $0.result == .notChecked }
        let rest = open == 0 ? "" : ", \(open) not checked"
        let word = isSignerUnknown ? "intact, signer unknown" : "verified"
        lines.append(
            isPassed
                ? "\(word): \(checks.count { $0.result == .passed }) checks passed\(rest)"
                : "NOT VERIFIED: \(failed) of \(checks.count) checks failed\(rest)")
        return lines.joined(separator: "\n") + "\n"
    }

    public var json: JSONValue {
        [
            "event": "verdict",
            "passed": .bool(isPassed),
            "checks": .array(
                checks.map {
                    [
                        "name": .string($0.name), "result": .string($0.result.rawValue),
                        "sentence": .string($0.sentence), "ground": .string($0.ground.rawValue),
                    ]
                }),
        ]
    }

    /// Reads back what ``json`` wrote; a report is rebuilt from it.
    public init?(json: JSONValue) {
        guard let items = json["checks"]?.asArray else { return nil }
        var checks: [Check] = []
        for item in items {
            guard let name = item["name"]?.asString, let result = item["result"]?.asString.flatMap(Result.init),
                let sentence = item["sentence"]?.asString, let ground = item["ground"]?.asString.flatMap(Ground.init)
            else { return nil }
            checks.append(Check(name: name, result: result, sentence: sentence, ground: ground))
        }
        self.init(checks: checks)
    }
}
