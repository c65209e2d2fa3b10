from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from include.mapping.list_changes import list_changes
from tests.mapping.build import contract, table

NOTHING = {"count": 0, "first": []}


def test_added_removed_and_changed_are_told_by_native_id() -> None:
    before = table(contract("1", "AAA", "Aaa Inc"), contract("2", "BBB", "Bbb Inc"), contract("3", "CCC", "Ccc Inc"))
    after = table(
        contract("4", "DDD", "Ddd Inc"),
        contract("3", "CCC", "Ccc Inc"),
        contract("2", "BBC", "Bbb Inc", isin="US0378331005", lot_size=Decimal(10), tradable=False),
    )
    assert list_changes(before, after) == {
        "rows_before": 3,
        "rows": 3,
        "added": {"count": 1, "first": [{"native_id": "4", "symbol": "DDD", "name": "Ddd Inc"}]},
        "removed": {"count": 1, "first": [{"native_id": "1", "symbol": "AAA", "name": "Aaa Inc"}]},
        "changed": {
            "count": 1,
            "by_column": {"symbol": 1, "isin": 1, "lot_size": 1, "tradable": 1},
            "first": [
                {
                    "native_id": "2",
                    "symbol": "BBC",
                    "changes": {
                        "symbol": ["BBB", "BBC"],
                        "isin": [None, "US0378331005"],
                        "lot_size": ["1", "10"],
                        "tradable": [True, False],
                    },
                }
            ],
        },
    }


def test_the_first_rows_are_named_by_symbol_and_the_rest_is_counted() -> None:
    after = table(*(contract(str(number), symbol) for number, symbol in enumerate("CABD")))
    told = list_changes(table(), after, shown=2)
    assert told["added"] == {
        "count": 4,
        "first": [{"native_id": "1", "symbol": "A", "name": ""}, {"native_id": "2", "symbol": "B", "name": ""}],
    }
    assert told["removed"] == NOTHING


def test_two_empty_lists_are_the_same() -> None:
    told = list_changes(table(), table())
    assert (told["added"], told["removed"], told["changed"]) == (NOTHING, NOTHING, {**NOTHING, "by_column": {}})


def test_answers_to_questions_are_compared_where_both_know_the_contract() -> None:
    before, after = table(contract("1", "AAA"), contract("2", "BBB")), table(contract("2", "BBX"), contract("3", "CCC"))
    told = list_changes(before, after, common_only=True)
    assert (told["added"], told["removed"], told["changed"]["count"]) == (None, None, 1)


def test_a_contract_that_is_listed_twice_counts_once_and_how_it_was_found_is_no_change() -> None:
    before = table(contract("1", "AAA", evidence="isin=X"))
    after = table(contract("1", "AAA", evidence="symbol=AAA"), contract("1", "AAA"), contract("2", "BBB"), contract("2", "BBB"))
    told = list_changes(before, after)
    assert (told["rows"], told["added"]["count"], told["removed"], told["changed"]["count"]) == (4, 1, NOTHING, 0)


def test_a_list_of_an_earlier_version_is_compared_by_the_columns_it_has() -> None:
    before = table(contract("1", "AAA")).drop_columns(["base", "cusip"])
    assert list_changes(before, table(contract("1", "AAB", cusip="037833100")))["changed"]["by_column"] == {"symbol": 1}


LISTS = st.lists(st.builds(contract, st.sampled_from("12345"), st.sampled_from(["A", "B"]), st.sampled_from(["x", "y"])))


@given(LISTS, LISTS)
def test_the_way_back_swaps_added_and_removed(first: list, second: list) -> None:  # type: ignore[type-arg]
    there, back = list_changes(table(*first), table(*second)), list_changes(table(*second), table(*first))
    assert (there["added"], there["removed"]) == (back["removed"], back["added"])
    assert there["changed"]["by_column"] == back["changed"]["by_column"]
    same = list_changes(table(*first), table(*first))
    assert (same["added"]["count"], same["removed"]["count"], same["changed"]["count"]) == (0, 0, 0)
