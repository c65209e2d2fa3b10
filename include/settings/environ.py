"""Variables of the environment that the project reads."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent.parent


class Environ(BaseSettings):
    """Variables of the environment that the project reads (brokers' keys: `include/brokers/credentials.py`)."""

    model_config = SettingsConfigDict(env_prefix="POLYBROKER_", extra="ignore")

    config_dir: Path = PROJECT / "include" / "config"
    data_uri: str = (PROJECT / "data").as_uri()
    database_url: str = f"sqlite:///{PROJECT / 'data' / 'polybroker.db'}"
    sandbox_dir: Path = PROJECT / "data" / "sandbox"
    profile: str | None = None
    screens: str | None = None
    active_brokers: str | None = Field(None, validation_alias="ACTIVE_BROKERS")
    kill_switch: Path = PROJECT / "data" / "KILL_SWITCH"
    openfigi_url: str = "https://api.openfigi.com"
    openfigi_api_key: SecretStr | None = Field(None, validation_alias="OPENFIGI_API_KEY")
