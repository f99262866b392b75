internal import CBLAS

/// Which code computes the products: results are bit-identical only along one path (design, section 4).
public enum KernelPath {
    /// For instance `openblas-0.3.21-SkylakeX`: library, version and the core that it chose for this processor.
    public static var current: String {
        let version = unsafe words(openblas_get_config()).dropFirst().first.map { "-\($0)" } ?? ""
        let core = unsafe words(openblas_get_corename()).first.map { "-\($0)" } ?? ""
        return "openblas" + version + core
    }

    /// The words of a C string that the library owns.
    private static func words(_ text: UnsafeMutablePointer<CChar>?) -> [String] {
        guard let text = unsafe text else { return [] }
        return unsafe String(cString: text).split(separator: " ").map(String.init)
    }
}
