internal import Bytes
internal import Device
internal import Foundation

/// Where bets and results lie, and what the version history says of them.
enum BetFiles {
    /// Names of the JSON files in a folder, ascending; none where there is no folder.
    static func names(in folder: String) -> [String] {
        let found = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return found.filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.sorted()
    }

    /// The commit that a checkout stands at.
    ///
    /// - Throws: `BetError.noCommit` outside a checkout.
    static func commit(of root: String) throws(BetError) -> String {
        guard let line = git(root, ["rev-parse", "HEAD"]), line.count == 40 else { throw .noCommit(folder: root) }
        return line
    }

    /// The last commit that changed a file.
    ///
    /// - Throws: `BetError.uncommitted` for a file that differs from its commit or is not in any.
    static func commit(of path: String, in root: String) throws(BetError) -> String {
        try requireCommitted(path, in: root)
        guard let line = git(root, ["log", "-n1", "--format=%H", "--", path]), line.count == 40 else {
            throw .uncommitted(path: path)
        }
        return line
    }

    /// - Throws: `BetError.uncommitted` where a file or anything in a folder differs from the checkout's commit.
    static func requireCommitted(_ path: String, in root: String) throws(BetError) {
        guard let changes = git(root, ["status", "--porcelain", "--", path]) else { throw .noCommit(folder: root) }
        guard changes.isEmpty else { throw .uncommitted(path: path) }
    }

    private static func git(_ root: String, _ words: [String]) -> String? {
        ToolOutput.read("git", ["-C", root] + words)?.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
