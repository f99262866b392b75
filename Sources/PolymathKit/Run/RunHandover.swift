internal import Adapter
internal import Audit
internal import Bytes
public import Conventions
public import Digest
internal import Foundation

/// Copies of a closed run what may leave the machine, and nothing else.
///
/// A list of names decides, not a search: a file that is not in it stays. None of them holds text, tokens, activations,
/// masters, a key or a path of this machine; chain, record and events are written that way from the start, since a
/// chain that is cut or edited afterwards would no longer verify.
///
/// The result is a folder, not an archive: every reader of a run folder works on it as it is, and who wants one file has
/// `tar`, `zip` or a mail program for it.
public struct RunHandover {
    /// One file of the copy.
    public struct File: Sendable {
        public let name: String
        public let byteCount: Int
        public let digest: SHA256Digest
    }

    private let builder: RunReportBuilder

    /// Reads and checks the run.
    ///
    /// - Throws: what ``RunReportBuilder/init(runFolder:)`` throws, and `RunHandoverError.notClosed`.
    public init(runFolder: String) throws {
        builder = try RunReportBuilder(runFolder: runFolder)
        guard builder.chain.status == .closed, builder.isVerified else {
            throw RunHandoverError.notClosed(folder: runFolder, status: builder.status)
        }
    }

    /// Writes the new folder `path`; it appears whole or not at all.
    ///
    /// - Returns: its files in the order of their names.
    public func write(to path: String) throws -> [File] {
        let folder = builder.folder
        guard let export = builder.chain.latest(RowKind.export)?["file"]?.asString,
            export == folder.adapterFile.lastComponent || export == folder.boundaryFile.lastComponent
        else { throw RunHandoverError.notClosed(folder: folder.path, status: builder.status) }
        let names = [
            folder.attestationFile, folder.auditFile, folder.eventsFile, folder.runFile, folder.sealFile,
            // Without it nobody else could train the run again.
            builder.record["start"] == nil ? nil : folder.startFile,
        ].compactMap { $0?.lastComponent }
        return try AtomicFolder.write(to: path, mode: 0o755) { place in
            var files = try names.map { name in
                try Self.write(WholeFile.read(folder.path + "/" + name, limit: RunHistory.limit), name, in: place)
            }
            // A boundary file may be large: it goes through a map.
            let map = try MappedFile(path: folder.path + "/" + export)
            try AtomicFile.write(to: place + "/" + export) { try $0.write(map.region) }
            files.append(
                File(
                    name: export, byteCount: map.byteCount,
                    digest: map.region.withBytes { SHA256Digest.of($0) }))
            try map.checkWhole()
            // Made anew: a page that was edited by hand is not handed on.
            files.append(try Self.write(builder.page, folder.reportFile.lastComponent, in: place))
            return files.sorted { $0.name < $1.name }
        }
    }

    private static func write(_ bytes: [UInt8], _ name: String, in place: String) throws -> File {
        try AtomicFile.write(bytes, to: place + "/" + name)
        return File(name: name, byteCount: bytes.count, digest: SHA256Digest.of(bytes))
    }
}

/// Why a run cannot be handed on.
public enum RunHandoverError: Error, Equatable, CustomStringConvertible, Sendable, ExitReporting {
    case notClosed(folder: String, status: String)

    public var exitStatus: ExitStatus { .mismatch }

    public var description: String {
        switch self {
        case .notClosed(let folder, let status):
            "The run in \(escaped(folder, limit: 200)) cannot be handed on: it is \(status), and only a closed and verified "
                + "run is exported."
        }
    }
}
