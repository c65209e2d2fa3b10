"""The page of brokers inside Airflow's own web application: who may see it, and that the plugin brings it there."""

import asyncio
import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

import tests.airflow_home
from include.hooks.local import USER, password
from include.hooks.pages import BROKERS
from include.settings import PROJECT
from include.storage.database import upgrade

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]
Get = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def get() -> Get:
    """Asks Airflow's application, logged in unless other headers are given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Airflow's own
        from airflow.api_fastapi.app import create_app
        from airflow.utils.db import initdb

        initdb()
        application = create_app()

    async def asked(method: str, path: str, **more: object) -> httpx.Response:
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, **more)  # type: ignore[arg-type]

    body = {"username": USER, "password": password(tests.airflow_home.HOME)}
    token = asyncio.run(asked("POST", "/auth/token", json=body)).json()["access_token"]

    def ask(path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return asyncio.run(asked("GET", path, headers={"Authorization": f"Bearer {token}"} if headers is None else headers))

    return ask


@pytest.fixture(autouse=True)
def own_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path / 'own.db'}"
    monkeypatch.setenv("POLYBROKER_DATABASE_URL", url)
    return url


def test_who_is_logged_in_sees_the_page(get: Get, own_database: str) -> None:
    upgrade(own_database)
    answer = get(BROKERS)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert "No broker was called in the last 24 hours" in answer.text


def test_a_database_that_is_missing_is_said_on_the_page(get: Get) -> None:
    answer = get(BROKERS)
    assert answer.status_code == 200
    assert "polybroker db upgrade" in answer.text


def test_nobody_else_sees_anything(get: Get) -> None:
    assert get(BROKERS, {}).status_code == 401
    assert get(BROKERS, {"Authorization": "Bearer not-a-token"}).status_code == 403
    assert get("/polybroker/openapi.json", {}).status_code == 404
    assert get("/polybroker/docs", {}).status_code == 404


def test_the_menu_leads_to_it(get: Get) -> None:
    (plugin,) = [one for one in get("/api/v2/plugins").json()["plugins"] if one["name"] == "polybroker"]
    (view,) = plugin["external_views"]
    assert (view["name"], view["destination"], view["nav_top_level"]) == ("Brokers", "nav", True)
    assert view["href"] == BROKERS.removeprefix("/")  # Airflow may stand under a path of its own: relative to its base


def test_a_task_process_imports_no_web_framework_for_it(tmp_path: Path) -> None:
    code = "import json, sys, include.hooks.pages; print(json.dumps([n for n in ('fastapi', 'sqlalchemy') if n in sys.modules]))"
    environment = {"PYTHONPATH": str(PROJECT), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
