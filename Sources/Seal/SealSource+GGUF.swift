public import Bytes
public import Foundation
public import GGUF

extension SealSource {
    /// The seal's view of an open GGUF file.
    package init(_ gguf: GGUFFile) throws(SealError) {
        guard let architecture = gguf["general.architecture"]?.asString, !architecture.isEmpty else {
            throw .noArchitecture
        }
        self.init(
            path: gguf.file?.path, identity: gguf.file?.identity, times: gguf.file?.times,
            isPrivateCopy: gguf.file?.isPrivateCopy ?? false, fileByteCount: gguf.region.byteCount,
            header: gguf.header, architecture: architecture,
            records: gguf.records.map { Record(key: $0.key, bytes: $0.rawBytes) },
            tensors: gguf.tensors.map { tensor in
                Tensor(
                    name: tensor.name, type: Self.number(tensor.type),
                    typeName: String(describing: tensor.type).uppercased(),
                    dimensions: tensor.dimensions.map(UInt64.init), offset: tensor.offset,
                    bytes: gguf.region(of: tensor))
            })
    }

    // Through the protocol, because the seal does not import the room that lays out storage types.
    private static func number<Number: RawRepresentable>(_ value: Number) -> Number.RawValue { value.rawValue }
}

extension SealManifest {
    /// Hashes every sealed byte of an open base, tensors over `workers` threads; the result does not depend on them.
    ///
    /// - Parameter progress: told how many tensor bytes are done, never fewer than before; called on any thread.
    public static func compute(
        _ gguf: GGUFFile, workers: Int, progress: (@Sendable (Int) -> Void)? = nil
    ) throws(SealError) -> SealManifest {
        let manifest = compute(try SealSource(gguf), workers: workers, progress: progress)
        do throws(BytesError) { try gguf.checkWhole() } catch { throw .cut(error) }
        return manifest
    }
}

extension SealGuard {
    /// Guards an open base against its manifest.
    ///
    /// - Parameters:
    ///   - sealedAt: when the manifest began to be computed from this very file; that was a complete check.
    ///   - promisedBound: steps within which an outside change is seen; see ``bound(sealedBytes:operationsPerStep:costShare:)``.
    ///   - lease: on the file; it is kept until somebody asks for the file.
    /// - Throws: ``SealError/otherFile(item:expected:got:)`` when the two do not describe the same tensors.
    public convenience init(
        manifest: SealManifest, gguf: GGUFFile, workers: Int, sealedAt: Date? = nil,
        promisedBound: Int = SealGuard.coverageSteps, costShare: Double = SealGuard.costShare, lease: FileLease? = nil
    ) throws(SealError) {
        try self.init(
            manifest: manifest, source: SealSource(gguf), workers: workers, sealedAt: sealedAt,
            promisedBound: promisedBound, costShare: costShare, lease: lease)
    }
}
