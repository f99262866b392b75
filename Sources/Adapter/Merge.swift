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
    /// tell what was merged. The file is read back and compared before it is believed.
    ///
    /// - Parameter root: the base's root, computed from its bytes.
    /// - Throws: ``AdapterError``, also where `path` is the base itself; nothing is left at `path` then.
    public static func write(
        base: GGUFFile, root: SHA256Digest, adapter: NormAdapter, to path: String
    ) throws(AdapterError) {
        try adapter.verify(against: base, root: root)
        var trained: [String: Replacement] = [:]
        for gain in try adapter.effectiveGains(on: base) {
            let bytes = ByteRegion(try DeltaEncoding.f32.encode(gain.values, tensor: gain.name))
            trained[gain.name] = try Replacement(gain.name, [gain.values.count], .f32, f32: bytes)
        }
        try write(base: base, root: root, contentID: adapter.contentID, signer: adapter.signer, trained, to: path)
    }

    /// Writes `base` with the tensors of a boundary file in place of its own; a tied base gains its head.
    ///
    /// - Parameter types: how the matrices are stored; see ``BoundaryTypes``.
    /// - Throws: ``AdapterError``, also for a type that has no encoder here or cannot hold a value.
    public static func write(
        base: GGUFFile, root: SHA256Digest, boundaryFile: String, types: BoundaryTypes = .f32, to path: String
    ) throws(AdapterError) {
        let file: MappedFile
        do {
            file = try MappedFile(path: boundaryFile)
        } catch {
            throw .unreadable("\(error)")
        }
        let boundary = try BoundaryFile.decode(file.region)
        try boundary.verify(against: base, root: root)
        var trained: [String: Replacement] = [:]
        for tensor in boundary.tensors {
            let bytes: ByteRegion
            do {
                bytes = try file.region.subregion(offset: tensor.offset, byteCount: tensor.elementCount * 4)
            } catch {
                throw .container("\(error)")
            }
            let type = types.storage(of: tensor.name, tensor.dimensions, in: base)
            trained[tensor.name] = try Replacement(tensor.name, tensor.dimensions, type, f32: bytes)
        }
        try write(
            base: base, root: root, contentID: boundary.contentID, signer: boundary.signer, trained, to: path,
            source: file)
    }

    private static func write(
        base: GGUFFile, root: SHA256Digest, contentID: SHA256Digest, signer: PublicKey,
        _ trained: [String: Replacement], to path: String, source: MappedFile? = nil
    ) throws(AdapterError) {
        if let file = base.file {
            let there = try? FileIdentity(ofFileAt: path)
            guard there.map({ $0.device != file.identity.device || $0.inode != file.identity.inode }) ?? true else {
                throw .wouldReplaceBase(path: path)
            }
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
        // Written beside its place and moved only once it has been read back.
        let unproven = path + ".unproven"
        do {
            try writer.write(to: unproven)
            try check(GGUFFile(path: unproven), against: base, trained, notes)
            try base.checkWhole()
            try source?.checkWhole()
            try FileMove.replace(path, with: unproven)
        } catch {
            FileMove.remove(unproven)
            if let error = error as? AdapterError { throw error }
            throw .writing("\(error)")
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
