// A chain of replies instead of training steps: what its start and its rows must say.

public import Digest

/// What a chain of inference holds beside the rules of every chain.
///
/// The start row has `activity` "inference", `adapters` (content ids) and `options`; its `recipe` is the digest of these
/// and the base's root. Then one `reply` row each, numbered from 1; the close row repeats their number.
public enum InferenceChain {
    /// Kind of a reply's row.
    public static let reply = "reply"
    static let activity = "inference"

    /// What decides the replies, but for the prompts.
    public static func recipeMembers(
        root: SHA256Digest, adapters: [SHA256Digest], options: [String: JSONValue]
    ) -> [String: JSONValue] {
        [
            "activity": .string(activity), "base_root": .string(root.hex),
            "adapters": .array(adapters.map { .string($0.hex) }), "options": AuditRow.exact(.object(options)),
        ]
    }

    public static func recipe(_ members: [String: JSONValue]) -> SHA256Digest {
        SHA256Digest.of(JSONValue.object(members).canonicalBytes)
    }

    /// Whether the chain is of replies.
    static func isTold(by chain: AuditChain) -> Bool { isTold(byStart: chain.start) }

    /// As ``isTold(by:)``, from the body of the start row.
    static func isTold(byStart body: JSONValue) -> Bool { body["activity"]?.asString == activity }
}

extension AuditVerification {
    /// The rows of replies, and the recipe that the start row spells out.
    static func judgeInference(_ chain: AuditChain, _ verdict: inout Verdict) {
        let names = ["activity", "base_root", "adapters", "options"]
        let members = names.reduce(into: [String: JSONValue]()) { $0[$1] = chain.start[$1] }
        let isRecipe = InferenceChain.recipe(members).hex == chain.start["recipe"]?.asString
        verdict.add(
            "recipe", isRecipe ? .passed : .failed, .arithmetic,
            isRecipe
                ? "The recipe is the digest of the base, adapters and options that the chain begins with."
                : "The recipe is not the digest of the base, adapters and options that the chain begins with.")
        let replies = chain.rows.filter { $0.kind == InferenceChain.reply }
        for (index, row) in replies.enumerated() {
            let digests = ["prompt_hmac", "tokens_hmac"].map {
                row.body[$0]?.asString.flatMap(SHA256Digest.init(hex:))
            }
            guard row.body["reply"]?.asInt == index + 1, !digests.contains(nil),
                (row.body["tokens"]?.asInt).map({ $0 >= 0 }) ?? false
            else {
                verdict.add(
                    "replies", .failed, .arithmetic,
                    "Row \(row.seq) is not that of reply \(index + 1) with the keyed digests of its prompt and tokens.")
                return
            }
        }
        let close = chain.latest(RowKind.close)?["state"]
        guard close.map({ $0["replies"]?.asInt == replies.count }) ?? true else {
            verdict.add(
                "replies", .failed, .signersWord, "The chain was closed over another number of replies than it holds.")
            return
        }
        let tokens = replies.reduce(0) { $0 + ($1.body["tokens"]?.asInt ?? 0) }
        let adapters = chain.start["adapters"]?.asArray?.count ?? 0
        verdict.add(
            "replies", .passed, .signersWord,
            "The chain is of inference, not of training: \(counted(replies.count, "reply", "replies")), "
                + "\(counted(tokens, "token", "tokens")), "
                + "\(adapters == 0 ? "no adapter" : counted(adapters, "adapter", "adapters")); "
                + "their texts are not in it.")
    }

    private static func counted(_ count: Int, _ one: String, _ many: String) -> String {
        "\(count) \(count == 1 ? one : many)"
    }
}
