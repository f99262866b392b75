internal import CommandLineKit

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif

// A peer, or a reader, that goes away must not end the program: writing fails instead.
signal(SIGPIPE, SIG_IGN)
leave(with: runCommandLine(Array(CommandLine.arguments.dropFirst()), of: .pipeline))
