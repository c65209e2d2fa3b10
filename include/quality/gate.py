"""Runs the suites and says what failed, how badly; keeps the Data Docs with the run."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from include.quality.engine import great_expectations
from include.quality.pages import settled

# Animations of the site's help window: 3 MB of every run that nobody opens.
_LEFT_OUT = {".gif"}


@dataclass(frozen=True)
class Failure:
    """One expectation that did not hold.

    Attributes:
        suite: Name of the suite.
        rule: The expectation's `meta["rule"]` (`include/quality/suites.py`).
        severity: `critical` or `warning`.
        said: What was expected and what was found, in words.
    """

    suite: str
    rule: str
    severity: str
    said: str


def validate(suites: Iterable[tuple[str, list[Any], pd.DataFrame]], run_name: str) -> tuple[list[Failure], dict[str, bytes]]:
    """Check frames against suites and render the Data Docs.

    Args:
        suites: (name, expectations, frame); an empty frame passes every expectation about rows.
        run_name: Name of the validation in the Data Docs.

    Returns:
        What failed, in the order of the suites; and the files of the Data Docs by path (`index.html` ...).
    """
    gx = great_expectations()
    with tempfile.TemporaryDirectory() as folder:
        context = _context(gx, folder)
        failures = [
            failure for name, expected, frame in suites for failure in _check(gx, context, name, expected, frame, run_name)
        ]
        context.build_data_docs(site_names=["run"])  # once, not after each suite
        docs = _docs(Path(folder), f"{run_name.replace('-', '')[:8]}T000000.000000Z")
    return failures, docs


def _context(gx: Any, folder: str) -> Any:
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults, ProgressBarsConfig

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    context.add_data_docs_site(
        site_name="run",
        site_config={
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": folder},
        },
    )
    return context


def _check(gx: Any, context: Any, name: str, expected: list[Any], frame: pd.DataFrame, run_name: str) -> list[Failure]:
    batch = context.data_sources.add_pandas(name).add_dataframe_asset(name).add_batch_definition_whole_dataframe("all rows")
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=expected))
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    checkpoint = context.checkpoints.add(gx.Checkpoint(name=name, validation_definitions=[definition], actions=[]))
    outcome = checkpoint.run(batch_parameters={"dataframe": frame}, run_id=gx.RunIdentifier(run_name=run_name))
    results = [result for validation in outcome.run_results.values() for result in validation.results]
    return [_failure(name, result) for result in results if not result.success]


def _failure(suite: str, result: Any) -> Failure:
    config = result.expectation_config
    details = {key: value for key, value in config.kwargs.items() if key not in ("batch_id", "mostly")}
    expected = ", ".join(f"{key} {value}" for key, value in details.items())
    found = _broken(result.exception_info) or result.result.get("partial_unexpected_list") or "something else"
    said = f"{config.type} ({expected}): found {str(found)[:300]}"
    return Failure(suite, str((config.meta or {}).get("rule", "")), str(config.severity.value), said)


def _broken(info: dict[str, Any]) -> str | None:
    """The message of an expectation that could not be looked at; such a one has failed, not passed."""
    told = [info] if "exception_message" in info else list(info.values())
    return next((str(one["exception_message"]) for one in told if one.get("raised_exception")), None)


def _docs(folder: Path, moment: str) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in _LEFT_OUT]
    return {path.relative_to(folder).as_posix(): _content(path, moment) for path in files}


def _content(path: Path, moment: str) -> bytes:
    content = path.read_bytes()
    return settled(content, moment) if path.suffix == ".html" else content
