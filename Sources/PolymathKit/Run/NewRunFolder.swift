internal import Bytes
internal import Conventions
internal import Foundation

/// A run's folder while it is made: its first files are written under a name of its own, and the folder gets the name
/// that was asked for when they are all there.
///
/// So a run that cannot begin, or is killed before it has, leaves nothing in its place, and nothing that was there is
/// touched. An empty folder is taken; see `StagedFolder` for when it is filled as it is.
final class NewRunFolder {
    /// Where its files are written until ``put()``.
    let filling: RunFolder
    /// What it is afterwards.
    let folder: RunFolder
    private let staged: StagedFolder
    /// Keeps a second process out of a folder that is filled as it is.
    private let lock: FileLock?

    /// - Parameters:
    ///   - out: the folder asked for, or nil for `<telemetry>/runs/<name>`; folders above it are made.
    /// - Throws: `RunError.holdsRun`, `.notEmpty`, `.notWritable`; `ResumeError.inUse` where another process is at it;
    ///   `BytesError` for a full disk.
    init(_ out: String?, telemetry: String) throws {
        let name = RunFolder.makeName()
        let path = out ?? telemetry + "/runs/" + name
        try Self.requireUsable(path)
        do {
            staged = try StagedFolder(for: path, mode: 0o700, placement: .overEmptyFolder, makingParents: true)
        } catch  where ExitStatus(for: error) == .resources {
            throw error
        } catch {
            throw RunError.notWritable(folder: path, reason: Self.cannotBeMade)
        }
        lock = staged.isFilledInPlace ? try FileLock(path: staged.path) : nil
        guard lock != nil || !staged.isFilledInPlace else { throw ResumeError.inUse(folder: path) }
        // Until the lock was there, another process may have been at it.
        if staged.isFilledInPlace { try Self.requireUsable(path) }
        folder = RunFolder(path: staged.path, name: name)
        filling = RunFolder(path: staged.place, name: name)
    }

    /// Looks whether a run's folder can be made at `path`, and changes nothing.
    ///
    /// - Throws: `RunError.holdsRun`, `.notEmpty`, `.notWritable`.
    static func requireUsable(_ path: String) throws(RunError) {
        let files = FileManager.default
        switch PathKind.at(path, followingLinks: false) {
        case .folder:
            guard files.isWritableFile(atPath: path), let names = try? files.contentsOfDirectory(atPath: path) else {
                throw .notWritable(folder: path, reason: "this user has no right to write in it")
            }
            let marks: [RunFile] = [.run, .audit]
            if marks.contains(where: { names.contains($0.rawValue) }) { throw .holdsRun(folder: path) }
            guard names.isEmpty else { throw .notEmpty(folder: path) }
        case .link: throw .notWritable(folder: path, reason: "it is a symbolic link; name the folder itself")
        case .regularFile, .other: throw .notWritable(folder: path, reason: "there is a file of that name")
        case nil:
            let above = DiskSpace.existingFolder(at: DiskSpace.folder(of: path))
            guard PathKind.at(above) == .folder, files.isWritableFile(atPath: above) else {
                throw .notWritable(folder: path, reason: cannotBeMade)
            }
        }
    }

    private static let cannotBeMade = "it cannot be made here (is the place writable?)"

    /// - Throws: `BytesError.beyondLimit` for more bytes than the file's reader takes.
    func write(_ bytes: [UInt8], to file: RunFile) throws {
        guard bytes.count <= file.byteLimit else {
            throw BytesError.beyondLimit(
                path: folder.path(of: file), byteCount: bytes.count, limit: file.byteLimit)
        }
        try staged.write(bytes, to: file.rawValue)
    }

    /// Says that somebody else is about to make this file in the folder.
    func claim(_ file: RunFile) { staged.claim(file.rawValue) }

    /// Gives the folder its name.
    ///
    /// - Throws: `BytesError.exists` where something else has got it meanwhile.
    func put() throws { try staged.put() }

    /// Removes what was made.
    ///
    /// - Returns: the error that it is removed for, which names the folder that was asked for.
    func discard(for error: any Error) -> any Error { staged.discard(for: error) }
}
