internal import CommandLineKit
internal import Conventions
internal import EvidenceCommands
internal import Foundation

// Checks what `polymath` made without a trainer, a model or a matrix product: the evidence wing alone.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Android)
    internal import Android
#endif

let registry = CommandRegistry(
    program: "polymath-verify",
    purpose:
        "checks adapters, audit chains, attestations, seals and manifests, and aggregates adapters; it cannot train.",
    commands: [
        AdapterInspect.self,
        AdapterVerify<FileBases>.self,
        AuditVerify<FileBases>.self,
        AuditAttestation<FileBases>.self,
        AuditSeal<FileBases>.self,
        ManifestVerify<FileBases>.self,
        FederationAggregate<FileBases>.self,
        FederationCheck<FileBases>.self,
    ])

signal(SIGPIPE, SIG_IGN)
leave(with: runCommandLine(Array(CommandLine.arguments.dropFirst()), of: registry))
