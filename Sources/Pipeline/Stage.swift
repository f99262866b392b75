/// What a stage did, by its own account.
public struct StageFigures: Sendable {
    public internal(set) var name: String
    /// Pieces whose results were taken, and seconds that it computed for them.
    public internal(set) var pieceCount = 0
    public internal(set) var computeSeconds = 0.0
    /// Seconds from asking to taking; with several requests under way, from the last that was asked.
    public internal(set) var answerSeconds = 0.0
    /// The largest that its process reported; 0 where it reports nothing.
    public internal(set) var anonymousBytes = 0
    public internal(set) var residentBytes = 0
}

/// A coordinator's view of one stage.
struct Stage {
    var link: any StageLink
    var attempt = 0
    /// Pieces that were asked of it and not answered.
    var openCount = 0
    /// When it last said something, or was first asked after having answered everything.
    var lastHeard = ContinuousClock.now
    var lastAsked = ContinuousClock.now
    var figures: StageFigures

    init(link: any StageLink) {
        self.link = link
        figures = StageFigures(name: link.name)
    }

    var silence: Double { (ContinuousClock.now - lastHeard) / .seconds(1) }

    mutating func ask(_ work: StageWork) {
        lastAsked = .now
        if openCount == 0 { lastHeard = .now }
        openCount += 1
        link.send(.compute(work))
    }

    /// Gives the stage to somebody else.
    mutating func replace(by link: any StageLink, attempt: Int) {
        self.link.send(.close)
        self.link = link
        self.attempt = attempt
        openCount = 0
        lastHeard = .now
        figures.name = link.name
    }
}
