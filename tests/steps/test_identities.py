from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.domain.contract import to_table
from include.domain.run import Run
from include.errors import InputError
from include.settings import PROJECT, Settings
from include.steps.build_universe import build_universe
from include.steps.fetch_screens import fetch_screens
from include.steps.identities import enriched_contracts, open_identities, plausible, table_uri
from include.steps.plan_candidates import candidates
from include.storage.artifacts import read_json, write_json, write_table
from include.storage.database import Database
from include.storage.journal import ManagedPosition
from include.storage.run_folder import RunFolder
from tests.identity.build import APPLE, APPLE_CLASS, APPLE_FIGI, MICROSOFT, NVIDIA, said, table
from tests.identity.openfigi_server import Clock, OpenFigiServer, row, running
from tests.screening.exports import APPLE as APPLE_ROW
from tests.screening.exports import export
from tests.screening.exports import row as export_row
from tests.steps.run_files import found, missing, write_order
from tests.steps.screening_runs import resolved, settings
from tests.trading.build import contract, portfolio

NVDA = export_row(ticker="NVDA", isin="null", name="NVIDIA Corp")
AUGUST = date(2025, 8, 1)


@pytest.fixture
def openfigi() -> Iterator[OpenFigiServer]:
    with running() as made:
        made.current = OpenFigiServer(Clock(), url=made.url)
        yield made.current


def not_wanted() -> Database:
    raise AssertionError("nobody needs the database")


def kept(folder: Path, *statements: dict[str, Any]) -> str:
    return write_table((folder / "identities.parquet").as_uri(), table(*statements))


def fetched(folder: Path, run_id: str = "r1", **identity: Any) -> Run:
    export(folder / "s", rows=[APPLE_ROW, NVDA])
    run = resolved(folder, folder / "s", run_id=run_id, identity=identity)
    for source in run.screens:
        fetch_screens(run, source.key)
    return run


def built(run: Run, made: Settings, database: Any = not_wanted) -> dict[str, Any]:
    with open_identities(run, made, database) as enrich:
        document: dict[str, Any] = read_json(build_universe(run, enrich))
    return document


def test_nothing_is_looked_up_unless_it_is_set(tmp_path: Path) -> None:
    run = fetched(tmp_path)
    assert run.options["identity"] == {"table": None, "openfigi": False}
    plain = read_json(build_universe(run))
    assert built(run, settings(tmp_path)) == plain
    assert "identities" not in plain["metadata"]


def test_a_row_gets_the_isin_of_the_table_and_a_second_time_the_same_bytes(tmp_path: Path) -> None:
    uri = kept(tmp_path, said(NVIDIA, "NVDA", name="NVIDIA CORPORATION COMMON STOCK", source_date=AUGUST))
    run = fetched(tmp_path, table=uri)
    made = built(run, settings(tmp_path))
    stock = made["all_stocks"]["NVDA"]
    assert (stock["isin"], stock["instrument_id"]) == (NVIDIA, f"isin:{NVIDIA}")
    source = {"source": "list", "date": "2025-08-01", "by": "market, symbol, currency, kind and name"}
    assert stock["identity_source"] == source
    assert len(made["metadata"]["identities"]["table_sha256"]) == 64
    assert built(run, settings(tmp_path)) == made


def test_what_is_said_after_the_run_is_not_known_to_it(tmp_path: Path) -> None:
    run = fetched(tmp_path, table=kept(tmp_path, said(NVIDIA, "NVDA", name="NVIDIA Corp", source_date=date(2025, 9, 19))))
    assert built(run, settings(tmp_path))["all_stocks"]["NVDA"]["isin"] is None


@pytest.mark.parametrize("content", [None, b"not parquet"])
def test_a_table_that_cannot_be_read_stops_the_run(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "identities.parquet"
    if content:
        file.write_bytes(content)
    run = fetched(tmp_path, table=str(file))
    with (
        pytest.raises(InputError, match="identities.parquet: expected a"),
        open_identities(run, settings(tmp_path), not_wanted),
    ):
        pass


@pytest.mark.parametrize("rebuilt", [True, False])
def test_a_run_goes_by_the_table_it_read_first(tmp_path: Path, rebuilt: bool) -> None:
    named = {"name": "NVIDIA CORPORATION", "source_date": AUGUST}
    run = fetched(tmp_path, table=kept(tmp_path, said(NVIDIA, "NVDA", **named)))
    first = built(run, settings(tmp_path))
    (tmp_path / "identities.parquet").unlink()
    if rebuilt:
        kept(tmp_path, said(MICROSOFT, "NVDA", **named))
    assert built(run, settings(tmp_path)) == first
    listed = contract(native_id="NVDA", symbol="NVDA", name="NVIDIA Corp").model_copy(update={"isin": None})
    assert enriched_contracts(run, to_table([listed]), settings(tmp_path).markets)["isin"].to_pylist() == [NVIDIA]
    other = run.model_copy(update={"folder": f"{run.folder}-next"})
    if rebuilt:  # the next run reads it anew
        assert enriched_contracts(other, to_table([listed]), settings(tmp_path).markets)["isin"].to_pylist() == [MICROSOFT]
    else:
        with pytest.raises(InputError, match="identities.parquet: expected a readable file"):
            enriched_contracts(other, to_table([listed]), settings(tmp_path).markets)


def test_a_table_elsewhere_is_another_table(tmp_path: Path) -> None:
    """Step 0 cleared after the option was corrected: the run goes by the new table."""
    uri = kept(tmp_path, said(NVIDIA, "NVDA", name="NVIDIA Corp", source_date=AUGUST))
    empty = write_table((tmp_path / "empty.parquet").as_uri(), table())
    run = fetched(tmp_path, table=empty)
    assert built(run, settings(tmp_path))["all_stocks"]["NVDA"]["isin"] is None
    assert built(fetched(tmp_path, table=uri), settings(tmp_path))["all_stocks"]["NVDA"]["isin"] == NVIDIA


def test_a_table_that_was_no_table_is_read_again_when_it_is_one(tmp_path: Path) -> None:
    file = tmp_path / "identities.parquet"
    file.write_bytes(b"not parquet")
    run = fetched(tmp_path, table=file.as_uri())
    with pytest.raises(InputError, match="expected a parquet file"):
        built(run, settings(tmp_path))
    kept(tmp_path, said(NVIDIA, "NVDA", name="NVIDIA Corp", source_date=AUGUST))
    assert built(run, settings(tmp_path))["all_stocks"]["NVDA"]["isin"] == NVIDIA


def test_a_relative_path_counts_from_the_project() -> None:
    assert table_uri("data/identities.parquet") == (PROJECT / "data" / "identities.parquet").as_uri()
    assert table_uri("/x/i.parquet") == "file:///x/i.parquet"
    assert table_uri("s3://bucket/i.parquet") == "s3://bucket/i.parquet"


def test_openfigi_is_asked_once_and_then_its_answers_are_kept(
    tmp_path: Path, openfigi: OpenFigiServer, database: Database
) -> None:
    openfigi.listings["TICKER", "NVDA", "US", "USD"] = [row(APPLE_FIGI, "NVDA", "NVIDIA CORP", shareClassFIGI=APPLE_CLASS)]
    made = settings(tmp_path, openfigi_url=openfigi.url, OPENFIGI_API_KEY=None)
    for run_id in ("r1", "r2"):
        document = built(fetched(tmp_path, run_id, openfigi=True), made, lambda: nullcontext(database))
        stock = document["all_stocks"]["NVDA"]
        assert (stock["isin"], stock["figi"], stock["share_class_figi"]) == (None, APPLE_FIGI, APPLE_CLASS)
        assert stock["instrument_id"] == "ticker:NVDA"
        assert stock["identity_source"]["date"] == "2025-09-18"
    assert len(openfigi.requests) == 1


def test_openfigi_that_is_down_stops_nothing(tmp_path: Path, openfigi: OpenFigiServer, database: Database) -> None:
    made = settings(tmp_path, openfigi_url=openfigi.url, OPENFIGI_API_KEY="wrong-key")
    document = built(fetched(tmp_path, openfigi=True), made, lambda: nullcontext(database))
    assert document["all_stocks"]["NVDA"]["instrument_id"] == "ticker:NVDA"
    note = "AuthenticationFailed: openfigi refused the key (HTTP 401); 1 of 1 not answered"
    assert document["metadata"]["notes"] == [note]


def test_what_openfigi_took_back_stays_away_while_it_is_down(
    tmp_path: Path, openfigi: OpenFigiServer, database: Database
) -> None:
    uri = kept(tmp_path, said(NVIDIA, "NVDA", name="NVIDIA CORPORATION", source_date=AUGUST))
    openfigi.listings["ID_ISIN", NVIDIA, "US", "USD"] = [row(APPLE_FIGI, "NVDA", "SOME OTHER COMPANY")]
    up = settings(tmp_path, openfigi_url=openfigi.url, OPENFIGI_API_KEY=None)
    away = settings(tmp_path, openfigi_url=openfigi.url, OPENFIGI_API_KEY="wrong-key")
    first = fetched(tmp_path, table=uri, openfigi=True)
    assert built(first, up, lambda: nullcontext(database))["all_stocks"]["NVDA"]["isin"] is None
    later = fetched(tmp_path, "r2", table=uri, openfigi=True)
    later = later.model_copy(update={"run_after": first.run_after + timedelta(days=40)})
    document = built(later, away, lambda: nullcontext(database))
    assert document["all_stocks"]["NVDA"]["isin"] is None
    assert document["metadata"]["notes"] == [
        "AuthenticationFailed: openfigi refused the key (HTTP 401); 1 of 1 not answered",
        "openfigi: 1 of its answers have expired, and hold until it answers again",
        f"NVDA: no ISIN taken: figi_contradicts ({NVIDIA} of list)",
        "NVDA: no FIGI taken: name_mismatch ('SOME OTHER COMPANY' there)",
    ]


def test_an_isin_that_openfigi_was_never_asked_about_is_marked(
    tmp_path: Path, openfigi: OpenFigiServer, database: Database
) -> None:
    uri = kept(tmp_path, said(NVIDIA, "NVDA", name="NVIDIA CORPORATION", source_date=AUGUST))
    away = settings(tmp_path, openfigi_url=openfigi.url, OPENFIGI_API_KEY="wrong-key")
    stock = built(fetched(tmp_path, table=uri, openfigi=True), away, lambda: nullcontext(database))["all_stocks"]["NVDA"]
    assert stock["isin"] == NVIDIA
    assert stock["identity_source"]["check"] == "identity not checked: openfigi has said nothing of it"


@pytest.mark.parametrize("other", [{"is_newest": False}, {"is_backfill": True}])
def test_openfigi_is_not_asked_about_an_earlier_session(tmp_path: Path, other: dict[str, bool]) -> None:
    run = fetched(tmp_path, openfigi=True).model_copy(update=other)
    document = built(run, settings(tmp_path))
    assert document["metadata"]["notes"] == ["openfigi was not asked: it knows no earlier session's symbols"]


def test_contracts_get_what_the_table_knew_when_the_run_was_due(tmp_path: Path) -> None:
    named = {"name": "NVIDIA CORPORATION", "source_date": AUGUST}
    uri = kept(tmp_path, said(NVIDIA, "NVDA", **named), said(MICROSOFT, "MSFT", source_date=date(2025, 9, 19)))
    listed = [contract(native_id=s, symbol=s, name=n) for s, n in (("NVDA", "NVIDIA Corp"), ("MSFT", "MSFT Corp"))]
    contracts = to_table([one.model_copy(update={"isin": None}) for one in listed])
    markets = settings(tmp_path).markets
    assert enriched_contracts(fetched(tmp_path, table=uri), contracts, markets)["isin"].to_pylist() == [NVIDIA, None]
    assert enriched_contracts(fetched(tmp_path, "r2"), contracts, markets) is contracts


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("NVIDIA Corp", "NVIDIA CORPORATION COMMON STOCK", True),
        ("Toyota Motor Corp", "TOYOTA MOTOR CORP-SPON ADR", False),
        ("Alphabet Inc Class A", "ALPHABET INC-CL C", False),
        ("Alphabet Inc Class A", "ALPHABET INC-CL A", True),
        ("Apple Inc", "Appian Corporation", False),
        ("Interpump Group SpA", "INTER PARFUMS INC", False),
        ("Acuity Brands Inc.", "ACUITY INC", False),
        ("iShares Gold Trust", "iShares Silver Trust", False),
    ],
)
def test_plausible_names(ours: str, theirs: str, expected: bool) -> None:
    assert plausible(ours, theirs) is expected


@pytest.mark.parametrize("mapped", [True, False])
def test_a_managed_holding_stays_its_row_s_when_an_isin_appears(tmp_path: Path, mapped: bool) -> None:
    """Bought while no ISIN was known: neither sold as if it had left, nor bought a second time."""
    uri = kept(tmp_path, said(NVIDIA, "NVDA", name="NVIDIA Corp", source_date=AUGUST), said(MICROSOFT, "ELSE"))
    run = fetched(tmp_path, table=uri)
    folder = RunFolder(run.folder)
    stocks = built(run, settings(tmp_path))["all_stocks"]
    write_json(folder.universe, {"all_stocks": stocks})
    table_of = [found("ibkr", "NVDA", "7") if mapped else missing("ibkr", "NVDA")]
    write_json(folder.mapping("ibkr"), {"broker": "ibkr", "mappings": table_of})
    write_order(run, stocks)
    own = portfolio()
    held = [ManagedPosition("main", "ibkr-main", "NVDA", "ticker:NVDA", contract(native_id="7", symbol="NVDA"), Decimal(5))]
    sizes = {"positions": {ticker: {"target_weight": "0.05"} for ticker in stocks}}
    given = candidates(run.model_copy(update={"brokers": ("ibkr",)}), own, sizes, held, settings(tmp_path))
    quantities = {(one.ticker, one.instrument_id): str(one.held_quantity) for one in given}
    assert quantities == {("AAPL", f"isin:{APPLE}"): "0", ("NVDA", f"isin:{NVIDIA}"): "5"}
