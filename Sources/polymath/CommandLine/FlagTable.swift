internal import CommandLineKit
internal import Device
internal import PolymathKit
internal import TensorCore

// Every flag of `polymath` alone, once; those it shares with `polymath-verify` stand in `CommandLineKit`. A command lists
// those it takes; parser, help and completion read them here.

extension Flag {
    // MARK: What to work on
    static let corpus = Flag(
        "corpus", .text, "PATH", help: "Text: a collection, a folder, or a .jsonl, .txt or .md file")
    static let tokens = Flag("tokens", .text, "FILE.json", help: "A JSON array of token ids instead of text")
    static let boundaryTypes = Flag(
        "boundary-types", .choice(["f16", "f32", "base"]), "TYPES", default: "f16",
        help: "Matrices of a boundary.gguf: half, exact, or the base's own types")
    static let format = Flag("format", .choice(["peft"]), "FORMAT", default: "peft", help: "Whose form to write")
    static let baseModel = Flag(
        "base-model", .text, "NAME", help: "The base's name or folder in transformers (default: the base's own name)")
    static let modelID = Flag("model-id", .text, "ID", help: "What people call the specialist")
    static let weightURLs = Flag(
        "url", .text, "URL,URL,…", help: "Where the base's file can be had: https alone, a comma between two")
    static let accept = Flag(
        "accept", .text, "SCOPE:ENCODING,…", default: "norms:q8_0,tail:q8_0",
        help: "Which adapters are taken; their sizes follow from the base")

    static let catalog = Flag(
        "catalog", .text, "FILE", help: "Catalogue of bases (or POLYMATH_CATALOG; default: catalog.json in Checkpoints)"
    )
    static let layout = Flag(
        "layout", .choice(["q4_k_m", "q4_0"]), "LAYOUT", default: "q4_k_m",
        help: "Storage types: Q4_K and Q6_K with a head of its own, or Q4_0 with a tied head")
    static let layers = Flag(
        "layers", .integer(1...1_024), "N", help: "Another depth than the shape's own, to see what grows with it")
    static let vocab = Flag("vocab", .text, "FILE", help: "GGUF file whose tokenizer is copied")

    // MARK: What to train
    static let gradientScope = Flag(
        "scope", .choice(["norms", "tail", "all-norms", "boundary"]), "SCOPE", default: "all-norms",
        help: "Which tensors' gradients")
    static let scope = Flag(
        "scope", .choice(["norms", "tail", "all-norms", "boundary"]), "SCOPE", default: "norms",
        help: "Which tensors are trained")
    static let start = Flag(
        "start", .text, "ADAPTER", help: "Adapter to begin with, of this scope or a narrower one (default: the base)")
    static let steps = Flag("steps", .integer(1...Int.max), "N", help: "Number of optimiser steps")
    static let epochs = Flag("epochs", .integer(1...Int.max), "N", help: "Passes over the training windows")
    static let seqLen = Flag("seq-len", .integer(1...Int.max), "T", default: "128", help: "Tokens per window")
    static let batchSize = Flag("batch-size", .integer(1...65_536), "B", default: "1", help: "Windows per step")
    static let optimizer = Flag(
        "optimizer", .choice(["adamw", "sgd"]), "NAME", default: "adamw", help: "How gradients become updates")
    static let moments = Flag(
        "moments", .choice(Moments.Form.allCases.map(\.rawValue)), "FORM", default: "f32",
        help: "How AdamW keeps its moments of matrices (scope boundary); int8 takes a quarter of the memory")
    static let learningRate = Flag("learning-rate", .number(.above(0)), "X", help: "Peak learning rate")
    static let schedule = Flag(
        "schedule", .choice(["constant", "cosine", "linear"]), "NAME", default: "cosine",
        help: "Course of the learning rate after warm-up")
    static let warmup = Flag(
        "warmup", .integer(0...Int.max), "N", help: "Steps of rising learning rate at the start; 0 turns it off")
    static let weightDecay = Flag(
        "weight-decay", .number(.from(0)), "W", default: "0",
        help: "Decoupled decay of matrices, never of gains; 0 turns it off")
    static let gradClip = Flag(
        "grad-clip", .number(.from(0)), "C", default: "1", help: "Largest norm of the whole gradient; 0 turns it off")
    static let seed = Flag("seed", .integer(0...Int.max), "S", default: "0", help: "Seed of every random number")
    static let publicSeed = Flag(
        "seed", .integer(0...Int.max), "S",
        help: "A public seed of every random number; without it the run draws a secret one")
    static let losses = Flag(
        "losses", .choice(LossRecord.allCases.map(\.rawValue)), "HOW",
        help: "How the run's folder tells losses: rounded with a secret seed, whole with a public one if not given")
    static let secret = Flag(
        "secret", .text, "FILE", help: "The run's secret seed, for who does not hold its identity and folder")
    static let shuffle = Flag("shuffle", .invertibleToggle, default: "true", help: "Draw the windows in a seeded order")
    static let validationFraction = Flag(
        "validation-fraction", .number(.from(0, below: 1)), "F", default: "0.1",
        help: "Share of the last windows kept for validation when there is no valid.jsonl; 0 turns it off")
    static let evalEvery = Flag("eval-every", .integer(1...Int.max), "N", help: "Steps between validations")
    static let patience = Flag(
        "patience", .integer(0...Int.max), "N", default: "0",
        help: "Validations without improvement before stopping; 0 turns it off")
    static let checkpointEvery = Flag(
        "checkpoint-every", .integer(1...Int.max), "N", help: "Steps between checkpoints")
    static let resume = Flag("resume", .text, "DIR", help: "Go on with the run in this folder")
    static let dryRun = Flag("dry-run", .toggle, help: "Say what would be done, and stop")
    static let sealStrict = Flag(
        "seal-strict", .toggle,
        help: "Read the base into memory that this process alone can write, and train on that; wants as much memory as "
            + "the file has bytes")
    static let allowOtherKernels = Flag(
        "allow-other-kernels", .toggle, help: "Resume on another kernel path; recorded in the run")

    // MARK: How to share the device
    static let pace = Flag(
        "pace", .choice(PacingLimits.Preset.allCases.map(\.rawValue)), "PACE",
        help: "How much the device is spared; eager if not given")
    static let paceWindow = Flag(
        "pace-window", .text, "HH:MM-HH:MM", help: "The only part of the day in which steps are made")
    static let presence = Flag(
        "presence", .text, "FILE", help: "A file that is there while somebody uses the device")
    static let sensors = Flag(
        "sensors", .text, "PATH", help: "A folder that stands for / where sensors are read, or a recorded trace")

    static let telemetryFormat = Flag(
        "format", .choice(TelemetryExport.Format.allCases.map(\.rawValue)), "FORMAT", help: "Whose form to write")
    static let days = Flag("days", .integer(1...1_000_000), "N", default: "100", help: "Simulated days, a device each")

    // MARK: How to compute
    static let compute = Flag(
        "compute", .choice(["auto"] + Arithmetic.allCases.map(\.rawValue)), "MODE", default: "auto",
        help: "Arithmetic of the products")
    static let memoryBudget = Flag(
        "memory-budget", .bytes, "BYTES",
        help: "Most anonymous memory (not the base's map); layers are computed twice to keep to it")

    // MARK: What to write
    static let prompt = Flag("prompt", .text, "TEXT", help: "Text to go on from")
    static let chat = Flag("chat", .toggle, help: "Lay the prompt out as one turn of a conversation")
    static let maxTokens = Flag(
        "max-tokens", .integer(1...1_048_576), "N", default: "128", help: "Most tokens to write")
    static let temperature = Flag(
        "temperature", .number(.from(0, through: 100)), "X", default: "0.8",
        help: "Spread of the choice; 0 takes the likeliest")
    static let topP = Flag(
        "top-p", .number(.above(0, through: 1)), "X", default: "0.95",
        help: "Choose among the likeliest tokens of this total probability")

    static let adapters = Flag.adapter.repeatable(help: "Adapter to put on the base; with --mixture several times")
    static let mixture = Flag(
        "mixture", .toggle, help: "Write from the mean of the probabilities that each adapter alone gives")
    static let attribute = Flag(
        "attribute", .toggle, help: "Print each token's log-probability and each adapter's share of it")
    static let audit = Flag(
        "audit", .text, "DIR", help: "Watch the base, and keep a signed chain of replies in this new folder")

    // MARK: What to measure
    static let only = Flag(
        "only", .choice(KernelBenchmark.Group.allCases.map(\.rawValue)), "GROUP", help: "One group of kernels alone")
    static let repeats = Flag(
        "repeat", .integer(1...10_000), "R", default: "5", help: "Timed repetitions, after one that is not timed")
    static let forwardOnly = Flag(
        "forward-only", .toggle, help: "Time the forward pass alone, with the loss of every target")
    static let part = Flag(
        "part", .choice(["train", "valid", "test"]), "PART",
        help: "Part of the collection (default: test if there is one)")
    static let bootstrap = Flag(
        "bootstrap", .integer(0...100_000), "N", default: "0", help: "Resamples for 95 % intervals; 0 turns them off")
    static let compare = Flag("compare", .toggle, help: "Measure the base alone too, and the difference")
    static let heldIn = Flag("data", .text, "PATH", help: "What it was trained on: a collection, a folder or a file")
    static let against = Flag(
        "against", .text, "PATH", help: "Text it was not trained on (default: the test part, else what was set aside)")
    static let secrets = Flag(
        "secrets", .text, "FILE", help: "The secrets that polymath corpus plant put into the text")
    static let alternatives = Flag(
        "alternatives", .integer(1...1_000_000), "N", default: "1024", help: "Other secrets each one is ranked among")
    static let canaries = Flag("canaries", .integer(1...1_000), "N", default: "9", help: "Secrets to plant")
    static let copies = Flag(
        "copies", .text, "N,N,…", default: "1,4,16", help: "How often each is repeated, one secret after the other")
    static let parallel = Flag("parallel", .text, "PATH", help: "The same text in another language")
    static let showMask = Flag("show-mask", .toggle, help: "Print every token, those that count marked with +")
    static let allBets = Flag("all", .toggle, help: "Every bet, one after the other")
    static let quick = Flag("quick", .toggle, help: "A smoke test: little of everything, and nothing is kept")
    static let reason = Flag("reason", .text, "TEXT", help: "Why, in a sentence")
    static let controlTokens = Flag(
        "control-tokens", .toggle, help: "Read control tokens that are spelt out, such as <|im_end|>")
}
