internal import Bytes
internal import Digest
internal import Tokenizer

extension Document {
    /// The document of a line of a `.jsonl` file, which is one JSON object.
    ///
    /// Members that no row needs are allowed; what a row means must be plain from those it has.
    static func row(_ line: (number: Int, bytes: [UInt8]), of path: String) throws(CorpusError) -> Document {
        do throws(RowError) {
            return Document(content: try Content(row: line.bytes), file: path, line: line.number)
        } catch {
            throw .malformedRow(file: path, line: line.number, reason: error.reason)
        }
    }
}

/// What is wrong with a row, as one sentence.
private struct RowError: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

extension Document.Content {
    fileprivate init(row bytes: [UInt8]) throws(RowError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(bytes, takesAnyText: true)
        } catch {
            throw RowError(error.description)
        }
        guard let row = value.asObject else { throw RowError("A row must be a JSON object.") }
        let kinds = ["text", "messages"].filter { row[$0] != nil }
        let hasPair = row["prompt"] != nil || row["completion"] != nil
        guard kinds.count + (hasPair ? 1 : 0) == 1 else {
            throw RowError(
                "A row needs either \"text\", or \"prompt\" and \"completion\", or \"messages\", and only one of them; "
                    + "this one has \(Self.listed(row.keys)).")
        }
        if kinds == ["text"] {
            self = .text(try Self.string("text", in: row))
        } else if kinds == ["messages"] {
            self = .messages(try Self.messages(row["messages"]))
        } else {
            self = .completion(
                prompt: try Self.string("prompt", in: row), completion: try Self.string("completion", in: row))
        }
    }

    private static func messages(_ value: JSONValue?) throws(RowError) -> [ChatMessage] {
        guard let items = value?.asArray, !items.isEmpty else {
            throw RowError("\"messages\" must be an array of at least one message.")
        }
        var messages: [ChatMessage] = []
        for (index, item) in items.enumerated() {
            guard let object = item.asObject else { throw RowError("Message \(index + 1) must be a JSON object.") }
            let role = try string("role", in: object, of: "message \(index + 1)")
            guard ["system", "user", "assistant", "tool"].contains(where: { $0.utf8.elementsEqual(role.utf8) }) else {
                throw RowError(
                    "Message \(index + 1) has the role \"\(escaped(role, limit: 40))\"; "
                        + "a role is system, user, assistant or tool.")
            }
            let content = try string("content", in: object, of: "message \(index + 1)")
            messages.append(ChatMessage(role: role, content: content))
        }
        return messages
    }

    private static func string(
        _ key: String, in object: [String: JSONValue], of owner: String = "the row"
    ) throws(RowError) -> String {
        guard let value = object[key] else { throw RowError("The string \"\(key)\" is missing from \(owner).") }
        guard let text = value.asString else { throw RowError("\"\(key)\" of \(owner) must be a string.") }
        return text
    }

    private static func listed(_ keys: some Collection<String>) -> String {
        guard !keys.isEmpty else { return "none" }
        return keys.sorted().prefix(8).map { "\"\(escaped($0, limit: 40))\"" }.joined(separator: ", ")
    }
}
