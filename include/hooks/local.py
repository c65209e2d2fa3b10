"""Airflow on this machine, for the demo, `make up` and tests: its environment variables, without a configuration file."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from include.settings import PROJECT

USER = "admin"


def airflow_environment(home: Path, port: int = 8080) -> dict[str, str]:
    """The variables that make Airflow embedded: SQLite in `home`, this project's DAG, loopback only, four tasks at a time.

    Keys and the password are made once and kept in `home`, readable by its owner alone.

    Args:
        home: Airflow's folder; made where it is missing.
        port: Where the API and the web pages will listen on 127.0.0.1.
    """
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    passwords = home / "passwords.json"
    kept(passwords, json.dumps({USER: secrets.token_urlsafe(12)}))
    address = f"http://127.0.0.1:{port}"
    values = {
        "CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "4",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__FERNET_KEY": kept(home / "fernet.key", _fernet_key()),
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__BASE_URL": address,
        "API__WORKERS": "1",
        "API__SECRET_KEY": kept(home / "api.key", secrets.token_hex(32)),
        "API_AUTH__JWT_SECRET": kept(home / "jwt.key", secrets.token_hex(32)),
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "LOGGING__LOGGING_LEVEL": "INFO",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    return {"AIRFLOW_HOME": str(home)} | {f"AIRFLOW__{name}": value for name, value in values.items()}


def kept(path: Path, value: str) -> str:
    """The content of a private file, `value` written first where there is none."""
    if not path.is_file():
        path.touch(mode=0o600)
        path.write_text(value, encoding="utf-8")
    return path.read_text(encoding="utf-8")


def password(home: Path) -> str:
    """The password of `USER`."""
    document: Mapping[str, str] = json.loads((home / "passwords.json").read_text(encoding="utf-8"))
    return document[USER]


def _fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()
