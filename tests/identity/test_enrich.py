from typing import Any

import pytest

from include.identity.enrich import KIND_MISMATCH, LISTING_MISMATCH, NAME_MISMATCH, SEVERAL, UNKNOWN, judge
from include.identity.table import CLAIMED_BY_TWO, SUPERSEDED
from tests.identity.build import APPLE, APPLE_CLASS, APPLE_FIGI, IBM_CLASS, IBM_FIGI, MARCH, MICROSOFT, identity, query, same_name


def test_the_one_identity_that_agrees() -> None:
    found = judge(query(), [identity(figi=APPLE_FIGI)], same_name)
    assert found.identity == identity(figi=APPLE_FIGI)
    assert found.reason is None


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([], UNKNOWN),
        ([{"market": "XLON"}], LISTING_MISMATCH),
        ([{"currency": "CAD"}], LISTING_MISMATCH),
        ([{"symbol": "AAPLW"}], LISTING_MISMATCH),
        ([{"asset_class": "etf"}], KIND_MISMATCH),
        ([{"asset_class": None}], KIND_MISMATCH),
        ([{"name": "Apple Hospitality"}], NAME_MISMATCH),
        ([{}, {"name": "Apple Hospitality"}], NAME_MISMATCH),
        ([{}, {"isin": MICROSOFT}], SEVERAL),
        ([{"share_class_figi": APPLE_CLASS}, {"share_class_figi": IBM_CLASS}], SEVERAL),
        ([{"doubt": SUPERSEDED}], SUPERSEDED),
        ([{"doubt": CLAIMED_BY_TWO}], CLAIMED_BY_TWO),
        ([{}, {"doubt": CLAIMED_BY_TWO}], CLAIMED_BY_TWO),
    ],
)
def test_what_is_not_certain_gives_nothing(answers: list[dict[str, Any]], reason: str) -> None:
    found = judge(query(), [identity(**one) for one in answers], same_name)
    assert (found.identity, found.reason) == (None, reason)


def test_a_superseded_claim_does_not_stand_in_the_way_of_the_one_that_superseded_it() -> None:
    found = judge(query(), [identity(isin=MICROSOFT, doubt=SUPERSEDED), identity()], same_name)
    assert found.identity is not None
    assert found.identity.isin == APPLE


def test_of_several_listings_of_one_share_class_only_the_class_is_certain() -> None:
    both = [identity(figi=figi, share_class_figi=APPLE_CLASS) for figi in (APPLE_FIGI, IBM_FIGI)]
    found = judge(query(), both, same_name).identity
    assert found is not None
    assert (found.figi, found.share_class_figi, found.isin) == (None, APPLE_CLASS, APPLE)


def test_another_kind_beside_the_wanted_one_is_left_out_and_the_newest_answer_names_the_source() -> None:
    answers = [identity(), identity(source="new", source_date=MARCH), identity(asset_class="warrant", isin=MICROSOFT)]
    found = judge(query(), answers, same_name).identity
    assert found is not None
    assert (found.isin, found.source) == (APPLE, "new")


def test_a_query_by_isin_takes_any_spelling_of_the_symbol_but_no_other_isin() -> None:
    asked = query(isin=APPLE)
    assert judge(asked, [identity(symbol="AAPL.O")], same_name).reason == NAME_MISMATCH  # the name is still compared
    assert judge(asked, [identity(symbol="AAPL.O", name="AAPL Corp")], same_name).identity is not None
    assert judge(asked, [identity(isin=MICROSOFT)], same_name).reason == LISTING_MISMATCH
