/// What a character can do to its neighbours when a text is composed.
struct NormalizationRole {
    /// What was before: enough to tell whether marks are in order and whether a piece of Hangul joins.
    struct Context {
        var value: UInt32 = 0
        /// The combining class of the last mark; 0 after a starter.
        var combiningClass: UInt8 = 0
        /// Starters in a row that could each be the second of a composition.
        var secondStarters = 0
    }

    /// No starter takes in more than two others (U+0CCB); a longer row is cut, since Foundation takes its square in time.
    private static let longestRow = 8

    /// Whether it may move before, or melt into, what is before it; elsewhere a text can be cut before it.
    let isAttached: Bool
    /// Whether it is certain to stay as it stands.
    let isSettled: Bool

    init(_ value: UInt32, after context: inout Context) {
        defer { context.value = value }
        guard !Self.isPlain(value), let scalar = Unicode.Scalar(value) else {
            (isAttached, isSettled) = (false, true)
            (context.combiningClass, context.secondStarters) = (0, 0)
            return
        }
        if Self.medialsAndFinals.contains(value) {
            let joins =
                value < 0x11A8
                ? (0x1100...0x1112).contains(context.value)
                : (0x1161...0x1175).contains(context.value) || Self.isOpenSyllable(context.value)
            (isAttached, isSettled) = (joins, !joins)
            (context.combiningClass, context.secondStarters) = (0, 0)
            return
        }
        let combiningClass = scalar.properties.canonicalCombiningClass.rawValue
        let isOrdered = combiningClass == 0 || combiningClass >= context.combiningClass
        let isSecond = Self.seconds.contains(value)
        // A starter is kept by any mark before it from the starter before that.
        let joins = isSecond && combiningClass == 0 && context.combiningClass == 0
        context.secondStarters = joins ? (context.secondStarters + 1) % Self.longestRow : 0
        isAttached = combiningClass != 0 || joins && context.secondStarters != 0 || MarkOrder.beginsWithMark(scalar)
        isSettled = isOrdered && !(isSecond && isAttached) && !scalar.properties.isFullCompositionExclusion
        context.combiningClass = combiningClass
    }

    /// Starters that begin no attached sequence and never change; most of what most texts are made of.
    private static func isPlain(_ value: UInt32) -> Bool {
        switch value {
        case 0..<0x300, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7A3, 0x3041...0x3098, 0x30A1...0x30FF,
            0x400...0x482, 0x48A...0x590:
            true
        default: false
        }
    }

    private static let medialsAndFinals: ClosedRange<UInt32> = 0x1161...0x11C2

    /// A Hangul syllable without a final.
    private static func isOpenSyllable(_ value: UInt32) -> Bool {
        (0xAC00...0xD7A3).contains(value) && (value - 0xAC00) % 28 == 0
    }

    /// Every character but Hangul that is the second of a canonical composition. A test holds the list against the
    /// decompositions that Foundation knows.
    static let seconds: Set<UInt32> = [
        0x300, 0x301, 0x302, 0x303, 0x304, 0x306, 0x307, 0x308, 0x309, 0x30A, 0x30B, 0x30C, 0x30F, 0x311, 0x313, 0x314,
        0x31B, 0x323, 0x324, 0x325, 0x326, 0x327, 0x328, 0x32D, 0x32E, 0x330, 0x331, 0x338, 0x342, 0x345, 0x653, 0x654,
        0x655, 0x93C, 0x9BE, 0x9D7, 0xB3E, 0xB56, 0xB57, 0xBBE, 0xBD7, 0xC56, 0xCC2, 0xCD5, 0xCD6, 0xD3E, 0xD57, 0xDCA,
        0xDCF, 0xDDF, 0x102E, 0x1B35, 0x3099, 0x309A, 0x110BA, 0x11127, 0x1133E, 0x11357, 0x114B0, 0x114BA, 0x114BD,
        0x115AF, 0x11930,
        // Later than Foundation's tables on Linux: Tulu-Tigalari, Gurung Khema, Kirat Rai (Unicode 16).
        0x113B8, 0x113BB, 0x113C2, 0x113C5, 0x113C7, 0x113C8, 0x113C9, 0x1611E, 0x1611F, 0x16120, 0x16129, 0x16D67,
        0x16D68,
    ]
}
