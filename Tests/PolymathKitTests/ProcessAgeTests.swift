import Device
import Foundation
import Testing

@Suite struct ProcessAgeTests {
    @Test func `the start is read behind a name that holds parentheses and spaces`() {
        let fields = (3...52).map(String.init).joined(separator: " ")
        #expect(ProcessAge.startTicks("4711 (a) b (c)) \(fields)\n") == 22)
        #expect(ProcessAge.startTicks("4711 (polymath) S 1 2") == nil)
        #expect(ProcessAge.startTicks("") == nil)
    }

    @Test func `a process grows older`() throws {
        let first = try #require(ProcessAge.seconds, "this system does not tell when a process began")
        Thread.sleep(forTimeInterval: 0.03)
        let second = try #require(ProcessAge.seconds)
        #expect(first > 0 && second >= first + 0.03 && first < 1e6)
    }
}
