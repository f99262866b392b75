internal import Digest

/// One object of a manifest: hands out its members by kind and range, and names the place in every refusal.
struct ManifestReader {
    private let members: [String: JSONValue]
    private let place: String

    /// - Parameter place: where the object is, `""` for the outermost.
    init(json: JSONValue, place: String) throws(ManifestError) {
        guard let members = json.asObject else {
            throw .malformed(member: place.isEmpty ? "(all of it)" : place, expected: "an object")
        }
        self.members = members
        self.place = place
    }

    /// The member's name with its place before it.
    func name(_ member: String) -> String { place.isEmpty ? member : place + "." + member }

    /// Refuses members that are not in the list; the first in order of their names is told.
    func only(_ names: [String]) throws(ManifestError) {
        let others = members.keys.filter { !names.contains($0) }
        if let other = others.min(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            throw .unknown(member: name(other))
        }
    }

    func object(_ member: String, only names: [String]) throws(ManifestError) -> ManifestReader {
        let reader = try ManifestReader(json: value(member), place: name(member))
        try reader.only(names)
        return reader
    }

    func objects(_ member: String, only names: [String], most: Int) throws(ManifestError) -> [ManifestReader] {
        var readers: [ManifestReader] = []
        for (index, item) in try list(member, most: most).enumerated() {
            let reader = try ManifestReader(json: item, place: name(member) + "[\(index)]")
            try reader.only(names)
            readers.append(reader)
        }
        return readers
    }

    func text(_ member: String) throws(ManifestError) -> String {
        guard let text = try value(member).asString else {
            throw .malformed(member: name(member), expected: "a text")
        }
        return text
    }

    func texts(_ member: String, most: Int) throws(ManifestError) -> [String] {
        var texts: [String] = []
        for (index, item) in try list(member, most: most).enumerated() {
            guard let text = item.asString else {
                throw .malformed(member: name(member) + "[\(index)]", expected: "a text")
            }
            texts.append(text)
        }
        return texts
    }

    func integer(_ member: String, _ range: ClosedRange<Int>) throws(ManifestError) -> Int {
        guard let number = try value(member).asInt, range.contains(number) else {
            throw .malformed(
                member: name(member),
                expected: range.count == 1
                    ? "\(range.lowerBound)" : "a number of \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func bytes(_ member: String, count: Int) throws(ManifestError) -> [UInt8] {
        let text = try text(member)
        guard let bytes = Hex.decode(text), bytes.count == count, Hex.encode(bytes) == text else {
            throw .malformed(member: name(member), expected: "\(count) bytes in lower-case hexadecimal")
        }
        return bytes
    }

    func digest(_ member: String) throws(ManifestError) -> SHA256Digest {
        guard let digest = SHA256Digest(hex: Hex.encode(try bytes(member, count: 32))) else {
            throw .malformed(member: name(member), expected: "32 bytes in lower-case hexadecimal")
        }
        return digest
    }

    private func list(_ member: String, most: Int) throws(ManifestError) -> [JSONValue] {
        guard let list = try value(member).asArray, (1...most).contains(list.count) else {
            throw .malformed(member: name(member), expected: "a list of 1 to \(most) entries")
        }
        return list
    }

    private func value(_ member: String) throws(ManifestError) -> JSONValue {
        guard let value = members[member] else { throw .missing(member: name(member)) }
        return value
    }
}
