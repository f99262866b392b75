internal import Bytes
internal import Digest
internal import TensorCore

/// Outputs of the frozen layers below scope `tail`, by window: computed once, read at every later step.
///
/// They lie in memory as far as the limit goes, then in a file without a name, as the very f32 values that were
/// computed, so that a hit changes no bit. One in the file is held against its digest at each reading; those in memory
/// are the guard's. Where there is no room or no file the output is computed again each time, and one note says so.
final class PrefixCache {
    private enum Place {
        case memory(Matrix)
        case file(offset: Int, digest: SHA256Digest)
    }

    private let storage: PrefixStorage
    private var places: [WindowPlace: Place] = [:]
    /// What is kept in memory, in the order in which it was made.
    private(set) var kept: [KeptOutput] = []
    private var keptByteCount = 0
    /// Holds an output that is not kept in memory, for as long as one window's pass takes.
    private var passing: Matrix?
    private var file: ScratchFile?
    private var fileByteCount = 0
    /// Whether outputs may still be written to the file.
    private var isFileOpen: Bool
    private var note: TrainingNote?

    init(_ storage: PrefixStorage) {
        self.storage = storage
        isFileOpen = storage.folder != nil
    }

    /// Bytes of memory that are held now.
    var memoryByteCount: Int { keptByteCount + (passing.map(Self.byteCount) ?? 0) }

    /// Why not everything is kept that should be, once.
    func takeNote() -> TrainingNote? {
        defer { note = nil }
        return note
    }

    /// The output for a window; valid until the next call.
    ///
    /// - Parameter compute: fills a matrix of `rows` × `columns` with it.
    /// - Throws: `KeptOutputChanged` when what comes back from the file is not what was written; what `compute` throws.
    func output(
        of window: WindowPlace, rows: Int, columns: Int, _ compute: (Matrix) throws -> Void
    ) throws -> Matrix {
        switch places[window] {
        case .memory(let values): return values
        case .file(let offset, let digest):
            let values = passingMatrix(rows, columns)
            if try read(values, of: window, at: offset, digest) { return values }
        case nil: break
        }
        let byteCount = rows * columns * MemoryLayout<Float>.stride
        if byteCount <= storage.memoryLimit - keptByteCount {
            let values = Matrix(rows: rows, columns: columns)
            try compute(values)
            keptByteCount += byteCount
            places[window] = .memory(values)
            kept.append(KeptOutput(place: window, values: values))
            return values
        }
        let values = passingMatrix(rows, columns)
        try compute(values)
        if isFileOpen { write(values, of: window) }
        return values
    }

    private func passingMatrix(_ rows: Int, _ columns: Int) -> Matrix {
        if let passing, passing.rows == rows, passing.columns == columns { return passing }
        let made = Matrix(rows: rows, columns: columns)
        passing = made
        return made
    }

    // MARK: The file

    private func write(_ values: Matrix, of window: WindowPlace) {
        let byteCount = Self.byteCount(values)
        do throws(BytesError) {
            guard let file = try openFile() else { return }
            guard file.availableByteCount.map({ $0 - byteCount >= storage.reserve }) ?? true else {
                throw .noSpace(path: "")
            }
            let digest = KeptOutput.digest(of: values)
            try values.withSpan { span throws(BytesError) in try file.write(span, at: fileByteCount) }
            places[window] = .file(offset: fileByteCount, digest: digest)
            fileByteCount += byteCount
        } catch {
            // What is in the file stays; nothing more goes there.
            isFileOpen = false
            if case .noSpace = error {
                note = .noRoomForOutputs(windows: places.count)
            } else {
                giveUpFile()
            }
        }
    }

    private func openFile() throws(BytesError) -> ScratchFile? {
        if file == nil, let folder = storage.folder { file = try ScratchFile(in: folder) }
        return file
    }

    /// - Returns: false when the file can no longer be read; it is not asked again.
    private func read(
        _ values: Matrix, of window: WindowPlace, at offset: Int, _ digest: SHA256Digest
    ) throws(KeptOutputChanged) -> Bool {
        do {
            try values.withMutableSpan { span throws(BytesError) in try file?.read(into: &span, at: offset) }
        } catch {
            giveUpFile()
            return false
        }
        let actual = KeptOutput.digest(of: values)
        guard actual == digest else {
            throw KeptOutputChanged(
                place: window, byteCount: Self.byteCount(values), expected: digest, actual: actual)
        }
        return true
    }

    private func giveUpFile() {
        isFileOpen = false
        file = nil
        places = places.filter { if case .memory = $0.value { true } else { false } }
        note = .noFileForOutputs(windows: places.count)
    }

    private static func byteCount(_ values: Matrix) -> Int { values.count * MemoryLayout<Float>.stride }
}
