"""One small chart: calls by the hour, as an SVG that needs no script."""

from collections.abc import Mapping
from datetime import datetime
from html import escape

from include.web.overview import Tally

HEIGHT, STEP, BAR = 48, 14, 11


def hours_chart(hours: Mapping[datetime, Tally]) -> str:
    """Bars of calls: answered, refused, and lost on top; each tells its figures when it is pointed at.

    Args:
        hours: By the beginning of the hour, oldest first. Without calls a line says so.
    """
    most = max((tally.calls for tally in hours.values()), default=0)
    if not most:
        return '<span class="quiet">no call in these hours</span>'
    bars = "".join(_bar(number * STEP, tally, most, hour) for number, (hour, tally) in enumerate(hours.items()))
    first, last = min(hours), max(hours)
    label = escape(f"calls by the hour, {first:%d %b %H:%M} to {last:%d %b %H:%M} UTC, at most {most}")
    width, below = len(hours) * STEP, HEIGHT + 12
    axis = f'<line class="axis" x1="0" y1="{HEIGHT + 0.5}" x2="{width}" y2="{HEIGHT + 0.5}"/>'
    times = f'<text x="0" y="{below}">{first:%d %b %H:%M}</text>'
    times += f'<text x="{width}" y="{below}" text-anchor="end">{last:%d %b %H:%M} UTC</text>'
    return f'<svg role="img" aria-label="{label}" width="{width}" height="{below + 2}">{bars}{axis}{times}</svg>'


def _bar(x: int, tally: Tally, most: int, hour: datetime) -> str:
    parts, y = [], float(HEIGHT)
    answered = tally.calls - tally.refused - tally.lost
    for kind, count in (("good", answered), ("fair", tally.refused), ("bad", tally.lost)):
        if count:
            high = max(count / most * (HEIGHT - 2), 1.5)  # a single failure among thousands is seen
            y -= high
            parts.append(f'<rect class="{kind}" x="{x}" y="{max(y, 0):.1f}" width="{BAR}" height="{high:.1f}"/>')
    mean = "" if tally.mean_seconds is None else f", {tally.mean_seconds:.2f} s each"
    words = f"{hour:%d %b %H:%M} UTC: {tally.calls} calls, {tally.refused} refused, {tally.lost} without an answer{mean}"
    touch = f'<rect class="touch" x="{x}" y="0" width="{STEP}" height="{HEIGHT}"/>'
    return f"<g><title>{escape(words)}</title>{touch}{''.join(parts)}</g>"
