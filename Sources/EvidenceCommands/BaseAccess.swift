// The one thing in which the two programs differ here: how they find the base that `--base` names.

package import CommandLineKit
internal import Conventions
package import GGUF
package import Seal

/// How a program finds a base.
package protocol BaseAccess: Sendable {
    /// `--base`, and whatever else says where it lies.
    static var flags: [Flag] { get }
    /// - Parameter name: what was given for the base.
    static func open(_ name: String, _ arguments: Arguments) throws -> BaseAtHand
    /// Called before a run folder is judged: a program that may sign can put in order what its own run left behind.
    static func willVerify(runFolder: String, _ console: Console) throws
}

extension BaseAccess {
    package static func willVerify(runFolder: String, _ console: Console) throws {}
}

/// A base that has been found and mapped.
package struct BaseAtHand {
    package let name: String
    /// Whether its weights are random.
    package let isSynthetic: Bool
    package let gguf: GGUFFile
    private let seal: ((@Sendable (Int) -> Void)?) throws -> SealManifest

    /// - Parameter seal: hashes the base, and tells how many bytes are done.
    package init(
        name: String, isSynthetic: Bool, gguf: GGUFFile,
        seal: @escaping ((@Sendable (Int) -> Void)?) throws -> SealManifest
    ) {
        self.name = name
        self.isSynthetic = isSynthetic
        self.gguf = gguf
        self.seal = seal
    }

    /// The name as people see it.
    package var title: String { isSynthetic ? "\(name) (synthetic weights)" : name }

    /// Every tensor's digest and the root, with progress on the console.
    package func manifest(_ console: Console) throws -> SealManifest {
        defer { console.endProgress() }
        let total = gguf.tensors.reduce(0) { $0 + $1.byteCount }
        return try seal(console.hashingProgress(name, of: total))
    }
}

/// Bases by their file alone: what a verifier needs, which has no catalogue.
package enum FileBases: BaseAccess {
    package static let flags = [Flag("base", .text, "FILE", help: "GGUF file of the base")]

    package static func open(_ path: String, _ arguments: Arguments) throws -> BaseAtHand {
        try InputPath.requireFile(path, kind: "base")
        let gguf: GGUFFile
        do {
            gguf = try GGUFFile(path: path)
        } catch {
            throw InputError.unusable(kind: "base", path: path, reason: "\(error)")
        }
        let file = path.split(separator: "/").last.map(String.init) ?? path
        let threads = arguments.threadCount
        return BaseAtHand(
            name: file.hasSuffix(".gguf") ? String(file.dropLast(5)) : file,
            isSynthetic: gguf[SyntheticWeights.key]?.asBool == true, gguf: gguf
        ) { progress in try SealManifest.compute(gguf, workers: threads, progress: progress) }
    }
}
