"""`polybroker brokers status` and `health`: whether brokers are asked at the moment, and how well they have been answering."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import typer
from rich.console import Console
from rich.table import Table

from include.brokers import clock
from include.brokers.breaker import PREFIX, Circuit, Phase
from include.cli.wiring import project_database
from include.settings import load_settings
from include.steps.broker_health import broker_health
from include.storage.shared_states import DatabaseSharedState


def status() -> None:
    """Show the circuit breaker of every broker that failed lately, and the clocks. Example: `polybroker brokers status`.

    A breaker shows its phase, and why. The clocks of brokers that tell their time are shown as `monitor_brokers` found them.
    """
    settings = load_settings()
    with project_database(settings) as database:
        states = DatabaseSharedState(database)
        circuits = {name.removeprefix(PREFIX): Circuit.of(body) for name, body in states.all(PREFIX).items()}
        skews = {name.removeprefix(clock.PREFIX): clock.Skew.of(body) for name, body in states.all(clock.PREFIX).items()}
    _show_circuits(circuits)
    for source, skew in skews.items():
        if skew is not None:
            typer.echo(f"{source}: {skew.words} ({datetime.fromisoformat(skew.at):%Y-%m-%d %H:%M} UTC)")


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
    with project_database(settings) as database:
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
        errors = ", ".join(f"{code} {count}" for code, count in sorted(one.codes.items())) or "none"
        typer.echo(f"{source}: errors: {errors}{mean}")


def _part(part: Decimal | None) -> str:
    return "-" if part is None else f"{part:.2f}"


def _when(circuit: Circuit, now: float) -> str:
    if circuit.phase is Phase.CLOSED:
        return "now"
    if circuit.until <= now:
        return "with the next call, as a probe"
    moment = datetime.fromtimestamp(circuit.until, UTC)
    return f"{moment:%H:%M:%S} UTC" + ("" if circuit.phase is Phase.OPEN else ", when the probe under way is given up")
