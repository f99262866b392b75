import Foundation

/// Where things lie in the checkout that these tests were built from.
public enum Repository {
    /// The repository's root folder, without a trailing slash.
    public static let root: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/")
    }()

    /// The path of a file in `Tests/Reference`.
    public static func reference(_ name: String) -> String { root + "/Tests/Reference/" + name }

    /// The path of a file in `Checkpoints`.
    public static func checkpoint(_ name: String) -> String { root + "/Checkpoints/" + name }

    /// The program `name` that was built beside the running test bundle; nil when there is none.
    public static func product(_ name: String) -> String? {
        for bundle in Bundle.allBundles.map(\.bundlePath) + [CommandLine.arguments.first ?? ""] {
            var url = URL(fileURLWithPath: bundle)
            for _ in 0..<4 {
                url.deleteLastPathComponent()
                let candidate = url.appendingPathComponent(name).path
                var isFolder: ObjCBool = false
                if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder), !isFolder.boolValue {
                    return candidate
                }
            }
        }
        return nil
    }
}
