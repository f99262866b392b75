internal import Foundation
internal import CommandLineKit
internal import Conventions

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif

// A reader that goes away must not end a run between two checkpoints: writing fails instead, and the console notes it.
signal(SIGPIPE, SIG_IGN)
leave(with: runCommandLine(Array(CommandLine.arguments.dropFirst()), of: .polymath))
