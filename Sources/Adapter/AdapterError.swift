// Every reason why an adapter or a boundary file is refused, one case each, one sentence each.

internal import Bytes
public import Digest

/// Why an adapter, a boundary file or a merge was refused.
public enum AdapterError: Error, Equatable, CustomStringConvertible, Sendable {
    // The file by itself
    case unreadable(String)
    case tooLarge(byteCount: Int, limit: Int)
    case container(String)
    case containerVersion(UInt32)
    case keyCount(expected: Int, found: Int)
    case keyOrder(position: Int, expected: String, found: String)
    case keyType(key: String, expected: String)
    case keyValue(key: String, expected: String, found: String)
    case notANormGain(String)
    case tensorCount(expected: Int, found: Int)
    case tensorOrder(position: Int, expected: String, found: String)
    case storage(tensor: String, expected: String, found: String)
    case shape(tensor: String, expected: [Int], found: [Int])
    case placement(tensor: String, expected: Int, found: Int)
    case padding(offset: Int)
    case length(expected: Int, found: Int)
    case notCanonical(offset: Int)
    case nonFinite(tensor: String, index: Int)
    case malformedBlock(tensor: String, block: Int)
    case signerKey
    case signature(signer: String)

    // Against a base
    case otherArchitecture(adapter: String, base: String)
    case otherRoot(adapter: SHA256Digest, base: SHA256Digest)
    case otherLayerCount(adapter: Int, base: Int)
    case missingInBase(tensor: String)
    case deltaTooLarge(tensor: String, magnitude: Float, limit: Float)
    case base(String)

    // Writing
    case missingValues(tensor: String)
    case unexpectedValues(tensor: String)
    case valueCount(tensor: String, expected: Int, found: Int)
    case notWholeBlocks(tensor: String, elements: Int)
    case tooLargeForScale(tensor: String, magnitude: Float)
    case noModuleNames(architecture: String)
    case notStorable(tensor: String, type: String)
    case outOfRange(tensor: String, value: Float, type: String)
    case wouldReplaceBase(path: String)
    case mergeDiffers(tensor: String)
    case mergeMetadata(key: String)

    public var description: String {
        switch self {
        case .unreadable(let reason): reason
        case .tooLarge(let byteCount, let limit):
            "The adapter has \(byteCount) bytes, and this format allows at most \(limit)."
        case .container(let reason): "The adapter is no readable GGUF container: \(reason)."
        case .containerVersion(let version):
            "The container is GGUF version \(version); it must be version 3."
        case .keyCount(let expected, let found):
            "The header holds \(found) keys, and this format has exactly \(expected)."
        case .keyOrder(let position, let expected, let found):
            "Key \(position + 1) is “\(escaped(found))”; it must be “\(expected)”."
        case .keyType(let key, let expected): "The key “\(escaped(key))” must be stored as \(expected)."
        case .keyValue(let key, let expected, let found):
            "The key “\(escaped(key))” says “\(escaped(found))”; it must say \(expected)."
        case .notANormGain(let name):
            "“\(escaped(name))” is not a norm gain, and an adapter holds nothing else."
        case .tensorCount(let expected, let found):
            "The adapter holds \(found) tensors; its scope has \(expected)."
        case .tensorOrder(let position, let expected, let found):
            "Tensor \(position + 1) is “\(escaped(found))”; it must be “\(escaped(expected))”."
        case .storage(let tensor, let expected, let found):
            "The tensor “\(escaped(tensor))” is stored as \(found); it must be \(expected)."
        case .shape(let tensor, let expected, let found):
            "The tensor “\(escaped(tensor))” has the shape \(found); it must be \(expected)."
        case .placement(let tensor, let expected, let found):
            "The data of “\(escaped(tensor))” begins at byte \(found); it must begin at \(expected)."
        case .padding(let offset): "The padding byte at offset \(offset) is not zero."
        case .length(let expected, let found):
            "The adapter has \(found) bytes; its header asks for exactly \(expected)."
        case .notCanonical(let offset):
            "The header differs at byte \(offset) from the only form this format allows."
        case .nonFinite(let tensor, let index):
            "The value \(index) of “\(escaped(tensor))” is not a finite number."
        case .malformedBlock(let tensor, let block):
            "The block \(block) of “\(escaped(tensor))” holds a scale or a step that no encoder of this format writes."
        case .signerKey: "The signer's key is not an Ed25519 public key of 32 bytes."
        case .signature(let signer):
            "The signature does not belong to these bytes and the key \(signer): the file was changed or forged."
        case .otherArchitecture(let adapter, let base):
            "The adapter is for the architecture “\(escaped(adapter))”, and this base is “\(escaped(base))”."
        case .otherRoot(let adapter, let base):
            "The adapter was trained on another base: it names the root \(adapter.hex), and this base has \(base.hex)."
        case .otherLayerCount(let adapter, let base):
            "The adapter is for a model of \(adapter) layers, and this base has \(base)."
        case .missingInBase(let tensor): "The base has no tensor “\(escaped(tensor))”."
        case .deltaTooLarge(let tensor, let magnitude, let limit):
            "A delta of “\(escaped(tensor))” has the magnitude \(magnitude), above the largest gain of the base, \(limit)."
        case .base(let reason): "The base cannot be read: \(reason)"
        case .missingValues(let tensor):
            "No values were given for “\(escaped(tensor))”, which this scope holds."
        case .unexpectedValues(let tensor):
            "Values were given for “\(escaped(tensor))”, which this scope does not hold."
        case .valueCount(let tensor, let expected, let found):
            "“\(escaped(tensor))” was given \(found) values; it needs \(expected)."
        case .notWholeBlocks(let tensor, let elements):
            "“\(escaped(tensor))” has \(elements) values, which do not fill whole blocks of 32: use the encoding f32."
        case .tooLargeForScale(let tensor, let magnitude):
            "“\(escaped(tensor))” holds a delta of \(magnitude), too large for an 8-bit block: use the encoding f32."
        case .noModuleNames(let architecture):
            "PEFT's module names are known for the architecture “qwen2” alone, and this one is “\(escaped(architecture))”."
        case .notStorable(let tensor, let type):
            "“\(escaped(tensor))” cannot be stored as \(type), which nothing here encodes for its shape: use --boundary-types f16."
        case .outOfRange(let tensor, let value, let type):
            "“\(escaped(tensor))” holds the value \(value), too large for \(type): use --boundary-types f32."
        case .wouldReplaceBase(let path):
            "“\(escaped(path))” is the base itself, which is never overwritten: choose another file name."
        case .mergeDiffers(let tensor):
            "The merged file, read back, differs from what was meant in “\(escaped(tensor))”."
        case .mergeMetadata(let key):
            "The merged file, read back, differs from what was meant in the key “\(escaped(key))”."
        }
    }
}
