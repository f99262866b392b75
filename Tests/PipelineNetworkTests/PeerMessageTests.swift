import Digest
import Pipeline
import PipelineNetwork
import TestSupport
import Testing

@Suite struct PeerMessageTests {
    static let work = StageWork(
        request: .of([1]), stage: 3, attempt: 2, position: 17, rowCount: 4, capacity: 64, isReplay: true,
        payload: [1, 2, 3])
    static let contribution = Contribution(
        request: .of([1]), stage: 3, attempt: 2, position: 17, rowCount: 4, input: .of([2]), history: .of([3]),
        output: .of([4]), seconds: 0.25, anonymousBytes: 5_000, residentBytes: 1 << 33, payload: [9, 8])
    static let all: [PeerMessage] = [
        .open(layers: 3..<5, stage: 2, arithmetic: .f32), .opened(fingerprint: .of([5])), .compute(work),
        .contribution(contribution), .forget(.of([6])), .refusal("No."), .refusal(""),
    ]

    private func parse(_ frame: [UInt8]) throws -> PeerMessage {
        try PeerMessage(kind: frame[4], body: Array(frame[5...]))
    }

    @Test(arguments: all.indices) func `a frame holds its length, its kind and what was put in`(index: Int) throws {
        let frame = Self.all[index].frame
        #expect(frame[..<4].reversed().reduce(0) { $0 << 8 | Int($1) } == frame.count - 5)
        #expect(try parse(frame) == Self.all[index])
    }

    @Test func `a body that is cut anywhere is refused`() throws {
        for message in Self.all[..<5] {
            let frame = message.frame
            // Payloads have no length of their own: what is before them must be whole.
            let payload = [Self.work.payload.count, Self.contribution.payload.count]
            let least: Int =
                switch message {
                case .compute: frame.count - payload[0]
                case .contribution: frame.count - payload[1]
                default: frame.count
                }
            for count in 5..<least {
                #expect(throws: PeerMessage.Malformed.self) { try parse(Array(frame[..<count])) }
            }
        }
    }

    @Test func `what no side says is refused`() throws {
        func isRefused(_ kind: UInt8, _ body: [UInt8]) -> Bool { (try? PeerMessage(kind: kind, body: body)) == nil }
        #expect(isRefused(0, []) && isRefused(7, []) && isRefused(255, [1]))
        for message: PeerMessage in [.opened(fingerprint: .of([5])), .forget(.of([6]))] {
            #expect(isRefused(message.frame[4], Array(message.frame[5...]) + [0]))
        }
        let open = Array(PeerMessage.open(layers: 3..<5, stage: 2, arithmetic: .f32).frame[5...])
        #expect(!isRefused(1, open))
        for (place, byte) in [(0, 2), (4, 9), (8, 2), (10, 1), (16, 0xFF)] as [(Int, UInt8)] {
            var bad = open
            bad[place] = byte
            #expect(isRefused(1, bad), "byte \(place)")
        }
        var work = Array(PeerMessage.compute(Self.work).frame[5...])
        work[52] = 2
        #expect(isRefused(3, work))
        #expect(isRefused(6, [UInt8](repeating: 65, count: 1_025)))
    }

    @Test func `no bytes at all make reading trap`() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<3_000 {
            let kind = UInt8(random.next() % 8)
            let body = (0..<Int(random.next() % 220)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            _ = try? PeerMessage(kind: kind, body: body)
        }
    }
}

@Suite struct StageListTests {
    static let key = "SHA256:" + String(repeating: "0a", count: 32)

    @Test func `lines name layers, address and key; the same layers again are spares`() throws {
        let list = try StageList(
            """
            # who lends what
            layers 2..3 127.0.0.1:7000 \(Self.key)   # the phone

            layers 2..3 [::1]:7001 \(Self.key)
            \tlayers 5..5 a.example:1 \(Self.key)
            """, path: "list")
        #expect(list.entries.map(\.layers) == [2..<4, 2..<4, 5..<6])
        #expect(list.entries.map(\.address.host) == ["127.0.0.1", "::1", "a.example"])
        #expect(list.entries.map(\.address.port) == [7_000, 7_001, 1])
        #expect(
            try list.roles(layerCount: 7) == [
                .embedding, .layers(0..<2), .layers(2..<4), .layers(4..<5), .layers(5..<6), .layers(6..<7), .head,
            ])
        #expect(throws: PipelineError.self) { try list.roles(layerCount: 5) }
        #expect(try StageList("", path: "").roles(layerCount: 2) == [.embedding, .layers(0..<2), .head])
    }

    @Test(arguments: [
        "layer 2..3 h:1 KEY", "layers 2..3 h:1", "layers 2..3 h:1 KEY more", "layers 3..2 h:1 KEY",
        "layers 2-3 h:1 KEY", "layers -1..3 h:1 KEY", "layers 2..99999 h:1 KEY", "layers 2..3 h KEY",
        "layers 2..3 h:65536 KEY", "layers 2..3 :1 KEY", "layers 2..3 h:1 SHA256:00", "layers 2..3 h:1 KEYA",
        "layers 0..0 h:1 KEY\nlayers 1..2 h:1 KEY\nlayers 2..3 h:1 KEY",
    ])
    func `a line that names no stage is told by its number`(text: String) throws {
        let error = try #require(throws: PeerError.self) {
            try StageList(text.replacing("KEY", with: Self.key), path: "list")
        }
        guard case .badLine(_, let line, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(line == text.split(separator: "\n").count)
    }
}
