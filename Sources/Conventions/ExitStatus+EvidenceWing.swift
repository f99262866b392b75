// How a command ends on errors of the evidence wing; its rooms know nothing of exit statuses.

public import Adapter
public import Audit
public import Bytes
public import Digest
public import Federation
public import Seal

extension BytesError: ExitReporting {
    public var exitStatus: ExitStatus {
        switch self {
        case .notFound, .exists: .usage
        case .noSpace, .beyondLimit, .noMemory: .resources
        default: .failure
        }
    }
}

extension AdapterError: ExitReporting {
    /// A file that is no container is malformed; one that breaks the format's rules, or names another base, differs
    /// from its record.
    public var exitStatus: ExitStatus {
        switch self {
        case .unreadable, .tooLarge, .container, .containerVersion, .base, .missingValues, .unexpectedValues,
            .valueCount, .notWholeBlocks, .tooLargeForScale, .noModuleNames, .notStorable,
            .outOfRange:
            .failure
        case .wouldReplaceBase: .usage
        default: .mismatch
        }
    }
}

extension FederationError: ExitReporting {
    /// A round that too few adapters passed, or a record that does not hold, differs from what it should be; a roster that
    /// cannot be read is malformed input.
    public var exitStatus: ExitStatus {
        switch self {
        case .roundName, .trim, .parameter, .unusedParameter: .usage
        case .rosterUnreadable, .rosterLine, .rosterEmpty, .folder, .unusable: .failure
        case .tooFew, .roundRecorded, .changed, .envelope, .payloadType, .record, .missing: .mismatch
        }
    }
}

extension SealError: ExitReporting {
    public var exitStatus: ExitStatus {
        switch self {
        case .rootMismatch, .otherFile: .mismatch
        default: .failure
        }
    }
}

extension SealViolation: ExitReporting {
    public var exitStatus: ExitStatus { .sealViolation }
}

extension AuditChainError: ExitReporting {
    public var exitStatus: ExitStatus { .mismatch }
}

extension AttestationError: ExitReporting {
    public var exitStatus: ExitStatus { .mismatch }
}

extension IdentityError: ExitReporting {
    public var exitStatus: ExitStatus { self == .noConfigurationFolder ? .usage : .failure }
}

extension TrustError: ExitReporting {
    public var exitStatus: ExitStatus {
        switch self {
        case .untrusted: .mismatch
        case .unreadable, .badLine: .failure
        }
    }
}

extension ManifestError: ExitReporting {
    public var exitStatus: ExitStatus {
        switch self {
        case .unreadable(let error): error.exitStatus
        case .tooLarge, .notJSON, .base, .impossibleKind: .failure
        default: .mismatch
        }
    }
}
