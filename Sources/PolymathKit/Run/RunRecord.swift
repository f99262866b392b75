internal import Conventions
internal import Audit
internal import Bytes
internal import Digest
internal import Foundation
internal import Seal
internal import Training

/// `run.json`: what a run was asked to do and what it found, enough to make the same run again.
///
/// The chain's first row holds its SHA-256, so it is written once and never changed. It may be handed on: it names base
/// and corpus, and says nothing of where they lie. That is in `local.json`, which stays on the machine and decides
/// nothing: whatever it leads to is compared with the digests in `run.json`.
package struct RunRecord {
    /// No `run.json` or `local.json` is larger: 16 MiB. Writers and readers keep to it.
    static let byteLimit = 1 << 24

    let path: String
    let digest: SHA256Digest
    let run: String
    let request: TrainingRequest
    let home: Home
    let signer: String
    let baseRoot: SHA256Digest
    let corpusID: SHA256Digest
    let recipe: Recipe
    let kernelPath: String
    let baseName: String
    let isSynthetic: Bool
    let corpusName: String
    let isDefaultCorpus: Bool

    static func encode(_ plan: RunPlan, _ manifest: SealManifest, recipe: Recipe, folder: RunFolder) -> [UInt8] {
        var record: JSONValue = [
            "version": .string(Version.string), "run": .string(folder.name), "base": plan.baseMembers(manifest.root),
            "corpus": plan.corpusMembers, "recipe": recipe.json, "recipe_sha256": .string(recipe.digest.hex),
            "threads": .exactly(plan.threads), "signer": .string(plan.identity.publicKey.fingerprint),
            "created": .string(RunEvents.now()), "request": plan.recordedRequest.withoutPlaces.json,
        ]
        if let start = plan.start { record["start"] = start.members }
        return record.prettyBytes + [0x0A]
    }

    /// `local.json`: where this machine keeps what the run needs.
    static func encodeLocal(_ plan: RunPlan) -> [UInt8] {
        let places = plan.recordedRequest
        let record: JSONValue = [
            "base": .string(places.base), "corpus": places.corpus.map { .string($0) } ?? .null,
            "tokens": places.tokens.map { .string($0) } ?? .null,
            "identity": places.identityPath.map { .string($0) } ?? .null,
            "presence": places.presenceFile.map { .string($0) } ?? .null,
            "sensors": places.sensorsPath.map { .string($0) } ?? .null,
            "home": .string(plan.home.root.absolutePath),
            "catalog": plan.home.catalogIsExplicit ? .string(plan.home.catalog.absolutePath) : .null,
        ]
        return record.prettyBytes + [0x0A]
    }

    /// - Throws: `ResumeError.badRecord` unless every member that a resume needs is there.
    package init(path: String) throws {
        func bad(_ reason: String) -> ResumeError { .badRecord(path: path, reason: reason) }
        let bytes = try WholeFile.read(path, limit: Self.byteLimit)
        let json: JSONValue
        do {
            json = try JSONValue.parse(bytes)
        } catch {
            throw bad("\(error)")
        }
        func digest(_ value: JSONValue?, _ name: String) throws -> SHA256Digest {
            guard let digest = value?.asString.flatMap(SHA256Digest.init) else { throw bad("it has no \(name).") }
            return digest
        }
        self.path = path
        self.digest = SHA256Digest.of(bytes)
        guard let run = json["run"]?.asString, let signer = json["signer"]?.asString else {
            throw bad("it names no run or signer.")
        }
        guard var request = json["request"].flatMap(TrainingRequest.init) else {
            throw bad("it does not hold every option of the run.")
        }
        guard let recipe = json["recipe"], let kernelPath = recipe["kernel_path"]?.asString else {
            throw bad("it has no recipe.")
        }
        let local = try Self.local(beside: path)
        request.base = local["base"]?.asString ?? request.base
        request.corpus = local["corpus"]?.asString ?? request.corpus
        request.tokens = local["tokens"]?.asString ?? request.tokens
        request.identityPath = local["identity"]?.asString ?? Identity.defaultPath
        request.presenceFile = local["presence"]?.asString
        request.sensorsPath = local["sensors"]?.asString
        // The run's own copy, wherever the original is by now; the recipe says whether it is still the same.
        request.start =
            recipe["start"] == nil ? nil : RunFolder(path: Self.folder(of: path), name: run).startFile
        self.run = run
        self.signer = signer
        self.request = request
        home =
            local["home"]?.asString.map { Home(root: $0, catalog: local["catalog"]?.asString) }
            ?? Home.locate(option: nil)
        self.recipe = Recipe(json: recipe)
        self.kernelPath = kernelPath
        baseName = json["base"]?["name"]?.asString ?? ""
        isSynthetic = json["base"]?["synthetic_weights"]?.asBool ?? false
        corpusName = json["corpus"]?["name"]?.asString ?? ""
        isDefaultCorpus = json["corpus"]?["default"]?.asBool ?? false
        baseRoot = try digest(json["base"]?["root"], "base root")
        corpusID = try digest(json["corpus"]?["id"], "corpus id")
        let recorded = try digest(json["recipe_sha256"], "recipe digest")
        guard recorded == self.recipe.digest else { throw bad("its recipe has another digest than it says.") }
    }

    /// The file of the identity that made the run, if it is here; none is made.
    ///
    /// - Parameter asked: the only one to look at; nil means the recorded one, then the user's own.
    func ownIdentityPath(asked: String?) -> String? {
        let candidates = asked.map { [$0] } ?? [request.identityPath, Identity.defaultPath].compactMap(\.self)
        return candidates.first { path in
            FileManager.default.fileExists(atPath: path)
                && (try? Identity.load(path: path))?.publicKey.fingerprint == signer
        }
    }

    private static func folder(of path: String) -> String { String(path.dropLast("/run.json".count)) }

    /// What `local.json` holds; nothing where a run was handed on without it.
    private static func local(beside path: String) throws -> JSONValue {
        let file = RunFolder(path: folder(of: path), name: "").localFile
        guard InputPath.exists(file) else { return [:] }
        do {
            return try JSONValue.parse(try WholeFile.read(file, limit: byteLimit))
        } catch let error as JSONError {
            throw ResumeError.badRecord(path: file, reason: "\(error)")
        }
    }
}

extension RunPlan {
    /// The request with every default settled and every path absolute: what `run.json` holds.
    var recordedRequest: TrainingRequest {
        var settled = request
        settled.base = BaseReference.isPath(request.base) ? request.base.absolutePath : request.base
        settled.corpus = request.corpus.map { FileManager.default.fileExists(atPath: $0) ? $0.absolutePath : $0 }
        settled.tokens = request.tokens?.absolutePath
        settled.steps = options.steps
        settled.epochs = nil
        settled.sequenceLength = sequenceLength
        settled.learningRate = options.learningRate
        settled.warmup = options.warmup
        settled.arithmetic = arithmetic
        settled.evaluateEvery = options.evaluateEvery
        settled.identityPath = identityPath.absolutePath
        settled.presenceFile = request.presenceFile?.absolutePath
        settled.sensorsPath = request.sensorsPath?.absolutePath
        return settled
    }

    /// Starts the chain of a run whose `run.json` is written.
    func startChain(_ manifest: SealManifest, recipe: Recipe, folder: RunFolder, record: SHA256Digest) throws
        -> AuditWriter
    {
        var details: [String: JSONValue] = [
            "run_json_sha256": .string(record.hex),
            "seal_json_sha256": .string(SHA256Digest.of(manifest.json.canonicalBytes + [0x0A]).hex),
            "sealed_tensors": .exactly(manifest.tensors.count), "scope": .string(options.scope.rawValue),
        ]
        if let start { details["start_gguf_sha256"] = .string(start.contentID.hex) }
        return try AuditWriter.start(
            path: folder.auditFile, run: folder.name, identity: identity, baseRoot: manifest.root,
            recipe: recipe.digest, corpusID: corpus.id, details: details)
    }
}

extension TrainingRequest {
    /// This request with file names for paths, and no identity.
    fileprivate var withoutPlaces: TrainingRequest {
        var request = self
        request.base = base.lastComponent
        request.corpus = corpus?.lastComponent
        request.tokens = tokens?.lastComponent
        request.identityPath = nil
        return request
    }
}

extension String {
    /// This path from the root, seen from the current folder.
    var absolutePath: String {
        hasPrefix("/") ? self : FileManager.default.currentDirectoryPath + "/" + self
    }
}
