internal import Bytes
internal import Digest
internal import Model

// The content-addressed wait: what an arrival must be to be taken, and what happens when none comes.

extension PipelineCoordinator {
    /// Takes an arrival or sets it aside.
    ///
    /// - Returns: a journey that has come to its end, and the logits that it came to.
    func handle(_ arrival: Arrival) throws -> (Journey, [Float])? {
        let index = arrival.stage
        let isCurrent = arrival.attempt == stages[index].attempt
        switch arrival.content {
        case .lost(let reason):
            if isCurrent { try replace(index, reason: reason) }
            return nil
        case .contribution(let contribution):
            if isCurrent { stages[index].lastHeard = .now }
            if let reason = policy.takesAnything ? misfit(contribution) : try judge(contribution, from: arrival) {
                setAside[reason, default: 0] += 1
                // Whoever sent it now has another state than the one asked for, and will never send the right one.
                if isCurrent, reason.isFatal, !policy.takesAnything {
                    try replace(index, reason: "its contribution was \(reason.rawValue)")
                }
                return nil
            }
            if isCurrent { stages[index].openCount -= 1 }
            guard let journey = journeys[contribution.request], !contribution.payload.isEmpty else { return nil }
            return try take(contribution, journey)
        }
    }

    /// Why a contribution is not the awaited one; nil when it is.
    private func judge(_ contribution: Contribution, from arrival: Arrival) throws -> SetAside? {
        guard contribution.stage == arrival.stage, contribution.attempt == arrival.attempt else { return .misaddressed }
        let stage = arrival.stage
        guard arrival.attempt == stages[stage].attempt else { return .olderAttempt }
        guard let journey = journeys[contribution.request] else { return .noRequest }
        let known = journey.pieces[stage]
        // Replays, too, may overtake each other.
        if let place = journey.replays[stage]?.firstIndex(where: { known[$0].position == contribution.position }),
            let index = journey.replays[stage]?.remove(at: place)
        {
            guard matches(contribution, known[index]), contribution.payload.isEmpty else { return .otherInput }
            guard contribution.output == known[index].output else {
                throw PipelineError.spareDiffers(stage: "\(roles[stage])", position: contribution.position)
            }
            return nil
        }
        guard journey.stage == stage, let piece = journey.awaited, piece.position == contribution.position else {
            let isKnown = contribution.position < journey.position || journey.stage > stage
            return isKnown || known.contains { $0.position == contribution.position } ? .duplicated : .unasked
        }
        guard matches(contribution, piece) else { return .otherInput }
        guard contribution.payload.count == resultByteCount(stage, rowCount: piece.rowCount),
            SHA256Digest.of(contribution.payload) == contribution.output
        else { return .otherOutput }
        return nil
    }

    private func matches(_ contribution: Contribution, _ piece: Journey.Piece) -> Bool {
        contribution.rowCount == piece.rowCount && contribution.input == piece.input
            && contribution.history == piece.history
    }

    /// All that is asked of a contribution where digests are not read: that there is use for something of its size.
    private func misfit(_ contribution: Contribution) -> SetAside? {
        guard let journey = journeys[contribution.request] else { return .noRequest }
        guard journey.stage == contribution.stage, let piece = journey.awaited else { return .unasked }
        let size = resultByteCount(journey.stage, rowCount: piece.rowCount)
        return contribution.payload.count == size ? nil : .otherOutput
    }

    private func resultByteCount(_ stage: Int, rowCount: Int) -> Int {
        roles[stage] == .head ? configuration.vocabularySize * 4 : rowCount * configuration.embeddingLength * 4
    }

    private func take(_ contribution: Contribution, _ journey: Journey) throws -> (Journey, [Float])? {
        let stage = journey.stage
        journey.settle(output: contribution.output)
        stages[stage].figures.pieceCount += 1
        stages[stage].figures.computeSeconds += contribution.seconds
        stages[stage].figures.answerSeconds += (ContinuousClock.now - stages[stage].lastAsked) / .seconds(1)
        stages[stage].figures.anonymousBytes = max(stages[stage].figures.anonymousBytes, contribution.anonymousBytes)
        stages[stage].figures.residentBytes = max(stages[stage].figures.residentBytes, contribution.residentBytes)
        if roles[stage] == .head {
            journey.outcome.add(logits: contribution.output)
            var cursor = ByteCursor(ByteRegion(contribution.payload))
            var logits: [Float] = []
            logits.reserveCapacity(configuration.vocabularySize)
            for _ in 0..<configuration.vocabularySize { logits.append(try cursor.readFloat32()) }
            return (journey, logits)
        }
        let next = roles[stage + 1]
        let rowByteCount = configuration.embeddingLength * 4
        // The logits of the last row alone are wanted.
        let payload = next == .head ? Array(contribution.payload.suffix(rowByteCount)) : contribution.payload
        journey.advance(payload, rowCount: payload.count / rowByteCount, remembers: next.remembers)
        ask(journey)
        return nil
    }

    // MARK: Silence and loss

    /// Seconds until the first stage has been silent for too long; nil while nothing is asked of anybody.
    var secondsUntilSilence: Double? {
        stages.filter { $0.openCount > 0 }.map { policy.patience - ($0.silence) }.min()
    }

    /// Replaces every stage that has been silent for too long.
    func replaceSilent() throws {
        for index in stages.indices where stages[index].openCount > 0 && stages[index].silence >= policy.patience {
            try replace(index, reason: "it was silent for \(policy.patience) seconds")
        }
    }

    /// Gives a stage's layers to somebody else, who computes the kept pieces again, and asks for what was awaited.
    private func replace(_ index: Int, reason: String) throws {
        let attempt = stages[index].attempt + 1
        stages[index].replace(by: try link(index, attempt: attempt, reason: reason), attempt: attempt)
        var replayed = 0
        for journey in journeys.values.sorted(by: { $0.index < $1.index }) {
            journey.replays[index] = nil
            guard roles[index].remembers || journey.stage == index else { continue }
            let done = journey.pieces[index].indices.filter {
                roles[index].remembers && journey.pieces[index][$0].output != nil
            }
            journey.replays[index] = done
            for piece in done {
                stages[index].ask(
                    journey.work(journey.pieces[index][piece], stage: index, attempt: attempt, isReplay: true))
            }
            replayed += done.count
            if journey.stage == index { ask(journey) }
        }
        replacements.append(Replacement(stage: index, reason: reason, replayedCount: replayed))
    }

    func link(_ index: Int, attempt: Int, reason: String) throws -> any StageLink {
        let mailbox = mailbox
        let link = try source.link(stage: index, role: roles[index], attempt: attempt) { mailbox.put($0) }
        guard let link else { throw PipelineError.noSpare(stage: "\(roles[index])", reason: reason) }
        return link
    }
}
