"""`polybroker brokers status` and `health`: whether brokers are asked at the moment, and how well they have been answering."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from include.brokers import clock
from include.brokers.breaker import PREFIX, Circuit, Phase
from include.cli.wiring import kept_database
from include.domain.event import Event
from include.domain.health import Health
from include.settings import load_settings
from include.steps.broker_health import broker_health
from include.storage.broker_events import BrokerEvents
from include.storage.shared_states import DatabaseSharedState

History = Annotated[bool, typer.Option("--history", help="When breakers opened and closed, oldest first, instead.")]


def status(history: History = False) -> None:
    """Show the circuit breaker of every broker that failed lately, and the clocks.

    A breaker shows its phase, and why. The clocks of brokers that tell their time are shown as `monitor_brokers` found them.

    Examples: `polybroker brokers status`, `polybroker brokers status --history`
    """
    settings = load_settings()
    if history:
        with kept_database(settings) as database:
            _show_history(BrokerEvents(database).of("breaker"))
        return
    with kept_database(settings) as database:
        states = DatabaseSharedState(database)
        circuits = {name.removeprefix(PREFIX): Circuit.of(body) for name, body in states.all(PREFIX).items()}
        skews = {name.removeprefix(clock.PREFIX): clock.Skew.of(body) for name, body in states.all(clock.PREFIX).items()}
    _show_circuits(circuits)
    for source, skew in skews.items():
        if skew is not None:
            typer.echo(f"{source}: {skew.words} ({datetime.fromisoformat(skew.at):%Y-%m-%d %H:%M} UTC)")


def _show_history(events: Sequence[Event]) -> None:
    if not events:
        typer.echo("no breaker opened since this is kept")
    for event in events:
        body = event.body
        failed = f"{body['failures']} in a row failed since {datetime.fromisoformat(body['failing_since']):%Y-%m-%d %H:%M:%S}"
        what = event.topic.rpartition(".")[2]
        typer.echo(f"{event.time:%Y-%m-%d %H:%M:%S} UTC {body['source']} {what}: {failed}, the last one: {body['reason']}")


def _show_circuits(circuits: Mapping[str, Circuit]) -> None:
    failing = {source: circuit for source, circuit in circuits.items() if circuit != Circuit()}
    if not failing:
        typer.echo("every broker may be asked; nothing failed since each answered last")
        return
    for source, one in failing.items():
        row = f"{one.failures} in a row failed, the last one: {one.reason}"
        typer.echo(f"{source}: {one.phase.value.replace('_', ' ')}; {row}; asked again {_when(one, time.time())}")


def health() -> None:
    """Show the health of every broker over the last 24 hours, and what it is made of. Example: `polybroker brokers health`."""
    settings = load_settings()
    with kept_database(settings) as database:
        # The hour that is not over counts here; a run looks at the hours before it alone.
        found = broker_health(settings.portfolios, database, datetime.now(UTC) + timedelta(seconds=1))
    if not found:
        typer.echo("no broker was called in the last 24 hours")
        return
    table = Table("source", "health", "answered", "uptime", "speed", "filled", "calls")
    for source, one in found.items():
        parts = [_part(part) for part in (one.score, one.answered, one.uptime, one.speed, one.filled)]
        table.add_row(source, *parts, str(one.calls))
    Console().print(table)
    for source, one in found.items():
        mean = "" if one.mean_seconds is None else f"; {one.mean_seconds:.2f} s for a single question"
        typer.echo(f"{source}: {sum(one.codes.values()) or 'no'} errors{mean}")
    _show_errors(found)


def _show_errors(found: Mapping[str, Health]) -> None:
    """By the broker's own codes, those that nobody understood first."""
    if not any(one.errors for one in found.values()):
        return
    table = Table("source", "error", "broker's own code", "times", "last in the hour from")
    for source, one in found.items():
        for error in one.errors:
            last = f"{error.last_hour:%Y-%m-%d %H:%M}"
            table.add_row(source, error.code, escape(error.broker_code) or "-", str(error.calls), last)
    Console().print(table)


def _part(part: Decimal | None) -> str:
    return "-" if part is None else f"{part:.2f}"


def _when(circuit: Circuit, now: float) -> str:
    if circuit.phase is Phase.CLOSED:
        return "now"
    if circuit.until <= now:
        return "with the next call, as a probe"
    moment = datetime.fromtimestamp(circuit.until, UTC)
    return f"{moment:%H:%M:%S} UTC" + ("" if circuit.phase is Phase.OPEN else ", when the probe under way is given up")
