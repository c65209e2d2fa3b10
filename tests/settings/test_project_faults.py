"""What cannot be used is named: file, key and what was expected."""

from pathlib import Path

import pytest

from include.errors import InputError
from include.settings import Options, parse
from tests.settings.project_files import error, settings


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


def test_eligibility_and_preferences_that_cannot_be_used(config: Path) -> None:
    (config / "brokers" / "ibkr.yaml").write_text("eligible: { region: [us] }")
    assert error(config, "eligibility").startswith(f"{config}/brokers/ibkr.yaml, field 'eligible.region': Extra inputs")
    (config / "preferences.yaml").write_text("rules:\n  - regions: [us]")
    assert error(config, "preferences").startswith(f"{config}/preferences.yaml, field 'rules.0.brokers': Field required")


def test_connections_that_are_one_login_are_refused(config: Path) -> None:
    text = "environment: paper\naccounts:\n"
    row = "  - {{ account_id: {}, broker: alpaca, environment: paper, connection: {} }}\n"
    for first, second in (("my-second", "my_Second"), ("null", "polybroker_alpaca")):
        (config / "portfolios" / "x.yaml").write_text(text + row.format("a1", first) + row.format("a2", second))
        assert "expected a connection or broker_account that a1 does not have" in error(config, "portfolios")
    (config / "portfolios" / "x.yaml").write_text(text + row.format("a1", "null") + row.format("a2", "second"))
    assert [a.account_id for a in settings(config).portfolios[-1].accounts] == ["a1", "a2"]
