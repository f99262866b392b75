// How an operation is cut into tasks: by its shape, never by the number of threads.

func taskCount(_ count: Int, _ size: Int) -> Int { (count &+ size &- 1) / size }

/// The indices of task number `task` when `count` indices are cut into runs of `size`.
func taskRange(_ task: Int, _ size: Int, _ count: Int) -> Range<Int> {
    let start = task &* size
    return start..<min(start &+ size, count)
}
