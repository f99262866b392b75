"""The table of targets: what was aimed at, what was measured, and whether that is enough."""
from .tables import megabytes, percent, table


def entry(what, target, measured, met):
    return {"what": what, "target": target, "measured": measured, "met": met}


def under(what, limit, value, shown=None):
    return entry(what, f"≤ {limit:g}", shown or f"{value:.2f}", value <= limit)


def judge(sections):
    """Every row that the measured sections give."""
    rows = []
    for tokens in (128, 512):
        if section := sections.get(f"step{tokens}"):
            rows += steps(section, tokens)
    if section := sections.get("forward"):
        for name, figures in section["ratios"].items():
            if name != "llama.cpp q4_0" and "q4_k_m" not in name:
                rows.append(under(f"forward, 128 tokens, {label(section, name)} to llama.cpp q4_0", 1.0,
                                  figures["ratio"]))
    if section := sections.get("tail"):
        rows += tails(section)
    if section := sections.get("memory"):
        rows += memories(section)
    if section := sections.get("tokens"):
        rows += budgets(section)
    if section := sections.get("boundary"):
        for name, figures in section["contestants"].items():
            if name.startswith("polymath"):
                limit = 4.6e9 if "f32" in name else 2.5e9
                anonymous = figures["peak_anonymous_bytes"]
                rows.append(entry(f"boundary, peak anonymous, {name.removeprefix('polymath, ')}", f"≤ {limit / 1e9} GB",
                                  f"{anonymous / 1e9:.2f} GB", anonymous <= limit))
    if section := sections.get("start"):
        rows.append(under("start-up to openssl", 1.5, section["ratio"]["ratio"]))
    if section := sections.get("kernels"):
        rows += shares(section)
    if section := sections.get("gradients"):
        rows += angles(section)
    if section := sections.get("training"):
        rows += learnt(section)
    return rows


def label(section, name):
    return f"auto ({section['auto']})" if name.endswith("auto") else name.removeprefix("polymath ")


def steps(section, tokens):
    rows = [entry(f"PyTorch's step, {tokens} tokens", f"≤ {section['baseline_limit']:.2f} s",
                  f"{section['contestants']['pytorch bf16']['seconds']['median']:.2f} s", section["is_baseline"])]
    for name, figures in section["ratios"].items():
        if name == "pytorch bf16" or "q4_0" in name:
            continue
        mode = section["contestants"][name]["compute"]
        limit = {"bf16": 0.90, "int8": 0.60}.get(mode)
        if limit:
            rows.append(under(f"norms, {tokens} tokens, {label(section, name)} to PyTorch bf16", limit,
                              figures["ratio"]))
    return rows


def tails(section):
    cached, norms = section["contestants"]["tail"], section["contestants"]["norms"]
    return [
        under("tail, cached to uncached", 0.36, section["to_uncached"]["ratio"]),
        under("tail, cached to norms", 0.22, section["to_norms"]["ratio"]),
        entry("tail's Gop/s to norms'", "≥ 1", f"{cached['achieved_gops'] / norms['achieved_gops']:.2f}",
              cached["achieved_gops"] >= norms["achieved_gops"]),
    ]


def memories(section):
    usual = section["contestants"]["polymath"]["peak_anonymous_bytes"]
    rows = [entry("peak anonymous, norms, 256 tokens", "≤ 300 MB", megabytes(usual), usual <= 300e6)]
    if within := section["contestants"].get("polymath, budget"):
        limit = section["budget_bytes"]
        rows.append(entry("the same within a budget", f"≤ {megabytes(limit)}", megabytes(within["peak_anonymous_bytes"]),
                          within["peak_anonymous_bytes"] <= limit))
        rows.append(under("its time to that without", 1.4, section["budget_time"]["ratio"]))
    return rows


def budgets(section):
    """At the most tokens that were measured."""
    longest = max(row["seq_len"] for row in section["rows"])
    ends = [row for row in section["rows"] if row["seq_len"] == longest]
    usual = [row for row in ends if not row.get("budget_bytes")]
    rows = []
    for row in ends:
        if limit := row.get("budget_bytes"):
            anonymous = row["peak_anonymous_bytes"]
            rows.append(entry(f"peak anonymous, norms, {longest:,} tokens, budget", f"≤ {megabytes(limit)}",
                              megabytes(anonymous), anonymous <= limit))
            if usual:
                rows.append(under("its time to that without", 1.4, row["seconds"] / usual[0]["seconds"]))
    return rows


def shares(section):
    """Large products: the feed-forward's, at the most tokens."""
    rows = []
    for mode, least in (("bf16", 0.75), ("int8", 0.60)):
        large = [row for row in section["rows"] if row["group"] == "products" and row["compute"] == mode
                 and row["subject"].startswith("ffn") and row["tokens"] == 512 and row["share_of_peak"]]
        for kernel in ("forward", "input gradient"):
            values = [row["share_of_peak"] for row in large if row["kernel"] == kernel]
            if values:
                rows.append(entry(f"{mode}, large products, {kernel}, least and most of the types",
                                  f"≥ {least * 100:.0f} %", f"{percent(min(values))} to {percent(max(values))}",
                                  min(values) >= least))
    return rows


def angles(section):
    """A target for bf16 alone; int8's stand in their table."""
    return [entry(f"bf16, least cosine of a gradient with f32's, {row['title']}", "≥ 0.999", f"{row['least_cosine']:.6f}",
                  row["least_cosine"] >= 0.999) for row in section["rows"] if row["compute"] == "bf16"]


def learnt(section):
    """The worst collection of each mode."""
    rows = []
    for mode in section["rows"][0]["losses"]:
        if mode != "f32":
            worst = max(row["losses"][mode] / row["losses"]["f32"] - 1 for row in section["rows"])
            rows.append(entry(f"test loss after training in {mode}, to f32's", "within 0.5 %", f"{worst * 100:+.3f} %",
                              worst <= 0.005))
    return rows


def rendered(rows):
    return table(["what", "target", "measured", "met"], [
        [row["what"], row["target"], row["measured"], "yes" if row["met"] else "**no**"] for row in rows])
