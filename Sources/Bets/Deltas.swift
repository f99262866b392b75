internal import Adapter
internal import GGUF
internal import Model
internal import PolymathKit

/// An adapter's deltas as numbers to calculate with: what norm gains become is base plus these.
struct Deltas {
    private var tensors: [(name: String, base: [Float], delta: [Float])]

    /// - Precondition: the adapter was verified against `base`.
    init(_ adapter: NormAdapter, on base: LoadedBase) throws {
        tensors = try adapter.deltas.map { delta in
            let own = try base.gguf.gains(named: delta.name, length: delta.values.count)
            return (delta.name, own, delta.values)
        }
    }

    private init(_ tensors: [(name: String, base: [Float], delta: [Float])]) { self.tensors = tensors }

    private func map(_ change: (Int, [Float]) -> [Float]) -> Deltas {
        Deltas(tensors.enumerated().map { ($1.name, $1.base, change($0, $1.delta)) })
    }

    func scaled(by factor: Float) -> Deltas { map { _, delta in delta.map { $0 * factor } } }

    /// The mean of two of one scope.
    func mean(with other: Deltas) -> Deltas {
        map { index, delta in zip(delta, other.tensors[index].delta).map { ($0 + $1) / 2 } }
    }

    /// The mean of any number of one scope; nil of none.
    static func mean(of all: [Deltas]) -> Deltas? {
        all.first?.map { index, delta in
            delta.indices.map { place in
                all.reduce(Float(0)) { $0 + $1.tensors[index].delta[place] } / Float(all.count)
            }
        }
    }

    /// Blocks of 32 with one scale each, values rounded to signed integers of `bits` bits.
    func rounded(toBits bits: Int) -> Deltas {
        let largest = Float((1 << (bits - 1)) - 1)
        return map { _, delta in
            stride(from: 0, to: delta.count, by: 32).flatMap { start in
                let block = delta[start..<min(start + 32, delta.count)]
                let scale = (block.map(abs).max() ?? 0) / largest
                return block.map { scale > 0 ? ($0 / scale).rounded() * scale : 0 }
            }
        }
    }

    /// Puts base plus deltas into the decoder of `base`.
    func attach(to base: LoadedBase) throws {
        let decoder = try base.decoder()
        for tensor in tensors {
            guard decoder.setGain(tensor.name, to: zip(tensor.base, tensor.delta).map { $0 + $1 }) else {
                throw AdapterError.missingInBase(tensor: tensor.name)
            }
        }
    }
}
