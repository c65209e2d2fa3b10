"""The page of brokers as HTML: no script, nothing fetched; every text that comes from outside is escaped. Times are UTC."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from html import escape

from include.brokers.breaker import Circuit, Phase
from include.domain.event import Event
from include.domain.health import Health
from include.web.chart import hours_chart
from include.web.overview import BrokerView, Overview

GOOD, FAIR = Decimal("0.9"), Decimal("0.6")
REFRESH_SECONDS = 60
STYLE = """
:root { color-scheme: light dark; --good: #1a7f37; --fair: #9a6700; --bad: #cf222e; --line: #8886; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --fair: #d29922; --bad: #f85149; } }
body { font: 14px/1.5 system-ui, sans-serif; margin: 20px; max-width: 1100px; }
h1 { font-size: 20px; margin: 0; } h2 { font-size: 16px; margin: 0 0 6px; } h3 { font-size: 14px; margin: 28px 0 6px; }
section { border: 1px solid var(--line); border-radius: 6px; padding: 14px 16px; margin: 14px 0; }
table { border-collapse: collapse; } td, th { text-align: left; padding: 2px 18px 2px 0; vertical-align: top; }
th { font-weight: normal; } th, .quiet { opacity: .7; } .columns { display: flex; flex-wrap: wrap; gap: 10px 40px; }
.good { color: var(--good); fill: var(--good); } .fair { color: var(--fair); fill: var(--fair); }
.bad { color: var(--bad); fill: var(--bad); } .score { font-weight: 600; } .fault { border-color: var(--bad); }
svg text { font-size: 10px; fill: currentColor; opacity: .7; } .axis { stroke: var(--line); } .touch { fill: transparent; }
code { font-size: 13px; overflow-wrap: anywhere; }
"""


def brokers_page(overview: Overview) -> str:
    """The whole document."""
    parts = [f"<section class='fault'><b class='bad'>{escape(fault)}</b></section>" for fault in overview.faults]
    parts += [_broker(broker, overview.at) for broker in overview.brokers]
    if not overview.brokers and not overview.faults:
        parts.append("<section>No broker was called in the last 24 hours. Trigger the DAG <b>monitor_brokers</b>.</section>")
    words = f"The last 24 hours, read {_moment(overview.at)}. A call shows a minute after it was made at the latest."
    head = f"<title>Brokers</title><meta http-equiv='refresh' content='{REFRESH_SECONDS}'><style>{STYLE}</style>"
    body = f"<h1>Brokers</h1><div class='quiet'>{words} What the figures mean: docs/brokers.md.</div>{''.join(parts)}"
    body += _silent(overview) + _breakers(overview.breakers) + _changes(overview.changes)
    return f"<!doctype html><html lang='en'><head><meta charset='utf-8'>{head}</head><body>{body}</body></html>"


def _broker(broker: BrokerView, at: datetime) -> str:
    accounts = escape(", ".join(broker.accounts)) or "no configured account"
    return (
        f"<section><h2>{escape(broker.source)} <span class='quiet'>{accounts}</span></h2>"
        f"<div class='columns'><div>{_score(broker)}</div><div>{_breaker(broker.circuit, at)}{_errors(broker.health)}</div></div>"
        f"{hours_chart(broker.hours)}<details><summary>calls by method</summary>{_methods(broker)}</details></section>"
    )


def _score(broker: BrokerView) -> str:
    health = broker.health
    if health is None or health.score is None:
        return "health <b class='score'>not measured</b>: no call in the last 24 hours"
    kind, word = _rating(health.score)
    parts = [("answered", health.answered), ("uptime", health.uptime), ("speed", health.speed), ("filled", health.filled)]
    mean = "-" if health.mean_seconds is None else f"{health.mean_seconds:.2f} s"
    cells = ["-" if part is None else f"{part:.2f}" for _, part in parts]
    table = _table([*(name for name, _ in parts), "single question", "calls"], [[*cells, mean, str(health.calls)]])
    return f"health <b class='score {kind}'>{health.score:.2f} {word}</b>{table}"


def _rating(score: Decimal) -> tuple[str, str]:
    if score >= GOOD:
        return "good", "good"
    return ("fair", "fair") if score >= FAIR else ("bad", "bad")


def _breaker(circuit: Circuit | None, at: datetime) -> str:
    if circuit is None:
        return "breaker <b class='bad'>what is kept of it cannot be read</b>"
    if circuit.phase is Phase.CLOSED:
        return f"breaker <b class='good'>closed</b>{_failures(circuit)}"
    until = _epoch(circuit.until)
    if circuit.until <= at.timestamp():
        when = "the next call is a probe"
    elif circuit.phase is Phase.OPEN:
        when = f"nobody asks before {until}"
    else:
        when = f"a probe is under way, given up {until}"
    return f"breaker <b class='bad'>{escape(circuit.phase.value.replace('_', ' '))}</b>, {when}{_failures(circuit)}"


def _failures(circuit: Circuit) -> str:
    return f"<div>{circuit.failures} in a row failed, the last one: {escape(circuit.reason)}</div>" if circuit.failures else ""


def _errors(health: Health | None) -> str:
    """By the broker's own codes, those that nobody understood first."""
    if health is None or not health.errors:
        return "<div>no errors</div>"
    rows = [
        [escape(one.code), escape(one.broker_code) or "-", f"{one.calls}", f"in the hour from {_moment(one.last_hour)}"]
        for one in health.errors
    ]
    return _table(("error", "broker's own code", "times", "the last one"), rows)


def _methods(broker: BrokerView) -> str:
    rows = [
        [
            escape(name),
            str(tally.calls),
            str(tally.refused),
            str(tally.lost),
            f"{tally.mean_seconds or 0:.2f} s",
            f"{tally.slowest_seconds:.2f} s",
        ]
        for name, tally in broker.methods.items()
    ]
    return _table(("method", "calls", "refused", "no answer", "mean", "slowest"), rows)


def _silent(overview: Overview) -> str:
    if not overview.silent:
        return ""
    rows = [[escape(account), escape(broker), escape(why)] for account, broker, why in overview.silent]
    return f"<h3>Accounts of which nothing is known</h3>{_table(('account', 'broker', 'why'), rows)}"


def _breakers(events: Sequence[Event]) -> str:
    title = "<h3>Breakers that opened and closed</h3>"
    if not events:
        return f"{title}<div class='quiet'>none did since this is kept</div>"
    rows = []
    for event in events:
        told = [escape(str(event.body.get(name, "-"))) for name in ("source", "failures", "failing_since", "reason")]
        rows.append([_moment(event.time), told[0], escape(event.topic.rpartition(".")[2]), *told[1:]])
    return title + _table(("when", "source", "", "failures in a row", "since", "the last one"), rows)


def _changes(changes: Sequence[Event]) -> str:
    """Rows of what changed; an event of another shape is shown as it is."""
    if not changes:
        return "<h3>Changes of what brokers can do</h3><div class='quiet'>none since they were first looked at</div>"
    rows = []
    for event in changes:
        found = event.body.get("changes")
        named = found if isinstance(found, dict) else {"": [None, event.body]}
        where = " ".join(str(word) for word in (event.topic, event.body.get("account")) if word)
        for name, pair in named.items():
            before, after = pair if isinstance(pair, list) and len(pair) == 2 else (None, pair)
            rows.append([_moment(event.time), escape(where), escape(str(name)), _json(before), _json(after)])
    return f"<h3>Changes of what brokers can do</h3>{_table(('when', 'topic', 'capability', 'before', 'after'), rows)}"


def _json(value: object) -> str:
    return f"<code>{escape(json.dumps(value, default=str))}</code>"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Cells are HTML already."""
    titles = "".join(f"<th>{title}</th>" for title in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _epoch(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S} UTC"
    except (OverflowError, OSError, ValueError):
        return "an unreadable time"
