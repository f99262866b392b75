internal import Blocks
internal import Bytes
internal import Digest
internal import TensorCore

extension KernelBenchmark {
    // MARK: Products

    /// The projections of a layer: names, outputs, inputs. Those of one shape are measured once.
    private var projections: [(name: String, outputs: Int, inputs: Int)] {
        let d = shape.width
        let keyValue = shape.width / shape.heads * shape.keyValueHeads
        return [
            ("attn_q, attn_output", d, d), ("attn_k, attn_v", keyValue, d), ("ffn_gate, ffn_up", shape.feedForward, d),
            ("ffn_down", d, shape.feedForward),
        ]
    }

    func productTasks(_ workers: Workers) -> [() throws -> [Row]] {
        var tasks: [() throws -> [Row]] = []
        for projection in projections {
            for type in Self.storageTypes {
                for arithmetic in arithmetics {
                    for count in tokens {
                        tasks.append { products(projection, type, arithmetic, tokens: count, workers) }
                    }
                }
            }
        }
        return tasks
    }

    private func products(
        _ projection: (name: String, outputs: Int, inputs: Int), _ type: StorageType, _ arithmetic: Arithmetic,
        tokens: Int, _ workers: Workers
    ) -> [Row] {
        let (outputs, inputs) = (projection.outputs, projection.inputs)
        let weight = LinearWeight(
            stored: type, region: bytes(type, outputs: outputs, inputs: inputs), outputs: outputs, inputs: inputs,
            arithmetic: arithmetic)
        let (x, y) = (values(tokens, inputs), Matrix(rows: tokens, columns: outputs))
        let forward = measure { linear(x, weight, bias: nil, into: y, workers: workers) }
        let (dy, dx) = (values(tokens, outputs), Matrix(rows: tokens, columns: inputs))
        let gradient = measure { linearBackwardInput(dy, weight, into: dx, workers: workers) }
        return [("forward", forward), ("input gradient", gradient)].map { kernel, seconds in
            Row(
                group: .products, kernel: kernel, subject: "\(projection.name), \(outputs) × \(inputs)",
                type: type.name, arithmetic: arithmetic, tokens: tokens, threads: workers.count, seconds: seconds,
                work: .operations(2 * Double(tokens) * Double(outputs) * Double(inputs)))
        }
    }

    func headTasks(_ workers: Workers) -> [() throws -> [Row]] {
        var tasks: [() throws -> [Row]] = []
        for arithmetic in arithmetics {
            for count in tokens { tasks.append { [head(arithmetic, tokens: count, workers)] } }
        }
        return tasks
    }

    private func head(_ arithmetic: Arithmetic, tokens: Int, _ workers: Workers) -> Row {
        let (outputs, inputs) = (shape.vocabulary, shape.width)
        let weight = LinearWeight(
            stored: .q6_K, region: bytes(.q6_K, outputs: outputs, inputs: inputs), outputs: outputs, inputs: inputs,
            arithmetic: arithmetic)
        let (hidden, dHidden) = (values(tokens, inputs), Matrix(rows: tokens, columns: inputs))
        let targets = (0..<tokens).map { Int32($0 * 7_919 % outputs) }
        let seconds = measure {
            _ = headCrossEntropyWithGradient(
                hidden, weight, targets: targets, scale: 1 / Float(tokens), into: dHidden, workers: workers)
        }
        return Row(
            group: .head, kernel: "loss and input gradient", subject: "output, \(outputs) × \(inputs)",
            type: StorageType.q6_K.name, arithmetic: arithmetic, tokens: tokens, threads: workers.count,
            seconds: seconds, work: .operations(4 * Double(tokens) * Double(outputs) * Double(inputs)))
    }

    // MARK: Attention

    /// Attention multiplies in the format in which its operands are kept: f32, or bfloat16 in the fast modes.
    func attentionTasks(_ workers: Workers) -> [() throws -> [Row]] {
        let formats = [ActivationFormat.f32, .bf16].filter { arithmetics.map(\.activationFormat).contains($0) }
        return formats.flatMap { format in
            tokens.map { count in { try attention(format, tokens: count, workers) } }
        }
    }

    private func attention(_ format: ActivationFormat, tokens: Int, _ workers: Workers) throws -> [Row] {
        let (width, heads, shared) = (shape.width, shape.heads, shape.keyValueHeads)
        let keyValue = width / heads * shared
        let arena = try Arena(byteCount: 16 * tokens * width * 4 + (1 << 20))
        func stored(_ columns: Int) -> Activation {
            let result = Activation(rows: tokens, columns: columns, format: format, in: arena)
            result.store(values(tokens, columns), workers: workers)
            return result
        }
        let (q, k, v, o) = (stored(width), stored(keyValue), stored(keyValue), stored(width))
        let logSumExp = Matrix(rows: heads, columns: tokens)
        let forward = measure {
            TensorCore.attention(
                q: q, k: k, v: v, keyCount: tokens, headCount: heads, keyValueHeadCount: shared, into: o,
                logSumExp: logSumExp, workers: workers)
        }
        let dO = values(tokens, width)
        let gradients = AttentionGradients(tokens: tokens, queryLength: width, keyValueLength: keyValue, in: arena)
        let backward = measure {
            attentionBackward(
                dO, q: q, k: k, v: v, o: o, logSumExp: logSumExp, headCount: heads, keyValueHeadCount: shared,
                into: gradients, workers: workers)
        }
        // A query and a key that it sees: h products for the score and h for the value; twice that for gradients.
        let pairs = Double(tokens) * Double(tokens + 1) / 2 * Double(width)
        return [("forward", forward, 4 * pairs), ("gradient", backward, 8 * pairs)].map { kernel, seconds, count in
            Row(
                group: .attention, kernel: kernel, subject: "\(heads) heads of \(width / heads), \(shared) shared",
                type: nil, arithmetic: format == .f32 ? .f32 : .bf16, tokens: tokens, threads: workers.count,
                seconds: seconds,
                work: .operations(count))
        }
    }

    // MARK: Bytes

    func decode(_ type: StorageType, _ workers: Workers) -> Row {
        let (outputs, inputs) = (shape.feedForward, shape.width)
        let region = bytes(type, outputs: outputs, inputs: inputs)
        let weight = LinearWeight(stored: type, region: region, outputs: outputs, inputs: inputs)
        let rowsPerTask = 64
        let seconds = measure {
            workers.forEach(tasks: (outputs + rowsPerTask - 1) / rowsPerTask) { task in
                var values = [Float](repeating: 0, count: inputs)
                var span = values.mutableSpan
                for row in task * rowsPerTask..<min(outputs, (task + 1) * rowsPerTask) {
                    weight.row(row, into: &span)
                }
            }
        }
        return Row(
            group: .decode, kernel: "decode", subject: "\(outputs) × \(inputs) values", type: type.name,
            arithmetic: nil, tokens: nil, threads: workers.count, seconds: seconds,
            work: .bytes(Double(region.byteCount)))
    }

    func hash(threads: Int) -> Row {
        let byteCount = 32 << 20
        let bytes = [UInt8](repeating: 0x5A, count: byteCount)
        let workers = Workers(count: threads)
        let seconds = measure {
            workers.forEach(tasks: threads) { _ in
                var hasher = SHA256Hasher()
                hasher.update(bytes)
                _ = hasher.finalize()
            }
        }
        return Row(
            group: .sha256, kernel: "SHA-256", subject: "\(byteCount >> 20) MiB a thread", type: nil, arithmetic: nil,
            tokens: nil, threads: threads, seconds: seconds, work: .bytes(Double(byteCount * threads)))
    }
}
