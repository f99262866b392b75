"""A figure of line charts as SVG, written by hand: axes in powers of two or from zero, points, and a legend."""
import math
from xml.sax.saxutils import escape

COLOURS = ["#1b6ca8", "#c8553d", "#3a7d44", "#7b4b94"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 300, 62, 16, 34, 46


class Axis:
    """Values to pixels; `is_log` counts in powers of two."""

    def __init__(self, values, start, end, is_log):
        self.is_log = is_log
        self.start, self.end = start, end
        low, high = min(values), max(values)
        if is_log:
            self.low, self.high = math.floor(math.log2(low)), math.ceil(math.log2(high))
        else:
            self.low, self.high = 0, high * 1.05
        if self.high == self.low:
            self.high += 1

    def place(self, value):
        value = math.log2(value) if self.is_log else value
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self):
        if self.is_log:
            stride = max(1, (self.high - self.low) // 7)
            return [2.0 ** power for power in range(self.low, self.high + 1, stride)]
        step = 10 ** math.floor(math.log10(self.high / 4))
        step *= next(factor for factor in (1, 2, 5, 10) if self.high / (step * factor) <= 6)
        return [index * step for index in range(int(self.high / step) + 1)]


def chart(name, x_name, y_name, series, is_log=True):
    """- series: `{name: [(x, y)]}`, positive numbers."""
    points = [point for line in series.values() for point in line]
    across = Axis([x for x, _ in points], LEFT, WIDTH - RIGHT, is_log)
    up = Axis([y for _, y in points], HEIGHT - BOTTOM, TOP, is_log)
    parts = [text(WIDTH / 2, 18, name, "middle", 13)]
    for tick in across.ticks():
        x = across.place(tick)
        parts += [line(x, TOP, x, HEIGHT - BOTTOM, "#ddd"), text(x, HEIGHT - BOTTOM + 15, f"{tick:g}", "middle")]
    for tick in up.ticks():
        y = up.place(tick)
        parts += [line(LEFT, y, WIDTH - RIGHT, y, "#ddd"), text(LEFT - 6, y + 3.5, f"{tick:g}", "end")]
    parts += [text(WIDTH / 2, HEIGHT - 10, x_name, "middle"), text(LEFT - 50, TOP - 10, y_name, "start")]
    for index, (label, values) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        places = [(across.place(x), up.place(y)) for x, y in values]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>' for x, y in places]
        y = TOP + 12 + 14 * index
        parts += [line(LEFT + 8, y - 3.5, LEFT + 26, y - 3.5, colour, 2), text(LEFT + 31, y, label, "start")]
    return "\n".join(parts)


def text(x, y, words, anchor, size=10.5):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'


def line(x1, y1, x2, y2, colour, width=1):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"/>')


def figure(charts, columns=2):
    """Charts beside and below one another, on white."""
    rows = -(-len(charts) // columns)
    groups = [f'<g transform="translate({index % columns * WIDTH},{index // columns * HEIGHT})">\n{body}\n</g>'
              for index, body in enumerate(charts)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns * WIDTH} {rows * HEIGHT}" '
            f'font-family="sans-serif" fill="#222">\n<rect width="100%" height="100%" fill="#fff"/>\n'
            + "\n".join(groups) + "\n</svg>\n")
