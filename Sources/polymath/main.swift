internal import CommandLineKit
internal import Conventions

leave(with: runCommandLine(Array(CommandLine.arguments.dropFirst()), of: .polymath))
