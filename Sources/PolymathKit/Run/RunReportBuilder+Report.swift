internal import Adapter
internal import Audit
internal import Digest
internal import GGUF
internal import Seal

// From a run's files to what its report shows. Figures come from the chain's rows; the events add speed and memory.

extension RunReportBuilder {
    var report: RunReport {
        let base = record["base"]
        let corpus = record["corpus"]
        let baseName = base?["name"]?.asString ?? ""
        let corpusName = corpus?["name"]?.asString ?? ""
        var report = RunReport(
            title: "\(baseName) trained on \(corpusName)", run: chain.run, ended: chain.rows.last?.time ?? "",
            state: state, verdict: verdict, baseName: baseName, baseRoot: manifest.root, corpusName: corpusName,
            scope: record["recipe"]?["scope"]?.asString ?? "",
            recipe: chain.start["recipe"]?.asString.flatMap { SHA256Digest(hex: $0) } ?? AuditRow.origin,
            signer: chain.signer.fingerprint)
        report.started = chain.rows.first?.time ?? ""
        report.program = "polymath " + (record["version"]?.asString ?? "")
        report.isSynthetic = base?["synthetic_weights"]?.asBool == true
        report.baseFacts = baseFacts
        report.corpusFacts = corpusFacts
        report.recipeFacts = recipeFacts
        report.chainHead = chain.head
        report.sealedTensors = manifest.tensors.map {
            .init(
                name: $0.name, type: $0.typeName, dimensions: $0.dimensions.map { Int(clamping: $0) },
                digest: $0.digest.hex)
        }
        report.sealedByteCount = manifest.tensorByteCount
        report.coveredByteCount = chain.latest(RowKind.sealCheck)?["bytes"]?.asInt ?? manifest.tensorByteCount
        report.sealFacts = SealFacts(chain).sentences
        addHistory(to: &report)
        addCost(to: &report)
        report.timeline = timeline
        addResult(to: &report)
        report.commands = commands(artefact: report.artefact)
        return report
    }

    private var state: RunReport.State {
        if chain.status == .closed { return .closed }
        let seal = chain.rows.last { $0.kind == RowKind.sealViolation || $0.kind == RowKind.sealCheck }
        if let seal, seal.kind == RowKind.sealViolation { return .violated(violationFacts(seal)) }
        if case .paused(let step) = chain.status { return .paused(step: step) }
        return .open
    }

    private func violationFacts(_ row: AuditRow) -> [RunReport.Fact] {
        let body = row.body
        let kinds = [
            "tensor": "bytes of a tensor changed", "metadata": "sealed metadata changed",
            "header": "the file's header changed", "touched": "the file was written to, renamed or given other rights",
            "replaced": "the path leads to another file", "resized": "the file has another length",
            "missing": "the file can no longer be opened", "write_fault": "this program tried to write into the base",
            "bus_error": "a byte of the base could no longer be read",
            "derived": "what was kept of a tensor for later steps changed",
            "unknown_fault": "the run was cut off by a fault",
        ]
        let kind = body["kind"]?.asString ?? ""
        var facts = [RunReport.Fact("What", kinds[kind] ?? kind)]
        if let tensor = body["tensor"]?.asString { facts.append(.init("Tensor", tensor)) }
        if let file = body["file"]?.asString { facts.append(.init("File", file)) }
        if ["tensor", "metadata", "write_fault", "bus_error"].contains(kind) {
            facts.append(
                .init("Where", "\(Self.text(body["bytes"])) bytes at offset \(Self.text(body["fileOffset"]))"))
        }
        for (name, key) in [("Expected", "expected"), ("Found", "actual"), ("Reason", "reason")] {
            if let text = body[key]?.asString, !text.isEmpty { facts.append(.init(name, text)) }
        }
        let time = body["fault_time"]?.asString ?? row.time
        facts.append(.init("When", "\(time), after step \(Self.text(body["step"]))"))
        if let last = body["lastCompleteCheck"]?.asString { facts.append(.init("Last complete check", last)) }
        if let good = body["good_checkpoint"]?.asInt { facts.append(.init("Good checkpoint", "that of step \(good)")) }
        return facts
    }

    /// Losses, rolling checks and complete checks by step; what a resume went back behind is told once, as redone.
    private func addHistory(to report: inout RunReport) {
        var losses: [Int: Double] = [:]
        var validations: [Int: Double] = [:]
        var hashed: [Int: Int] = [:]
        var step = 0
        for row in chain.rows where !chain.isPassedOver(row) {
            let body = row.body
            let told = body["step"]?.asInt
            switch row.kind {
            case "step":
                guard let told else { continue }
                step = told
                losses[told] = Self.number(body["loss"])
                hashed[told] = body["seal_checked_bytes"]?.asInt ?? 0
            case "validation":
                if let told { validations[told] = Self.number(body["loss"]) }
            case RowKind.resume:
                step = body["from_step"]?.asInt ?? 0
                losses = losses.filter { $0.key <= step }
                hashed = hashed.filter { $0.key <= step }
                validations = validations.filter { $0.key <= step }
            case RowKind.sealCheck:
                report.completeChecks.append(
                    .init(occasion: body["occasion"]?.asString ?? "", step: step, time: row.time))
            case RowKind.checkpoint:
                report.completeChecks.append(.init(occasion: "checkpoint", step: told ?? step, time: row.time))
            default: break
            }
        }
        report.trainingLoss = Self.points(losses)
        report.validationLoss = Self.points(validations)
        var sum = 0
        report.rollingBytes = hashed.sorted { $0.key < $1.key }.map { step, bytes in
            sum += bytes
            return .init(step: step, value: Double(sum))
        }
    }

    private func addCost(to report: inout RunReport) {
        let steps = Set(report.trainingLoss.map(\.step))
        var resident: [Int: Double] = [:]
        var anonymous: [Int: Double] = [:]
        var speed: [Int: Double] = [:]
        for event in events where event["event"]?.asString == "step" {
            guard let step = event["step"]?.asInt, steps.contains(step) else { continue }
            resident[step] = event["peak_memory_bytes"]?.asDouble
            anonymous[step] = event["anonymous_memory_bytes"]?.asDouble
            speed[step] = event["tokens_per_second"]?.asDouble
        }
        report.residentMemory = Self.points(resident)
        report.anonymousMemory = Self.points(anonymous)
        report.speed = Self.points(speed)
    }

    private func addResult(to report: inout RunReport) {
        if let result = chain.latest("result"), chain.status == .closed {
            report.bestStep = result["best_step"]?.asInt
            report.frozenTensorCount = result["frozen_tensors"]?.asInt
            report.frozenChangeCount = result["frozen_changes"]?.asInt
            report.coverageBoundSteps = result["seal_coverage_bound_steps"]?.asInt
            report.sealCPUShare = Self.number(result["seal_cpu_share"])
            report.tokensPerSecond = Self.number(result["tokens_per_second"])
            report.seconds = Self.number(result["seconds"])
            report.peakMemoryBytes = result["peak_memory_bytes"]?.asInt
            report.anonymousMemoryBytes = result["anonymous_memory_bytes"]?.asInt
            if let before = Self.number(result["validation_loss_before"]),
                let after = Self.number(result["validation_loss_after"])
            {
                report.comparisons = [.init(name: "validation", lossBefore: before, lossAfter: after)]
            }
        }
        guard let export = chain.latest(RowKind.export), chain.status == .closed,
            let name = export["file"]?.asString,
            let contentID = export["content_id"]?.asString.flatMap({ SHA256Digest(hex: $0) })
        else { return }
        let file = name == "boundary.gguf" ? folder.boundaryFile : folder.adapterFile
        report.artefact = .init(
            name: name, contentID: contentID, byteCount: export["byte_count"]?.asInt ?? 0,
            inventory: (try? GGUFFile(path: file)).map(ExportInventory.init))
        // An adapter tells its deltas itself; of the boundary's tensors the chain does.
        let adapter = try? NormAdapter.read(path: folder.adapterFile)
        let deltas = Dictionary(
            (adapter?.deltas ?? []).map { ($0.name, $0.values) }, uniquingKeysWith: { first, _ in first })
        report.trainedTensors = (export["trained"]?.asArray ?? []).compactMap { entry in
            guard let name = entry["tensor"]?.asString, let told = Self.number(entry["update_norm"]),
                let base = Self.number(entry["base_norm"])
            else { return nil }
            let own = deltas[name].map { $0.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot() }
            let shape = (entry["shape"]?.asArray ?? []).compactMap(\.asInt)
            return .init(name: name, dimensions: shape, updateNorm: own ?? told, baseNorm: base)
        }
    }

    private static func points(_ values: [Int: Double]) -> [RunReport.Point] {
        values.sorted { $0.key < $1.key }.map { .init(step: $0.key, value: $0.value) }
    }

    /// A number of the chain, where fractions are strings.
    private static func number(_ value: JSONValue?) -> Double? {
        value?.asDouble ?? value?.asString.flatMap(Double.init)
    }

    private static func text(_ value: JSONValue?) -> String {
        value.map { $0.asString ?? $0.canonicalString } ?? "–"
    }
}

// MARK: - Identities

extension RunReportBuilder {
    private var baseFacts: [RunReport.Fact] {
        let base = record["base"]
        var facts: [RunReport.Fact] = []
        if let title = base?["title"]?.asString, !title.isEmpty { facts.append(.init("Title in the file", title)) }
        facts.append(.init("File", manifest.fileName))
        facts.append(.init("Architecture", base?["architecture"]?.asString ?? ""))
        if let shape = base?["shape"]?.asObject {
            let names = [
                ("layers", "layers"), ("embedding_length", "wide"), ("heads", "heads"), ("kv_heads", "KV heads"),
                ("vocabulary", "tokens in its vocabulary"),
            ]
            facts.append(
                .init(
                    "Shape",
                    names.compactMap { key, word in shape[key]?.asInt.map { "\($0) \(word)" } }.joined(separator: ", "))
            )
        }
        facts.append(.init("Tensors", "\(manifest.tensors.count), all sealed"))
        return facts
    }

    private var corpusFacts: [RunReport.Fact] {
        let corpus = record["corpus"]
        func count(_ key: String) -> String { Self.count(corpus?[key]) }
        return [
            .init("Corpus id (keyed digest)", corpus?["id"]?.asString ?? ""),
            .init(
                "Training windows",
                "\(count("training_windows")), of \(Self.count(record["recipe"]?["seq_len"])) tokens each"),
            .init("Validation windows", count("validation_windows")),
        ]
    }

    private static func count(_ value: JSONValue?) -> String { value?.asInt.map { String($0) } ?? "–" }

    private var recipeFacts: [RunReport.Fact] {
        let known = ["base_root", "corpus_id"]
        return (record["recipe"]?.asObject ?? [:]).filter { !known.contains($0.key) }.sorted { $0.key < $1.key }
            .map { key, value in
                .init(key.replacing("_", with: " "), value.asString ?? value.canonicalString)
            }
    }

    /// What a reader types to check the files, with this run's own names and digests.
    private func commands(artefact: RunReport.Artefact?) -> [RunReport.Command] {
        let request = record["request"]
        let base = Self.shellWord(request?["base"]?.asString ?? "BASE")
        let file = Self.shellWord(manifest.fileName)
        let signer = Self.shellWord(chain.signer.fingerprint)
        let text =
            request?["tokens"]?.asString.map { "--tokens " + Self.shellWord($0) }
            ?? request?["corpus"]?.asString.map { "--corpus " + Self.shellWord($0) } ?? "--corpus CORPUS"
        let secret = record["recipe"]?["seed_commitment"] != nil
        var commands = [
            RunReport.Command(
                "Audit chain, attestation, exported file and base: every check of this page and those left open here.",
                "polymath audit verify RUN --base \(base) --head \(chain.head.hex) --signer \(signer)"),
            RunReport.Command(
                "This page, made again from the files: it must be the same, byte for byte.",
                "polymath audit report RUN --out again.html && cmp again.html RUN/report.html"),
        ]
        if let artefact {
            commands.insert(
                .init(
                    "Replay: trains again from base and text, and says whether the same losses and the same file come out. "
                        + "It needs the text, and the same processor features and program version"
                        + (secret ? ", and of anybody but the owner the run's secret seed." : "."),
                    "polymath audit replay RUN --base \(base) \(text)" + (secret ? " --secret SEED" : "")), at: 1)
            commands.insert(
                .init(
                    "The exported file by itself: its form, its signature, and that it was made for this base.",
                    "polymath adapter verify --base \(base) --adapter RUN/\(artefact.name) --signer \(signer)"), at: 1)
            commands.insert(
                .init(
                    "The same two with a program that holds no trainer; it wants the base’s file.",
                    "polymath-verify audit verify RUN --base \(file) --head \(chain.head.hex) --signer \(signer)",
                    "polymath-verify adapter verify --base \(file) --adapter RUN/\(artefact.name) --signer \(signer)"),
                at: 2)
            commands.insert(
                .init(
                    "Without any tool of ours: it must print \(artefact.contentID.hex).",
                    "sha256sum RUN/\(artefact.name)"), at: 0)
        }
        return commands
    }

    /// A name as a shell takes it literally, whoever chose it.
    static func shellWord(_ name: String) -> String {
        let plain = name.unicodeScalars.allSatisfy {
            ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
                || "._-/:+".unicodeScalars.contains($0)
        }
        return plain && !name.isEmpty ? name : "'" + name.replacing("'", with: "'\\''") + "'"
    }
}
