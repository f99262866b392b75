import Foundation

/// Where bases, collections of text and runs are looked for.
///
/// The root is `--home`, else `POLYMATH_HOME`, else the current folder if it has a `Checkpoints` folder, else
/// `$XDG_DATA_HOME/polymath` (`~/.local/share/polymath` when that is unset). Nothing is created here.
public struct Home: Equatable, Sendable {
    /// The folder that holds the three others; no trailing slash.
    public let root: String
    /// Folder of base models and of `catalog.json`.
    public let checkpoints: String
    /// Folder of text collections.
    public let corpora: String
    /// Folder whose `runs` receives one folder per training.
    public let telemetry: String
    /// The catalogue of bases: `POLYMATH_CATALOG`, else `catalog.json` in ``checkpoints``; a file that need not exist.
    public var catalog: String
    /// Whether ``catalog`` was named by hand: then it must exist.
    public var catalogIsExplicit: Bool

    public init(root: String, catalog: String? = nil) {
        var root = root
        while root.count > 1, root.hasSuffix("/") { root.removeLast() }
        let prefix = root == "/" ? "/" : root + "/"
        self.root = root
        checkpoints = prefix + "Checkpoints"
        corpora = prefix + "Corpora"
        telemetry = prefix + "Telemetry"
        self.catalog = catalog ?? prefix + "Checkpoints/catalog.json"
        catalogIsExplicit = catalog != nil
    }

    /// The home for this option, environment and folder; an empty option or variable counts as absent.
    public static func locate(option: String?, environment: [String: String], currentFolder: String) -> Home {
        func variable(_ name: String) -> String? {
            guard let value = environment[name], !value.isEmpty else { return nil }
            return value
        }
        let catalog = variable("POLYMATH_CATALOG")
        if let option, !option.isEmpty { return Home(root: option, catalog: catalog) }
        if let named = variable("POLYMATH_HOME") { return Home(root: named, catalog: catalog) }
        if isFolder(currentFolder + "/Checkpoints") { return Home(root: currentFolder, catalog: catalog) }
        // The base directory specification has relative values ignored.
        if let data = variable("XDG_DATA_HOME"), data.hasPrefix("/") {
            return Home(root: data + "/polymath", catalog: catalog)
        }
        // Without HOME the system's user database would have to be asked, over a socket.
        guard let user = variable("HOME") else { return Home(root: currentFolder, catalog: catalog) }
        return Home(root: user + "/.local/share/polymath", catalog: catalog)
    }

    /// ``locate(option:environment:currentFolder:)`` for this process.
    public static func locate(option: String?) -> Home {
        locate(
            option: option, environment: ProcessInfo.processInfo.environment,
            currentFolder: FileManager.default.currentDirectoryPath)
    }

    private static func isFolder(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }
}
