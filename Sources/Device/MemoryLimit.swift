/// What this process may hold before the kernel kills it: the memory limit of its control group, or of one above it.
///
/// Pages of mapped files count towards such a limit too, but the kernel takes those back before it kills anybody, so
/// only what other processes of the group hold of their own is taken off.
/// Source: Linux, `Documentation/admin-guide/cgroup-v2.rst` (`memory.max`), `cgroup-v1/memory.rst`.
public struct MemoryLimit: Equatable, Sendable {
    /// Anonymous bytes that this process may hold.
    public let availableBytes: Int
    /// The limit itself, in bytes, and the file that says so.
    public let bytes: Int
    public let file: String

    public init(availableBytes: Int, bytes: Int, file: String) {
        self.availableBytes = availableBytes
        self.bytes = bytes
        self.file = file
    }

    /// The limit that leaves this process the least; nil where none is set or the kernel has no control groups.
    ///
    /// - Parameters:
    ///   - root: what stands before `/proc` and the mount points.
    ///   - ownBytes: anonymous bytes that this process holds.
    public static func current(
        root: String = "", ownBytes: Int = MemoryProbe.sample()?.anonymousBytes ?? 0
    ) -> MemoryLimit? {
        MemoryGroup.all(root).compactMap { $0.limit(ownBytes: ownBytes) }
            .min { $0.availableBytes < $1.availableBytes }
    }
}

/// A control group that counts this process's memory, of either version of the kernel's interface.
private struct MemoryGroup {
    let folder: String
    let isUnified: Bool

    /// The process's own groups and all above them, as far as they can be seen from here.
    static func all(_ root: String) -> [MemoryGroup] {
        guard let memberships = SystemFile.text(root + "/proc/self/cgroup"),
            let mounts = SystemFile.text(root + "/proc/self/mountinfo")
        else { return [] }
        // Lines are "hierarchy:controllers:path"; the unified hierarchy is 0 and names no controllers.
        return memberships.split(separator: "\n").flatMap { line -> [MemoryGroup] in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            let isUnified = fields[0] == "0" && fields[1].isEmpty
            guard isUnified || fields[1].split(separator: ",").contains("memory") else { return [] }
            return mounts.split(separator: "\n").compactMap { Mount($0, isUnified: isUnified) }
                .flatMap { mount in
                    mount.folders(of: fields[2]).map { MemoryGroup(folder: root + $0, isUnified: isUnified) }
                }
        }
    }

    func limit(ownBytes: Int) -> MemoryLimit? {
        let file = folder + (isUnified ? "/memory.max" : "/memory.limit_in_bytes")
        // "max", or a number beyond any machine, means none.
        guard let text = SystemFile.text(file), let bytes = Int(text), bytes >= 0, bytes < 1 << 60 else { return nil }
        let held = SystemFile.text(folder + "/memory.stat").flatMap { anonymousBytes($0) } ?? ownBytes
        let others = max(0, held - ownBytes)
        return MemoryLimit(availableBytes: max(0, bytes - others), bytes: bytes, file: file)
    }

    /// What all processes of the group and of those below it hold of their own.
    private func anonymousBytes(_ statistics: String) -> Int? {
        let name = isUnified ? "anon" : "total_rss"
        for line in statistics.split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count == 2, fields[0] == name { return Int(fields[1]).flatMap { $0 >= 0 ? $0 : nil } }
        }
        return nil
    }
}

/// A line of `/proc/self/mountinfo` that mounts a hierarchy of control groups which counts memory.
/// Source: Linux, `Documentation/filesystems/proc.rst`, section 3.5.
private struct Mount {
    /// The group that is seen at `point`.
    let top: Substring
    let point: Substring

    init?(_ line: Substring, isUnified: Bool) {
        let halves = line.split(separator: " - ", maxSplits: 1)
        guard halves.count == 2 else { return nil }
        let fields = halves[0].split(separator: " ")
        let kind = halves[1].split(separator: " ")
        guard fields.count >= 5, kind.count >= 3 else { return nil }
        let options = kind[2].split(separator: ",")
        guard isUnified ? kind[0] == "cgroup2" : kind[0] == "cgroup" && options.contains("memory") else { return nil }
        top = fields[3]
        point = fields[4]
    }

    /// Where a group and those above it are seen here, the deepest first.
    func folders(of group: Substring) -> [String] {
        // A container sees its own group at the mount point, and may be told a path that leads outside of it.
        let below = top == "/" ? group : group.hasPrefix(top) ? group.dropFirst(top.count) : ""
        var names = below.split(separator: "/")
        guard !names.contains("..") else { return [String(point)] }
        var folders: [String] = []
        while !names.isEmpty {
            folders.append(point + "/" + names.joined(separator: "/"))
            names.removeLast()
        }
        return folders + [String(point)]
    }
}
