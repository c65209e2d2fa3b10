import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from include.domain.portfolio import ExecutionMode
from include.errors import InputError, Unsupported
from include.settings import PROJECT, Environ, Settings
from include.steps.resolve_run import load_run, resolve_run
from include.storage.latest import set_latest
from include.storage.run_folder import RunFolder
from tests.screening.exports import APPLE, export, row
from tests.steps.screening_runs import AFTER, resolved, settings, tree


@pytest.fixture
def screens(tmp_path: Path) -> Path:
    return export(tmp_path / "screens")


def test_a_run(tmp_path: Path, screens: Path) -> None:
    run = resolved(tmp_path, screens, run_id="scheduled__2025-09-18T20:30:00+00:00")
    assert run.as_of == date(2025, 9, 18)
    assert run.folder == f"{(tmp_path / 'data').as_uri()}/runs/2025-09-18/scheduled__2025-09-18T20_30_00+00_00"
    assert (run.mode, run.is_newest, run.is_backfill, run.previous) == (ExecutionMode.PAPER, True, False, None)
    assert run.brokers == ("alpaca", "ibkr", "paper")
    assert [p.portfolio_id for p in run.portfolios] == ["main", "shadow"]
    assert run.account_ids == ["alpaca-main", "ibkr-main", "paper-shadow"]
    assert [(s.key, s.dated) for s in run.screens] == [("good_ones", date(2025, 9, 16))]
    assert run.run_after == AFTER
    assert run.options["method"] == "max_sharpe"
    assert run.options["notes"] == []
    assert run.options["markets"]["XTKS"]["lot_size"] == "100"
    assert load_run(RunFolder(run.folder).run) == run


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path, screens: Path) -> None:
    run = resolved(tmp_path, screens)
    before = tree(tmp_path / "data")
    set_latest((tmp_path / "data").as_uri(), run.folder)
    assert resolved(tmp_path, screens) == run
    (tmp_path / "data" / "runs" / "latest").unlink()
    assert tree(tmp_path / "data") == before


@pytest.mark.parametrize(
    ("after", "as_of"),
    [
        (datetime(2025, 9, 18, 19, 59, tzinfo=UTC), date(2025, 9, 17)),
        (datetime(2025, 9, 18, 20, 0, tzinfo=UTC), date(2025, 9, 18)),
        (datetime(2025, 9, 21, 12, 0, tzinfo=UTC), date(2025, 9, 19)),
    ],
)
def test_as_of_is_the_last_closed_session(tmp_path: Path, screens: Path, after: datetime, as_of: date) -> None:
    run = resolved(tmp_path, screens, after=after)
    assert (run.as_of, run.is_newest) == (as_of, True)


def test_an_older_session_is_planned_only(tmp_path: Path, screens: Path) -> None:
    run = resolved(tmp_path, screens, as_of="2025-09-17")
    assert (run.as_of, run.is_newest, run.mode) == (date(2025, 9, 17), False, ExecutionMode.PLAN)
    assert run.options["notes"] == ["a later session has closed: planned only"]


def test_a_session_of_long_ago(tmp_path: Path) -> None:
    export(tmp_path / "old", rows=[row(calculated="3 Jan 2023")], day="3 Jan 2023")
    run = resolved(tmp_path, tmp_path / "old", as_of=date(2023, 1, 4))
    assert (run.as_of, run.is_newest) == (date(2023, 1, 4), False)


def test_the_newest_session_by_name_is_the_newest(tmp_path: Path, screens: Path) -> None:
    run = resolved(tmp_path, screens, as_of="2025-09-18")
    assert (run.is_newest, run.mode) == (True, ExecutionMode.PAPER)


def test_a_backfill_is_planned_only(tmp_path: Path, screens: Path) -> None:
    run = resolve_run(settings(tmp_path), run_id="b", run_after=AFTER, is_backfill=True, params={"screens": str(screens)})
    assert (run.is_backfill, run.mode) == (True, ExecutionMode.PLAN)
    assert run.options["notes"] == ["a backfill is planned only"]


def test_plan_mode_needs_no_note(tmp_path: Path, screens: Path) -> None:
    run = resolved(tmp_path, screens, execution_mode="plan", as_of="2025-09-17")
    assert (run.mode, run.options["notes"]) == (ExecutionMode.PLAN, [])


def test_live_is_refused_and_nothing_is_written(tmp_path: Path, screens: Path) -> None:
    with pytest.raises(Unsupported, match="^execution_mode live: this version sends to sandbox and paper accounts only$"):
        resolved(tmp_path, screens, execution_mode="live")
    assert not (tmp_path / "data").exists()


def test_params_win_and_empty_ones_do_not(tmp_path: Path, screens: Path) -> None:
    run = resolved(tmp_path, screens, method="equal", top_n=5, on_low_coverage=None, as_of=None, portfolios=None)
    assert (run.options["method"], run.options["top_n"], run.options["on_low_coverage"]) == ("equal", 5, "approve")
    assert run.config_sha256 != resolved(tmp_path, screens).config_sha256


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"as_of": "2025-09-20"}, "params, field 'as_of': expected a session of XNYS closed at 2025-09-18T20:30:00+00:00, "
         "the newest is 2025-09-18 (found '2025-09-20')"),
        ({"as_of": "2025-09-19"}, "params, field 'as_of': expected a session of XNYS closed at 2025-09-18T20:30:00+00:00, "
         "the newest is 2025-09-18 (found '2025-09-19')"),
        ({"as_of": "1990-01-02"}, "params, field 'as_of': expected a session of XNYS closed at 2025-09-18T20:30:00+00:00, "
         "the newest is 2025-09-18 (found '1990-01-02')"),
        ({"as_of": "yesterday"}, "params, field 'as_of': expected a date such as 2025-09-17 (found 'yesterday')"),
        ({"execution_mode": "real"}, "params, field 'execution_mode': expected plan, paper or live (found 'real')"),
        ({"portfolios": ["none"]}, "params, field 'portfolios': expected portfolios out of main, shadow (found 'none')"),
        ({"portfolios": []}, "params, field 'portfolios': expected a list of portfolio ids (found [])"),
        ({"top_n": 0}, "params, field 'top_n': Input should be greater than or equal to 1 (found 0)"),
        ({"reference_calendar": "NOPE"}, "field 'reference_calendar': expected a calendar of exchange_calendars: "
         "The requested ExchangeCalendar, NOPE, does not exist. (found 'NOPE')"),
    ],
)  # fmt: skip
def test_params_that_cannot_be_used(tmp_path: Path, screens: Path, params: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        resolved(tmp_path, screens, **params)
    assert str(error.value) == message
    assert not (tmp_path / "data").exists()


def test_an_unknown_param(tmp_path: Path, screens: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"^params, field 'metod': expected one of approval_timeout_minutes, as_of, .*, method, .*, write_legacy$",
    ):
        resolved(tmp_path, screens, metod="equal")


def test_a_sandbox_and_a_real_account_of_one_broker_are_not_run_together(tmp_path: Path, screens: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(PROJECT / "include" / "config", config)
    account = "{ account_id: mine, broker: ibkr, environment: paper }"
    (config / "portfolios" / "mine.yaml").write_text(f"environment: paper\naccounts: [{account}]\n", encoding="utf-8")
    made = Settings(Environ(config_dir=config, data_uri=(tmp_path / "data").as_uri()))
    message = "expected all accounts at ibkr to be sandboxes, or none: choose the portfolios of this run"
    with pytest.raises(InputError, match=message):
        resolve_run(made, run_id="r", run_after=AFTER, params={"screens": str(screens)})
    run = resolve_run(made, run_id="r", run_after=AFTER, params={"screens": str(screens), "portfolios": ["mine"]})
    assert run.account_ids == ["mine"]


def test_some_portfolios(tmp_path: Path, screens: Path) -> None:
    run = resolved(tmp_path, screens, portfolios="shadow")
    assert ([p.portfolio_id for p in run.portfolios], run.brokers) == (["shadow"], ("paper",))
    assert run.options["notes"] == [
        "alpaca: active, but no portfolio of this run has an account there",
        "ibkr: active, but no portfolio of this run has an account there",
    ]


def resolve_with(tmp_path: Path, screens: Path, brokers: str) -> Any:
    return resolve_run(settings(tmp_path, ACTIVE_BROKERS=brokers), run_id="r", run_after=AFTER, params={"screens": str(screens)})


def test_accounts_at_inactive_brokers_are_left_out_and_it_is_said(tmp_path: Path, screens: Path) -> None:
    run = resolve_with(tmp_path, screens, "alpaca")
    assert ([p.portfolio_id for p in run.portfolios], run.account_ids, run.brokers) == (["main"], ["alpaca-main"], ("alpaca",))
    assert run.options["notes"] == [
        "main: account ibkr-main is left out, ibkr is not active",
        "shadow: account paper-shadow is left out, paper is not active",
        "shadow: left out, none of its accounts is at an active broker",
    ]


def test_an_unknown_active_broker(tmp_path: Path, screens: Path) -> None:
    with pytest.raises(InputError, match=r"^ACTIVE_BROKERS: expected brokers out of alpaca, ibkr, paper \(found 'ibrk'\)$"):
        resolve_with(tmp_path, screens, "ibrk,paper")


def test_no_portfolio_is_left(tmp_path: Path, screens: Path) -> None:
    with pytest.raises(InputError) as error:
        resolve_run(
            settings(tmp_path, ACTIVE_BROKERS="paper"),
            run_id="r",
            run_after=AFTER,
            params={"screens": str(screens), "portfolios": ["main"]},
        )
    assert str(error.value) == (
        "portfolios, field 'ACTIVE_BROKERS': expected a portfolio with an account at an active broker (found 'paper')"
    )


def test_a_time_without_a_zone(tmp_path: Path, screens: Path) -> None:
    with pytest.raises(InputError, match="expected a time with a time zone"):
        resolved(tmp_path, screens, after=datetime(2025, 9, 18, 20, 30))  # noqa: DTZ001


def test_the_run_before(tmp_path: Path, screens: Path) -> None:
    root = (tmp_path / "data").as_uri()
    first = resolved(tmp_path, screens, run_id="first", as_of="2025-09-17")
    set_latest(root, first.folder)
    second = resolved(tmp_path, screens, run_id="second")
    assert second.previous == first.folder
    set_latest(root, second.folder)
    # Cleared after it became the latest: compared with the same run as before.
    assert resolved(tmp_path, screens, run_id="second") == second
    # An older session is not compared with what came later.
    assert resolved(tmp_path, screens, run_id="third", as_of="2025-09-17").previous is None


def test_a_damaged_run_before_or_own_file_is_none(tmp_path: Path, screens: Path) -> None:
    root = (tmp_path / "data").as_uri()
    first = resolved(tmp_path, screens, run_id="first", as_of="2025-09-17")
    set_latest(root, first.folder)
    second = resolved(tmp_path, screens, run_id="second")
    own = tmp_path / "data/runs/2025-09-18/second/run.json"
    own.write_text("{")
    assert resolved(tmp_path, screens, run_id="second") == second
    (tmp_path / "data/runs/2025-09-17/first/run.json").write_text("{")
    assert resolved(tmp_path, screens, run_id="other").previous is None


def test_load_run_names_what_is_wrong(tmp_path: Path, screens: Path) -> None:
    run = resolved(tmp_path, screens)
    file = tmp_path / "data/runs/2025-09-18/r1/run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "mode": "real"}))
    with pytest.raises(InputError, match=r"run.json, field 'mode': Input should be 'plan', 'paper' or 'live' \(found 'real'\)$"):
        load_run(RunFolder(run.folder).run)


def test_synthetic_screens_are_written_once(tmp_path: Path) -> None:
    after = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)
    run = resolved(tmp_path, "synthetic", after=after)
    assert [(s.key, s.synthetic, s.dated) for s in run.screens] == [
        ("momentum_mid_caps", True, date(2026, 11, 20)),
        ("quality_large_caps", True, date(2026, 11, 20)),
        ("weak_balance_sheets", True, date(2026, 11, 20)),
    ]
    assert run.screens[0].screen_uri.startswith(str(tmp_path / "data/screens/synthetic/2026-11-20/"))
    before = tree(tmp_path / "data")
    assert resolved(tmp_path, "synthetic", after=after) == run
    assert tree(tmp_path / "data") == before


@pytest.mark.parametrize("fault", ["missing", "future"])
def test_a_bad_input_leaves_earlier_results_whole(tmp_path: Path, screens: Path, fault: str) -> None:
    run = resolved(tmp_path, screens)
    before = tree(tmp_path / "data")
    after, location = (AFTER, tmp_path / "none") if fault == "missing" else (datetime(2025, 9, 10, 21, tzinfo=UTC), screens)
    with pytest.raises(InputError):
        resolved(tmp_path, location, run_id="r1", after=after)
    assert tree(tmp_path / "data") == before
    assert load_run(RunFolder(run.folder).run) == run


def test_a_changed_screen_changes_its_hash(tmp_path: Path, screens: Path) -> None:
    first = resolved(tmp_path, screens)
    export(screens, rows=[APPLE])
    second = resolved(tmp_path, screens)
    assert first.screens[0].sha256 != second.screens[0].sha256
    assert first.config_sha256 == second.config_sha256


def test_a_disabled_broker_is_left_out_and_said_so(tmp_path: Path, screens: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADING__IBKR__ENABLED", "false")
    run = resolved(tmp_path, screens)
    assert run.brokers == ("alpaca", "paper")
    assert run.account_ids == ["alpaca-main", "paper-shadow"]
    assert run.options["notes"] == ["main: account ibkr-main is left out, ibkr is disabled by TRADING__IBKR__ENABLED"]


def test_the_limits_of_the_brokers_files_are_the_runs(tmp_path: Path, screens: Path) -> None:
    config = shutil.copytree(PROJECT / "include" / "config", tmp_path / "config")
    with (config / "brokers" / "alpaca.yaml").open("a") as file:
        file.write("risk_limits: { max_order_value: 2500, max_orders_per_run: ${MOST:20} }\n")
    made = settings(tmp_path, config_dir=config)
    run = resolve_run(made, run_id="r1", run_after=AFTER, params={"screens": str(screens)})
    told = {"max_order_value": "2500", "max_position_value": None, "max_orders_per_run": 20}
    assert run.options["risk_limits"]["alpaca"] == told
    assert set(run.options["risk_limits"]) == {"alpaca", "ibkr", "paper"}
