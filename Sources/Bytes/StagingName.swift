/// The name that something has until it is whole: `.NAME.RANDOM.part`, beside its place.
enum StagingName {
    private static let mark = ".part"
    private static let digitCount = 13

    /// Another one at every call, as long as any name may be.
    static func make(for path: String) -> String {
        var name = lastComponent(of: path)
        while name.utf8.count > 80 { name.removeLast() }
        let digits = String(UInt64.random(in: 0 ... .max), radix: 36)
        let padding = String(repeating: "0", count: digitCount - digits.count)
        return SystemCall.folder(of: path) + "." + name + "." + padding + digits + mark
    }

    /// What a staging name stands for; nil for any other name.
    static func target(of name: String) -> Substring? {
        guard name.hasPrefix("."), name.hasSuffix(mark) else { return nil }
        let inner = name.dropFirst().dropLast(mark.count)
        guard let dot = inner.lastIndex(of: "."), dot != inner.startIndex else { return nil }
        let digits = inner[inner.index(after: dot)...].utf8
        let isRandom = digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }
        guard isRandom, (1...digitCount).contains(digits.count) else { return nil }
        return inner[..<dot]
    }

    static func lastComponent(of path: String) -> Substring {
        path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? Substring(path)
    }
}
