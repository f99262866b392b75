internal import Bytes
internal import Model
internal import TensorCore

/// The masters of the best validated step, which a run exports.
enum BestMasters {
    /// The parameters hold them now; the next update must put them aside first.
    case current
    /// Little-endian f32 of every parameter, one after another.
    case kept(ByteRegion)
}

/// Puts masters aside: in memory, or, where they are as many as in scope `boundary`, in a file without a name.
struct MasterStore {
    /// Folder of such a file; nil keeps them in memory.
    let folder: String?

    func keep(_ parameters: [Parameter]) throws -> ByteRegion {
        guard let folder else {
            var writer = ByteWriter(capacity: parameters.reduce(0) { $0 + $1.value.count } * 4)
            for parameter in parameters {
                parameter.value.withSpan { span in
                    for index in span.indices { writer.append(span[index]) }
                }
            }
            return ByteRegion(writer.bytes)
        }
        return try NamelessFile.write(in: folder) { sink in
            for parameter in parameters { try parameter.value.withSpan { span in try sink.write(span) } }
        }
    }

    /// A copy of what a checkpoint holds, which does not change with the checkpoint's file.
    func keep(_ region: ByteRegion) throws -> ByteRegion {
        guard let folder else { return ByteRegion(region.array) }
        return try NamelessFile.write(in: folder) { sink in try sink.write(region) }
    }

    /// Puts kept masters back.
    /// - Precondition: `region` was kept of these parameters.
    static func restore(_ parameters: [Parameter], from region: ByteRegion) throws(BytesError) {
        var offset = 0
        for parameter in parameters {
            let bytes = try region.subregion(offset: offset, byteCount: parameter.value.count * 4)
            parameter.value.withMutableSpan { span in _ = bytes.readFloats(into: &span) }
            offset += bytes.byteCount
        }
    }
}
