"""docker-compose.yaml is a valid composition with the services Airflow needs."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.settings import PROJECT

SECRETS = ["POSTGRES_PASSWORD", "AIRFLOW_FERNET_KEY", "AIRFLOW_SECRET_KEY", "AIRFLOW_JWT_SECRET", "AIRFLOW_ADMIN_PASSWORD"]
AIRFLOW = ["apiserver", "dag-processor", "init", "scheduler", "triggerer", "worker"]


def compose_command() -> list[str]:
    """`docker compose` or Debian's `docker-compose`; neither: skipped, loudly, and failed in CI."""
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose"]
    if found := shutil.which("docker-compose"):
        return [found]
    if os.environ.get("CI"):
        pytest.fail("docker-compose must be present in CI: apt-get install docker-compose")
    pytest.skip("DOCKER-COMPOSE ABSENT: docker-compose.yaml was not validated (apt-get install docker-compose)")


def config(tmp_path: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    file = str(PROJECT / "docker-compose.yaml")
    return subprocess.run(
        [*compose_command(), "--env-file", str(PROJECT / ".env.example"), "-f", file, *words, "config"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def composed(tmp_path: Path) -> dict[str, Any]:
    done = config(tmp_path, "--profile", "sandbox", **dict.fromkeys(SECRETS, "x"))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    return found


def test_it_has_the_services_of_airflow_with_celery(composed: dict[str, Any]) -> None:
    assert sorted(composed["services"]) == sorted([*(f"airflow-{name}" for name in AIRFLOW), "postgres", "redis", "sandbox"])
    environment = composed["services"]["airflow-scheduler"]["environment"]
    assert environment["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "postgresql+psycopg2://polybroker:x@postgres/airflow"
    assert environment["POLYBROKER_DATABASE_URL"] == "postgresql+psycopg2://polybroker:x@postgres/polybroker"
    assert environment["PYTHONPATH"] == "/opt/polybroker"


def test_one_service_makes_both_databases_before_the_others_start(composed: dict[str, Any]) -> None:
    command = " ".join(composed["services"]["airflow-init"]["command"])
    assert "airflow db migrate" in command
    assert "polybroker db upgrade" in command
    for name in ("apiserver", "scheduler", "dag-processor", "triggerer", "worker"):
        waits = composed["services"][f"airflow-{name}"]["depends_on"]["airflow-init"]
        assert waits["condition"] == "service_completed_successfully"


def test_the_web_pages_are_published_on_this_machine_alone(composed: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in composed["services"].items() if service.get("ports")}
    assert list(published) == ["airflow-apiserver"]
    assert "127.0.0.1" in str(published)


@pytest.mark.parametrize("secret", SECRETS)
def test_without_a_secret_nothing_starts(tmp_path: Path, secret: str) -> None:
    given = {name: "x" for name in SECRETS if name != secret}
    done = config(tmp_path, **given)
    assert done.returncode != 0
    assert secret in done.stderr


def test_every_variable_of_the_composition_is_in_the_example() -> None:
    import re

    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (PROJECT / "docker-compose.yaml").read_text(encoding="utf-8")))
    named = set(re.findall(r"^([A-Z_]+)=", (PROJECT / ".env.example").read_text(encoding="utf-8"), re.M))
    assert used <= named
    assert named - used == set()
