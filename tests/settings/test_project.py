import shutil
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from exchange_calendars import get_calendar_names

from include.domain.account import Environment
from include.errors import InputError
from include.settings import PROJECT, Environ, Options, Settings, load_settings, parse

CONFIG = PROJECT / "include" / "config"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


def settings(config: Path = CONFIG, **environ: Any) -> Settings:
    return Settings(Environ(**{"config_dir": config, "profile": None, "screens": None, "ACTIVE_BROKERS": None, **environ}))


def error(config: Path, attribute: str | None = None, **environ: Any) -> str:
    def use() -> None:
        made = settings(config, **environ)
        if attribute:
            getattr(made, attribute)

    with pytest.raises(InputError) as caught:
        use()
    return str(caught.value)


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


def test_an_unknown_profile(config: Path) -> None:
    assert error(config, profile="fast") == "POLYBROKER_PROFILE: expected one of production, sandbox (found 'fast')"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("options: {metod: equal}", ", field 'options.metod': Extra inputs are not permitted (found 'equal')"),
        ("options: {top_n: 0}", ", field 'options.top_n': Input should be greater than or equal to 1 (found 0)"),
        (
            "options: {max_screen_age_days: -1}",
            ", field 'options.max_screen_age_days': Input should be greater than or equal to 0 (found -1)",
        ),
        (
            "options: {coverage_fail_pct: .nan}",
            ", field 'options.coverage_fail_pct': Input should be a finite number (found nan)",
        ),
        (
            "options: {max_rejected_pct: 101}",
            ", field 'options.max_rejected_pct': Input should be less than or equal to 100 (found 101)",
        ),
        ("options: {identity: {tabel: x}}", ", field 'options.identity.tabel': Extra inputs are not permitted (found 'x')"),
        (
            "options: {identity: {table: ''}}",
            ", field 'options.identity.table': String should have at least 1 character (found '')",
        ),
        ("options:", ", field 'options': Input should be a valid dictionary"),
        ("options: [a]", ", field 'options': Input should be a valid dictionary (found ['a'])"),
        ("option: {top_n: 3}", ", field 'option': Extra inputs are not permitted (found {'top_n': 3})"),
        ("active_brokers: ibkr", ", field 'active_brokers': Input should be a valid tuple (found 'ibkr')"),
        ("profiles: {sandbox: 3}", ", field 'profiles.sandbox': Input should be a valid dictionary (found 3)"),
        ("- a", ": expected a mapping of keys to values (found 'list')"),
    ],
)
def test_options_that_cannot_be_used(config: Path, text: str, message: str) -> None:
    (config / "polybroker.yaml").write_text(text)
    assert error(config) == f"{config}/polybroker.yaml{message}"


def test_files_that_cannot_be_read(config: Path) -> None:
    (config / "markets.yaml").write_bytes(b"\xff\xfe\xfa")
    assert error(config, "markets").startswith(f"{config}/markets.yaml: expected YAML: ")
    (config / "markets.yaml").write_text("XTKS: {name: [")
    assert error(config, "markets").startswith(f"{config}/markets.yaml: expected YAML: ")
    (config / "markets.yaml").unlink()
    assert error(config, "markets") == f"{config}/markets.yaml: expected this configuration file to exist"
    (config / "polybroker.yaml").write_text("")
    assert settings(config).options == Options()
    assert error(config, "active_brokers").startswith("ACTIVE_BROKERS: expected at least one broker")


def test_a_market_without_currencies(config: Path) -> None:
    (config / "markets.yaml").write_text("XTKS: { name: Tokyo, yahoo_suffix: T, mics: [XTKS], calendar: XTKS, region: asia }")
    assert error(config, "markets").startswith(f"{config}/markets.yaml, field 'XTKS.currencies': Field required")


TOKYO = "{ name: Tokyo, yahoo_suffix: T, mics: [XTKS], currencies: [JPY], calendar: XTKS, region: asia }"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("XTKS: 3", "field 'XTKS': Input should be a valid dictionary or instance of Market (found 3)"),
        (
            f"XTKS: {TOKYO}\nXJPX: {TOKYO}",
            "field 'XJPX.yahoo_suffix': expected a suffix of its own, XTKS has this one (found 'T')",
        ),
        (f"XTKS: {TOKYO.replace('[JPY]', '[]')}", "field 'XTKS.currencies': Tuple should have at least 1 item"),
        (f"XTKS: {TOKYO.replace(' }', ', lot_size: 0 }')}", "field 'XTKS.lot_size': Input should be greater than 0 (found 0)"),
    ],
)
def test_markets_that_cannot_be_used(config: Path, text: str, message: str) -> None:
    (config / "markets.yaml").write_text(text)
    assert error(config, "markets").startswith(f"{config}/markets.yaml, {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules:", "field 'rules': Input should be a valid tuple"),
        ("ruels: []", "field 'rules': Field required"),
        ("rules: [3]", "field 'rules.0': Input should be a valid dictionary or instance of Preference (found 3)"),
        ("rules: [{asset_classes: [stocks], brokers: [ibkr]}]", "field 'rules.0.asset_classes.0': Input should be 'stock', "),
        ("rules: [{brokers: []}]", "field 'rules.0.brokers': Tuple should have at least 1 item"),
        (
            "rules: [{brokers: [[], ibkr]}]",
            "field 'rules.0.brokers': Value error, expected at least one broker in a list of equals",
        ),
        ("rules: [{brokers: [ibkr, [ibkr]]}]", "field 'rules.0.brokers': Value error, expected each broker once"),
        ("rules: [{brokers: [[ibkr, any]]}]", "field 'rules.0.brokers': Value error, expected 'any' to be an entry of its own"),
        ("rules: []\ncriteria: [cost, fees]", "field 'criteria.1.by': Input should be 'capability', 'cost', "),
        (
            "rules: []\ncriteria: [{by: cost, tolerance: -1}]",
            "field 'criteria.0.tolerance': Input should be greater than or equal to 0 (found -1)",
        ),
        ("rules: []\nreference_order_eur: 0", "field 'reference_order_eur': Input should be greater than 0 (found 0)"),
        (
            "rules: [{brokers: [ibkr], regions: [us, usa]}]",
            "field 'rules.0.regions': expected regions out of asia, canada, crypto, europe, fx, india, us (found 'usa')",
        ),
        ("rules: [{brokers: [[alpca, ibkr]]}]", "field 'rules.0.brokers': expected brokers out of alpaca, "),
        (
            "rules: [{brokers: [ibkr, alpca]}]",
            "field 'rules.0.brokers': expected brokers out of alpaca, binance, coinbase, crypto_com, ibkr, oanda, paper, "
            "zerodha (found 'alpca')",
        ),
    ],
)
def test_preferences_that_cannot_be_used(config: Path, text: str, message: str) -> None:
    (config / "preferences.yaml").write_text(text)
    assert error(config, "preferences").startswith(f"{config}/preferences.yaml, {message}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"coverage_fail_pct": 90}, "expected coverage_fail_pct to be at most coverage_approval_pct"),
        ({"last_weight_pct": 11}, "expected last_weight_pct to be at most first_weight_pct"),
    ],
)
def test_options_that_contradict_each_other(options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=f"^params: Value error, {message}"):
        parse(Options, options, "params", None)


ACCOUNT = "{ account_id: a1, broker: ibkr, environment: paper }"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"environment: sandbox\naccounts: [{ACCOUNT}]",
            "/portfolios/x.yaml, field 'accounts.a1.environment': "
            "expected environment 'sandbox' like the portfolio's (found 'paper')",
        ),
        (
            f"environment: paper\naccounts: [{ACCOUNT}, {ACCOUNT}]",
            "/portfolios, field 'account_id': expected each account once (found 'a1')",
        ),
        (
            f"environment: paper\naccounts: [{ACCOUNT}, {ACCOUNT.replace('a1', 'a2')}]",
            "/portfolios, field 'account_id': "
            "expected a connection or broker_account that a1 does not have: both are one account (found 'a2')",
        ),
        (
            "environment: play\naccounts: []",
            "/portfolios/x.yaml, field 'environment': Input should be 'sandbox', 'paper' or 'live' (found 'play')",
        ),
        ("environment: paper\naccounts: []", "/portfolios/x.yaml, field 'accounts': expected at least one account"),
        (
            "environment: paper\naccounts: [{ account_id: a1, broker: ibrk, environment: paper }]",
            "/portfolios/x.yaml, field 'accounts.a1.broker': expected brokers out of alpaca, ibkr, paper (found 'ibrk')",
        ),
        (
            "environment: paper\naccounts: [{ account_id: ../a, broker: ibkr, environment: paper }]",
            "/portfolios/x.yaml, field 'accounts.../a.account_id': "
            "expected letters, digits, '.', '_' and '-', a letter or digit first (found '../a')",
        ),
        (
            f"environment: paper\nportfolio_id: main\naccounts: [{ACCOUNT}]",
            "/portfolios/x.yaml, field 'portfolio_id': expected each portfolio once (found 'main')",
        ),
        (
            f"environment: paper\nbase_currency: eur\naccounts: [{ACCOUNT}]",
            "/portfolios/x.yaml, field 'base_currency': String should match pattern '^[A-Z]{3,5}$' (found 'eur')",
        ),
        (
            f"environment: paper\ncash_buffer_pct: 150\naccounts: [{ACCOUNT}]",
            "/portfolios/x.yaml, field 'cash_buffer_pct': Input should be less than or equal to 100 (found 150)",
        ),
        (
            f"environment: paper\nmax_weight_pct: 0\naccounts: [{ACCOUNT}]",
            "/portfolios/x.yaml, field 'max_weight_pct': Input should be greater than 0 (found 0)",
        ),
        (
            f"environment: paper\nlimits: {{max_turnover_pct: -30}}\naccounts: [{ACCOUNT}]",
            "/portfolios/x.yaml, field 'limits.max_turnover_pct': Input should be greater than or equal to 0 (found -30)",
        ),
        (
            f"environment: paper\nlimits: {{collar_bp_by_market: {{XTKS: 10000}}}}\naccounts: [{ACCOUNT}]",
            "/portfolios/x.yaml, field 'limits.collar_bp_by_market.XTKS': Input should be less than 10000 (found 10000)",
        ),
        (
            f"environment: paper\nlimit: 1\naccounts: [{ACCOUNT}]",
            "/portfolios/x.yaml, field 'limit': Extra inputs are not permitted (found 1)",
        ),
    ],
)
def test_portfolios_that_cannot_be_used(config: Path, text: str, message: str) -> None:
    (config / "portfolios" / "x.yaml").write_text(text)
    assert error(config, "portfolios") == f"{config}{message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("costs: [{commission_bp: -1}]", "field 'costs.0.commission_bp': Input should be greater than or equal to 0 (found -1)"),
        ("costs: [{comission_bp: 1}]", "field 'costs.0.comission_bp': Extra inputs are not permitted (found 1)"),
        ("costs: [{asset_classes: [stocks]}]", "field 'costs.0.asset_classes.0': Input should be 'stock', "),
        ("hours: [{per_week: 169}]", "field 'hours.0.per_week': Input should be less than or equal to 168 (found 169)"),
        (
            "universe_fields: {status: name}",
            "field 'universe_fields': Value error, expected names that no answer has yet, not status",
        ),
        (
            "universe_fields: {conId: id}",
            "field 'universe_fields.conId.field': Value error, expected a field of a contract: broker, ",
        ),
    ],
)
def test_terms_that_cannot_be_used(config: Path, text: str, message: str) -> None:
    (config / "brokers" / "ibkr.yaml").write_text(text)
    assert error(config, "terms").startswith(f"{config}/brokers/ibkr.yaml, {message}")


def test_a_mirror_tells_the_ids_of_what_it_mirrors(config: Path) -> None:
    fields = settings(config).terms["paper"].universe_fields
    assert {name: (one.field, one.prefix) for name, one in fields.items()} == {"conId": ("native_id", "ibkr:")}
    (config / "brokers" / "paper.yaml").write_text("mirrors: ibkr\nuniverse_fields: {id: native_id}")
    assert list(settings(config).terms["paper"].universe_fields) == ["id"]


def test_an_account_that_claims_nothing_is_live(config: Path) -> None:
    (config / "portfolios" / "x.yaml").write_text("environment: paper\naccounts: [{ account_id: a1, broker: ibkr }]")
    assert error(config, "portfolios").endswith("expected environment 'paper' like the portfolio's (found 'live')")


def test_eligibility_and_preferences_that_cannot_be_used(config: Path) -> None:
    (config / "brokers" / "ibkr.yaml").write_text("eligible: { region: [us] }")
    assert error(config, "eligibility").startswith(f"{config}/brokers/ibkr.yaml, field 'eligible.region': Extra inputs")
    (config / "preferences.yaml").write_text("rules:\n  - regions: [us]")
    assert error(config, "preferences").startswith(f"{config}/preferences.yaml, field 'rules.0.brokers': Field required")


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


def test_connections_that_are_one_login_are_refused(config: Path) -> None:
    text = "environment: paper\naccounts:\n"
    row = "  - {{ account_id: {}, broker: alpaca, environment: paper, connection: {} }}\n"
    for first, second in (("my-second", "my_Second"), ("null", "polybroker_alpaca")):
        (config / "portfolios" / "x.yaml").write_text(text + row.format("a1", first) + row.format("a2", second))
        assert "expected a connection or broker_account that a1 does not have" in error(config, "portfolios")
    (config / "portfolios" / "x.yaml").write_text(text + row.format("a1", "null") + row.format("a2", "second"))
    assert [a.account_id for a in settings(config).portfolios[-1].accounts] == ["a1", "a2"]
