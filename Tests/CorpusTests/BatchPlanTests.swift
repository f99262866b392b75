import Corpus
import Testing

@Suite struct BatchPlanTests {
    @Test func `without shuffle step s takes windows s times B and on, modulo n`() {
        let plan = BatchPlan(windowCount: 5, batchSize: 2)
        #expect((0..<5).map(plan.windows(step:)) == [[0, 1], [2, 3], [4, 0], [1, 2], [3, 4]])
        #expect(BatchPlan(windowCount: 2, batchSize: 5).windows(step: 1) == [1, 0, 1, 0, 1])
        #expect(plan.stepsPerEpoch == 3 && plan.steps(forEpochs: 2) == 5 && plan.steps(forEpochs: 0) == 0)
        #expect(plan.steps(forEpochs: .max) == nil)
    }

    @Test func `with shuffle every epoch has each window once, in an order of its own`() {
        let plan = BatchPlan(windowCount: 30, batchSize: 4, shuffleSeed: 7)
        let places = (0..<15).flatMap(plan.windows(step:))
        let first = Array(places[..<30])
        let second = Array(places[30...])
        #expect(first.sorted() == Array(0..<30) && second.sorted() == Array(0..<30))
        #expect(first != second && first != Array(0..<30))
    }

    @Test func `the order depends on the seed and on nothing else`() {
        func places(_ seed: UInt64) -> [[Int]] {
            let plan = BatchPlan(windowCount: 9, batchSize: 2, shuffleSeed: .number(seed))
            return (0..<9).map(plan.windows(step:))
        }
        #expect(places(1) == places(1))
        #expect(places(1) != places(2))
    }

    @Test func `the shuffle is the same on every machine and in every version`() {
        let plan = BatchPlan(windowCount: 8, batchSize: 8, shuffleSeed: 42)
        #expect(plan.windows(step: 0) == [1, 6, 2, 3, 7, 0, 5, 4])
        #expect(plan.windows(step: 1) == [5, 0, 1, 4, 2, 6, 7, 3])
    }
}
