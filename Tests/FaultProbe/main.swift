// A program that touches a watched map in ways that no test process would survive.
//
//     FaultProbe MODE FILE RECORD

import Bytes
import Foundation
import Seal

let arguments = CommandLine.arguments
let (mode, path, record) = (arguments[1], arguments[2], arguments[3])

/// Byte of the file that is touched.
let place = 5_000

func write(_ region: ByteRegion, at offset: Int) {
    region.withBytes { span in
        span.withUnsafeBytes { bytes in
            let pointer = UnsafeMutableRawPointer(mutating: bytes.baseAddress! + offset)
            pointer.storeBytes(of: 1, as: UInt8.self)
        }
    }
}

func read(_ region: ByteRegion, at offset: Int) -> UInt8 {
    region.withBytes { $0.unsafeLoad(fromByteOffset: offset, as: UInt8.self) }
}

func writeNowhere() {
    UnsafeMutableRawPointer(bitPattern: 4_096)!.storeBytes(of: 1, as: UInt8.self)
}

func watch(_ region: ByteRegion) throws -> FaultGuard {
    let watcher = try FaultGuard(
        watching: region, path: path, recordPath: record, exitStatus: 3,
        output: .plain(descriptor: 2, prefix: "probe: "), advice: "nothing more", unfinished: [record + ".unfinished"])
    watcher.reached(step: 17)
    return watcher
}

// A map that nobody watches is cut: with a handler its lost pages are zeros, without one the process ends.
if ["recovers", "recovers-threads", "recovers-watched", "unhandled"].contains(mode) {
    if mode != "unhandled" { try MapFaults.recover() }
    let file = try MappedFile(path: path)
    let other = try MappedFile(path: record + ".other")
    let guarded = mode == "recovers-watched" ? try watch(file.region) : nil
    try file.checkWhole()
    truncate(path, 4_096)
    if mode == "recovers-threads" {
        DispatchQueue.concurrentPerform(iterations: 8) { _ = read(file.region, at: place + $0 * 1_000) }
    }
    print(read(file.region, at: 4_095), read(file.region, at: place), read(file.region, at: 19_999))
    do {
        try file.checkWhole()
    } catch {
        print(error)
    }
    try other.checkWhole()
    print(MapFaults.cutPath == path, file.region.isCut, other.region.isCut)
    withExtendedLifetime(guarded) {}
    exit(0)
}

if mode == "former" { signal(SIGSEGV) { _ in _exit(42) } }
let file = try MappedFile(path: path)
var watcher: FaultGuard? = try watch(file.region)
switch mode {
case "write": write(file.region, at: place)
case "cut", "threads":
    truncate(path, 0)
    if mode == "threads" {
        DispatchQueue.concurrentPerform(iterations: 8) { _ = read(file.region, at: place + $0) }
    }
    print(read(file.region, at: place))
case "outside", "former": writeNowhere()
case "sent": raise(SIGSEGV)
case "released":
    watcher = nil
    write(file.region, at: place)
case "second":
    // Another map is watched too; the fault is told by the guard of the map in which it happened.
    let other = try MappedFile(path: record + ".other")
    let second = try FaultGuard(
        watching: other.region, path: "other", recordPath: nil, exitStatus: 4, output: nil, advice: "")
    withExtendedLifetime(second) { write(other.region, at: 0) }
default: break
}
withExtendedLifetime(watcher) {}
exit(0)
