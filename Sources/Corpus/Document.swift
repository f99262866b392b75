public import Tokenizer

/// One document of a corpus: a row of a `.jsonl` file, or a whole `.txt` or `.md` file.
public struct Document: Equatable, Sendable {
    /// What a row can hold.
    public enum Content: Equatable, Sendable {
        /// `{"text": …}`: all of it is learned.
        case text(String)
        /// `{"prompt": …, "completion": …}`: the completion is learned.
        case completion(prompt: String, completion: String)
        /// `{"messages": [{"role": …, "content": …}, …]}`: what the assistant says is learned.
        case messages([ChatMessage])
    }

    /// Bytes of the longest row that is read, and of the longest plain text where a document is wanted whole.
    public static let longestRow = 4 << 20

    public var content: Content
    /// The file it came from, as a path that begins with the corpus's.
    public var file: String
    /// The line it stands on, from 1; nil when it is the whole file.
    public var line: Int?

    public init(content: Content, file: String, line: Int? = nil) {
        self.content = content
        self.file = file
        self.line = line
    }

    /// The texts of the document, in order: one, or prompt and completion, or every message's content.
    public var texts: [String] {
        switch content {
        case .text(let text): [text]
        case .completion(let prompt, let completion): [prompt, completion]
        case .messages(let messages): messages.map(\.content)
        }
    }
}
