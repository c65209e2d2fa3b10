from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from exchange_calendars import get_calendar_names

from include.domain.account import Environment
from include.errors import InputError
from include.settings import Environ, Options, Settings, load_settings, parse
from tests.settings.project_files import CONFIG, error, settings


def test_the_defaults_that_are_shipped() -> None:
    made = settings()
    assert (made.options.screens, made.options.method, made.options.max_screen_age_days) == ("synthetic", "max_sharpe", 7)
    assert made.active_brokers == ("alpaca", "ibkr", "paper")
    assert [portfolio.portfolio_id for portfolio in made.portfolios] == ["main", "shadow"]
    assert made.portfolios[0].environment is Environment.SANDBOX
    assert made.markets["XTKS"].lot_size == Decimal(100)
    assert made.preferences[0].brokers == ("crypto_com", "alpaca")
    assert (made.eligibility["ibkr"].counts, made.eligibility["paper"].counts) == (True, False)


def test_every_market_has_one_suffix_a_calendar_and_currencies() -> None:
    markets = settings().markets
    suffixes = [market.yahoo_suffix for market in markets.values()]
    assert len(set(suffixes)) == len(suffixes)
    assert {market.calendar for market in markets.values()} <= set(get_calendar_names())
    assert all(market.currencies and market.lot_size > 0 for market in markets.values())


def test_every_broker_of_a_portfolio_has_its_file() -> None:
    made = settings()
    assert {a.broker for p in made.portfolios for a in p.accounts} <= set(made.brokers)


def test_a_profile() -> None:
    assert settings(profile="sandbox").options.max_screen_age_days == 500
    assert settings(profile="production").options == settings().options


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch, config: Path) -> None:
    values: Mapping[str, str] = {
        "POLYBROKER_CONFIG_DIR": str(config),
        "POLYBROKER_SCREENS": "/my/screens",
        "POLYBROKER_PROFILE": "sandbox",
        "ACTIVE_BROKERS": " paper, ibkr ,,paper",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    made = load_settings()
    assert (made.options.screens, made.options.max_rate_age_days) == ("/my/screens", 500)
    assert made.active_brokers == ("ibkr", "paper")


def test_identities_are_looked_up_only_where_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings().options.identity.model_dump() == {"table": None, "openfigi": False}
    monkeypatch.setenv("OPENFIGI_API_KEY", "secret")
    environ = Environ()
    assert environ.openfigi_api_key is not None
    assert environ.openfigi_api_key.get_secret_value() == "secret"
    assert "secret" not in repr(environ)


def test_active_brokers() -> None:
    assert error(CONFIG, "active_brokers", ACTIVE_BROKERS="ibkr,alpca") == (
        "ACTIVE_BROKERS: expected brokers out of alpaca, ibkr, paper (found 'alpca')"
    )
    assert error(CONFIG, "active_brokers", ACTIVE_BROKERS=" , ") == (
        "ACTIVE_BROKERS: expected at least one broker out of alpaca, ibkr, paper"
    )


def test_a_broker_without_an_adapter_takes_no_part_and_says_what_can_be_done(config: Path) -> None:
    assert error(CONFIG, "active_brokers", ACTIVE_BROKERS="ibkr,binance") == (
        "ACTIVE_BROKERS: expected brokers out of alpaca, ibkr, paper; binance has no adapter yet; "
        "its list can be mapped: polybroker map --list binance=FILE (found 'binance')"
    )
    text = "environment: paper\naccounts: [{ account_id: a1, broker: oanda, environment: paper }]"
    (config / "portfolios" / "x.yaml").write_text(text)
    assert "field 'accounts.a1.broker': expected brokers out of alpaca, ibkr, paper; oanda has no adapter yet" in error(
        config, "portfolios"
    )


def test_a_broker_is_known_by_its_file(config: Path) -> None:
    assert settings(config).preferences[0].brokers == ("crypto_com", "alpaca")
    (config / "brokers" / "crypto_com.yaml").unlink()
    assert "field 'rules.0.brokers': expected brokers out of alpaca, binance, coinbase, ibkr" in error(config, "preferences")


def test_indian_markets_are_a_region_of_their_own() -> None:
    made = settings()
    assert {market.market for market in made.markets.values() if market.region == "india"} == {"XNSE", "XBOM"}
    assert made.eligibility["zerodha"].regions == ("india",)


def test_a_mirror_tells_the_ids_of_what_it_mirrors(config: Path) -> None:
    fields = settings(config).terms["paper"].universe_fields
    assert {name: (one.field, one.prefix) for name, one in fields.items()} == {"conId": ("native_id", "ibkr:")}
    (config / "brokers" / "paper.yaml").write_text("mirrors: ibkr\nuniverse_fields: {id: native_id}")
    assert list(settings(config).terms["paper"].universe_fields) == ["id"]


def test_an_account_that_claims_nothing_is_live(config: Path) -> None:
    (config / "portfolios" / "x.yaml").write_text("environment: paper\naccounts: [{ account_id: a1, broker: ibkr }]")
    assert error(config, "portfolios").endswith("expected environment 'paper' like the portfolio's (found 'live')")


def test_parse_names_a_whole_document_too() -> None:
    with pytest.raises(InputError, match=r"^f.yaml: Input should be a valid dictionary or instance of Options \(found 3\)$"):
        parse(Options, 3, "f.yaml", None)


def test_a_file_that_changed_serves_the_next_settings_and_is_another_version(config: Path) -> None:
    first = settings(config)
    path = config / "polybroker.yaml"
    path.write_text(path.read_text().replace("method: max_sharpe", "method: equal"))
    second = settings(config)
    assert (first.options.method, second.options.method) == ("max_sharpe", "equal")
    assert first.version != second.version
    assert settings(config).version == second.version
    # What was read together stays together: a file that changes under way is the next reader's.
    (config / "markets.yaml").write_text("")
    assert "XTKS" in second.markets


def test_settings_out_of_files_that_are_nowhere_on_disk(config: Path, tmp_path: Path) -> None:
    files = dict(settings(config).files)
    environ = Environ(config_dir=tmp_path / "nowhere", profile=None, screens=None, ACTIVE_BROKERS="paper")
    assert Settings(environ, files).active_brokers == ("paper",)


def test_variables_are_read_wherever_they_stand(config: Path) -> None:
    (config / "brokers" / "paper.yaml").write_text("adapter: ${A}.adapter:PaperBroker\nmirrors: ${MIRROR:ibkr}")
    made = Settings(Environ(config_dir=config, profile=None, screens=None, ACTIVE_BROKERS=None), variables={"A": "b.c"})
    assert (made.broker_files["paper"].adapter, made.broker_files["paper"].mirrors) == ("b.c.adapter:PaperBroker", "ibkr")
    with pytest.raises(InputError, match=r"brokers/paper.yaml, field 'adapter': expected the variable A to be set"):
        Settings(Environ(config_dir=config, profile=None, screens=None, ACTIVE_BROKERS=None), variables={}).brokers  # noqa: B018
