internal import CommandLineKit
internal import EvidenceCommands

extension CommandRegistry {
    /// What `polymath` can do: parser, help and completion are made from this list.
    static let polymath = CommandRegistry(
        program: "polymath",
        purpose: "trains the boundary of a language model on your own text, on your own machine.",
        commands: [
            Train.self,
            Eval.self,
            Generate.self,
            Tokenize.self,
            AdapterInspect.self,
            AdapterVerify<CatalogueBases>.self,
            AdapterMerge.self,
            AdapterExport.self,
            AdapterPrivacy.self,
            AuditSeal<CatalogueBases>.self,
            AuditVerify<CatalogueBases>.self,
            AuditAttestation<CatalogueBases>.self,
            AuditReplay.self,
            AuditReport.self,
            AuditExport.self,
            FederationAggregate<CatalogueBases>.self,
            FederationCheck<CatalogueBases>.self,
            ManifestMake.self,
            ManifestVerify<CatalogueBases>.self,
            ExportTelemetry.self,
            TelemetrySimulate.self,
            BaseList.self,
            BasePull.self,
            BaseInspect.self,
            BaseSynth.self,
            CorpusList.self,
            CheckCorpus.self,
            CorpusFertility.self,
            CorpusPlant.self,
            BenchStep.self,
            BenchKernels.self,
            BenchGradients.self,
            BetsList.self,
            BetsRun.self,
            BetsTable.self,
            BetsRetract.self,
            DoctorCommand.self,
            Completion.self,
        ])
}
