// What a run's folder holds, read when it is resumed, replayed or reported on.

import Bytes
import Digest
import Foundation
import PolymathKit
import Training

extension FuzzTarget {
    /// A `run.json` whose recipe is given the digest it has.
    static let run = FuzzTarget(name: "run", heapMultiple: 512, seeds: { [Samples.run] }) { bytes in
        var bytes = bytes
        if var json = try? JSONValue.parse(bytes), let recipe = json["recipe"] {
            json["recipe_sha256"] = .string(SHA256Digest.of(recipe.canonicalBytes).hex)
            bytes = json.canonicalBytes
        }
        do {
            _ = try RunRecord(path: Scratch.file(bytes, name: "run.json"))
        } catch let error as ResumeError {
            explain(error)
        } catch let error as BytesError {
            explain(error)
        } catch {
            broken("an error of another type: \(error)")
        }
    }

    /// A checkpoint's record, given the digests that it and its state have: what somebody who can compute can write.
    static let checkpoint = FuzzTarget(name: "checkpoint", heapMultiple: 512, seeds: { [Samples.checkpoint] }) {
        bytes in
        var bytes = bytes
        let state = (0..<48).flatMap { index in withUnsafeBytes(of: Float(index)) { Array($0) } }
        if var json = try? JSONValue.parse(bytes), json.asObject != nil {
            json["state_sha256"] = .string(SHA256Digest.of(state).hex)
            json["sha256"] = nil
            json["sha256"] = .string(SHA256Digest.of(json.canonicalBytes).hex)
            bytes = json.canonicalBytes
        }
        let store = CheckpointStore(folder: Scratch.folder)
        Scratch.makeFolder(store.path(ofStep: 1))
        _ = Scratch.file(bytes, name: "step_00000001/checkpoint.json")
        _ = Scratch.file(state, name: "step_00000001/state.f32")
        do throws(CheckpointError) {
            _ = try store.read(step: 1, recipe: Samples.recipe)
        } catch {
            explain(error)
        }
    }
}
