"""Charts as SVG text for a page that needs nothing else.

Here belong lines, bars and their axes. Not here: which numbers are drawn, or colours
(the page's style sheet has them).
"""

from collections.abc import Sequence
from html import escape
from math import ceil, floor, isnan, log10

WIDTH = 460
HEIGHT = 150
LEFT = 44
RIGHT = 8
TOP = 8
BOTTOM = 22
LABELS = 4
"""Days named below a chart, so that they do not run into each other."""


def bar_chart(
    labels: Sequence[str], values: Sequence[float | None], trend: Sequence[float | None]
) -> str:
    """A bar for each label, with `trend` as a line over them; None leaves a gap."""
    top = _top([*values, *trend])
    step = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    bars = []
    for place, (label, value) in enumerate(zip(labels, values, strict=True)):
        if _is_gap(value):
            continue
        y = _y(value, top)
        last = " last" if place == len(labels) - 1 else ""
        bars.append(
            f'<rect class="bar{last}" x="{LEFT + place * step + step * 0.15:.1f}" '
            f'y="{y:.1f}" width="{step * 0.7:.1f}" '
            f'height="{max(HEIGHT - BOTTOM - y, 0):.1f}">'
            f"<title>{escape(label)}: {shown(value)}</title></rect>"
        )
    return _svg(labels, [*bars, *_line(trend, top, step)], top)


def line_chart(labels: Sequence[str], values: Sequence[float | None]) -> str:
    """Shares between 0 and 1 as a line with a point for each; None leaves a gap."""
    step = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    points = [
        f'<circle class="point" cx="{_x(place, step):.1f}" cy="{_y(value, 1):.1f}" '
        f'r="2.5"><title>{escape(label)}: {value:.0%}</title></circle>'
        for place, (label, value) in enumerate(zip(labels, values, strict=True))
        if value is not None and not isnan(value)
    ]
    return _svg(labels, [*_line(values, 1, step), *points], 1, percent=True)


def shown(value: float | None) -> str:
    """A number for people: whole when it is whole or large, else with one digit."""
    if value is None or isnan(value):
        return "–"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) < 1 else f"{value:,.1f}"


def _is_gap(value: float | None) -> bool:
    return value is None or isnan(value)


def _top(values: Sequence[float | None]) -> float:
    """A round number at or above the largest value: 1, 2, 2.5 or 5 times a power."""
    largest = max((v for v in values if v is not None and not isnan(v)), default=0.0)
    if largest <= 0:
        return 1.0
    power = 10.0 ** floor(log10(largest))
    return next(
        power * step for step in (1, 2, 2.5, 5, 10) if largest <= power * step * 1.0001
    )


def _x(place: int, step: float) -> float:
    return LEFT + (place + 0.5) * step


def _y(value: float | None, top: float) -> float:
    height = HEIGHT - TOP - BOTTOM
    return TOP + height * (1 - (value or 0.0) / top)


def _line(values: Sequence[float | None], top: float, step: float) -> list[str]:
    """A path through the values, broken at the gaps."""
    commands, pen_is_up = [], True
    for place, value in enumerate(values):
        if _is_gap(value):
            pen_is_up = True
            continue
        commands.append(
            f"{'M' if pen_is_up else 'L'}{_x(place, step):.1f} {_y(value, top):.1f}"
        )
        pen_is_up = False
    return [f'<path class="line" d="{" ".join(commands)}"/>'] if commands else []


def _svg(
    labels: Sequence[str], marks: Sequence[str], top: float, *, percent: bool = False
) -> str:
    step = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    grid = []
    for share in (0.0, 0.5, 1.0):
        y = _y(top * share, top)
        text = f"{share:.0%}" if percent else shown(top * share)
        grid.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" '
            f'y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{LEFT - 6}" y="{y + 3:.1f}" '
            f'text-anchor="end">{text}</text>'
        )
    every = max(ceil(len(labels) / LABELS), 1)
    # Counted from the end: the newest day is named always.
    named = [
        f'<text class="tick" x="{_x(place, step):.1f}" y="{HEIGHT - 6}" '
        f'text-anchor="{"end" if place == len(labels) - 1 else "middle"}">'
        f"{escape(labels[place])}</text>"
        for place in range(len(labels) - 1, -1, -every)
    ]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-hidden="true">'
        f"{''.join(grid)}{''.join(marks)}{''.join(named)}</svg>"
    )
