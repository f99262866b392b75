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
    package static let identity = Flag(
        "identity", .text, "FILE", help: "Signing key (made on first use in the configuration folder)")
    package static let adapterEncoding = Flag(
        "adapter-encoding", .choice(["q8_0", "f32"]), "TYPE", default: "q8_0", help: "How an adapter stores its deltas")

    // MARK: A round of a federation
    package static let round = Flag(
        "round", .text, "ID", help: "The round's name: 1 to 64 letters, digits, dots, underscores and dashes")
    package static let roster = Flag(
        "roster", .text, "FILE", help: "Who may take part: a fingerprint SHA256:HEX per line; # begins a comment")
    package static let method = Flag(
        "method", .choice(["median", "trimmed-mean", "clipped-mean"]), "METHOD", default: "median",
        help: "How the accepted adapters become one")
    package static let faults = Flag(
        "faults", .integer(0...1_000_000), "F", default: "1",
        help: "Hostile adapters to stand; fewer than 2 F + 3 accepted ones are not aggregated")
    package static let trim = Flag(
        "trim", .integer(0...1_000_000), "N",
        help: "Values of a trimmed mean left out at each end, F or more (default: F)")
    package static let clip = Flag(
        "clip", .number(.above(0)), "NORM", help: "Bound of a clipped mean (default: the median L2 norm)")
    package static let previous = Flag(
        "previous", .text, "PATH", help: "Record of an earlier round, or a folder of them: their adapters are refused")
    package static let record = Flag(
        "record", .text, "FILE", help: "Where the signed record goes (default: beside --out, ending in .record.json)")

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
