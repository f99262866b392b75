import PolymathKit
import Testing

@Suite struct BootstrapTests {
    @Test func `equal losses give an interval of no width`() throws {
        let bootstrap = Bootstrap(windowSizes: [3, 2, 4], resamples: 100, seed: 1)
        let interval = try #require(bootstrap.interval(of: Array(repeating: 2, count: 9)))
        #expect(interval == 2...2)
    }

    @Test func `the interval holds the mean and is the same for the same seed`() throws {
        let sizes = Array(repeating: 8, count: 40)
        let losses = (0..<320).map { Float($0 * 37 % 101) / 50 }
        let mean = losses.reduce(0.0) { $0 + Double($1) } / 320
        let first = try #require(Bootstrap(windowSizes: sizes, resamples: 500, seed: 7).interval(of: losses))
        #expect(first.contains(mean))
        #expect(first.upperBound > first.lowerBound)
        #expect(Bootstrap(windowSizes: sizes, resamples: 500, seed: 7).interval(of: losses) == first)
        #expect(Bootstrap(windowSizes: sizes, resamples: 500, seed: 8).interval(of: losses) != first)
    }

    @Test func `a constant difference is found exactly`() throws {
        let losses = (0..<60).map { Float($0 % 7) }
        let bootstrap = Bootstrap(windowSizes: Array(repeating: 6, count: 10), resamples: 200, seed: 3)
        let interval = try #require(bootstrap.interval(of: losses.map { $0 - 0.5 }, minus: losses))
        #expect(interval == -0.5...(-0.5))
    }

    @Test func `losses that do not fit the windows give nothing`() {
        #expect(Bootstrap(windowSizes: [3], resamples: 10, seed: 0).interval(of: [1, 2]) == nil)
        #expect(Bootstrap(windowSizes: [], resamples: 10, seed: 0).interval(of: []) == nil)
    }
}
