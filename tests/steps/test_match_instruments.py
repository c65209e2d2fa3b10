from pathlib import Path

import pytest

from include.domain.mapping import Mapping, MappingStatus
from include.domain.run import Run
from include.errors import InputError
from include.settings import load_settings
from include.steps.match_instruments import match_instruments, wanted_instruments
from include.steps.refresh_contracts import refresh_contracts
from include.storage.artifacts import read_bytes, read_json
from include.storage.contract_lists import ContractLists, write_contracts
from include.storage.run_folder import RunFolder
from tests.mapping.build import contract, instrument, table
from tests.mapping.documents import stock, universe
from tests.steps.mapping_run import ListingBroker, make_run

SETTINGS = load_settings()
APPLE = instrument("AAPL", "Apple Inc.", "US0378331005")
TAMRON = instrument("7740.T", "Tamron Co Ltd", "JP3471800007")
WANTED = [APPLE, TAMRON, instrument("NOPE", "Nope Inc")]


def contracts(run: Run, broker: str, *listed, **told: str) -> None:  # type: ignore[no-untyped-def]
    metadata = {"question": "everything", "fetched_at": "2026-11-20T09:00:00+00:00", **told}
    write_contracts(RunFolder(run.folder).contracts(broker), table(*listed).to_batches(), metadata)


def mappings(uri: str) -> list[Mapping]:
    return [Mapping.model_validate(row) for row in read_json(uri)["mappings"]]


def test_what_is_written_and_returned(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    apple = contract("265598", "AAPL", "APPLE INC", "XNAS", isin="US0378331005")
    frankfurt = contract("9", "TMR", "TAMRON CO LTD", "XFRA", currency="EUR", isin="JP3471800007")
    contracts(run, "ibkr", apple, frankfurt, knows_isin="true")
    result = match_instruments(run, "ibkr", WANTED, SETTINGS)
    assert result == {
        "broker": "ibkr",
        "uri": f"{run.folder}/brokers/ibkr/mapping.json",
        "matched": 1,
        "other_listing": 1,
        "total": 3,
    }
    document = read_json(result["uri"])
    assert {key: document[key] for key in ("broker", "contracts", "fetched_at")} == {
        "broker": "ibkr",
        "contracts": f"{run.folder}/brokers/ibkr/contracts.parquet",
        "fetched_at": "2026-11-20T09:00:00+00:00",
    }
    assert [(m.ticker, m.status.value) for m in mappings(result["uri"])] == [
        ("AAPL", "matched"),
        ("7740.T", "other_listing"),
        ("NOPE", "not_found"),
    ]
    before = read_bytes(result["uri"])
    match_instruments(run, "ibkr", WANTED, SETTINGS)
    assert read_bytes(result["uri"]) == before


def test_not_eligible_is_not_looked_for(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    listed = [
        contract("a", "AAPL", "Apple Inc. Common Stock", "", broker="alpaca"),
        contract("b", "7740", "Tamron", broker="alpaca"),
    ]
    contracts(run, "alpaca", *listed, knows_isin="false")
    found = mappings(match_instruments(run, "alpaca", WANTED, SETTINGS)["uri"])
    assert (found[0].status, found[0].search_method) == (MappingStatus.MATCHED, "ticker")  # no MIC: Alpaca is only in the US
    assert (found[1].status, found[1].reason) == (MappingStatus.NOT_FOUND, "not_eligible")


@pytest.mark.parametrize(("isin", "expected"), [("GB0002634946", MappingStatus.MATCHED), (None, MappingStatus.NOT_FOUND)])
def test_a_file_that_does_not_say_whether_isins_are_known(tmp_path: Path, isin: str | None, expected: MappingStatus) -> None:
    run = make_run(tmp_path)
    renamed = contract("1", "TM17", "EVERPLAY GROUP PLC", "XLON", currency="GBP")
    contracts(run, "ibkr", renamed, contract("2", "XYZ", "XYZ PLC", "XLON", currency="GBP", isin=isin))
    found = mappings(match_instruments(run, "ibkr", [instrument("EVPL.L", "Everplay Group PLC")], SETTINGS)["uri"])
    assert found[0].status is expected


def test_contracts_that_were_never_refreshed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"brokers/ibkr/contracts.parquet"):
        match_instruments(make_run(tmp_path), "ibkr", WANTED, SETTINGS)


def test_wanted_are_members_then_holdings_that_left() -> None:
    document = universe(stock("MSFT"), stock("AAPL", instrument_id="isin:US0378331005", isin="US0378331005"))
    held = [
        instrument("ZZZ", "Zzz Inc"),
        instrument("APC.DE", "Apple Inc.", "US0378331005"),  # a member under another ticker
        instrument("MSFT", "Microsoft Corp", "US5949181045"),  # a member whose ISIN the screen does not know
        instrument("BBB", "Bbb Inc"),
        instrument("BBB", "Bbb Inc"),
    ]
    assert [one.ticker for one in wanted_instruments(document, held)] == ["MSFT", "AAPL", "BBB", "ZZZ"]
    assert [one.ticker for one in wanted_instruments(document, [])] == ["MSFT", "AAPL"]


def test_whom_nobody_asked_for_is_not_said_to_be_not_found(tmp_path: Path) -> None:
    run, lists = make_run(tmp_path), ContractLists(tmp_path.as_uri())
    broker = ListingBroker([contract("1", "AAPL", "APPLE INC", isin=APPLE.isin)], name="ibkr", lists_all=False, knows_isin=True)
    refresh_contracts(run, "ibkr", broker, [APPLE, TAMRON], lists)
    found = mappings(match_instruments(run, "ibkr", WANTED, SETTINGS)["uri"])
    assert [(m.ticker, m.status.value) for m in found] == [
        ("AAPL", "matched"),
        ("7740.T", "not_found"),
        ("NOPE", "unavailable"),
    ]
