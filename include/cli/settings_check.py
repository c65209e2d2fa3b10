"""What `polybroker config validate` looks at beyond the shape of the files: words that nothing would ever stumble over."""

from collections.abc import Iterable
from pathlib import Path

from include.brokers.registry import broker_class, handle_reader, list_reader
from include.errors import InputError
from include.settings import Settings
from include.steps.identities import table_uri
from include.storage.artifacts import exists


def check_everything(settings: Settings) -> dict[str, int]:
    """Read every file of the configuration and what it leads to. Returns how much of what there is.

    Raises:
        InputError: The first fault.
    """
    counts = {
        "brokers": len(settings.broker_files),
        "active": len(settings.active_brokers),
        "portfolios": len(settings.portfolios),
        "markets": len(settings.markets),
        "preferences": len(settings.preferences),
        "criteria": len(settings.preferences_file.criteria),
        "eligibility rules": len(settings.eligibility),
        "terms": len(settings.terms),
        "disabled": len(settings.disabled_brokers),
    }
    check_settings(settings)
    return counts


def check_settings(settings: Settings) -> None:
    """Nothing where every word of the brokers' files leads somewhere, and the table of identities is there.

    Raises:
        InputError: A value or key that does not fit, a region that no market has, an adapter or reader that cannot be
            imported, a table of identities that does not exist.
    """
    for name in settings.brokers:
        _check_regions(name, settings)
        _check_imports(name, settings)
    _check_table(settings)


def _check_regions(name: str, settings: Settings) -> None:
    terms = settings.terms[name]
    _check_known(settings.eligibility[name].regions, name, "eligible.regions", settings)
    for key, rows in (("costs", terms.costs), ("hours", terms.hours)):
        for number, row in enumerate(rows):
            _check_known(row.regions, name, f"{key}.{number}.regions", settings)


def _check_known(regions: Iterable[str], name: str, field: str, settings: Settings) -> None:
    known = sorted({market.region for market in settings.markets.values()})
    for region in regions:
        if region not in known:
            expected = f"expected regions out of {', '.join(known)}"
            raise InputError(expected, source=_file(name, settings), field=field, value=region)


def _check_imports(name: str, settings: Settings) -> None:
    config = settings.brokers[name]
    if "adapter" in config:
        broker_class(name, settings.brokers)
    if "list_reader" in config:
        list_reader(name, settings.brokers)
    handle_reader(name, settings.brokers)


def _check_table(settings: Settings) -> None:
    location = settings.options.identity.table
    if location and not exists(table_uri(location)):
        expected = "expected a file that exists: make it with polybroker identities build, or leave the option out"
        source = settings.environ.config_dir / "polybroker.yaml"
        raise InputError(expected, source=source, field="options.identity.table", value=location)


def _file(name: str, settings: Settings) -> Path:
    return settings.environ.config_dir / "brokers" / f"{name}.yaml"
