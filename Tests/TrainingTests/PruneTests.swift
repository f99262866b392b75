import Foundation
import TestSupport
import Testing
import Training

@Suite struct PruneTests {
    let folder = TemporaryFolder()
    var store: CheckpointStore { CheckpointStore(folder: folder.path) }

    private func make(_ steps: [Int]) throws {
        for step in steps {
            try FileManager.default.createDirectory(
                atPath: store.path(ofStep: step), withIntermediateDirectories: true)
        }
    }

    @Test func `the newest good checkpoints stay, however many newer ones were never checked`() throws {
        try make([2, 4, 5, 6, 8, 9])
        try store.prune(good: [2, 4, 5])
        #expect(store.steps == [4, 5])
        try store.prune(keeping: 1, good: [4])
        #expect(store.steps == [4])
    }

    @Test func `where nothing is said of goodness the newest two stay`() throws {
        try make([1, 2, 3])
        try store.prune()
        #expect(store.steps == [2, 3])
    }
}
