"""Capabilities side by side."""

import json

from include.brokers.base import Capabilities, Limit, ResendClass
from include.brokers.capabilities import document
from include.brokers.matrix import documents, matrix, narrowed
from include.settings import load_settings

TOY = Capabilities(
    lists_all=True,
    knows_isin=False,
    resend=ResendClass.TAG_ONLY,
    order_types=frozenset({"market", "limit"}),
    times_in_force=frozenset({"day"}),
    asset_classes=frozenset({"stock", "crypto"}),
    brackets=True,
    limits=(Limit(asset_classes=frozenset({"crypto", "fx"}), brackets=False, times_in_force=frozenset({"ioc", "gtc"})),),
)


def test_a_document_is_plain_and_sorted() -> None:
    told = document(TOY)
    assert told == json.loads(json.dumps(told))
    assert (told["order_types"], told["resend"], told["brackets"], told["bars"]) == (["limit", "market"], "tag_only", True, False)
    assert told["limits"] == [{"asset_classes": ["crypto", "fx"], "times_in_force": ["gtc", "ioc"], "brackets": False}]


def test_every_broker_with_an_adapter_is_there_and_a_mirror_can_do_what_it_mirrors() -> None:
    found = documents(load_settings().brokers)
    assert list(found) == ["alpaca", "ibkr", "paper"]
    assert found["paper"] == found["ibkr"]
    broken = {**load_settings().brokers, "toy": {"adapter": "include.nowhere:Toy"}}
    assert list(documents(broken)) == ["alpaca", "ibkr", "paper"]


def test_rows_of_a_table() -> None:
    plain = {"brackets": False, "order_types": [], "limits": []}
    rows = dict(matrix({"toy": document(TOY), "plain": plain}))
    assert rows["order_types"] == ["limit, market", ""]
    assert rows["brackets"] == ["yes", "no"]
    assert rows["bars"] == ["no", ""]
    assert rows["brackets, less"] == ["crypto, fx: no", ""]
    assert rows["times_in_force, less"] == ["crypto, fx: gtc, ioc", ""]
    assert "limits" not in rows
    assert matrix({}) == []


def test_what_an_account_cannot_do() -> None:
    found = TOY.without({"crypto": "not activated"}).less({"stock"}, brackets=False)
    assert narrowed(document(TOY), document(found)) == [
        ("crypto", "yes", "no: not activated"),
        ("brackets, less", "crypto, fx: no", "stock: no; crypto, fx: no"),
    ]
    assert narrowed(document(TOY), document(TOY)) == []
