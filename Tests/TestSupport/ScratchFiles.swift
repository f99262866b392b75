import Foundation

/// Unlinked scratch files that this process holds open, found as the kernel lists them: for tests that damage one.
public enum ScratchFiles {
    /// Flips the lowest bit of byte `offset` of every one that was made in `folder`.
    ///
    /// - Returns: how many were changed.
    public static func flipBit(inFolder folder: String, at offset: UInt64) throws -> Int {
        let links = "/proc/self/fd"
        var count = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: links) {
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(links)/\(name)"),
                // With `O_TMPFILE` a file never had a name, and is listed by its number.
                ["/.kept.", "/#"].contains(where: { target.hasPrefix(folder + $0) }), target.hasSuffix(" (deleted)"),
                let handle = FileHandle(forUpdatingAtPath: "\(links)/\(name)")
            else { continue }
            try handle.seek(toOffset: offset)
            guard var byte = try handle.read(upToCount: 1)?.first else { continue }
            byte ^= 1
            try handle.seek(toOffset: offset)
            try handle.write(contentsOf: Data([byte]))
            try handle.close()
            count += 1
        }
        return count
    }
}
