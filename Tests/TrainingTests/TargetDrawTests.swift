import Digest
import Model
import Testing
import Training

@Suite struct TargetDrawTests {
    private let window = TokenWindow(
        inputs: (0..<128).map { Int32($0) }, targets: (1...128).map { Int32($0) }, counted: (0..<128).map { $0 != 3 })

    private func draw(_ share: Double, _ step: Int = 0, _ place: Int = 0, seed: RandomSeed = 4) -> [Bool] {
        TargetDraw(seed: seed, share: share).draw(window, step: step, place: place).counted
    }

    @Test func `without a share nothing is left out`() { #expect(draw(0) == window.counted) }

    @Test func `the share is left out, another part of it at each visit, and nothing is counted that did not count`() {
        let draws = (0..<100).map { draw(0.25, $0) }
        let counted = draws.joined().count { $0 }
        #expect(abs(Double(counted) / 12_700 - 0.75) < 0.02)
        #expect(Set(draws).count == 100 && draws.allSatisfy { !$0[3] })
        #expect(draw(0.25, 0, 1) != draws[0] && draw(0.25, seed: 5) != draws[0] && draw(0.25) == draws[0])
    }

    @Test func `a short text leaves out most, a long one little`() {
        #expect(TrainingOptions.leftOutShare(targets: 512) == 0.5 && TrainingOptions.leftOutShare(targets: 1) < 1)
        #expect(abs(TrainingOptions.leftOutShare(targets: 256) - 2.0 / 3) < 1e-12)
        #expect(TrainingOptions.leftOutShare(targets: 12_000) < 0.041)
    }

    @Test func `a window keeps a target`() {
        let one = TokenWindow(inputs: [1, 2], targets: [2, 3], counted: [false, true])
        let draw = TargetDraw(seed: 1, share: 0.9)
        #expect((0..<50).allSatisfy { draw.draw(one, step: $0, place: 0).counted == [false, true] })
    }
}
