internal import Bytes
internal import Digest

/// The file of `--config`: one JSON object whose members are flags without their dashes.
///
/// ```
/// { "learning-rate": 0.02, "scope": "tail", "shuffle": false, "steps": 40 }
/// ```
package enum ConfigurationFile {
    /// The members in the order of their names, each value as one would type it.
    ///
    /// - Throws: `UsageError.badConfiguration` for anything but such an object.
    package static func members(_ path: String) throws(UsageError) -> [(name: String, value: String)] {
        let value: JSONValue
        do {
            value = try JSONValue.parse(try WholeFile.read(path, limit: 1 << 20))
        } catch {
            throw .badConfiguration(path: path, reason: "\(error)")
        }
        guard let object = value.asObject else {
            throw .badConfiguration(path: path, reason: "it is not a JSON object.")
        }
        var members: [(name: String, value: String)] = []
        for (name, value) in object.sorted(by: { $0.key < $1.key }) {
            guard name != Flag.config.name else {
                throw .badConfiguration(path: path, reason: "it names another configuration.")
            }
            switch value {
            case .string(let text): members.append((name, text))
            case .bool, .integer, .number: members.append((name, value.canonicalString))
            case .null, .array, .object:
                throw .badConfiguration(
                    path: path, reason: "the value of \"\(escaped(name))\" must be a string, a number, true or false.")
            }
        }
        return members
    }
}
