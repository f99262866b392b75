internal import Audit
internal import Bytes
internal import Device
internal import Digest
internal import Foundation
internal import Training

/// What `events.jsonl` tells of the part of a run that a resumed one goes on from.
struct RunHistory {
    private(set) var steps: [StepRecord] = []
    private(set) var validations: [ValidationRecord] = []
    /// Sealed bytes checked in all, by step.
    private(set) var coverage: [(step: Int, checkedBytes: Int)] = []
    private(set) var peakResident = 0
    private(set) var peakAnonymous = 0
    /// A reading of the device for each set of sensors that it had; of the run's own sensors, no others.
    private(set) var devices: [DeviceReading] = []

    static let limit = AuditVerification.eventsLimit

    init() {}

    /// Takes the events up to `lastStep`; of a step told more than once, the last telling counts.
    ///
    /// Lines that cannot be read are passed over: events are for people, and the chain is the evidence.
    /// - Parameters:
    ///   - bytes: of `events.jsonl`.
    ///   - vouchedCount: how many of them, from the first on, a signed row of the chain vouches for: nothing of the rest
    ///     becomes part of the run's history. What the device said there still counts for how it is spared.
    ///   - passedOver: stretches of the file that an earlier resume did not believe.
    init(_ bytes: [UInt8], vouchedCount: Int, passedOver: [Range<Int>], lastStep: Int) {
        var stepEvents: [Int: JSONValue] = [:]
        var validationEvents: [Int: JSONValue] = [:]
        var devices: [String: JSONValue] = [:]
        var areOthers = false
        for line in bytes.split(separator: 0x0A) {
            guard let event = try? JSONValue.parse(Array(line)) else { continue }
            areOthers = event["other_sensors"]?.asBool ?? areOthers
            if !areOthers, let device = event["device"] { devices[Self.sensors(of: device)] = device }
            guard line.startIndex < vouchedCount, !passedOver.contains(where: { $0.contains(line.startIndex) }),
                let step = event["step"]?.asInt
            else { continue }
            switch event["event"]?.asString {
            case "step":
                stepEvents[step] = event
                peakResident = max(peakResident, event["peak_memory_bytes"]?.asInt ?? 0)
                peakAnonymous = max(peakAnonymous, event["anonymous_memory_bytes"]?.asInt ?? 0)
            case "validation": validationEvents[step] = event
            default: break
            }
        }
        self.devices = devices.values.compactMap { try? DeviceReading(json: Data($0.canonicalBytes)) }
        var tokens = 0
        var checked = 0
        for (step, event) in stepEvents.sorted(by: { $0.key < $1.key }) where step <= lastStep {
            let total = event["num_tokens"]?.asInt ?? tokens
            let speed = event["tokens_per_second"]?.asDouble ?? 0
            steps.append(
                StepRecord(
                    step: step, loss: event["loss"]?.asDouble ?? .nan,
                    learningRate: event["learning_rate"]?.asDouble ?? .nan,
                    gradientNorm: event["grad_norm"]?.asDouble ?? .nan, totalTokens: total, tokens: total - tokens,
                    seconds: speed > 0 ? Double(total - tokens) / speed : 0))
            tokens = total
            checked += event["seal_checked_bytes"]?.asInt ?? 0
            coverage.append((step, checked))
        }
        for (step, event) in validationEvents.sorted(by: { $0.key < $1.key }) where step <= lastStep {
            validations.append(
                ValidationRecord(
                    step: step, loss: event["loss"]?.asDouble ?? .nan, countedTokens: event["num_tokens"]?.asInt ?? 0,
                    isBest: event["best"]?.asBool ?? false))
        }
    }

    /// Which sensors a reading has, as a key: of temperatures each kind counts.
    private static func sensors(of device: JSONValue) -> String {
        let kinds = (device["temperatures"]?.asArray ?? []).compactMap { $0["kind"]?.asString }
        return kinds.sorted().joined(separator: " ") + (device["missing"]?.canonicalString ?? "")
    }
}
