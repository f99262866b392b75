import Bytes
import Foundation
import TestSupport
import Testing

/// What is made gets its name when it is whole, and takes it from nobody.
@Suite struct PlacementTests {
    let folder = TemporaryFolder()

    /// Everything that may stand at a path already.
    static let kinds = ["file", "folder", "full", "link", "dangling", "pipe"]

    private func make(_ kind: String, at path: String) throws {
        let files = FileManager.default
        switch kind {
        case "file": try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
        case "folder": try files.createDirectory(atPath: path, withIntermediateDirectories: false)
        case "full":
            try files.createDirectory(atPath: path, withIntermediateDirectories: false)
            try Data("mine".utf8).write(to: URL(fileURLWithPath: path + "/letter"))
        case "link":
            try Data("mine".utf8).write(to: URL(fileURLWithPath: path + ".target"))
            try files.createSymbolicLink(atPath: path, withDestinationPath: path + ".target")
        case "dangling": try files.createSymbolicLink(atPath: path, withDestinationPath: path + ".nowhere")
        default: mkfifo(path, 0o600)
        }
    }

    /// Names, kinds and inodes of everything in the folder, and the bytes of its files.
    private var listing: [String] {
        let paths = (FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []).sorted()
        return paths.map { name in
            let path = folder.path(name)
            let kind = PathKind.at(path, followingLinks: false)
            let bytes = kind == .regularFile ? (try? WholeFile.read(path)) ?? [] : []
            return "\(name) \(kind.map { "\($0)" } ?? "none") "
                + "\(PathIdentity(at: path, followingLinks: false)?.inode ?? 0) \(bytes)"
        }
    }

    @Test(arguments: kinds, [true, false])
    func `a name that is taken stays whose it is, with and without the system's help`(kind: String, isAtomic: Bool)
        throws
    {
        let path = folder.path("taken")
        try make(kind, at: path)
        for isFolder in [false, true] {
            let before = listing
            let source = folder.path("source")
            try make(isFolder ? "full" : "file", at: source)
            #expect(throws: BytesError.exists(path: path)) {
                try Placement.move(source, toFree: path, isFolder: isFolder, isAtomic: isAtomic)
            }
            try FileManager.default.removeItem(atPath: source)
            #expect(listing == before)
        }
    }

    @Test(arguments: [true, false]) func `a free name is given, and the old one is gone`(isAtomic: Bool) throws {
        for (number, kind) in ["file", "full"].enumerated() {
            try make(kind, at: folder.path("source"))
            try Placement.move(
                folder.path("source"), toFree: folder.path("\(number)"), isFolder: kind == "full", isAtomic: isAtomic)
        }
        #expect(folder.names == ["0", "1"])
        #expect(try WholeFile.read(folder.path("1/letter")) == Array("mine".utf8))
    }

    @Test(arguments: kinds) func `a file and a folder that find their name taken are gone again`(kind: String) throws {
        let path = folder.path("taken")
        try make(kind, at: path)
        let before = listing
        // A pipe is told for what it is, before anything is made.
        let taken: BytesError = kind == "pipe" ? .notARegularFile(path: path) : .exists(path: path)
        #expect(throws: taken) { try AtomicFile.write([1], to: path) }
        #expect(throws: BytesError.exists(path: path)) {
            try AtomicFolder.write(to: path) { try AtomicFile.write([1], to: $0 + "/a") }
        }
        #expect(listing == before)
    }

    @Test(arguments: kinds) func `a name that is taken at the last moment stays whose it is`(kind: String) throws {
        let path = folder.path("taken")
        let file = try StagedFile.write(for: path) { try $0.write([1]) }.file
        let other = try StagedFolder(for: path)
        try other.write([2], to: "a")
        let empty = try StagedFolder(for: path, placement: .overEmptyFolder)
        try empty.write([3], to: "a")
        try make(kind, at: path)
        #expect(throws: BytesError.exists(path: path)) { try file.put() }
        #expect(throws: BytesError.exists(path: path)) { try other.put() }
        if kind == "folder" {
            try empty.put()
            #expect(try WholeFile.read(path + "/a") == [3])
        } else {
            #expect(throws: BytesError.exists(path: path)) { try empty.put() }
        }
        #expect(!folder.names.contains { $0.hasSuffix(".part") }, "\(folder.names)")
    }

    @Test(arguments: kinds) func `a file replaces a file where it is said, and nothing else`(kind: String) throws {
        let path = folder.path("taken")
        try make(kind, at: path)
        let before = listing
        guard kind != "file" else {
            try AtomicFile.write([1], to: path, placement: .replacing)
            #expect(try WholeFile.read(path) == [1])
            return
        }
        #expect(throws: BytesError.notARegularFile(path: path)) {
            try AtomicFile.write([1], to: path, placement: .replacing)
        }
        #expect(listing == before)
    }

    @Test func `a staged file is read back, and goes with its object or when it is taken back`() throws {
        let path = folder.path("a")
        do {
            let file = try StagedFile.write(for: path) { try $0.write([1, 2]) }.file
            let found = try withExtendedLifetime(file) { try WholeFile.read(file.staging) }
            #expect(found == [1, 2])
        }
        #expect(folder.names == [])
        do {
            let file = try StagedFile.write(for: path) { try $0.write([1, 2]) }.file
            withExtendedLifetime(file) { #expect(folder.names.count == 1 && folder.names != ["a"]) }
        }
        #expect(folder.names == [])
        let file = try StagedFile.write(for: path) { try $0.write([1, 2]) }.file
        try file.put()
        file.discard()
        #expect(folder.names == [])
        // Not what has taken its place since.
        let other = try StagedFile.write(for: path) { try $0.write([1, 2]) }.file
        try other.put()
        try FileManager.default.removeItem(atPath: path)
        try make("file", at: path)
        other.discard()
        #expect(try WholeFile.read(path) == Array("mine".utf8))
    }

    @Test func `a folder that is taken back leaves what others have put into it`() throws {
        for hasGuest in [false, true] {
            let made = try StagedFolder(
                for: folder.path("a/b/run"), placement: .overEmptyFolder, makingParents: true)
            try made.write([1], to: "own")
            made.claim("log")
            try make("file", at: made.place + "/log")
            try made.put()
            if hasGuest { try make("file", at: folder.path("a/b/run/letter")) }
            made.discard()
            #expect(folder.names == (hasGuest ? ["a"] : []))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("a/b/run")) == ["letter"])
    }

    @Test func `leftovers are known by a name that is whole, and of what it was to be`() throws {
        let names = [
            ".run.json.0123456789abc.part", ".run.json.abc.part", ".letter.0123456789abc.part", ".run.json.part",
            "run.json.0123456789abc.part", ".run.json.0123456789ABC.part", ".run.json.0123456789abcd.part",
            ".run.json.x.party",
        ]
        for name in names { try make("file", at: folder.path(name)) }
        AtomicFolder.removeLeftovers(in: folder.path) { $0 == "run.json" }
        #expect(folder.names == names.dropFirst(2).sorted())
    }

    @Test func `a name may be as long as the system lets it be`() throws {
        for name in [String(repeating: "x", count: 255), String(repeating: "🜨", count: 63), "e\u{301}"] {
            try AtomicFile.write([1], to: folder.path(name))
            #expect(try WholeFile.read(folder.path(name)) == [1])
        }
    }

    @Test func `places are one whatever their spelling`() throws {
        try make("folder", at: folder.path("a"))
        try FileManager.default.createSymbolicLink(atPath: folder.path("b"), withDestinationPath: folder.path("a"))
        #expect(PathIdentity.isSamePlace(folder.path("a/x"), folder.path("b/x")))
        #expect(PathIdentity.isSamePlace(folder.path("a/x"), folder.path("a/../a/./x")))
        #expect(!PathIdentity.isSamePlace(folder.path("a/x"), folder.path("a/y")))
        #expect(!PathIdentity.isSamePlace(folder.path("none/x"), folder.path("nowhere/x")))
        try make("folder", at: folder.path("a/inner"))
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("deep"), withDestinationPath: folder.path("a/inner"))
        for name in ["a/x", "b/x", "deep/x", "b/inner/x", "a/inner/../x", "a/x/"] {
            #expect(PathIdentity.isInside(folder.path(name), folder: folder.path("a")), "\(name)")
        }
        for name in ["x", "a", "a/../x", "none/x"] {
            #expect(!PathIdentity.isInside(folder.path(name), folder: folder.path("a")), "\(name)")
        }
        try make("file", at: folder.path("a/x"))
        try FileManager.default.linkItem(atPath: folder.path("a/x"), toPath: folder.path("hard"))
        #expect(PathIdentity.isSamePlace(folder.path("a/x"), folder.path("hard")))
    }

    @Test func `a log is not appended to through a link, nor to a pipe that nobody reads`() throws {
        for kind in ["link", "pipe"] {
            let path = folder.path(kind)
            try make(kind, at: path)
            #expect(throws: BytesError.notARegularFile(path: path)) { try AppendFile(path: path) }
        }
        #expect(try WholeFile.read(folder.path("link.target")) == Array("mine".utf8))
    }
}
