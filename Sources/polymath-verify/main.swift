internal import CommandLineKit
internal import Conventions
internal import EvidenceCommands
internal import Foundation

// Checks what `polymath` made without a trainer, a model or a matrix product: the evidence wing alone.

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

leave(with: runCommandLine(Array(CommandLine.arguments.dropFirst()), of: registry))
