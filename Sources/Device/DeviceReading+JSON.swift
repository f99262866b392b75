package import Foundation

// A reading as events and traces hold it: one flat object, null for what the device did not say.
//
//     {"battery_level":0.81,"energy_joules":null,"external_power":true,"frequency_cap":1,"frequency_mhz":2400,
//      "has_battery":true,"memory_pressure_full":0,"memory_pressure_some":0.5,"minute_of_day":812,
//      "missing":["energy","user_presence"],"seconds":123.4,
//      "temperatures":[{"celsius":51,"kind":"processor","limit":95,"sensor":"x86_pkg_temp"}],
//      "throttle_events":0,"user_present":null}

extension DeviceReading {
    /// The reading as one line of canonical order; every number is finite.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Nothing in it is of a type or value that cannot be encoded.
        return (try? encoder.encode(Record(self))).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// Reads what ``json`` wrote.
    ///
    /// - Throws: `DeviceTraceError.value` for what no device can say, `DecodingError` for another form.
    package init(json: Data) throws {
        self = try JSONDecoder().decode(Record.self, from: json).reading()
    }
}

/// A trace's line that is an event of a run, with a reading in it.
struct EventWithReading: Decodable {
    let device: DeviceReading.Record?
}

extension DeviceReading {
    struct Record: Codable {
        private let seconds: Double
        private let minuteOfDay: Int?
        private let hasBattery: Bool?
        private let batteryLevel: Double?
        private let externalPower: Bool?
        private let temperatures: [Temperature.Record]
        private let frequency: Double?
        private let frequencyCap: Double?
        private let throttleEvents: Int?
        private let memoryPressureSome: Double?
        private let memoryPressureFull: Double?
        private let userPresent: Bool?
        private let energyJoules: Double?

        enum CodingKeys: String, CodingKey {
            case seconds, temperatures, missing
            case minuteOfDay = "minute_of_day"
            case hasBattery = "has_battery"
            case batteryLevel = "battery_level"
            case externalPower = "external_power"
            case frequency = "frequency_mhz"
            case frequencyCap = "frequency_cap"
            case throttleEvents = "throttle_events"
            case memoryPressureSome = "memory_pressure_some"
            case memoryPressureFull = "memory_pressure_full"
            case userPresent = "user_present"
            case energyJoules = "energy_joules"
        }

        init(_ reading: DeviceReading) {
            func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }
            seconds = finite(reading.seconds) ?? 0
            minuteOfDay = reading.minuteOfDay
            hasBattery = reading.power.map { $0 != .mains }
            batteryLevel = finite(reading.battery?.level)
            externalPower = reading.battery?.isExternallyPowered
            temperatures = reading.temperatures.filter(\.celsius.isFinite).map {
                .init(kind: $0.kind.rawValue, sensor: $0.sensor, celsius: $0.celsius, limit: finite($0.limit))
            }
            frequency = finite(reading.frequency?.megahertz)
            frequencyCap = finite(reading.frequency?.cap)
            throttleEvents = reading.frequency?.throttleEvents
            memoryPressureSome = finite(reading.memoryPressure?.some)
            memoryPressureFull = finite(reading.memoryPressure?.full)
            userPresent = reading.userIsPresent
            energyJoules = finite(reading.energyJoules)
        }

        init(from decoder: any Decoder) throws {
            let record = try decoder.container(keyedBy: CodingKeys.self)
            seconds = try record.decode(Double.self, forKey: .seconds)
            minuteOfDay = try record.decodeIfPresent(Int.self, forKey: .minuteOfDay)
            hasBattery = try record.decodeIfPresent(Bool.self, forKey: .hasBattery)
            batteryLevel = try record.decodeIfPresent(Double.self, forKey: .batteryLevel)
            externalPower = try record.decodeIfPresent(Bool.self, forKey: .externalPower)
            temperatures = try record.decodeIfPresent([Temperature.Record].self, forKey: .temperatures) ?? []
            frequency = try record.decodeIfPresent(Double.self, forKey: .frequency)
            frequencyCap = try record.decodeIfPresent(Double.self, forKey: .frequencyCap)
            throttleEvents = try record.decodeIfPresent(Int.self, forKey: .throttleEvents)
            memoryPressureSome = try record.decodeIfPresent(Double.self, forKey: .memoryPressureSome)
            memoryPressureFull = try record.decodeIfPresent(Double.self, forKey: .memoryPressureFull)
            userPresent = try record.decodeIfPresent(Bool.self, forKey: .userPresent)
            energyJoules = try record.decodeIfPresent(Double.self, forKey: .energyJoules)
        }

        /// Every member is written, null where there is nothing.
        func encode(to encoder: any Encoder) throws {
            var record = encoder.container(keyedBy: CodingKeys.self)
            try record.encode(seconds, forKey: .seconds)
            try record.encode(minuteOfDay, forKey: .minuteOfDay)
            try record.encode(hasBattery, forKey: .hasBattery)
            try record.encode(batteryLevel, forKey: .batteryLevel)
            try record.encode(externalPower, forKey: .externalPower)
            try record.encode(temperatures, forKey: .temperatures)
            try record.encode(frequency, forKey: .frequency)
            try record.encode(frequencyCap, forKey: .frequencyCap)
            try record.encode(throttleEvents, forKey: .throttleEvents)
            try record.encode(memoryPressureSome, forKey: .memoryPressureSome)
            try record.encode(memoryPressureFull, forKey: .memoryPressureFull)
            try record.encode(userPresent, forKey: .userPresent)
            try record.encode(energyJoules, forKey: .energyJoules)
            let missing = (try? reading())?.missing.map(\.rawValue).sorted()
            try record.encode(missing ?? [], forKey: .missing)
        }

        /// - Throws: `DeviceTraceError.value` for what no device can say.
        func reading() throws -> DeviceReading {
            func checked(_ value: Double?, _ key: CodingKeys, _ range: ClosedRange<Double>) throws -> Double? {
                guard let value, !range.contains(value) else { return value }
                throw DeviceTraceError.value(name: key.rawValue)
            }
            var reading = DeviceReading(seconds: try checked(seconds, .seconds, -1e12...1e12) ?? 0)
            reading.minuteOfDay = try checked(minuteOfDay.map(Double.init), .minuteOfDay, 0...1439).map { Int($0) }
            let level = try checked(batteryLevel, .batteryLevel, 0...1)
            switch hasBattery {
            case true?: reading.power = .battery(.init(level: level, isExternallyPowered: externalPower))
            case false?: reading.power = .mains
            case nil: reading.power = nil
            }
            for temperature in temperatures {
                guard let kind = Temperature.Kind(rawValue: temperature.kind) else {
                    throw DeviceTraceError.value(name: "kind")
                }
                let celsius = try checked(temperature.celsius, .temperatures, -50...200) ?? 0
                let limit = try checked(temperature.limit, .temperatures, -50...200)
                reading.temperatures.append(.init(kind, sensor: temperature.sensor, celsius: celsius, limit: limit))
            }
            if let frequency = try checked(frequency, .frequency, 0...1e6) {
                let cap = try checked(frequencyCap, .frequencyCap, 0...1)
                reading.frequency = .init(megahertz: frequency, cap: cap, throttleEvents: throttleEvents)
            }
            if let some = try checked(memoryPressureSome, .memoryPressureSome, 0...100) {
                let full = try checked(memoryPressureFull, .memoryPressureFull, 0...100) ?? 0
                reading.memoryPressure = .init(some: some, full: full)
            }
            reading.userIsPresent = userPresent
            reading.energyJoules = try checked(energyJoules, .energyJoules, 0...1e18)
            return reading
        }
    }
}

extension DeviceReading.Temperature {
    struct Record: Codable {
        let kind: String
        let sensor: String
        let celsius: Double
        let limit: Double?

        enum CodingKeys: CodingKey { case kind, sensor, celsius, limit }

        init(kind: String, sensor: String, celsius: Double, limit: Double?) {
            self.kind = kind
            self.sensor = sensor
            self.celsius = celsius
            self.limit = limit
        }

        func encode(to encoder: any Encoder) throws {
            var record = encoder.container(keyedBy: CodingKeys.self)
            try record.encode(kind, forKey: .kind)
            try record.encode(sensor, forKey: .sensor)
            try record.encode(celsius, forKey: .celsius)
            try record.encode(limit, forKey: .limit)
        }
    }
}
