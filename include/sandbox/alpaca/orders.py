"""/v2/orders: create, list, get, cancel.

Faults of creating, after the order was accepted: `http_504_after_accept`, `drop_after_accept` (the connection dies),
`hang_after_accept` (no answer).
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from include.domain.order import OrderState, TimeInForce
from include.sandbox.alpaca.assets import kind_of
from include.sandbox.alpaca.broken import DroppedResponse, SilentResponse
from include.sandbox.alpaca.order_check import Refused, read_order, refusal_of, standing
from include.sandbox.alpaca.sessions import next_open_close
from include.sandbox.alpaca.venue import Venue, plain, refusal, stamp, venue_of
from include.simulation.engine import SimOrder

STATUS = {
    OrderState.ACCEPTED: "new",
    OrderState.PARTIALLY_FILLED: "partially_filled",
    OrderState.FILLED: "filled",
    OrderState.CANCELLED: "canceled",
    OrderState.EXPIRED: "expired",
    OrderState.REJECTED: "rejected",
}
MAX_LIMIT = 500


def order_json(venue: Venue, order: SimOrder, status: str | None = None) -> dict[str, Any]:
    """An order as Alpaca writes it; `status` instead of the engine's where Alpaca's first answer differs."""
    listing = venue.book.by_native_id.get(order.native_id)
    at = {STATUS[order.state]: stamp(order.updated_at)}
    return {
        "id": str(venue.order_uuid(order.order_id)),
        "client_order_id": order.client_order_id,
        "created_at": stamp(order.created_at),
        "updated_at": stamp(order.updated_at),
        "submitted_at": stamp(order.created_at),
        "filled_at": at.get("filled"),
        "expired_at": at.get("expired"),
        "canceled_at": at.get("canceled"),
        "failed_at": None,
        "expires_at": stamp(order.expires_at) if order.expires_at else None,
        "replaced_at": None,
        "replaced_by": None,
        "replaces": None,
        "asset_id": order.native_id,
        "symbol": order.symbol,
        "asset_class": kind_of(listing) if listing else "us_equity",
        "notional": None,
        "qty": plain(order.quantity),
        "filled_qty": plain(order.filled_quantity),
        "filled_avg_price": None if order.average_price is None else plain(order.average_price),
        "order_class": "",
        "order_type": order.order_type.value,
        "type": order.order_type.value,
        "side": order.side.value,
        "time_in_force": order.time_in_force.value,
        "limit_price": None if order.limit_price is None else plain(order.limit_price),
        "stop_price": None,
        "status": status or STATUS[order.state],
        "extended_hours": False,
        "legs": None,
        "trail_percent": None,
        "trail_price": None,
        "hwm": None,
    }


async def create_order(request: Request) -> Response:
    """Take an order. The first answer is always `pending_new`, as at Alpaca: fills show on the next look."""
    venue = venue_of(request)
    body = _read(await request.body())
    if body is None:
        return refusal(400, 40010000, "request body format is invalid")
    try:
        accepted = _accept(venue, body)
    except Refused as refused:
        return refused.response
    if venue.book.misbehaves("http_504_after_accept"):
        return refusal(504, 50410000, "request timed out")
    if venue.book.misbehaves("drop_after_accept"):
        return DroppedResponse()
    if venue.book.misbehaves("hang_after_accept"):
        return SilentResponse()
    return JSONResponse(accepted)


def _read(raw: bytes) -> dict[str, Any] | None:
    """The JSON object of a body; None for anything else, text that no file can hold (half a surrogate pair) included."""
    try:
        body = json.loads(raw, parse_float=Decimal)
        json.dumps(body, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _accept(venue: Venue, body: dict[str, Any]) -> dict[str, Any]:
    book = venue.book
    with book.lock:
        now = book.clock()
        book.engine.expire(now)
        wanted = read_order(book, body)
        if wanted.time_in_force is TimeInForce.DAY:
            wanted = replace(wanted, expires_at=next_open_close(now)[1])
        order = book.engine.submit(wanted, now)
        book.save()
        if order.state is OrderState.REJECTED:
            raise refusal_of(order)
        fresh = order.model_copy(update={"filled_quantity": Decimal(0), "average_price": None, "state": OrderState.ACCEPTED})
        return order_json(venue, fresh, "pending_new")


async def list_orders(request: Request) -> Response:
    """Orders by status (default `open`), submission time, side and symbols; `limit` of them (default 50, at most 500)."""
    venue, query = venue_of(request), request.query_params
    status, side = query.get("status", "open"), query.get("side")
    symbols = {s for s in query.get("symbols", "").split(",") if s}
    try:
        limit = min(int(query.get("limit", "50")), MAX_LIMIT)
        after, until = (_moment(query.get(name)) for name in ("after", "until"))
    except ValueError:
        return refusal(422, 40010001, "invalid limit, after or until")
    with venue.book.lock:
        _expire(venue)
        orders: Iterable[SimOrder] = venue.book.engine.orders.values()
        found = [
            order
            for order in orders
            if order.state is not OrderState.REJECTED
            and (status == "all" or order.is_open == (status == "open"))
            and side in (None, order.side.value)
            and (not symbols or order.symbol in symbols)
            and (after is None or order.created_at > after)
            and (until is None or order.created_at < until)
        ]
        if query.get("direction", "desc") == "desc":
            found.reverse()
        return JSONResponse([order_json(venue, order) for order in found[:limit]])


async def get_order(request: Request) -> Response:
    """One order by Alpaca's id."""
    venue = venue_of(request)
    with venue.book.lock:
        _expire(venue)
        found = _by_uuid(venue, request.path_params["order_id"])
        return JSONResponse(order_json(venue, found)) if isinstance(found, SimOrder) else found


async def get_by_client_id(request: Request) -> Response:
    """One order by the client's id."""
    venue, wanted = venue_of(request), request.query_params.get("client_order_id", "")
    with venue.book.lock:
        _expire(venue)
        order = standing(venue.book, wanted)
        if order is None:
            return refusal(404, 40410000, f"order not found for {wanted}")
        return JSONResponse(order_json(venue, order))


async def cancel_order(request: Request) -> Response:
    """Cancel one order; 422 where it is final."""
    venue = venue_of(request)
    book = venue.book
    with book.lock:
        _expire(venue)
        found = _by_uuid(venue, request.path_params["order_id"])
        if not isinstance(found, SimOrder):
            return found
        if not found.is_open:
            return refusal(422, 42210000, f'order is already in "{STATUS[found.state]}" state')
        book.engine.cancel(found.order_id, book.clock())
        book.save()
        return Response(status_code=204)


async def cancel_all(request: Request) -> Response:
    """Cancel every open order; 207 with one status per order."""
    venue = venue_of(request)
    book = venue.book
    with book.lock:
        _expire(venue)
        cancelled = [book.engine.cancel(order.order_id, book.clock()) for order in book.engine.open_orders()]
        book.save()
        rows = [{"id": str(venue.order_uuid(o.order_id)), "status": 200, "body": order_json(venue, o)} for o in cancelled]
        return JSONResponse(rows, status_code=207)


def _expire(venue: Venue) -> None:
    if venue.book.engine.expire(venue.book.clock()):
        venue.book.save()


def _by_uuid(venue: Venue, text: str) -> SimOrder | Response:
    try:
        order = venue.book.engine.orders.get(venue.order_id(UUID(text)))
    except ValueError:
        return refusal(422, 40010001, f"invalid order id {text}")
    if order is None or order.state is OrderState.REJECTED:
        return refusal(404, 40410000, f"order not found for {text}")
    return order


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("expected a zone")
    return moment
