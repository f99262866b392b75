package import Digest
internal import Foundation

/// How exactly a run's folder tells losses and gradient norms.
///
/// A loss with all its digits confirms a guess of the text as well as the adapter does: whoever guesses computes the loss of
/// the guess and compares. Three digits say how well a run went, and leave many texts that would have given them.
public enum LossRecord: String, CaseIterable, Sendable {
    /// Three significant digits, and never more than three after the point.
    case rounded
    case whole

    /// What is written of `value`: nothing finer than its third digit and a thousandth.
    package func recorded(_ value: Double) -> Double {
        guard self == .rounded, value.isFinite, value != 0 else { return value }
        // The first digit stands at 10^place.
        let place = Int(floor(log10(abs(value))))
        let decimals = min(3, 2 - place)
        let text = String(format: "%.\(max(0, decimals))f", value)
        guard decimals < 0 else { return Double(text) ?? value }
        let unit = pow(10, Double(-decimals))
        return (value / unit).rounded() * unit
    }

    package func recorded(_ value: Double?) -> Double? { value.map { recorded($0) } }

    /// The digits that a row of the chain holds.
    package func digits(_ value: Double) -> String { "\(recorded(value))" }

    /// An event's members with every loss as it is recorded.
    package func recorded(_ members: [String: JSONValue]) -> [String: JSONValue] {
        guard self == .rounded else { return members }
        var members = members
        for name in Self.members {
            if let value = members[name]?.asDouble { members[name] = .measured(recorded(value)) }
        }
        return members
    }

    /// Members of events that tell a loss, or what follows from one.
    private static let members = [
        "loss", "perplexity", "grad_norm", "validation_loss_before", "validation_loss_after", "validation_loss_last",
        "validation_perplexity_before", "validation_perplexity_after", "first_batch_loss_after",
    ]
}
