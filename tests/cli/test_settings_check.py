"""`polybroker config validate`: words of the configuration that nothing else would stumble over."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from include.cli.settings_check import check_settings
from include.errors import InputError
from include.settings import PROJECT, BrokerFile, Environ, Settings, load_settings
from tests.cli.conftest import Polybroker

ADAPTER = "adapter: include.brokers.ibkr.adapter:IbkrBroker\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT / "include" / "config", tmp_path / "config"))


def settings(config: Path) -> Settings:
    return Settings(Environ(config_dir=config, profile=None, screens=None, ACTIVE_BROKERS=None))


def refused(config: Path) -> str:
    with pytest.raises(InputError) as caught:
        check_settings(settings(config))
    return str(caught.value)


def test_what_is_shipped_is_valid() -> None:
    check_settings(load_settings())


def test_the_template_is_valid(config: Path) -> None:
    text = (PROJECT / "docs" / "broker-template" / "broker.yaml").read_text()
    lines = [
        line for line in text.splitlines() if not line.startswith(("adapter:", "own_settings:", "exchanges:"))
    ]  # its folder is made when it is copied
    (config / "brokers" / "template.yaml").write_text("\n".join(lines))
    check_settings(settings(config))


def test_the_known_keys_are_those_of_the_documentation() -> None:
    text = (PROJECT / "docs" / "adding-a-broker.md").read_text()
    told = set(re.findall(r"^\| `([a-z_]+)`", text, re.MULTILINE)) | {"costs", "eligible", "handle_reader"}
    assert set(BrokerFile.model_fields) <= told


@pytest.mark.parametrize(
    ("key", "meant"),
    [("eligble", "eligible"), ("cost", "costs"), ("hour", "hours"), ("list_readers", "list_reader"), ("mirror", "mirrors")],
)
def test_a_misspelt_key_is_named(config: Path, key: str, meant: str) -> None:
    (config / "brokers" / "toy.yaml").write_text(f"{ADAPTER}{key}: {{}}\n")
    assert refused(config).startswith(f"{config / 'brokers' / 'toy.yaml'}, field '{key}': expected '{meant}'")


PACING = "pacing: { limits: { messages: { allowed: 45, seconds: 1 } }, weights: { '*': { messages: 1 } } }\n"


@pytest.mark.parametrize("key", ["client_ids", "exchange_mics"])
def test_an_adapter_has_keys_of_its_own_where_it_declares_them(config: Path, key: str) -> None:
    (config / "brokers" / "toy.yaml").write_text(f"{ADAPTER}{key}: {{}}\n")
    assert f"toy.yaml, field '{key}': expected one of " in refused(config)
    (config / "brokers" / "toy.yaml").write_text(
        f"{ADAPTER}own_settings: include.brokers.ibkr.own_settings:IbkrSettings\n{PACING}{key}: {{}}\n"
    )
    check_settings(settings(config))


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ("eligible: { regions: [us, erope] }", "eligible.regions"),
        ("costs: [{ commission_bp: 1 }, { regions: [erope] }]", "costs.1.regions"),
        ("hours: [{ regions: [erope], per_week: 40 }]", "hours.0.regions"),
    ],
)
def test_a_region_that_no_market_has_is_named(config: Path, lines: str, field: str) -> None:
    (config / "brokers" / "toy.yaml").write_text(f"{ADAPTER}{lines}\n")
    assert f"toy.yaml, field '{field}': expected regions out of asia, canada, crypto, " in refused(config)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("adapter: include.brokers.toy.adapter:ToyBroker", "adapter"),
        ("adapter: include.errors:InputError", "adapter"),
        ("list_reader: include.brokers.ibkr.adapter:nobody", "list_reader"),
        ("handle_reader: nonsense", "handle_reader"),
    ],
)
def test_what_cannot_be_imported_is_named(config: Path, line: str, field: str) -> None:
    (config / "brokers" / "toy.yaml").write_text(f"{line}\n")
    assert f"brokers/toy.yaml, field '{field}': expected " in refused(config)


def test_a_table_of_identities_must_exist(config: Path, tmp_path: Path) -> None:
    path = config / "polybroker.yaml"
    document = yaml.safe_load(path.read_text())
    table = tmp_path / "identities.parquet"
    document["options"]["identity"] = {"table": str(table)}
    path.write_text(yaml.safe_dump(document))
    assert "polybroker.yaml, field 'options.identity.table': expected a file that exists" in refused(config)
    table.write_bytes(b"")
    check_settings(settings(config))


def test_a_criterion_counts_once(config: Path) -> None:
    path = config / "preferences.yaml"
    path.write_text("rules: [{ brokers: [ibkr] }]\ncriteria: [cost, hours, { by: cost, tolerance: 5 }]\n")
    with pytest.raises(InputError, match="expected each criterion once, not cost twice"):
        settings(config).preferences_file  # noqa: B018


def test_the_command_says_so(polybroker: Polybroker, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYBROKER_CONFIG_DIR", str(config))
    (config / "brokers" / "toy.yaml").write_text(f"{ADAPTER}eligble: {{}}\n")
    error = polybroker("config", "validate").error
    assert isinstance(error, InputError)
    assert "toy.yaml, field 'eligble': expected 'eligible'" in str(error)
