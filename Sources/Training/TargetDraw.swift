package import Digest
package import Model

/// Leaves a random share of a window's targets out of a step, another one at every visit.
///
/// With a secret seed this is what keeps a training from being made again. The order of a few windows can be tried through
/// (two windows in three passes have eight), which targets counted cannot: one bit each at every visit. And what was learned
/// differs from draw to draw by more than a few other words in the text would make it differ.
package struct TargetDraw {
    let seed: RandomSeed
    /// Chance of each target to be left out, from 0 to below 1.
    let share: Double

    package init(seed: RandomSeed, share: Double) {
        self.seed = seed
        self.share = share
    }

    /// `window` with the targets that count in this step.
    ///
    /// - Parameters:
    ///   - step: from 0.
    ///   - place: of the window in the step's batch, from 0.
    /// - Returns: the whole window where the draw would leave no target.
    package func draw(_ window: TokenWindow, step: Int, place: Int) -> TokenWindow {
        guard share > 0 else { return window }
        var random = CounterRandom(of: seed, purpose: "left out \(place)", step: UInt64(step))
        // Drawn for every target, so that a mask moves no other target's number.
        let counted = window.counted.map { isCounted in random.nextDouble() >= share && isCounted }
        guard counted.contains(true) else { return window }
        return TokenWindow(inputs: window.inputs, targets: window.targets, counted: counted)
    }
}

extension TrainingOptions {
    /// Targets that a pass over a long text leaves out.
    static let leftOutTargets = 512.0

    /// Share of the targets that a run with a secret seed leaves out at each visit: c / (N + c), c = 512
    /// (Documentation/Decisions/0012). A long text loses little; in a short one the draw says more than any few of its words.
    ///
    /// - Parameter targets: N, counted targets of the training windows.
    public static func leftOutShare(targets: Int) -> Double {
        leftOutTargets / (Double(targets) + leftOutTargets)
    }
}
