internal import Bytes
internal import CommandLineKit
internal import Digest
internal import PolymathKit

/// `polymath base list`: the bases that can be named.
enum BaseList: Command {
    static let specification = CommandSpecification(
        path: ["base", "list"], summary: "List the bases that can be named, and which of them are here",
        flags: [.home, .catalog, .json])

    static func run(_ arguments: Arguments, _ console: Console) throws {
        for base in try BaseListing.all(home: arguments.catalogHome) {
            console.emit(
                "base",
                [
                    "name": .string(base.name), "title": .string(base.title), "path": .string(base.path),
                    "present": .bool(base.isPresent), "bytes": .exactly(base.byteCount),
                    "synthetic": .bool(base.isSynthetic),
                ])
            let state = base.isPresent ? "here" : "not here"
            let label = base.isSynthetic ? ", synthetic weights" : ""
            console.show("\(escaped(base.name))  \(state)\(label), \(grouped(base.byteCount)) bytes")
            console.show("  " + escaped(base.title, limit: 200))
        }
    }
}

extension Arguments {
    /// The home, with the catalogue that `--catalog` names.
    var catalogHome: Home {
        var home = self.home
        if let path = text(.catalog) {
            home.catalog = path
            home.catalogIsExplicit = true
        }
        return home
    }
}
