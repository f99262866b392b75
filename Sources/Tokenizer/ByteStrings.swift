/// Byte strings laid end to end: what a vocabulary holds hundreds of thousands of, in two blocks of memory.
///
/// It is a collection of `[UInt8]`, for those who read a few; the tables read `bytes` by ``range(of:)`` instead.
public struct ByteStrings: Sendable {
    /// All strings, one after the other.
    public private(set) var bytes: [UInt8]
    /// Where each string ends in `bytes`, ascending.
    private var ends: [Int]

    /// - Precondition: `ends` ascend from at least 0 to the number of bytes.
    public init(bytes: [UInt8], ends: [Int]) {
        precondition(ends.last ?? 0 == bytes.count, "the last string ends elsewhere than the bytes")
        var start = 0
        for end in ends {
            precondition(end >= start, "a string ends before it begins")
            start = end
        }
        self.bytes = bytes
        self.ends = ends
    }

    /// Where string `index` lies in `bytes`.
    func range(of index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }
}

extension ByteStrings: Equatable, RangeReplaceableCollection, RandomAccessCollection, MutableCollection,
    ExpressibleByArrayLiteral
{
    public init() {
        bytes = []
        ends = []
    }

    public init(arrayLiteral elements: [UInt8]...) { self.init(elements) }

    public var startIndex: Int { 0 }
    public var endIndex: Int { ends.count }

    public subscript(position: Int) -> [UInt8] {
        get { Array(bytes[range(of: position)]) }
        set { replaceSubrange(position..<position + 1, with: CollectionOfOne(newValue)) }
    }

    /// - Complexity: O(n) in the strings and bytes behind the range.
    public mutating func replaceSubrange(
        _ subrange: Range<Int>, with newElements: some Collection<[UInt8]>
    ) {
        let start = subrange.lowerBound == 0 ? 0 : ends[subrange.lowerBound - 1]
        let end = subrange.upperBound == 0 ? 0 : ends[subrange.upperBound - 1]
        var newEnds: [Int] = []
        newEnds.reserveCapacity(newElements.count)
        var newBytes: [UInt8] = []
        for element in newElements {
            newBytes.append(contentsOf: element)
            newEnds.append(start + newBytes.count)
        }
        let growth = newBytes.count - (end - start)
        bytes.replaceSubrange(start..<end, with: newBytes)
        if growth != 0 { for index in subrange.upperBound..<ends.count { ends[index] += growth } }
        ends.replaceSubrange(subrange, with: newEnds)
    }
}
