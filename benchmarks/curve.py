"""Seconds of the matcher against instruments and against contracts, with fitted exponents and a picture."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

import numpy as np

from benchmarks.report import Goal, Section, table
from benchmarks.speed import CONTRACTS, INSTRUMENTS, measure
from include.settings import PROJECT

PICTURE = PROJECT / "docs" / "benchmarks-curve.svg"
SHARES = (0.125, 0.25, 0.5, 1.0)
LINEAR_MAX = 1.1  # an exponent above is more than noise
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 380, 60, 24, 46, 56
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #333 } .title { font-size: 15px } .grid { stroke: #ddd } .axis { stroke: #888 }
  .a { stroke: #1f6feb; fill: #1f6feb } .b { stroke: #c2410c; fill: #c2410c } text.a, text.b { stroke: none }
  polyline { fill: none !important; stroke-width: 2 }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } .grid { stroke: #444 } .a { stroke: #79b8ff; fill: #79b8ff }
    .b { stroke: #ffab70; fill: #ffab70 } }
"""
Points = Mapping[int, float]


def section() -> Section:
    """Measure both curves in one process and draw them."""
    print("the curve: seven worlds ...", flush=True)

    def seconds(instruments: int, contracts: int) -> float:
        return measure(instruments, contracts, processes=1, rounds=3, methods=("matcher",)).seconds["matcher"]

    whole = seconds(INSTRUMENTS, CONTRACTS)
    of_instruments = {int(INSTRUMENTS * s): whole if s == 1 else seconds(int(INSTRUMENTS * s), CONTRACTS) for s in SHARES}
    of_contracts = {int(CONTRACTS * s): whole if s == 1 else seconds(INSTRUMENTS, int(CONTRACTS * s)) for s in SHARES}
    PICTURE.write_text(picture(of_instruments, of_contracts), encoding="utf-8")
    return Section(
        "curve",
        "Linear in instruments and in contracts",
        _text(of_instruments, of_contracts),
        _goals(of_instruments, of_contracts),
    )


def exponent(points: Points) -> float:
    """`seconds ~ size ** exponent`: the slope of a straight line through the points in logarithms; 1 is linear."""
    return float(np.polyfit(np.log(list(points)), np.log(list(points.values())), 1)[0])


def _goals(of_instruments: Points, of_contracts: Points) -> list[Goal]:
    return [
        Goal(f"linear in {name}: exponent at most {LINEAR_MAX}", f"{exponent(points):.2f}", exponent(points) <= LINEAR_MAX)
        for name, points in (("instruments", of_instruments), ("contracts", of_contracts))
    ]


def _text(of_instruments: Points, of_contracts: Points) -> str:
    rows = [
        f"{one:,} | {seconds:.2f} s | {other:,} | {later:.2f} s"
        for (one, seconds), (other, later) in zip(of_instruments.items(), of_contracts.items(), strict=True)
    ]
    head = f"instruments, {CONTRACTS:,} contracts | seconds | contracts, {INSTRUMENTS:,} instruments | seconds"
    return f"""![Seconds against size](benchmarks-curve.svg)

{table(head, rows)}
All eight brokers one after the other in one process, best of three. The exponent is the slope of the points in logarithms: 1 is
linear, below 1 there is a part that does not grow with this side (the other side's rows are read all the same).
"""


def picture(of_instruments: Points, of_contracts: Points) -> str:
    """Both curves as SVG, on linear axes that start at 0; readable on light and dark pages.

    Args:
        of_instruments / of_contracts: Size to seconds, the largest last; the horizontal axis is the share of it.
    """
    most = max(*of_instruments.values(), *of_contracts.values())
    step = next(s * 10.0**power for power in range(-4, 6) for s in (1, 2, 5) if most / (s * 10.0**power) <= 6)
    top = step * int(np.ceil(most / step))
    ticks = [step * n for n in range(round(top / step) + 1)]

    def x(share: float) -> float:
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(seconds: float) -> float:
        return _HEIGHT - _BOTTOM - seconds / top * (_HEIGHT - _BOTTOM - _TOP)

    parts = [f'<text class="title" x="{_LEFT}" y="22">Seconds to match at eight brokers</text>']
    for tick in ticks:
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g} s</text>')
    for share in (0, *SHARES):
        parts.append(f'<line class="axis" x1="{x(share):.1f}" x2="{x(share):.1f}" y1="{y(0):.1f}" y2="{y(0) + 5:.1f}"/>')
        parts.append(f'<text x="{x(share):.1f}" y="{y(0) + 20:.1f}" text-anchor="middle">{share:g}</text>')
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>')
    parts.append(f'<text x="{x(0.5):.1f}" y="{_HEIGHT - 12}" text-anchor="middle">share of the full size</text>')
    for place, (css, name, points) in enumerate((("a", "instruments", of_instruments), ("b", "contracts", of_contracts))):
        full = max(points)
        spots = [(x(size / full), y(seconds)) for size, seconds in points.items()]
        line = " ".join(f"{across:.1f},{down:.1f}" for across, down in spots)
        parts.append(f'<polyline class="{css}" points="{line}"/>')
        parts += [f'<circle class="{css}" cx="{across:.1f}" cy="{down:.1f}" r="4"/>' for across, down in spots]
        told = escape(f"{name}: 1 = {full:,}, exponent {exponent(points):.2f}")
        parts.append(f'<text class="{css}" x="{_LEFT + 14}" y="{_TOP + 16 + 20 * place}">{told}</text>')
    body = "\n".join(parts)
    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n<style>{_STYLE}</style>\n{body}\n</svg>\n'
