import Audit
import Conventions
import Digest
import Foundation
import PolymathKit
import TestSupport
import Testing

/// A replay as an app that embeds this library runs it.
@Suite struct ReplayRunTests {
    let folder = TemporaryFolder()

    private final class Silent: RunListener {
        func event(_ name: String, _ members: [String: JSONValue]) {}
        func progress(_ title: String, done: Int, of total: Int) {}
    }

    private func train() throws {
        var request = TrainingRequest(base: Repository.reference("qwen2-tied-f32.gguf"))
        request.tokens = Repository.reference("tokens.json")
        request.steps = 2
        request.sequenceLength = 8
        request.validationFraction = 0
        request.identityPath = folder.path("identity.pem")
        request.out = folder.path("run")
        _ = try TrainingRun(request, home: Home(root: folder.path), listener: Silent()).run()
    }

    private func replay(stop: StopRequest = StopRequest()) throws -> ReplayRun {
        try FileManager.default.createDirectory(atPath: folder.path("scratch"), withIntermediateDirectories: true)
        var replay = ReplayRun(
            folder: folder.path("run"), home: Home(root: folder.path), listener: Silent(), stop: stop)
        replay.temporaryFolder = folder.path("scratch")
        return replay
    }

    private func leftOver() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path("scratch"))
    }

    @Test func `a replay passes on its ground and leaves nothing behind`() throws {
        try train()
        let verdict = try replay().run()
        #expect(verdict.isPassed)
        #expect(verdict.checks.filter { $0.ground == .replay }.map(\.name) == ["losses", "outcome"])
        #expect(try leftOver() == [])
    }

    @Test func `a stopped replay says that nothing was decided and leaves nothing behind`() throws {
        try train()
        let stop = StopRequest()
        stop.stop(signal: 15)
        let replay = try replay(stop: stop)
        let error = #expect(throws: ReplayError.self) { try replay.run() }
        #expect(error?.exitStatus == .signal(15))
        #expect(error?.description.hasSuffix("nothing was decided about the run.") == true)
        #expect(try leftOver() == [])
    }
}
