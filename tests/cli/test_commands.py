"""The commands in the order a user meets them, against the local venues, through the real client libraries."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from include.cli.wiring import account_of, open_account, project_database
from include.domain.order import Order, OrderReport, OrderState
from include.errors import InputError
from include.sandbox import control
from include.settings import load_settings
from include.storage.journal import Journal
from tests.cli.conftest import Polybroker

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture(scope="module")
def venues(polybroker: Polybroker, screens: Path) -> None:
    result = polybroker("sandbox", "up", "--screens", screens)
    assert result.code == 0, result
    assert "IB_PORT=" in result.text  # what follows finds the venues without these variables


def latest(project: Path) -> Path:
    return (project / "data" / "runs" / "latest").resolve()


@pytest.mark.usefixtures("venues")
def test_a_run_that_plans_writes_everything_up_to_the_orders(polybroker: Polybroker, project: Path, screens: Path) -> None:
    result = polybroker("run", "--screens", screens, "--mode", "plan", "--first-funding")
    assert result.error is None, result
    folder = latest(project)
    orders = json.loads((folder / "orders.json").read_text())["portfolios"]
    planned = {(order["account"], order["ticker"]) for order in orders["main"]["orders"]}
    assert planned == {
        ("alpaca-main", "AAPL"),
        ("alpaca-main", "MSFT"),
        ("ibkr-main", "7203.T"),
        ("ibkr-main", "VOD.L"),
        ("ibkr-main", "SAP.DE"),
    }
    assert json.loads((folder / "coverage.json").read_text())["decision"] in ("pass", "approval")
    assert not (folder / "execution_report.json").exists()
    assert "BROKEN.XX" in (folder / "universe.json").read_text()


@pytest.mark.usefixtures("venues")
def test_paper_mode_asks_for_approval_then_fills_and_never_sends_twice(
    polybroker: Polybroker, project: Path, screens: Path
) -> None:
    words = ("run", "--screens", screens, "--mode", "paper", "--first-funding")
    refused = polybroker(*words)  # one row of six is unusable, which is over the 5 % of the input gate
    assert str(refused.error).startswith("a person must approve these orders (--approve, or the web UI): ")
    sent = polybroker(*words, "--approve")
    assert sent.error is None, sent
    report = json.loads((latest(project) / "execution_report.json").read_text())
    assert report["unresolved"] == []
    assert report["total"]["unknown"] == 0
    again = polybroker(*words, "--approve")
    assert again.error is None, again
    repeated = json.loads((latest(project) / "execution_report.json").read_text())
    assert repeated["total"] == report["total"]


@pytest.mark.usefixtures("venues")
def test_map_finds_every_instrument_at_every_eligible_broker(polybroker: Polybroker, project: Path) -> None:
    universe, out = latest(project) / "universe.json", project / "mapped.json"
    result = polybroker("map", "--universe", universe, "--brokers", "ibkr,alpaca", "--out", out)
    assert result.error is None, result
    document = json.loads(out.read_text())
    assert document["metadata"]["mapping_stats"]["unmapped"] == 0
    apple = document["all_stocks"]["AAPL"]
    assert apple["best_broker"] == "alpaca"
    assert apple["broker_mappings"]["ibkr"]["search_method"] == "isin"
    assert document["all_stocks"]["SAP.DE"]["broker_mappings"]["alpaca"]["reason"] == "not_eligible"


@pytest.mark.usefixtures("venues")
def test_a_position_is_adopted_only_up_to_what_the_account_holds(polybroker: Polybroker, project: Path) -> None:
    orders = json.loads((latest(project) / "orders.json").read_text())["portfolios"]["main"]["orders"]
    sap = next(order for order in orders if order["ticker"] == "SAP.DE")
    native_id, own = sap["contract"]["native_id"], sap["quantity"]
    words = ("adopt", "--portfolio", "main", "--account", "ibkr-main", "--native-id", native_id, "--ticker", "SAP.DE")
    too_much = polybroker(*words, "--quantity", "999999")
    assert isinstance(too_much.error, InputError)
    assert f"expected 0 to 0 (ibkr-main holds {own}, of which {own} are the portfolios' own)" in str(too_much.error)
    nothing = polybroker("adopt", *words[1:6], "1", "--ticker", "SAP.DE", "--quantity", "1")
    assert "expected a position that ibkr-main holds" in str(nothing.error)
    assert "expected an account of that portfolio" in str(
        polybroker("adopt", "--portfolio", "shadow", *words[3:], "--quantity", "1").error
    )
    assert "expected a number of units" in str(polybroker(*words, "--quantity", "many").error)


@pytest.mark.usefixtures("venues")
def test_status_shows_the_venues_and_cancel_all_finds_nothing_open(polybroker: Polybroker) -> None:
    assert polybroker("sandbox", "status").text.count("yes") == 2
    assert polybroker("cancel-all", "--account", "alpaca-main").text == "alpaca-main: the journal has no open order\n"


def test_out_with_sandbox_is_a_world_of_its_own(
    polybroker: Polybroker, project: Path, screens: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("POLYBROKER_SANDBOX_DIR", "POLYBROKER_DATABASE_URL", "POLYBROKER_DATA_URI"):
        monkeypatch.delenv(name)
    words = ("run", "--sandbox", "--screens", screens, "--out", tmp_path, "--mode", "paper", "--first-funding", "--approve")
    done = polybroker(*words)
    assert done.error is None, done
    assert {path.name for path in tmp_path.iterdir()} >= {"runs", "sandbox", "polybroker.db"}
    report = json.loads((tmp_path / "runs" / "latest" / "execution_report.json").read_text())
    assert (report["total"]["filled"], report["total"]["unknown"]) == (report["total"]["planned"], 0)
    assert [row["running"] for row in control.status(tmp_path / "sandbox")] == [False, False]


def planned_sap(project: Path) -> Order:
    orders = json.loads((latest(project) / "orders.json").read_text())["portfolios"]["main"]["orders"]
    return Order.model_validate(next(order for order in orders if order["ticker"] == "SAP.DE"))


def sent(order: Order, *, journaled: bool) -> OrderReport:
    """Sends an order past the pipeline's planning, and past its journal if wanted."""
    settings = load_settings()
    account = account_of(settings.portfolios, order.account)
    with project_database(settings) as database, open_account(account, settings, database, for_orders=True) as broker:
        journal = Journal(database)
        if journaled:
            journal.register([order])
            journal.mark_sending(order.client_order_id)
        broker.prove_environment()
        report = broker.submit(order)
        if journaled:
            journal.record(order.client_order_id, report, datetime.now(UTC))
    return report


@pytest.mark.usefixtures("venues")
def test_cancel_all_cancels_what_rests_at_the_broker(polybroker: Polybroker, project: Path) -> None:
    changes = {"client_order_id": "RESTSFARBELOWMARKET2", "quantity": Decimal(1), "limit_price": Decimal(2)}
    resting = planned_sap(project).model_copy(update=changes)
    assert sent(resting, journaled=True).state is OrderState.ACCEPTED
    words = ("cancel-all", "--account", "ibkr-main")
    assert polybroker(*words).text == "RESTSFARBELOWMARKET2 buy SAP.DE: cancelled\n"
    assert polybroker(*words).text == "ibkr-main: the journal has no open order\n"


@pytest.mark.usefixtures("venues")
def test_a_position_bought_elsewhere_is_adopted_and_given_back(polybroker: Polybroker, project: Path) -> None:
    plan = planned_sap(project)
    elsewhere = plan.model_copy(update={"client_order_id": "BOUGHTBYHANDBYPERSON", "quantity": Decimal(3)})
    assert sent(elsewhere, journaled=False).state is OrderState.FILLED
    words = ("adopt", "--portfolio", "main", "--account", "ibkr-main", "--native-id", plan.contract.native_id)
    adopted = polybroker(*words, "--ticker", "SAP.DE", "--isin", "DE0007164600", "--quantity", "3")
    assert adopted.text == "main now manages 3 SAP in ibkr-main\n"
    with project_database(load_settings()) as database:
        managed = [p.quantity for p in Journal(database).managed("main") if p.contract.native_id == plan.contract.native_id]
        (contract,) = [p.contract for p in Journal(database).managed("main") if p.contract.native_id == plan.contract.native_id]
    assert managed == [plan.quantity + 3]
    assert (contract.lot_size, contract.tick_size) == (plan.contract.lot_size, plan.contract.tick_size)
    assert "expected 0 to 3 (" in str(polybroker(*words, "--ticker", "SAP.DE", "--quantity", "4").error)
    for isin, message in (
        ("DE0007164601", "right check digit"),
        ("US0378331005", "DE0007164600, which the broker tells"),
    ):
        assert message in str(polybroker(*words, "--ticker", "SAP.DE", "--isin", isin, "--quantity", "3").error)
    assert polybroker(*words, "--ticker", "SAP.DE", "--quantity", "0").text == "main now manages 0 SAP in ibkr-main\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("cancel-all", "--account", "nobody"), "expected one of alpaca-main, ibkr-main, paper-shadow"),
        (("map", "--universe", "/nowhere.json", "--out", "x.json"), "expected a universe.json"),
        (("run", "--screens", "/nowhere", "--mode", "plan"), "expected a folder of screen exports"),
        (("run", "--mode", "sometimes"), "expected plan, paper or live"),
        (("db", "check", "--url", "sqlite:////nowhere/at/all.db"), "run `polybroker db upgrade`"),
    ],
)
def test_bad_input_is_one_clear_error(polybroker: Polybroker, words: tuple[str, ...], message: str) -> None:
    result = polybroker(*words)
    assert isinstance(result.error, InputError), result
    assert message in str(result.error)


def test_database_and_configuration_say_where_they_are(polybroker: Polybroker, project: Path) -> None:
    upgraded = polybroker("db", "upgrade")
    assert upgraded.code == 0, upgraded
    assert "is at the newest version" in upgraded.text
    assert "is at the newest version" in polybroker("db", "check").text
    assert ": valid; 8 brokers, 3 active, 2 portfolios" in polybroker("config", "validate").text.replace("\n", " ")
    shown = polybroker("config", "show").text
    assert "paper-shadow" in shown
    assert "max_screen_age_days" in shown
