// Flags that both programs take, once.

extension Flag {
    // MARK: What to work on
    package static let base = Flag("base", .text, "BASE", help: "Base model: a name from the catalogue or a GGUF file")
    package static let adapter = Flag("adapter", .text, "FILE", help: "Adapter to put on the base")
    package static let home = Flag(
        "home", .text, "DIR", help: "Folder that holds Checkpoints, Corpora and Telemetry (or POLYMATH_HOME)")
    package static let out = Flag("out", .text, "PATH", help: "Where to write the result")
    package static let json = Flag("json", .toggle, help: "Print one JSON object per line, errors too")
    package static let config = Flag("config", .text, "FILE", help: "JSON object of options; the command line wins")
    package static let help = Flag("help", .toggle, help: "Show this help")
    package static let threads = Flag("threads", .integer(1...64), "N", help: "Threads (default: one per core)")

    // MARK: What to check against
    package static let head = Flag("head", .text, "HEX", help: "Outside copy of the audit chain's head")
    package static let signer = Flag(
        "signer", .text, "SHA256:HEX", help: "Fingerprint of the one signer that is trusted")
    package static let trusted = Flag(
        "trusted", .text, "FILE",
        help: "Signers that are trusted: a fingerprint or the path of a PEM public key per line; # begins a comment")
    package static let anySigner = Flag(
        "any-signer", .toggle, help: "Be content with an intact file, whoever signed it")
    package static let compare = Flag(
        "compare", .text, "FILE", help: "A whole copy of the base: names the exact byte of any damage")
    package static let check = Flag(
        "check", .text, "FILE", help: "Lines of llama-gguf-hash, or a seal.json, that the base must agree with")
    package static let key = Flag("key", .text, "FILE.pem", help: "Public key of the signer")
}
