internal import CommandLineKit

leave(with: runCommandLine(Array(CommandLine.arguments.dropFirst()), of: .pipeline))
