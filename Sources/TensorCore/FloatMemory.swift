// Where matrices and scratch get their memory: plain malloc, aligned by hand. Through memalign glibc 2.36 fails to
// reuse what it freed: the heap of a training run grew tenfold.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Android)
    internal import Android
#elseif canImport(Darwin)
    internal import Darwin
#endif

enum FloatMemory {
    private static let alignment = 64

    /// 64-byte aligned floats for `free`; zeroed ones take no memory before they are first written.
    static func allocate(_ count: Int, zeroed: Bool = false) -> UnsafeMutablePointer<Float> {
        let bytes = count * MemoryLayout<Float>.stride + 2 * alignment
        guard let start = unsafe zeroed ? calloc(1, bytes) : malloc(bytes) else {
            fatalError("no memory for a matrix of \(count) floats")
        }
        // The 8 bytes in front hold the address that free wants.
        let first = unsafe start.advanced(by: MemoryLayout<UnsafeMutableRawPointer>.stride).alignedUp(
            toMultipleOf: alignment)
        unsafe first.advanced(by: -MemoryLayout<UnsafeMutableRawPointer>.stride)
            .storeBytes(of: start, as: UnsafeMutableRawPointer.self)
        return unsafe first.bindMemory(to: Float.self, capacity: count)
    }

    static func free(_ pointer: UnsafeMutablePointer<Float>) {
        let first = UnsafeMutableRawPointer(pointer)
        let start = unsafe first.advanced(by: -MemoryLayout<UnsafeMutableRawPointer>.stride)
            .load(as: UnsafeMutableRawPointer.self)
        unsafe releaseMemory(start)
    }
}

private func releaseMemory(_ start: UnsafeMutableRawPointer) { unsafe free(start) }
