import Digest
import PolymathKit
import Testing

@Suite struct LossRecordTests {
    @Test(arguments: [
        (5.032681236742064, 5.03), (0.6134999, 0.613), (0.0123456, 0.012), (0.0004, 0), (12.345, 12.3), (1234.5, 1230),
        (9.999, 10), (-4.5678, -4.57), (0, 0), (1, 1),
    ])
    func `three digits, and never more than three after the point`(value: Double, recorded: Double) {
        #expect(LossRecord.rounded.recorded(value) == recorded)
        #expect(LossRecord.rounded.digits(value) == "\(recorded)")
        #expect(LossRecord.whole.recorded(value) == value)
    }

    @Test func `what is no number stays none`() {
        #expect(LossRecord.rounded.recorded(Double.nan).isNaN && LossRecord.rounded.recorded(.infinity) == .infinity)
        #expect(LossRecord.rounded.recorded(nil) == nil)
    }

    @Test func `of an event the losses are rounded, and nothing else`() {
        let event: [String: JSONValue] = [
            "loss": .number(5.032681), "grad_norm": .number(0.61349), "perplexity": .number(153.34361),
            "tokens_per_second": .number(123.456), "step": 7,
        ]
        #expect(
            LossRecord.rounded.recorded(event) == [
                "loss": .number(5.03), "grad_norm": .number(0.613), "perplexity": .number(153),
                "tokens_per_second": .number(123.456), "step": 7,
            ])
        #expect(LossRecord.whole.recorded(event) == event)
    }
}
