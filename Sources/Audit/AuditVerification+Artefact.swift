// The exported file and the attestation, each against the rows that name them.

internal import Adapter
internal import Bytes
internal import Digest

extension AuditVerification {
    /// The exported file: its content id, and for an adapter its signature, base and recipe.
    static func judgeArtefact(_ chain: AuditChain, _ folder: String, _ verdict: inout Verdict) {
        guard let export = chain.latest(RowKind.export) else {
            verdict.add("artefact", .notChecked, .arithmetic, "The run exported nothing.")
            return
        }
        let recorded = export["content_id"]?.asString ?? ""
        let name = export["file"]?.asString ?? ""
        guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else {
            verdict.add(
                "artefact", .failed, .arithmetic, "The chain's export row names no file of the run folder.")
            return
        }
        let path = folder + "/" + name
        do {
            let contentID = try SHA256Digest.ofFile(path: path)
            guard contentID.hex == recorded else {
                verdict.add(
                    "artefact", .failed, .arithmetic,
                    "“\(escaped(name))” has the content id \(contentID.hex), and the chain records \(escaped(recorded))."
                )
                return
            }
            verdict.add(
                "artefact", .passed, .arithmetic,
                "“\(escaped(name))” is the exported file: content id \(contentID.hex).")
            try judgeKind(chain, path, name, &verdict)
        } catch {
            verdict.add("artefact", .failed, .arithmetic, "“\(escaped(name))” is refused: \(placeless(error))")
        }
    }

    private static func judgeKind(
        _ chain: AuditChain, _ path: String, _ name: String, _ verdict: inout Verdict
    ) throws {
        let signer: PublicKey
        let root: SHA256Digest
        let recipe: SHA256Digest
        let sentence: String
        if name == "boundary.gguf" {
            let boundary = try BoundaryFile.read(path: path)
            (signer, root, recipe) = (boundary.signer, boundary.baseRoot, boundary.recipe)
            sentence =
                "It holds \(boundary.tensors.count) trained tensors of the boundary and nothing else, and is signed."
        } else {
            let adapter = try NormAdapter.read(path: path)
            (signer, root, recipe) = (adapter.signer, adapter.baseRoot, adapter.recipe)
            sentence =
                "It holds the deltas of \(adapter.deltas.count) norm gains and nothing else, and is signed."
        }
        verdict.add("artefact-form", .passed, .arithmetic, sentence)
        let isOurs =
            signer == chain.signer && root.hex == chain.start["base_root"]?.asString
            && recipe.hex == chain.start["recipe"]?.asString
        verdict.add(
            "artefact-origin", isOurs ? .passed : .failed, .arithmetic,
            isOurs
                ? "Its base, recipe and signer are those that the run's chain names."
                : "Its base, recipe or signer is not the one that the run's chain names.")
        verdict.add(
            "replay", .notChecked, .replay,
            "Whether this base, corpus and recipe make exactly this file, training again shows, which was not done here."
        )
    }

    /// The attestation: its signature, and every digest in it against the chain.
    static func judgeAttestation(_ chain: AuditChain, _ folder: String, _ verdict: inout Verdict) {
        do {
            let bytes = try WholeFile.read(folder + "/attestation.dsse.json", limit: fileLimit)
            let attestation = try Attestation.verify(bytes, signer: chain.signer)
            var wrong: [String] = []
            if attestation.chainHead != chain.head { wrong.append("the chain's head") }
            if attestation.baseRoot.hex != chain.start["base_root"]?.asString { wrong.append("the base") }
            if attestation.recipe.hex != chain.start["recipe"]?.asString { wrong.append("the recipe") }
            if attestation.corpusID?.hex != chain.start["corpus_id"]?.asString {
                wrong.append("the corpus")
            }
            let contentID = chain.latest(RowKind.export)?["content_id"]?.asString
            if attestation.artefact?.digest.hex != contentID { wrong.append("the exported file") }
            guard wrong.isEmpty else {
                verdict.add(
                    "attestation", .failed, .signersWord,
                    "The attestation speaks of another run: it differs from the chain in \(wrong.joined(separator: ", "))."
                )
                return
            }
            guard attestation.failedTests.isEmpty else {
                verdict.add(
                    "attestation", .failed, .signersWord,
                    "The attestation is genuine and says that \(attestation.failedTests.count) tests failed.")
                return
            }
            verdict.add(
                "attestation", .passed, .signersWord,
                "The attestation is signed by the run's signer and names this chain's head, base, recipe and exported file."
            )
        } catch {
            verdict.add("attestation", .failed, .signersWord, "The attestation is refused: \(placeless(error))")
        }
    }
}
