public import Adapter
public import Digest
public import Model

/// Several people's adapters on one base in memory, speaking as one; see `Mixture`.
///
/// They stand in the order of their content ids, whatever order they were given in, so that it changes no bit.
public struct AdapterMixture {
    /// One adapter of the mixture.
    public struct Specialist: Equatable, Sendable {
        /// As it was named by who asked for it.
        public let file: String
        public let contentID: SHA256Digest
    }

    public let specialists: [Specialist]
    public let mixture: Mixture

    /// - Parameter adapters: from `LoadedBase.verifiedAdapter(path:)` of `base`, with the paths they came from; at least one.
    public init(_ base: LoadedBase, adapters: [(path: String, adapter: NormAdapter)]) throws {
        let ordered = adapters.sorted {
            let (left, right) = ($0.adapter.contentID.bytes, $1.adapter.contentID.bytes)
            return left == right
                ? $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) : left.lexicographicallyPrecedes(right)
        }
        specialists = ordered.map { Specialist(file: $0.path, contentID: $0.adapter.contentID) }
        mixture = Mixture(try ordered.map { try base.specialist($0.adapter) })
    }
}
