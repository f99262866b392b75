/// Turns words into the checked arguments of one command. It opens no file and knows no other room.
package struct ArgumentParser {
    private let specification: CommandSpecification
    private let flags: [String: Flag]

    package init(_ specification: CommandSpecification) {
        self.specification = specification
        flags = Dictionary(uniqueKeysWithValues: specification.flags.map { ($0.name, $0) })
    }

    /// - Parameter words: what follows the command's name.
    /// - Throws: `UsageError` for the first word that does not fit, else for what is missing.
    package func parse(_ words: [String]) throws(UsageError) -> Arguments {
        var arguments = try read(words)
        try complete(&arguments)
        return arguments
    }

    /// As ``parse(_:)``, but nothing is missed yet: ``fill(_:from:)`` may follow, ``complete(_:)`` must.
    package func read(_ words: [String]) throws(UsageError) -> Arguments {
        var arguments = Arguments(specification: specification)
        var index = 0
        var isReadingFlags = true
        while index < words.count {
            let word = words[index]
            index += 1
            if isReadingFlags, word == "--" {
                isReadingFlags = false
            } else if isReadingFlags, word.hasPrefix("-"), word.count > 1 {
                try readFlag(word, words, &index, into: &arguments)
            } else {
                guard
                    arguments.operands.count < specification.operands.count
                        || specification.operands.last?.isRepeated == true
                else { throw .unexpectedOperand(word) }
                arguments.append(operand: word)
            }
        }
        return arguments
    }

    /// Adds flags from a configuration's members; what the command line gave wins.
    ///
    /// - Parameter members: flag name (without dashes) and value as one would type it; toggles `true` or `false`.
    package func fill(_ arguments: inout Arguments, from members: [(name: String, value: String)]) throws(UsageError) {
        let typed = arguments
        for (name, value) in members {
            guard let flag = flags[name] else { throw unknown("--" + name) }
            if typed.isGiven(flag) || isRuledOut(flag, by: typed) { continue }
            if flag.takesValue {
                arguments.set(flag.name, to: try Self.value(value, of: flag))
            } else {
                guard value == "true" || value == "false" else {
                    throw .badValue(flag: name, value: value, expected: "true or false")
                }
                arguments.set(flag.name, to: .on(value == "true"))
            }
        }
    }

    /// Whether a flag that cannot stand beside this one was typed.
    private func isRuledOut(_ flag: Flag, by typed: Arguments) -> Bool {
        specification.exclusive.contains { set in
            set.contains { $0.name == flag.name }
                && set.contains { $0.name != flag.name && $0.name != Flag.config.name && typed.isGiven($0) }
        }
    }

    private func readFlag(
        _ word: String, _ words: [String], _ index: inout Int, into arguments: inout Arguments
    ) throws(UsageError) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard word.hasPrefix("--") else { throw unknown(parts[0]) }
        let name = String(parts[0].dropFirst(2))
        let attached = parts.count == 2 ? parts[1] : nil
        guard let (flag, isOn) = find(name) else { throw unknown(parts[0]) }
        guard flag.isRepeatable || !arguments.isGiven(flag) else { throw .repeatedFlag(flag.name) }
        guard flag.takesValue else {
            if let attached { throw .unexpectedValue(flag: name, value: attached) }
            arguments.set(flag.name, to: .on(isOn))
            return
        }
        var value = attached
        // A value may begin with one dash (a negative number, a lone "-"); two dashes begin the next flag.
        if value == nil, index < words.count, !words[index].hasPrefix("--") {
            value = words[index]
            index += 1
        }
        guard let value else { throw .missingValue(flag: flag.name, placeholder: flag.placeholder) }
        arguments.add(flag.name, try Self.value(value, of: flag))
    }

    /// The flag of that name, and whether the spelling turns it on.
    private func find(_ name: String) -> (Flag, Bool)? {
        if let flag = flags[name] { return (flag, true) }
        guard name.hasPrefix("no-"), let flag = flags[String(name.dropFirst(3))], flag.kind == .invertibleToggle else {
            return nil
        }
        return (flag, false)
    }

    private func unknown(_ spelling: String) -> UsageError {
        let names = specification.flags.map { "--" + $0.name } + ["--help"]
        return .unknownFlag(spelling, nearest: nearestName(to: spelling, among: names))
    }

    /// Gives defaults, and refuses what is missing or does not go together.
    package func complete(_ arguments: inout Arguments) throws(UsageError) {
        for (index, operand) in specification.operands.enumerated()
        where operand.isRequired && index >= arguments.operands.count {
            throw .missingOperand(operand.name)
        }
        for set in specification.exclusive {
            let both = set.filter { arguments.isGiven($0) }
            if both.count > 1 { throw .conflict(both[0].name, both[1].name) }
        }
        for flag in specification.flags {
            if flag.isRequired, !arguments.isGiven(flag) {
                throw .missingFlag(flag.name, placeholder: flag.placeholder)
            }
            guard let value = flag.defaultValue else { continue }
            if flag.kind == .invertibleToggle {
                arguments.setDefault(flag.name, to: .on(value == "true"))
            } else {
                arguments.setDefault(flag.name, to: try Self.value(value, of: flag))
            }
        }
    }
}

// MARK: - Values

extension ArgumentParser {
    /// The value of a flag that takes one, read and checked.
    package static func value(_ text: String, of flag: Flag) throws(UsageError) -> Arguments.Value {
        func bad(_ expected: String) -> UsageError { .badValue(flag: flag.name, value: text, expected: expected) }
        switch flag.kind {
        case .toggle, .invertibleToggle: throw .unexpectedValue(flag: flag.name, value: text)
        case .text:
            guard !text.isEmpty || flag.name == "prompt" else {
                throw .missingValue(flag: flag.name, placeholder: flag.placeholder)
            }
            return .text(text)
        case .choice(let names):
            guard names.contains(text) else {
                let list = names.count > 1 ? "one of: \(names.joined(separator: ", "))" : names.joined()
                throw bad(list + (nearestName(to: text, among: names).map { " (did you mean \($0)?)" } ?? ""))
            }
            return .text(text)
        case .integer(let range):
            let expected =
                range.upperBound == .max
                ? "a whole number, \(range.lowerBound) or more"
                : "a whole number from \(range.lowerBound) to \(range.upperBound)"
            guard let value = Int(text) else {
                let isHuge = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
                throw bad(isHuge && range.upperBound == .max ? expected + ", and at most \(Int.max)" : expected)
            }
            guard range.contains(value) else { throw bad(expected) }
            return .integer(value)
        case .number(let range):
            // Double reads hexadecimal too, which nobody types on purpose.
            guard !text.lowercased().contains("x"), let value = Double(text), range.contains(value) else {
                throw bad("a number \(range.description)")
            }
            return .number(value)
        case .bytes:
            guard let value = byteCount(text) else {
                throw bad("a number of bytes above 0, such as 800000000, 800M or 2G")
            }
            return .integer(value)
        }
    }

    /// `4096`, `64K`, `800M`, `1.5G`, with an optional `B` or `iB`; powers of 1024. Nil when it is none, or 0.
    package static func byteCount(_ text: String) -> Int? {
        var digits = text.uppercased()
        if digits.hasSuffix("IB") {
            digits.removeLast(2)
        } else if digits.hasSuffix("B") {
            digits.removeLast()
        }
        var unit = 1.0
        for (suffix, size) in [("K", 0x1p10), ("M", 0x1p20), ("G", 0x1p30), ("T", 0x1p40)]
        where digits.hasSuffix(suffix) {
            digits.removeLast()
            unit = size
            break
        }
        guard let first = digits.first, first.isNumber, let value = Double(digits) else { return nil }
        guard value > 0, let bytes = Int(exactly: (value * unit).rounded()), bytes > 0 else { return nil }
        return bytes
    }
}

/// The candidate that a mistyped name most likely means: at most a third of its letters away.
package func nearestName(to name: String, among candidates: [String]) -> String? {
    let ranked = candidates.map { (name: $0, distance: editDistance(name, $0)) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(1, name.count / 3) ? best.name : nil
}

/// Levenshtein distance: insertions, deletions and replacements of one character each.
///
/// - Complexity: O(m·n).
package func editDistance(_ first: String, _ second: String) -> Int {
    let left = Array(first)
    let right = Array(second)
    var row = Array(0...right.count)
    for (i, character) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, other) in right.enumerated() {
            let above = row[j + 1]
            row[j + 1] = min(above + 1, row[j] + 1, diagonal + (character == other ? 0 : 1))
            diagonal = above
        }
    }
    return row[right.count]
}
