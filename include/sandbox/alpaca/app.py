"""The venue's routes."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from include.sandbox.alpaca import account, assets, data, login_page, orders, permissions, sessions, streams, tokens
from include.sandbox.alpaca.gate import CODE_PATH, PAGE_PATH, TOKEN_PATH, Gate
from include.sandbox.alpaca.venue import Venue, refusal


async def _unknown(request: Request, error: Exception) -> Response:
    return refusal(404, 40410000, f"endpoint not found: {request.method} {request.url.path}")


async def _broken(request: Request, error: Exception) -> Response:
    return refusal(500, 50010000, "internal server error occurred")


def create_app(venue: Venue) -> Starlette:
    """The ASGI application of a venue, whose book, keys and limit may be changed while it runs."""
    routes = [
        Route("/v2/account", account.get_account),
        Route("/v2/account/configurations", permissions.get_configurations),
        Route("/v2/account/configurations", permissions.set_configurations, methods=["PATCH"]),
        Route("/v2/positions", account.list_positions),
        Route("/v2/positions/{symbol:path}", account.get_position),
        Route("/v2/assets", assets.list_assets),
        Route("/v2/assets/{symbol:path}", assets.get_asset),
        Route("/v2/orders:by_client_order_id", orders.get_by_client_id),
        Route("/v2/orders", orders.create_order, methods=["POST"]),
        Route("/v2/orders", orders.list_orders),
        Route("/v2/orders", orders.cancel_all, methods=["DELETE"]),
        Route("/v2/orders/{order_id}", orders.get_order),
        Route("/v2/orders/{order_id}", orders.replace_order, methods=["PATCH"]),
        Route("/v2/orders/{order_id}", orders.cancel_order, methods=["DELETE"]),
        Route("/v2/account/activities/FILL", orders.list_fills),
        Route(TOKEN_PATH, tokens.issue_token, methods=["POST"]),
        Route(PAGE_PATH, login_page.show_page),
        Route(PAGE_PATH, login_page.decide, methods=["POST"]),
        Route(CODE_PATH, tokens.exchange_code, methods=["POST"]),
        Route("/v2/clock", sessions.get_clock),
        Route("/v2/calendar", sessions.get_calendar),
        Route("/v2/stocks/quotes/latest", data.stock_quotes),
        Route("/v2/stocks/bars/latest", data.stock_bars),
        Route("/v2/stocks/trades/latest", data.stock_trades),
        Route("/v1beta3/crypto/us/latest/quotes", data.crypto_quotes),
        Route("/v2/stocks/bars", data.stock_history),
        Route("/v1beta3/crypto/us/bars", data.crypto_history),
        WebSocketRoute("/stream", streams.trade_updates),
        WebSocketRoute("/v2/{feed}", streams.stock_quotes),
        WebSocketRoute("/v1beta3/crypto/us", streams.crypto_quotes),
    ]
    app = Starlette(routes=routes, exception_handlers={404: _unknown, 405: _unknown, 500: _broken})
    app.state.venue = venue
    app.add_middleware(Gate, venue=venue)
    return app
