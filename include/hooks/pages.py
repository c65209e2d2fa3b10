"""The project's pages in Airflow's web interface, behind Airflow's own login.

The plugin is imported in every task process, so it gets a door that imports the rest when the first request comes.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
PREFIX = "/polybroker"
BROKERS = f"{PREFIX}/brokers"
MONITOR = "monitor_brokers"
CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


async def pages(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application; Airflow's web server mounts it at `PREFIX`."""
    await _application()(scope, receive, send)


@cache
def _application() -> "FastAPI":
    from airflow.api_fastapi.core_api.security import requires_access_dag
    from fastapi import Depends, FastAPI
    from fastapi.responses import HTMLResponse

    from include.settings import Environ
    from include.web.brokers_page import brokers_page
    from include.web.overview import overview

    application = FastAPI(title="Polybroker", docs_url=None, redoc_url=None, openapi_url=None)
    # Whoever may see the DAG that measures may see what it measured.
    allowed = Depends(requires_access_dag("GET", None, MONITOR))

    @application.get("/brokers", response_class=HTMLResponse, dependencies=[allowed])
    def brokers() -> HTMLResponse:
        """Health, breakers, errors and capabilities; what cannot be read is said on the page."""
        page = brokers_page(overview(Environ(), datetime.now(UTC)))
        return HTMLResponse(page, headers={"Cache-Control": "no-store", "Content-Security-Policy": CONTENT_POLICY})

    return application
