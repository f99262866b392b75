// The second pass over a round's files: a block of coordinates at a time, from every accepted adapter.

internal import Adapter
internal import Bytes
internal import Digest

/// Aggregates adapters of which no more than a block of coordinates is in memory at a time.
///
/// Each file is read and hashed again for each block: what is combined is what was verified, byte for byte, or nothing.
struct DeltaBlocks {
    /// Ascending by content id.
    let submissions: [Submission]
    let shape: RoundShape
    let combiner: Combiner
    let threads: Int
    /// Most bytes of deltas that all threads hold together.
    let byteCount: Int

    /// The aggregate's deltas, coordinate by coordinate.
    ///
    /// - Throws: ``FederationError/changed(path:)``.
    func aggregate(progress: (@Sendable (Int) -> Void)? = nil) throws(FederationError) -> [Float] {
        let count = shape.names.count * shape.embeddingLength
        let blocks = ranges(of: count)
        let results = Tasks.map(count: blocks.count, threads: threads) { index in
            block(blocks[index], progress: index == 0 ? progress : nil)
        }
        var deltas: [Float] = []
        deltas.reserveCapacity(count)
        for result in results { deltas += try result.get() }
        return deltas
    }

    /// Blocks of equal length that fit the memory allowed, and at least one for each thread.
    func ranges(of count: Int) -> [Range<Int>] {
        let fitting = byteCount / max(1, threads) / (MemoryLayout<Float>.size * max(1, submissions.count))
        let length = max(1, min(fitting, (count + threads - 1) / max(1, threads)))
        return stride(from: 0, to: count, by: length).map { $0..<min(count, $0 + length) }
    }

    private func block(
        _ range: Range<Int>, progress: (@Sendable (Int) -> Void)?
    ) -> Result<[Float], FederationError> {
        // Adapters lie beside each other for each coordinate.
        let adapters = submissions.count
        var values = [Float](repeating: 0, count: range.count * adapters)
        for (column, submission) in submissions.enumerated() {
            guard let read = deltas(of: submission, in: range) else {
                return .failure(.changed(path: submission.path))
            }
            var place = column
            for value in read {
                // Not the zero with a sign, so that no order of equal values can show.
                values[place] = value + 0
                place += adapters
            }
            if let progress, column % 256 == 255 { progress(column + 1) }
        }
        var row: [Float] = []
        return .success(
            range.indices.map { index in
                let start = (index - range.lowerBound) * adapters
                row.removeAll(keepingCapacity: true)
                row += values[start..<start + adapters]
                return combiner.combine(&row)
            })
    }

    private func deltas(of submission: Submission, in range: Range<Int>) -> [Float]? {
        guard let bytes = try? WholeFile.read(submission.path, limit: NormAdapter.byteLimit),
            SHA256Digest.of(bytes) == submission.contentID
        else { return nil }
        return try? shape.places[submission.encoding]?.deltas(of: bytes, in: range)
    }
}
