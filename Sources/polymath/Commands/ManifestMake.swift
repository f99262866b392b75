internal import Adapter
internal import Bytes
internal import CommandLineKit
internal import Conventions
internal import Digest
internal import EvidenceCommands
internal import Federation
internal import GGUF
internal import PolymathKit
internal import Seal

/// `polymath federation manifest make`: a signed description of a base, for others to find it by.
enum ManifestMake: Command {
    static let specification = CommandSpecification(
        path: ["federation", "manifest", "make"], summary: "Describe a base and the adapters it takes, signed",
        discussion: """
            Hashes the base, and writes what a federation must agree on: its root, tokenizer, dimensions, storage types,
            where the weights can be had with their digest, and which adapters are taken. Nothing is fetched or sent:
            whether an address leads to these bytes is for whoever fetches them to see.
            """,
        flags: [
            .base.required, .modelID.required, .weightURLs.required, .out.required, .accept, .identity, .threads, .home,
            .json,
        ],
        examples: [
            "polymath federation manifest make --base nano --model-id nano --url https://example.org/nano.gguf --out nano.json"
        ])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        let out = try arguments.requiredText(.out)
        let modelID = try arguments.requiredText(.modelID)
        let urls = try arguments.requiredText(.weightURLs).split(separator: ",", omittingEmptySubsequences: false)
            .map(String.init)
        let kinds = try kinds(arguments.requiredText(.accept))
        try check(modelID: modelID, urls: urls)
        try InputPath.requireFree(out)
        let base = try arguments.loadBase()
        let root = try base.manifest(progress: console.hashingProgress(of: base)).root
        console.endProgress()
        let facts = try BaseFacts(of: base.gguf, root: root)
        var adapters: [AcceptedAdapter] = []
        for (scope, encoding) in kinds {
            adapters.append(
                AcceptedAdapter(
                    scope: scope, encoding: encoding, maxBytes: try facts.adapterBytes(scope, encoding)))
        }
        let manifest = try SpecialistManifest(modelID: modelID, base: facts, urls: urls, adapters: adapters)
        let path = arguments.text(.identity)
        let identity = try path.map { try Identity.loadOrCreate(path: $0) } ?? Identity.loadOrCreate()
        let bytes = try manifest.encode(signedBy: identity)
        // What nobody could read must not be handed on.
        let signed = try SignedManifest.decode(bytes)
        try base.gguf.checkWhole()
        try AtomicFile.write(bytes, to: out)
        var members = ManifestShown.members(signed)
        members["path"] = .string(out)
        members["base"] = .string(base.name)
        members["synthetic_weights"] = .bool(base.isSynthetic)
        console.emit("manifest", members)
        console.show(
            table([("base", escaped(base.title)), ("written", escaped(out))] + ManifestShown.rows(signed)))
    }

    /// What the manifest would refuse, said of the options and before the base is hashed.
    private static func check(modelID: String, urls: [String]) throws(UsageError) {
        guard SpecialistManifest.isModelID(modelID) else {
            throw .badValue(flag: Flag.modelID.name, value: modelID, expected: SpecialistManifest.modelIDRule)
        }
        for url in urls {
            guard let rule = SpecialistManifest.brokenRule(ofURL: url) else { continue }
            throw .badValue(flag: Flag.weightURLs.name, value: url, expected: rule)
        }
        guard Set(urls).count == urls.count, urls.count <= SpecialistManifest.largestLists.urls else {
            throw .impossible(
                "--\(Flag.weightURLs.name) takes 1 to \(SpecialistManifest.largestLists.urls) addresses, each once.")
        }
    }

    /// `norms:q8_0,tail:f32` as kinds, sorted as a manifest has them.
    private static func kinds(_ text: String) throws(UsageError) -> [(AdapterScope, DeltaEncoding)] {
        let expected = "SCOPE:ENCODING,… with norms, tail or all-norms, and q8_0 or f32, each pair once"
        var kinds: [(scope: AdapterScope, encoding: DeltaEncoding)] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = word.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, let scope = AdapterScope(rawValue: parts[0]),
                let encoding = DeltaEncoding(rawValue: parts[1]),
                !kinds.contains(where: { $0.scope == scope && $0.encoding == encoding })
            else { throw .badValue(flag: Flag.accept.name, value: text, expected: expected) }
            kinds.append((scope, encoding))
        }
        return kinds.sorted { ($0.scope.rawValue, $0.encoding.rawValue) < ($1.scope.rawValue, $1.encoding.rawValue) }
    }
}
