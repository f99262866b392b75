// What of a run leaves the machine and what does not: only what the files show, or the program as it was built can promise.

internal import Adapter

extension RunReport {
    var departureSection: HTML {
        """
        <p>Nothing of this run leaves the machine unless its owner hands it on; <code>polymath audit export</code> gathers \
        what is meant for that. The program has one piece of code that opens a connection, the download of <code>polymath \
        base pull</code>. That no other command opens a socket of any kind is shown by a test that traces the program’s \
        system calls; this run itself was not watched, so for it that is the <span class="ground">signer’s word</span>.</p>
        <h3>Files of the run</h3><p>All of them lie in the run’s folder, which is made for its owner alone (mode 0700).</p>
        <div class="wide"><table class="checks"><thead><tr><th scope="col">Handed on</th><th scope="col">File and what it \
        holds</th><th scope="col">Words</th></tr></thead><tbody>
        \(files.map(Self.row).joined())</tbody></table></div>
        \(made)\(seen)
        <p class="note">The text, its tokens and every activation stay out of these files; outputs of frozen layers may lie in a \
        file without a name that is gone with the process. What was learned was learned from the text, and no formal bound \
        such as differential privacy is claimed for what it could tell of it: <code>polymath adapter privacy</code> measures \
        two known attacks, and the project’s PRIVACY.md what guessing finds.</p>
        """
    }

    private struct File {
        var name: String
        var content: HTML
        /// Which words it can hold.
        var words: HTML
        var isHandedOn = true
    }

    private var files: [File] {
        let exported = artefact.map { [File(name: $0.name, content: "what was learned, signed", words: "none")] } ?? []
        let attestation =
            artefact == nil
            ? [] : [File(name: "attestation.dsse.json", content: "checks and digests, signed", words: "names")]
        let start =
            recipeFacts.contains { $0.name == "start" }
            ? [
                File(
                    name: "start.gguf", content: "the adapter that the run began with, as it was signed", words: "none")
            ]
            : []
        let secret =
            hasSecretSeed
            ? [
                File(
                    name: "seed.sealed", content: "the run’s secret seed, encrypted under the signer’s identity",
                    words: "none", isHandedOn: false)
            ] : []
        return exported + [
            File(
                name: "run.json", content: "the options, digests and the machine’s kernel path",
                words: "names of base and corpus as their owner chose them"),
            File(
                name: "events.jsonl",
                content:
                    "times, losses, memory, and how the device was: battery, temperatures, whether somebody used it",
                words: "the same names"),
            File(name: "audit.jsonl", content: "the chain of digests and figures", words: "the same names"),
            File(name: "seal.json", content: "a digest of each tensor of the base", words: "names of tensors"),
        ] + start + attestation + [
            File(name: "report.html", content: "this page", words: "the same names"),
            File(
                name: "local.json", content: "where base, corpus and key lie on the machine", words: "paths",
                isHandedOn: false),
            File(
                name: "checkpoints/", content: "full-precision masters, the optimiser’s state, the place in the text",
                words: "none", isHandedOn: false),
        ] + secret
    }

    private var hasSecretSeed: Bool { recipeFacts.contains { $0.name == "seed_commitment" } }

    /// What the seed's kind means for a guess of the text.
    private var guesses: HTML {
        hasSecretSeed
            ? """
            it covers the corpus id, a digest under a key of the signer, and a commitment to the run’s secret seed, without \
            which nobody can train on a guess of the text and compare.
            """
            : """
            it covers the corpus id, a digest under a key of the signer. The seed is public, so whoever guesses the text can \
            train on the guess and compare.
            """
    }

    private static func row(_ file: File) -> HTML {
        """
        <tr class="\(file.isHandedOn ? "open" : "ok")"><td class="sign">\(file.isHandedOn ? "may be" : "stays" as HTML)</td>\
        <td><code>\(file.name)</code>: \(file.content)</td><td>\(file.words)</td></tr>

        """
    }

    /// The exported file, every byte of it in one class.
    private var made: HTML {
        guard let artefact, let inventory = artefact.inventory else {
            return artefact == nil ? "<p>No model file: this run has exported nothing.</p>" : ""
        }
        let count = trainedTensors.reduce(0) { $0 + $1.dimensions.reduce(1, *) }
        let classes: [(HTML, Int)] = [
            ("\(Numeral.grouped(count)) numbers that were learned", inventory.valueBytes),
            ("names of keys and tensors, and the words for architecture, kind and encoding", inventory.nameBytes),
            ("counts, lengths, types, shapes and offsets", inventory.structureBytes),
            ("digests of base and recipe", inventory.digestBytes),
            ("public key and signature", inventory.signatureBytes), ("zeros between them", inventory.paddingBytes),
        ]
        let rows = classes.map { name, bytes in
            "<tr><th scope=\"row\">\(name)</th><td>\(Numeral.grouped(bytes))</td></tr>" as HTML
        }
        return """
            <h3>Every byte of \(artefact.name)</h3><div class="wide"><table><thead><tr><th scope="col">What it is</th>\
            <th scope="col">Bytes</th></tr></thead><tbody>\(rows.joined())<tr><th scope="row">all of \(artefact.name)</th>\
            <td>\(Numeral.grouped(artefact.byteCount))</td></tr></tbody></table></div>
            <p class="note">The names are the base’s and the format’s, and a reader refuses any others, so there is no room for \
            text. Ground: <span class="ground">arithmetic</span>.</p>
            """
    }

    /// What a federation learns that is given the exported file alone, and what the evidence adds.
    private var seen: HTML {
        guard artefact != nil else { return "" }
        return """
            <div class="cards"><div class="card"><h3>Who is given the exported file alone sees</h3><ul><li>its content id, the \
            signer’s public key, and the root of the base;</li><li>the numbers that were learned;</li><li>the recipe’s digest: \
            \(guesses)</li></ul></div><div class="card"><h3>The evidence beside it adds</h3><ul><li>the corpus’s name and id, and how \
            many windows and tokens it has;</li><li>every option, every loss\(hasSecretSeed ? " as it was recorded" : ""), and when each step was made;</li><li>how the device \
            was while it trained, and the processor’s kernel path.</li></ul></div></div>
            """
    }
}
