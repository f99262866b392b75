internal import Digest

/// How a bet is run. One file per bet, named like its claim.
public protocol Experiment: Sendable {
    /// ``BetClaim/name``.
    static var name: String { get }
    init()
    /// Measures what the claim's criteria ask for; a quick run does the same on less.
    func run(_ bench: Workbench) throws -> Measured
}

/// What a run measured.
public struct Measured: Sendable {
    /// Figures by the names that the claim describes; more may be there.
    public var measures: [String: Double]
    public var tables: [BetTable]
    public var seeds: [UInt64]
    /// What a reader should know, in whole sentences.
    public var remarks: [String]

    public init(
        measures: [String: Double], tables: [BetTable] = [], seeds: [UInt64] = [0], remarks: [String] = []
    ) {
        self.measures = measures
        self.tables = tables
        self.seeds = seeds
        self.remarks = remarks
    }
}

/// Figures behind the measures, as people read them.
public struct BetTable: Equatable, Sendable {
    public let title: String
    public let columns: [String]
    public let rows: [[Cell]]

    public init(title: String, columns: [String], rows: [[Cell]]) {
        self.title = title
        self.columns = columns
        self.rows = rows
    }

    public enum Cell: Equatable, Sendable, ExpressibleByStringLiteral {
        case text(String)
        case number(Double, decimals: Int)

        public init(stringLiteral value: String) { self = .text(value) }
    }
}

extension BetTable {
    var json: JSONValue {
        [
            "title": .string(title), "columns": .array(columns.map { .string($0) }),
            "rows": .array(rows.map { .array($0.map(\.json)) }),
        ]
    }

    /// - Throws: `BetError.malformed`.
    init(_ json: JSONValue, path: String) throws(BetError) {
        guard let title = json["title"]?.asString, let columns = json["columns"]?.asArray,
            let rows = json["rows"]?.asArray
        else { throw .malformed(path: path, member: "tables", wanted: "tables with title, columns and rows") }
        self.title = title
        self.columns = columns.compactMap(\.asString)
        self.rows = rows.map { ($0.asArray ?? []).map(Cell.init) }
    }
}

extension BetTable.Cell {
    fileprivate var json: JSONValue {
        switch self {
        case .text(let text): .string(text)
        case .number(let value, let decimals):
            value.isFinite ? ["value": .number(value), "decimals": .exactly(decimals)] : .string("\(value)")
        }
    }

    fileprivate init(_ json: JSONValue) {
        if let value = json["value"]?.asDouble {
            self = .number(value, decimals: json["decimals"]?.asInt ?? 4)
        } else {
            self = .text(json.asString ?? "")
        }
    }
}
