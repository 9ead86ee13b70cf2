"""A bar chart of how many times as fast as the best peer Cornu is, as SVG."""

import html
import math

BARS = {1: "#2f6fb0", 2: "#8fb8de"}  # by threads
LEFT, WIDTH, BAR, GAP, TOP = 210, 430, 9, 9, 46
LOW, HIGH = 0.5, 16.0


def place(ratio):
    """x of a ratio on the logarithmic axis."""
    ratio = min(max(ratio, LOW), HIGH)
    return LEFT + WIDTH * math.log(ratio / LOW) / math.log(HIGH / LOW)


def text(x, y, words, anchor="start", size=12, colour="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{colour}">{html.escape(words)}</text>')


def chart(groups):
    """`groups`: (name, mark, {threads: ratio}) from the top."""
    step = 2 * BAR + GAP
    height = TOP + step * len(groups) + 40
    bottom = TOP + step * len(groups)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 60}" height="{height}" '
           f'viewBox="0 0 {LEFT + WIDTH + 60} {height}" font-family="DejaVu Sans, Arial, sans-serif">',
           f'<rect width="100%" height="100%" fill="white"/>']
    measured = {threads for _, _, ratios in groups for threads in ratios}
    for threads, x in ((1, LEFT), (2, LEFT + 90)):
        if threads not in measured:
            continue
        words = "1 thread" if threads == 1 else f"{threads} threads"
        out.append(f'<rect x="{x}" y="12" width="11" height="11" fill="{BARS[threads]}"/>')
        out.append(text(x + 16, 22, words))
    out.append(f'<path d="M{LEFT + 190} 11v13" stroke="#c0392b" stroke-width="2"/>')
    out.append(text(LEFT + 197, 22, "to reach"))
    for ratio in (0.5, 1, 2, 4, 8, 16):
        x = place(ratio)
        out.append(f'<path d="M{x:.1f} {TOP - 6}V{bottom}" stroke="{"#444" if ratio == 1 else "#ddd"}"/>')
        out.append(text(x, bottom + 16, f"{ratio:g}×", "middle"))
    out.append(text(LEFT + WIDTH / 2, bottom + 34, "as fast as the best peer", "middle", 11, "#555"))
    for i, (name, mark, ratios) in enumerate(groups):
        y = TOP + i * step
        out.append(text(LEFT - 8, y + BAR + 4, name, "end"))
        for k, (threads, colour) in enumerate(BARS.items()):
            if ratios.get(threads) is None:
                continue
            ratio, start = ratios[threads], place(1)
            x = place(ratio)
            out.append(f'<rect x="{min(x, start):.1f}" y="{y + k * BAR}" '
                       f'width="{max(abs(x - start), 1):.1f}" height="{BAR - 1}" fill="{colour}"/>')
            end = max(x, start)
            if 0 <= place(mark) - end < 26:  # not across the mark
                end = place(mark)
            out.append(text(end + 4, y + k * BAR + 8, f"{ratio:.2f}" if ratio < 10 else
                            f"{ratio:.1f}", size=9, colour="#555"))
        out.append(f'<path d="M{place(mark):.1f} {y - 2}v{2 * BAR + 3}" stroke="#c0392b" '
                   f'stroke-width="2"/>')
    return "\n".join([*out, "</svg>"]) + "\n"
