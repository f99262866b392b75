// A base and an adapter become one full model file. Only the trained tensors differ, and that is asserted, not hoped.

internal import Blocks
internal import Bytes
public import Digest
public import GGUF

/// Writes merged models.
public enum Merge {
    static let rootKey = "polymath.merge.base_root"
    static let contentKey = "polymath.merge.content_id"
    static let signerKey = "polymath.merge.signer"

    /// Writes `base` with the gains of `adapter` applied, as F32, to `path`.
    ///
    /// Every other tensor and every record stays as stored; the records ``rootKey``, ``contentKey`` and ``signerKey``
    /// tell what was merged. The file is read back and compared before it gets its name.
    ///
    /// - Parameters:
    ///   - root: the base's root, computed from its bytes.
    ///   - path: where nothing may be yet.
    ///   - proof: what else is asked of the whole file before it gets its name.
    /// - Throws: ``AdapterError``, also where `path` is the base itself; `BytesError`, and what `proof` throws. Nothing is
    ///   left then.
    @discardableResult
    public static func write<Proof>(
        base: GGUFFile, root: SHA256Digest, adapter: NormAdapter, to path: String,
        proof: (GGUFFile) throws -> Proof = { _ in }
    ) throws -> Proof {
        try adapter.verify(against: base, root: root)
        var trained: [String: Replacement] = [:]
        for gain in try adapter.effectiveGains(on: base) {
            let bytes = ByteRegion(try DeltaEncoding.f32.encode(gain.values, tensor: gain.name))
            trained[gain.name] = try Replacement(gain.name, [gain.values.count], .f32, f32: bytes)
        }
        return try write(
            base: base, root: root, contentID: adapter.contentID, signer: adapter.signer, trained, to: path, proof)
    }

    /// Writes `base` with the tensors of a boundary file in place of its own; a tied base gains its head.
    ///
    /// - Parameter types: how the matrices are stored; see ``BoundaryTypes``.
    /// - Throws: as ``write(base:root:adapter:to:proof:)``, also for a type that has no encoder here or cannot hold a value.
    @discardableResult
    public static func write<Proof>(
        base: GGUFFile, root: SHA256Digest, boundaryFile: String, types: BoundaryTypes = .f32, to path: String,
        proof: (GGUFFile) throws -> Proof = { _ in }
    ) throws -> Proof {
        let file: MappedFile
        do {
            file = try MappedFile(path: boundaryFile)
        } catch {
            throw AdapterError.unreadable("\(error)")
        }
        let boundary = try BoundaryFile.decode(file.region)
        try boundary.verify(against: base, root: root)
        var trained: [String: Replacement] = [:]
        for tensor in boundary.tensors {
            let bytes: ByteRegion
            do {
                bytes = try file.region.subregion(offset: tensor.offset, byteCount: tensor.elementCount * 4)
            } catch {
                throw AdapterError.container("\(error)")
            }
            let type = types.storage(of: tensor.name, tensor.dimensions, in: base)
            trained[tensor.name] = try Replacement(tensor.name, tensor.dimensions, type, f32: bytes)
        }
        return try write(
            base: base, root: root, contentID: boundary.contentID, signer: boundary.signer, trained, to: path,
            source: file, proof)
    }

    private static func write<Proof>(
        base: GGUFFile, root: SHA256Digest, contentID: SHA256Digest, signer: PublicKey,
        _ trained: [String: Replacement], to path: String, source: MappedFile? = nil,
        _ proof: (GGUFFile) throws -> Proof
    ) throws -> Proof {
        if let file = base.file, let there = try? FileIdentity(ofFileAt: path), there.device == file.identity.device,
            there.inode == file.identity.inode
        {
            throw AdapterError.wouldReplaceBase(path: path)
        }
        let notes = [(rootKey, root.hex), (contentKey, contentID.hex), (signerKey, Hex.encode(signer.bytes))]
        var writer = GGUFWriter()
        for record in base.records where !notes.contains(where: { $0.0 == record.key }) { writer.add(record) }
        for (key, value) in notes { writer.add(key, .string(value)) }
        for tensor in base.tensors {
            if let new = trained[tensor.name] {
                writer.add(tensor: tensor.name, new.type, new.dimensions) { try new.write(to: $0) }
            } else {
                writer.add(tensor: tensor.name, tensor.type, tensor.dimensions, region: base.region(of: tensor))
            }
        }
        // A tied base has no head of its own; a trained one comes last.
        for (name, new) in trained.sorted(by: { $0.key < $1.key }) where base.tensor(named: name) == nil {
            writer.add(tensor: name, new.type, new.dimensions) { try new.write(to: $0) }
        }
        // It gets its name only once it has been read back.
        let staged = try writer.stage(for: path)
        do {
            let merged = try GGUFFile(path: staged.staging)
            try check(merged, against: base, trained, notes)
            let proof = try proof(merged)
            try base.checkWhole()
            try source?.checkWhole()
            try staged.put()
            return proof
        } catch {
            staged.discard()
            throw error
        }
    }

    /// Reads the merged file against what was meant: records and untouched tensors as stored, trained ones as given.
    private static func check(
        _ merged: GGUFFile, against base: GGUFFile, _ trained: [String: Replacement], _ notes: [(String, String)]
    ) throws(AdapterError) {
        let kept = base.records.filter { record in !notes.contains { $0.0 == record.key } }
        for (old, new) in zip(kept, merged.records) where !old.rawBytes.hasSameBytes(as: new.rawBytes) {
            throw .mergeMetadata(key: old.key)
        }
        for (key, value) in notes where merged[key]?.asString != value { throw .mergeMetadata(key: key) }
        guard merged.records.count == kept.count + notes.count else {
            throw .mergeMetadata(key: merged.records.last?.key ?? "")
        }
        for old in base.tensors where trained[old.name] == nil {
            guard let new = merged.tensor(named: old.name), new.type == old.type, new.dimensions == old.dimensions,
                merged.region(of: new).hasSameBytes(as: base.region(of: old))
            else { throw .mergeDiffers(tensor: old.name) }
        }
        for (name, meant) in trained {
            guard let new = merged.tensor(named: name), new.type == meant.type, new.dimensions == meant.dimensions,
                merged.region(of: new).withBytes({ SHA256Digest.of($0) }) == meant.written
            else { throw .mergeDiffers(tensor: name) }
        }
        let added = trained.keys.count { base.tensor(named: $0) == nil }
        guard merged.tensors.count == base.tensors.count + added else {
            throw .tensorCount(expected: base.tensors.count + added, found: merged.tensors.count)
        }
    }
}
