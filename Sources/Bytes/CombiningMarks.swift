/// A bound on combining marks in foreign text that is compared or looked up.
///
/// Swift's strings are equal when their normal forms are, and sorting a run of marks for that takes the square of its
/// length: a megabyte of alternating marks under a name would take minutes to compare with anything.
public enum CombiningMarks {
    /// Unicode's stream-safe text has 30 (Standard Annex #15, section 13).
    public static let longestRun = 1_024

    /// Whether more than ``longestRun`` marks follow one another somewhere.
    ///
    /// - Complexity: O(n).
    public static func areTooMany(in text: String) -> Bool {
        // A mark takes two bytes or more.
        guard text.utf8.count > 2 * longestRun else { return false }
        var run = 0
        for scalar in text.unicodeScalars {
            if scalar.value < 0x300 || scalar.properties.canonicalCombiningClass == .notReordered {
                run = 0
                continue
            }
            run += 1
            if run > longestRun { return true }
        }
        return false
    }
}
