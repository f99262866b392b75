// Checking a run folder from its files alone, and against the base when its root is at hand.

internal import Bytes
public import Digest
internal import Seal

/// Judges a run folder: chain, close, head, attestation, base, artefact and the recorded files.
public enum AuditVerification {
    /// As ``verify(runFolder:baseManifestRoot:head:trust:)``, with one trusted key; `nil` leaves open who signed.
    public static func verify(
        runFolder: String, baseManifestRoot: SHA256Digest? = nil, head: SHA256Digest? = nil,
        trustedSigner: PublicKey? = nil
    ) -> Verdict {
        judge(runFolder, baseManifestRoot, head, trustedSigner.map(SignerTrust.init(only:)))
    }

    /// - Parameters:
    ///   - runFolder: holds `audit.jsonl` and what its rows name.
    ///   - baseManifestRoot: root of the base as computed now, `nil` when the base is not at hand.
    ///   - head: an outside copy of the chain's head.
    ///   - trust: whose word counts.
    /// - Returns: every check that could be made. It never throws: what cannot be read is a failed check.
    public static func verify(
        runFolder: String, baseManifestRoot: SHA256Digest? = nil, head: SHA256Digest? = nil, trust: SignerTrust
    ) -> Verdict {
        judge(runFolder, baseManifestRoot, head, trust)
    }

    private static func judge(
        _ runFolder: String, _ baseManifestRoot: SHA256Digest?, _ head: SHA256Digest?, _ trust: SignerTrust?
    ) -> Verdict {
        var verdict = Verdict()
        let chain: AuditChain
        do {
            chain = try AuditChain.read(path: runFolder + "/audit.jsonl")
        } catch {
            verdict.add("chain", .failed, .arithmetic, error.description)
            return verdict
        }
        verdict.add(
            "chain", .passed, .arithmetic,
            "All \(chain.rows.count) rows of the audit chain are whole and each names the one before.")
        judgeState(chain, &verdict)
        judgeHead(chain, head, &verdict)
        judgeSigner("run", chain.signer, trust, &verdict)
        judgeSeal(chain, &verdict)
        judgeFault(runFolder, &verdict)
        judgeRecords(chain, runFolder, &verdict)
        if InferenceChain.isTold(by: chain) {
            judgeManifest(chain, runFolder, &verdict)
            judgeBase(chain, baseManifestRoot, &verdict)
            judgeInference(chain, &verdict)
            return verdict
        }
        judgeEvents(chain, runFolder, &verdict)
        judgeRecipe(chain, runFolder, &verdict)
        judgeManifest(chain, runFolder, &verdict)
        judgeBase(chain, baseManifestRoot, &verdict)
        judgeArtefact(chain, runFolder, &verdict)
        judgeAttestation(chain, runFolder, &verdict)
        return verdict
    }

    private static func judgeState(_ chain: AuditChain, _ verdict: inout Verdict) {
        if chain.tornByteCount > 0 {
            verdict.add(
                "chain-end", .failed, .arithmetic,
                "The chain ends in \(chain.tornByteCount) bytes of a torn row, which are not believed; resuming cuts them off."
            )
        }
        switch chain.status {
        case .closed:
            verdict.add(
                "chain-closed", .passed, .signersWord,
                "The run is closed, signed by \(chain.signer.fingerprint).")
        case .paused(let step):
            verdict.add(
                "chain-closed", .failed, .signersWord,
                "The run is paused at \(step): it has not come to its end.")
        case .open:
            verdict.add(
                "chain-closed", .failed, .signersWord,
                "The run is open: it was never closed, or its last rows were cut off.")
        }
    }

    private static func judgeHead(
        _ chain: AuditChain, _ head: SHA256Digest?, _ verdict: inout Verdict
    ) {
        guard let head else {
            verdict.add(
                "chain-head", .notChecked, .arithmetic,
                "No outside copy of the head was given (--head), so a cut back to an older signed state would not show here."
            )
            return
        }
        if head == chain.head {
            verdict.add("chain-head", .passed, .arithmetic, "The chain ends at the given head.")
        } else {
            verdict.add(
                "chain-head", .failed, .arithmetic,
                AuditChainError.head(expected: head, found: chain.head).description)
        }
    }

    /// Whether the signer of a run or an attestation is trusted.
    package static func judgeSigner(
        _ thing: String, _ signer: PublicKey, _ trust: SignerTrust?, _ verdict: inout Verdict
    ) {
        do {
            switch try trust?.standing(of: signer) {
            case .trusted(let reason)?:
                verdict.add("signer", .passed, .signersWord, "The signer \(signer.fingerprint) is \(reason).")
            case .unknown?, nil:
                verdict.add(
                    "signer", .notChecked, .signersWord,
                    "The \(thing) names the signer \(signer.fingerprint); whether to trust that key is yours to say.")
            }
        } catch {
            verdict.add("signer", .failed, .signersWord, "\(error)")
        }
    }

    private static func judgeSeal(_ chain: AuditChain, _ verdict: inout Verdict) {
        let last = chain.rows.last { $0.kind == RowKind.sealCheck || $0.kind == RowKind.sealViolation }
        let exported = chain.rows.last { $0.kind == RowKind.export }
        let violation = chain.rows.last { $0.kind == RowKind.sealViolation }
        if let violation, exported.map({ $0.seq > violation.seq }) ?? true,
            last?.kind == RowKind.sealViolation
        {
            let tensor = violation.body["tensor"]?.asString ?? "unknown"
            verdict.add(
                "seal", .failed, .signersWord,
                "The sealed tensor “\(escaped(tensor))” changed during the run.")
        } else if last == nil {
            verdict.add(
                "seal", .notChecked, .signersWord, "The chain records no check of the sealed tensors.")
        } else {
            verdict.add(
                "seal", .passed, .signersWord,
                "As the chain counts it, \(SealFacts(chain).sentences.joined(separator: "; ")).")
        }
    }

    /// Files whose SHA-256 a row records under their name.
    private static func judgeRecords(_ chain: AuditChain, _ folder: String, _ verdict: inout Verdict) {
        for (name, key) in [
            ("run.json", "run_json_sha256"), ("seal.json", "seal_json_sha256"), ("start.gguf", "start_gguf_sha256"),
        ] {
            // No later row can say otherwise: the first is signed by whoever began the run.
            let recorded = chain.start[key]?.asString
            guard let recorded else { continue }
            do {
                let found = SHA256Digest.of(try WholeFile.read(folder + "/" + name, limit: fileLimit)).hex
                verdict.add(
                    name, found == recorded ? .passed : .failed, .arithmetic,
                    found == recorded
                        ? "\(name) is the file that the chain records."
                        : "\(name) has the SHA-256 \(found), and the chain records \(escaped(recorded)).")
            } catch {
                verdict.add(
                    name, .failed, .arithmetic, "\(name), which the chain records, is unreadable: \(placeless(error))")
            }
        }
    }

    /// The recipe that `run.json` spells out, against the digest that the chain begins with.
    private static func judgeRecipe(_ chain: AuditChain, _ folder: String, _ verdict: inout Verdict) {
        let record = try? JSONValue.parse(WholeFile.read(folder + "/run.json", limit: fileLimit))
        guard let recipe = record?["recipe"], recipe.asObject != nil else {
            verdict.add(
                "recipe", .notChecked, .arithmetic, "The run folder holds no run.json that spells out a recipe.")
            return
        }
        let digest = SHA256Digest.of(recipe.canonicalBytes).hex
        let names = [("base_root", "base"), ("corpus_id", "corpus")]
        let wrong = names.filter { recipe[$0.0]?.asString != chain.start[$0.0]?.asString }.map(\.1)
        guard digest == chain.start["recipe"]?.asString, wrong.isEmpty else {
            verdict.add(
                "recipe", .failed, .arithmetic,
                wrong.isEmpty
                    ? "The recipe in run.json has the digest \(digest), which is not the one that the chain names."
                    : "The recipe in run.json is for another \(wrong.joined(separator: " and another ")) than the chain."
            )
            return
        }
        verdict.add("recipe", .passed, .arithmetic, "The recipe in run.json is the one that the chain names.")
    }

    /// `seal.json`, when it is there: the root is computed anew from its entries and must be the run's.
    private static func judgeManifest(_ chain: AuditChain, _ folder: String, _ verdict: inout Verdict) {
        let path = folder + "/seal.json"
        guard (try? FileIdentity(ofFileAt: path)) != nil else {
            verdict.add("seal-manifest", .notChecked, .arithmetic, "The run folder holds no seal.json.")
            return
        }
        do {
            let manifest = try SealManifest(json: JSONValue.parse(WholeFile.read(path, limit: fileLimit)))
            let isSame = manifest.root.hex == chain.start["base_root"]?.asString
            verdict.add(
                "seal-manifest", isSame ? .passed : .failed, .arithmetic,
                isSame
                    ? "The digests of all \(manifest.tensors.count) tensors in seal.json add up to the run's base root."
                    : "seal.json adds up to the root \(manifest.root.hex), which is not the run's base.")
        } catch {
            verdict.add("seal-manifest", .failed, .arithmetic, "seal.json is refused: \(placeless(error))")
        }
    }

    private static func judgeBase(
        _ chain: AuditChain, _ root: SHA256Digest?, _ verdict: inout Verdict
    ) {
        let recorded = chain.start["base_root"]?.asString ?? ""
        guard let root else {
            verdict.add(
                "base", .notChecked, .arithmetic,
                "The base is not at hand; the run names the root \(escaped(recorded)).")
            return
        }
        let isSame = root.hex == recorded
        verdict.add(
            "base", isSame ? .passed : .failed, .arithmetic,
            isSame
                ? "The base at hand has the root that the run names."
                : "The base at hand has the root \(root.hex), and the run names \(escaped(recorded)).")
    }

    /// Most bytes of `run.json`, `seal.json`, `start.gguf` and the attestation: the largest that any of them may have.
    static let fileLimit = SealManifest.byteLimit
}
