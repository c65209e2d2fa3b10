"""/v2/orders: create, list, get, replace, cancel; /v2/account/activities/FILL.

Faults of creating and replacing, after the order was accepted: `accept_then_server_error` (504), `accept_then_drop` (the
connection dies), `accept_then_silent` (no answer).
"""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from include.sandbox.alpaca.broken import DroppedResponse, SilentResponse
from include.sandbox.alpaca.desk import Refusal
from include.sandbox.alpaca.order_check import read_order
from include.sandbox.alpaca.refused import FORBIDDEN, UNPROCESSABLE, Refused
from include.sandbox.alpaca.replacing import read_changes
from include.sandbox.alpaca.venue import Venue, refusal, venue_of
from include.sandbox.alpaca.writing import activity_json, order_json
from include.sandbox.faults import Fault

MAX_LIMIT = 500
MAX_ACTIVITIES = 100


async def create_order(request: Request) -> Response:
    """Take one order; the answer shows it as accepted even where it fills at once, as Alpaca's does."""
    return await _change(request, _accept)


async def replace_order(request: Request) -> Response:
    """Put another order in the place of an open one; the answer shows the new one."""
    number = _number(venue_of(request), request.path_params["order_id"])
    return number if isinstance(number, Response) else await _change(request, lambda venue, body: _replace(venue, number, body))


async def _change(request: Request, change: Callable[[Venue, dict[str, Any]], dict[str, Any]]) -> Response:
    venue = venue_of(request)
    body = _read(await request.body())
    if body is None:
        return refusal(400, 40010000, "request body format is invalid")
    try:
        with venue.book.lock:
            venue.desk.advance()
            accepted = change(venue, body)
    except Refused as refused:
        return refused.response
    except Refusal as refused:
        if str(refused) == "insufficient_funds":
            return refusal(*FORBIDDEN, "insufficient buying power")
        return refusal(*UNPROCESSABLE, f"order refused: {refused}")
    if venue.book.misbehaves(Fault.ACCEPT_THEN_SERVER_ERROR):
        return refusal(504, 50410000, "request timed out")
    if venue.book.misbehaves(Fault.ACCEPT_THEN_DROP):
        return DroppedResponse()
    if venue.book.misbehaves(Fault.ACCEPT_THEN_SILENT):
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
    wanted, legs = read_order(venue.desk, body)
    answer = order_json(venue, venue.desk.submit(wanted, legs), "pending_new")
    return {**answer, "legs": [order_json(venue, leg) for leg in legs] or None}


def _replace(venue: Venue, number: int, body: dict[str, Any]) -> dict[str, Any]:
    changes = read_changes(venue.desk, venue.desk.orders[number], body)
    return order_json(venue, venue.desk.replace(number, changes), "pending_new")


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
    nested = _nested(request)
    with venue.book.lock:
        venue.desk.advance()
        found = [
            order
            for order in venue.desk.orders.values()
            if (status == "all" or order.is_open == (status == "open"))
            and not (nested and order.parent)
            and side in (None, order.side.value)
            and (not symbols or order.symbol in symbols)
            and (after is None or order.created_at > after)
            and (until is None or order.created_at < until)
        ]
        if query.get("direction", "desc") == "desc":
            found.reverse()
        return JSONResponse([order_json(venue, order, nested=nested) for order in found[:limit]])


async def get_order(request: Request) -> Response:
    """One order by Alpaca's id; `nested=true` tells its closing orders too."""
    venue = venue_of(request)
    number = _number(venue, request.path_params["order_id"])
    return number if isinstance(number, Response) else _told(venue, number, _nested(request))


async def get_by_client_id(request: Request) -> Response:
    """One order by the client's id."""
    venue, wanted = venue_of(request), request.query_params.get("client_order_id", "")
    order = venue.desk.find(wanted)
    return refusal(404, 40410000, f"order not found for {wanted}") if order is None else _told(venue, order.number, False)


def _told(venue: Venue, number: int, nested: bool) -> Response:
    with venue.book.lock:
        venue.desk.advance()
        order = venue.desk.orders[number]
        answer = JSONResponse(order_json(venue, order, nested=nested))
        venue.desk.told(order)
        return answer


async def cancel_order(request: Request) -> Response:
    """Cancel one order; 422 where it is final."""
    venue = venue_of(request)
    number = _number(venue, request.path_params["order_id"])
    if isinstance(number, Response):
        return number
    with venue.book.lock:
        venue.desk.advance()
        order = venue.desk.orders[number]
        if not order.is_open:
            return refusal(422, 42210000, f'order is already in "{order.status}" state')
        venue.desk.cancel(number)
        return Response(status_code=204)


async def cancel_all(request: Request) -> Response:
    """Cancel every open order; 207 with one status per order."""
    venue = venue_of(request)
    with venue.book.lock:
        venue.desk.advance()
        wanted = [order.number for order in venue.desk.open_orders()]
        for number in wanted:
            if venue.desk.orders[number].is_open:
                venue.desk.cancel(number)
        bodies = [order_json(venue, venue.desk.orders[number]) for number in wanted]
        return JSONResponse([{"id": body["id"], "status": 200, "body": body} for body in bodies], status_code=207)


async def list_fills(request: Request) -> Response:
    """Executions, `page_size` of them (at most 100) from `page_token` (the id of the last one seen) on."""
    venue, query = venue_of(request), request.query_params
    try:
        after, until = (_moment(query.get(name)) for name in ("after", "until"))
        size = int(query.get("page_size", str(MAX_ACTIVITIES)))
    except ValueError:
        return refusal(422, 40010001, "invalid after, until or page_size")
    if not 0 < size <= MAX_ACTIVITIES:
        return refusal(422, 40010001, f"page_size must be between 1 and {MAX_ACTIVITIES}")
    with venue.book.lock:
        venue.desk.advance()
        fills = [(order, n) for order in venue.desk.orders.values() for n in range(len(order.fills))]
        fills.sort(key=lambda pair: (pair[0].fills[pair[1]].time, pair[0].number), reverse=query.get("direction") != "asc")
        rows = [
            activity_json(venue, order, n)
            for order, n in fills
            if (after is None or order.fills[n].time > after) and (until is None or order.fills[n].time < until)
        ]
    ids = [row["id"] for row in rows]
    start = ids.index(token) + 1 if (token := query.get("page_token")) in ids else 0
    return JSONResponse(rows[start : start + size])


def _number(venue: Venue, text: str) -> int | Response:
    try:
        number = venue.order_number(UUID(text))
    except ValueError:
        return refusal(422, 40010001, f"invalid order id {text}")
    return number if number in venue.desk.orders else refusal(404, 40410000, f"order not found for {text}")


def _nested(request: Request) -> bool:
    return request.query_params.get("nested", "").lower() == "true"


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("expected a zone")
    return moment
