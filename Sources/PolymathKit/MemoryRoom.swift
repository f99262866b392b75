internal import Device
internal import TensorCore

/// What this process may still hold beside what it has.
public enum MemoryRoom {
    /// Bytes that its control group and its resource limits leave it, found by asking for half as much until it is given;
    /// nothing is touched. A small share stays for whatever else comes up.
    public static var byteCount: Int {
        let held = MemoryProbe.sample()?.anonymousBytes ?? 0
        let group = MemoryLimit.current().map { max(0, $0.availableBytes - held) } ?? .max
        var room = min(group, 1 << 44)
        while room > 0, !Arena.hasRoom(for: room) { room /= 2 }
        return room / 8 * 7
    }
}
