import Digest
import Foundation
import PolymathKit
import TestSupport
import Testing

@Suite struct BaseReferenceTests {
    let folder = TemporaryFolder()
    let home: Home

    init() throws {
        home = Home(root: folder.path)
        try FileManager.default.createDirectory(atPath: home.checkpoints, withIntermediateDirectories: true)
    }

    @Test func `the built-in catalogue is the repository's`() throws {
        #expect(try Catalog.load(home: Home(root: Repository.root)) == .builtIn)
        #expect(Catalog.builtIn.names == ["nano", "nano-f16", "qwen-1.5b-q4"])
    }

    @Test func `nano resolves in the repository`() throws {
        let base = try BaseReference.resolve("nano", home: Home(root: Repository.root))
        #expect(base.path == Repository.checkpoint("nano-q4_k_m.gguf"))
        #expect(base.entry?.licence == "CC0-1.0")
    }

    @Test func `a base that is not here names both ways on`() throws {
        let error = try #require(throws: BaseError.self) { try BaseReference.resolve("qwen-1.5b-q4", home: home) }
        #expect(error.description.contains("'polymath base pull qwen-1.5b-q4'"))
        #expect(error.description.contains("'polymath base synth qwen-1.5b-q4'"))
        #expect(error.exitStatus == .usage)
        let synthetic = try #require(throws: BaseError.self) {
            try BaseReference.resolve("qwen-1.5b-q4-synthetic", home: home)
        }
        #expect(synthetic.description.contains("make it with 'polymath base synth qwen-1.5b-q4'"))
    }

    @Test func `bad names and files get one sentence each`() throws {
        func write(_ name: String, _ bytes: [UInt8]) throws -> String {
            let path = folder.path(name)
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            return path
        }
        let empty = try write("empty.gguf", [])
        let other = try write("other.gguf", Array("hello world".utf8))
        let short = try write("short.gguf", Array("GGUF\u{3}".utf8))
        #expect(throws: BaseError.noSuchFile(path: "./no.gguf")) { try BaseReference.resolve("./no.gguf", home: home) }
        #expect(throws: BaseError.notAFile(path: home.checkpoints)) {
            try BaseReference.resolve(home.checkpoints, home: home)
        }
        #expect(throws: BaseError.emptyFile(path: empty)) { try BaseReference.resolve(empty, home: home) }
        #expect(throws: BaseError.notGGUF(path: other, magic: Array("hell".utf8))) {
            try BaseReference.resolve(other, home: home)
        }
        #expect(throws: BaseError.tooShort(path: short, byteCount: 5)) { try BaseReference.resolve(short, home: home) }
        let unknown = try #require(throws: BaseError.self) { try BaseReference.resolve("nan", home: home) }
        #expect(unknown.description.contains("known are 'nano', 'nano-f16', 'qwen-1.5b-q4'"))
    }

    @Test func `a catalogued file of another size differs from its record`() throws {
        try Data("GGUF and twenty more bytes".utf8)
            .write(to: URL(fileURLWithPath: home.checkpoints + "/nano-q4_k_m.gguf"))
        let error = try #require(throws: BaseError.self) { try BaseReference.resolve("nano", home: home) }
        #expect(error.exitStatus == .mismatch)
    }

    @Test func `a catalogue whose file leaves the folder is refused`() throws {
        var json = Catalog.builtIn.json
        var row = try #require(json["bases"]?[0])
        row["file"] = "../nano.gguf"
        json["bases"] = [row]
        let error = try #require(throws: BaseError.self) { try Catalog(json: json, path: "c.json") }
        #expect(error.description.contains("one path component"))
    }

    @Test func `the home is the option, the variable, the current folder, or the data folder`() {
        let data = ["XDG_DATA_HOME": "/data", "POLYMATH_HOME": "/variable"]
        #expect(Home.locate(option: "/option", environment: data, currentFolder: folder.path).root == "/option")
        #expect(Home.locate(option: nil, environment: data, currentFolder: folder.path).root == "/variable")
        let plain = ["XDG_DATA_HOME": "/data"]
        #expect(Home.locate(option: nil, environment: plain, currentFolder: folder.path).root == folder.path)
        #expect(Home.locate(option: nil, environment: plain, currentFolder: "/nowhere").root == "/data/polymath")
        #expect(
            Home.locate(option: nil, environment: ["HOME": "/h"], currentFolder: "/nowhere").checkpoints
                == "/h/.local/share/polymath/Checkpoints")
    }
}
