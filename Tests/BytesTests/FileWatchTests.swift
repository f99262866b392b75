import Bytes
import Foundation
import TestSupport
import Testing

#if os(Linux)
    import Glibc
#endif

@Suite struct `A file that is watched` {
    let folder = TemporaryFolder()

    private func sample() throws -> String {
        let path = folder.path("file")
        try AtomicFile.write([1, 2, 3, 4], to: path)
        return path
    }

    @Test func `has other times once it was written to, whatever is put back`() throws {
        let path = try sample()
        let before = try FileIdentity.state(ofFileAt: path)
        #expect(try FileIdentity.state(ofFileAt: path).times == before.times)
        _ = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try FileIdentity.state(ofFileAt: path).times == before.times)
        Thread.sleep(forTimeInterval: 0.02)
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try handle.write(contentsOf: [1])
        try handle.close()
        // The time of the last write can be set back; that of the last change cannot.
        var times = [timespec](repeating: timespec(), count: 2)
        times[0].tv_sec = Int(before.times.modified / 1_000_000_000)
        times[0].tv_nsec = Int(before.times.modified % 1_000_000_000)
        times[1] = times[0]
        #expect(utimensat(AT_FDCWD, path, times, 0) == 0)
        let after = try FileIdentity.state(ofFileAt: path)
        #expect(after.identity == before.identity)
        #expect(after.times.modified == before.times.modified && after.times.changed != before.times.changed)
    }

    @Test func `is a private copy that the file's later bytes do not reach`() throws {
        let path = try sample()
        let copy = try MappedFile(path: path, copying: true)
        let map = try MappedFile(path: path)
        #expect(copy.isPrivateCopy && !map.isPrivateCopy)
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try handle.write(contentsOf: [9])
        try handle.close()
        #expect(map.region.array == [9, 2, 3, 4] && copy.region.array == [1, 2, 3, 4])
        #expect(copy.identity == map.identity)
        try AtomicFile.write([], to: folder.path("empty"))
        #expect(try MappedFile(path: folder.path("empty"), copying: true).region.byteCount == 0)
    }

    #if os(Linux)
        @Test func `with a lease tells that somebody wants to write to it, and lets them once it is given up`() throws {
            let path = try sample()
            var lease = FileLease(path: path)
            // Some file systems give none.
            guard lease != nil else { return }
            #expect(lease?.isHeld == true)
            close(open(path, O_RDONLY))
            #expect(lease?.isHeld == true)
            let second = FileLease(path: path)
            #expect(second?.isHeld == true)
            // Without waiting, the opener is refused, and seen.
            #expect(open(path, O_WRONLY | O_NONBLOCK) == -1 && errno == EWOULDBLOCK)
            #expect(lease?.isHeld == false && second?.isHeld == false)
            lease = nil
            withExtendedLifetime(second) {}
        }

        @Test func `that somebody has open for writing gives no lease`() throws {
            let path = try sample()
            let writer = open(path, O_WRONLY)
            defer { close(writer) }
            #expect(FileLease(path: path) == nil)
            #expect(FileLease(path: folder.path("missing")) == nil)
        }
    #endif
}
