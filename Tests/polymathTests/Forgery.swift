import Adapter
import Audit
import Bytes
import Digest
import Foundation
import TestSupport
import Testing

/// What somebody could do to a run folder: with its signing key anything, without it only what shows.
struct Forgery {
    let program: Program
    let folder: String

    init(_ program: Program, _ run: String) {
        self.program = program
        folder = program.folder.path(run)
    }

    func rows() throws -> [JSONValue] {
        try WholeFile.read(folder + "/audit.jsonl").split(separator: 0x0A).map { try JSONValue.parse(Array($0)) }
    }

    func write(_ rows: [JSONValue]) throws {
        let text = rows.map { $0.canonicalString + "\n" }.joined()
        try AtomicFile.write(Array(text.utf8), to: folder + "/audit.jsonl", placement: .replacing)
    }

    /// The rows with sequence, links and hashes made anew, as anyone can; signatures stay what they were.
    static func relinked(_ rows: [JSONValue]) -> [JSONValue] {
        var prev = AuditRow.origin.hex
        return rows.enumerated().map { index, row in
            var members = row.asObject ?? [:]
            members["seq"] = .exactly(index)
            members["prev"] = .string(prev)
            members["hash"] = nil
            prev = SHA256Digest.of(JSONValue.object(members).canonicalBytes).hex
            members["hash"] = .string(prev)
            return .object(members)
        }
    }

    /// Replaces a member of a row's body.
    static func edited(_ row: JSONValue, _ member: String, _ value: JSONValue) -> JSONValue {
        var members = row.asObject ?? [:]
        var body = members["body"]?.asObject ?? [:]
        body[member] = value
        members["body"] = .object(body)
        return .object(members)
    }

    /// Changes one option in `run.json` and its recipe, and signs adapter, chain and attestation anew with the run's own
    /// identity: a run that claims another recipe than the one that made its adapter.
    func claim(_ option: String, _ value: String, firstLoss: String? = nil) throws {
        let identity = try Identity.load(path: program.folder.path("config/polymath/identity.pem"))
        var record = try #require(try JSONValue.parse(WholeFile.read(folder + "/run.json")).asObject)
        var recipe = try #require(record["recipe"]?.asObject)
        var request = try #require(record["request"]?.asObject)
        recipe[option] = .string(value)
        if request[option] != nil { request[option] = .string(value) }
        let digest = SHA256Digest.of(JSONValue.object(recipe).canonicalBytes)
        record["recipe"] = .object(recipe)
        record["request"] = .object(request)
        record["recipe_sha256"] = .string(digest.hex)
        let recordBytes = JSONValue.object(record).canonicalBytes
        try AtomicFile.write(recordBytes, to: folder + "/run.json", placement: .replacing)

        let made = try NormAdapter.read(path: folder + "/adapter.gguf")
        let bytes = try NormAdapter.encode(
            architecture: made.architecture, scope: made.scope, encoding: made.encoding, layerCount: made.layerCount,
            baseRoot: made.baseRoot, recipe: digest, deltas: made.deltas, identity: identity)
        try AtomicFile.write(bytes, to: folder + "/adapter.gguf", placement: .replacing)

        let rows = try rows()
        let start = try #require(rows.first?["body"]?.asObject)
        let corpusID = start["corpus_id"]?.asString.flatMap(SHA256Digest.init(hex:))
        try FileManager.default.removeItem(atPath: folder + "/audit.jsonl")
        var details = start
        details["run_json_sha256"] = .string(SHA256Digest.of(recordBytes).hex)
        let writer = try AuditWriter.start(
            path: folder + "/audit.jsonl", run: try #require(rows.first?["run"]?.asString), identity: identity,
            baseRoot: made.baseRoot, recipe: digest, corpusID: corpusID, details: details)
        let contentID = SHA256Digest.of(bytes)
        for row in rows.dropFirst() {
            switch row["kind"]?.asString ?? "" {
            case "export": try writer.export(file: "adapter.gguf", contentID: contentID, byteCount: bytes.count)
            case "close": break
            case "step" where row["body"]?["step"] == 1 && firstLoss != nil:
                let row = Self.edited(row, "loss", .string(firstLoss ?? ""))
                try writer.append(kind: "step", body: row["body"]?.asObject ?? [:])
            case let kind: try writer.append(kind: kind, body: row["body"]?.asObject ?? [:])
            }
        }
        // The events are the run's own; the close vouches for them as it did.
        let closed = rows.last?["body"]?["state"]?.asObject ?? [:]
        let head = try writer.close(
            step: rows.count { $0["kind"] == "step" }, state: closed.filter { $0.key.hasPrefix("events_") })
        let attestation = Attestation(
            baseName: "base", baseRoot: made.baseRoot,
            artefact: Attestation.Artefact(name: "adapter.gguf", digest: contentID), corpusID: corpusID, recipe: digest,
            chainHead: head, passedTests: ["sealed tensors unchanged"], failedTests: [])
        try AtomicFile.write(
            try attestation.encode(signedBy: identity), to: folder + "/attestation.dsse.json", placement: .replacing)
    }
}
