"""Results as Markdown: every figure of PERFORMANCE.md that is a measurement is written here, none is typed."""
import re

NAMES = {
    "products": "products forward", "input_gradients": "products for dX", "weight_gradients": "products for dW",
    "packing": "packing operands", "attention": "attention forward", "attention_gradient": "attention backward",
    "head": "head and loss", "elementwise": "norms, activation", "optimizer": "optimiser", "other": "everything else"}


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def seconds(spread):
    return f"{spread['median']:.3f} ({spread['min']:.3f} to {spread['max']:.3f})"


def ratio(entry):
    return f"{entry['ratio']:.2f} ({entry['least']:.2f} to {entry['largest']:.2f})"


def percent(value):
    return "–" if value is None else f"{value * 100:.0f} %"


def gigabytes(count):
    return "–" if count is None else f"{count / 1e9:.2f} GB"


def megabytes(count):
    return "–" if count is None else f"{count / 1e6:.0f} MB"


def title(name, figures):
    """`polymath auto` with what it came to."""
    compute = figures.get("compute")
    return name.replace("auto", f"auto ({compute})") if compute and "auto" in name else name


def contestants(section, ratio_name="to the first"):
    has_ratio = "ratios" in section
    rows = []
    for index, (name, figures) in enumerate(section["contestants"].items()):
        row = [title(name, figures), seconds(figures["seconds"])]
        if has_ratio:
            row.append("1" if index == 0 else ratio(section["ratios"][name]))
        row += [f"{figures['achieved_gops']:.0f}" if "achieved_gops" in figures else "–",
                percent(figures.get("share_of_peak")), gigabytes(figures.get("peak_rss_bytes")),
                megabytes(figures.get("peak_anonymous_bytes"))]
        rows.append(row)
    head = ["who", "seconds: median (least to most)"] + ([f"ratio {ratio_name}"] if has_ratio else [])
    return table(head + ["Gop/s", "of the peak", "peak resident", "peak anonymous"], rows)


# MARK: Sections


def machine(section):
    about, peaks = section["machine"], section["peak_gops"]
    return table(["what", "here"], [
        ["processor", f"{about['processor']}, {about['cores']} cores, {about['threads_per_core']} thread(s) a core, "
                      f"L2 {about['l2']}, L3 {about['l3']}"],
        ["instructions", ", ".join(about["features"])],
        ["register peak, all threads", ", ".join(
            f"{mode} {peak:.0f} Gop/s" if peak else f"{mode}: none" for mode, peak in peaks.items())],
        ["memory", gigabytes(about["memory_bytes"])],
        ["system", f"{about['system']}, Linux {about['linux']}"],
        ["products in f32", about["kernel_path"]],
        ["toolchain", about["toolchain"]],
        ["`--compute auto` is", section["auto"]],
    ])


def step(section):
    tried = ", ".join(f"{kind} {value:.3f} s" for kind, value in section["qualifying"]["seconds"].items())
    theirs = section["contestants"]["pytorch bf16"]["seconds"]["median"]
    limit = section["baseline_limit"]
    verdict = "is a baseline" if section["is_baseline"] else "is NO baseline: it is slower than it is known to be"
    return (contestants(section, "to PyTorch") + f"\n\nPyTorch {section['versions']['torch']}, transformers "
            f"{section['versions']['transformers']}: {section['qualifying']['taken']}, the faster of {tried}. Its "
            f"{theirs:.2f} s {verdict} (the limit is {limit:.2f} s, 15 % above what is known of such a machine).")


def where(section):
    """Where a step's time goes, by contestant."""
    ours = {title(name, figures): figures["operation_seconds"]
            for name, figures in section["contestants"].items() if "operation_seconds" in figures}
    kinds = [kind for kind in NAMES if any(parts.get(kind, 0) > 0 for parts in ours.values())]
    rows = []
    for kind in kinds:
        cells = [f"{parts[kind]:.3f} s ({parts[kind] / sum(parts.values()) * 100:.0f} %)" for parts in ours.values()]
        rows.append([NAMES[kind], *cells])
    return table(["operation", *ours], rows)


def forward(section):
    return (contestants(section, "to llama.cpp")
            + f"\n\nllama-cpp-python {section['versions']['llama_cpp_python']}.")


def tail(section):
    figures = section["contestants"]["tail"]
    first = figures["first_pass_seconds"]
    return (contestants(section) + f"\n\nA step of the first pass, nothing cached: {first:.3f} s. Cached to uncached: "
            f"{ratio(section['to_uncached'])}; to a `norms` step: {ratio(section['to_norms'])}.")


def memory(section):
    text = contestants(section)
    if "budget_time" in section:
        text += (f"\n\nThe budget was {megabytes(section['budget_bytes'])}; a step within it took "
                 f"{ratio(section['budget_time'])} times as long.")
    return text


def start(section):
    rows = [[name, seconds(figures["seconds"])] for name, figures in section["contestants"].items()]
    return table(["who", "seconds: median (least to most)"], rows) + f"\n\nRatio {ratio(section['ratio'])}."


def kernels(section):
    multiplying = [row for row in section["rows"] if "achieved_gops" in row]
    heads, lines = [], {}
    for row in multiplying:
        head = f"{row['kernel']}, {row['tokens']}"
        if head not in heads:
            heads.append(head)
        key = (row["group"], row["subject"], row.get("type", "–"), row["compute"])
        share = percent(row["share_of_peak"])
        lines.setdefault(key, {})[head] = f"{row['achieved_gops']:.0f} ({share})"
    parts = []
    for group in ("products", "head", "attention"):
        keys = [key for key in lines if key[0] == group]
        own = [head for head in heads if any(head in lines[key] for key in keys)]
        parts.append(table([f"{group}: Gop/s (of the peak)", "type", "compute", *own], [
            [*key[1:], *(lines[key].get(head, "–") for head in own)] for key in keys]))
    rest = [row for row in section["rows"] if "gigabytes_per_second" in row]
    parts.append(table(["bytes", "what", "type", "threads", "GB/s"], [
        [row["kernel"], row["subject"], row.get("type", "–"), row["threads"], f"{row['gigabytes_per_second']:.2f}"]
        for row in rest]))
    return "\n\n".join(parts)


def growth_tokens(section):
    rows = [[f"{row['seq_len']:,}", row["threads"], "given" if row.get("budget_bytes") else "none",
             f"{row['seconds']:.3f}", f"{row['seconds'] / row['seq_len'] * 1000:.2f}", f"{row['achieved_gops']:.0f}",
             megabytes(row["peak_anonymous_bytes"]), megabytes(row["peak_rss_bytes"])] for row in section["rows"]]
    return table(["tokens", "threads", "budget", "seconds a step", "ms a token", "Gop/s", "peak anonymous",
                  "peak resident"], rows)


def growth_layers(section):
    rows = [[row["layers"], f"{row['seconds']:.3f}", f"{row['achieved_gops']:.0f}",
             megabytes(row["peak_anonymous_bytes"]), megabytes(row["peak_rss_bytes"])] for row in section["rows"]]
    return table(["layers", "seconds a step", "Gop/s", "peak anonymous", "peak resident"], rows)


SECTIONS = {"machine": machine, "step128": step, "step512": step, "forward": forward, "tail": tail, "memory": memory,
            "boundary": contestants, "start": start, "kernels": kernels, "tokens": growth_tokens,
            "layers": growth_layers}


def rendered(name, section):
    """The section's table, and when it was taken."""
    text = SECTIONS[name](section)
    return f"{text}\n\nTaken {section['taken']}, load before {section['load_before']:.2f}."


# MARK: In a document


def fill(path, sections, extra):
    """Replaces what stands between `<!-- NAME -->` and `<!-- end -->` for every section that there is.

    - extra: more blocks by name, such as the table of targets.
    """
    with open(path, encoding="utf-8") as file:
        text = file.read()
    blocks = {name: rendered(name, section) for name, section in sections.items() if name in SECTIONS}
    for name in ("step128", "step512", "tail"):
        if name in sections:
            blocks[f"where-{name}"] = where(sections[name])
    blocks.update(extra)
    for name, block in blocks.items():
        pattern = rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)"
        text, count = re.subn(pattern, lambda match, block=block: match[1] + block + "\n" + match[2], text, flags=re.S)
        if not count:
            print(f"{path} has no place for {name}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
