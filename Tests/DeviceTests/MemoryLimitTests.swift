import Device
import Foundation
import TestSupport
import Testing

/// Control groups, laid out in a folder as the kernel shows them.
@Suite struct MemoryLimitTests {
    let folder = TemporaryFolder()
    private let mib = 1 << 20

    private func write(_ files: [String: String]) throws {
        for (name, text) in files {
            let url = URL(fileURLWithPath: folder.path(name))
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data((text + "\n").utf8).write(to: url)
        }
    }

    private func limit(own: Int) -> MemoryLimit? { MemoryLimit.current(root: folder.path, ownBytes: own) }

    @Test func `the group that leaves the least counts, with what others in it hold taken off`() throws {
        try write([
            "proc/self/cgroup": "0::/app/run", "proc/self/mountinfo": "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw",
            "cg/app/run/memory.max": "\(900 * mib)", "cg/app/run/memory.stat": "anon \(50 * mib)\nfile 7",
            "cg/app/memory.max": "\(1000 * mib)", "cg/app/memory.stat": "anon \(350 * mib)\nfile 7",
        ])
        #expect(
            limit(own: 50 * mib)
                == MemoryLimit(
                    availableBytes: 700 * mib, bytes: 1000 * mib, file: folder.path("cg/app/memory.max")))
        try write(["cg/app/memory.max": "max"])
        #expect(limit(own: 50 * mib)?.availableBytes == 900 * mib)
        try write(["cg/app/run/memory.max": "max"])
        #expect(limit(own: 50 * mib) == nil)
    }

    @Test func `the older interface is read beside the newer one`() throws {
        try write([
            "proc/self/cgroup": "5:cpu,cpuacct:/a\n4:memory:/a\n0::/",
            "proc/self/mountinfo": """
            41 25 0:26 / /unified rw,nosuid - cgroup2 cgroup2 rw
            42 25 0:27 / /cpu rw shared:8 - cgroup cgroup rw,cpu,cpuacct
            43 25 0:28 / /memory rw shared:9 - cgroup cgroup rw,memory
            """,
            "cpu/a/memory.limit_in_bytes": "1", "memory/a/memory.limit_in_bytes": "\(64 * mib)",
            "memory/a/memory.stat": "rss 1\ntotal_rss \(24 * mib)",
            "memory/memory.limit_in_bytes": "9223372036854771712",
        ])
        #expect(limit(own: 20 * mib)?.availableBytes == 60 * mib)
        #expect(limit(own: 20 * mib)?.bytes == 64 * mib)
        // More than the group holds: the two were not read at one instant.
        #expect(limit(own: 30 * mib)?.availableBytes == 64 * mib)
    }

    @Test func `a container's own group is found at its mount point`() throws {
        try write([
            "proc/self/cgroup": "0::/docker/x/inner",
            "proc/self/mountinfo": "30 23 0:26 /docker/x /cg ro - cgroup2 cgroup2 rw",
            "cg/memory.max": "\(10 * mib)", "cg/inner/memory.max": "\(8 * mib)",
        ])
        #expect(limit(own: 0)?.bytes == 8 * mib)
        try write(["proc/self/cgroup": "0::/../../elsewhere"])
        #expect(limit(own: 0)?.bytes == 10 * mib)
    }

    @Test func `without control groups, or with files that make no sense, there is no limit`() throws {
        #expect(limit(own: 0) == nil)
        try write([
            "proc/self/cgroup": "nonsense\n0::/a", "proc/self/mountinfo": "1 2 3\n30 23 0:26 / /cg rw - cgroup2 c rw",
            "cg/a/memory.max": "-5", "cg/memory.max": "many",
        ])
        #expect(limit(own: 0) == nil)
    }
}
