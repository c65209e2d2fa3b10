from stdnum import isin

from benchmarks.synthetic_lists import BROKERS, synthetic_world
from include.domain.contract import CONTRACT_SCHEMA
from include.mapping.wanted import WANTED_SCHEMA


def test_the_same_sizes_give_the_same_world() -> None:
    one, other = synthetic_world(60, 400), synthetic_world(60, 400)
    assert one.universe.equals(other.universe)
    other.listed("alpaca")
    assert one.listed("ibkr").equals(other.listed("ibkr"))
    assert not one.universe.equals(synthetic_world(60, 400, seed=2).universe)


def test_a_universe_has_each_ticker_once_and_valid_isins_in_nine_of_ten_rows() -> None:
    universe = synthetic_world(500, 400).universe
    assert universe.schema == WANTED_SCHEMA
    assert len(set(universe["ticker"].to_pylist())) == 500
    known = universe["isin"].drop_null().to_pylist()
    assert len(known) == 450
    assert all(isin.is_valid(one) for one in known)
    assert universe["asset_class"].to_pylist().count("etf") == 10


def test_instruments_are_the_universe_s_rows() -> None:
    world = synthetic_world(30, 80)
    assert [one.model_dump(mode="json") for one in world.instruments] == world.universe.to_pylist()


def test_lists_have_their_length_each_id_once_and_isins_only_where_the_broker_tells_them() -> None:
    world = synthetic_world(100, 1600)
    for broker, tells in BROKERS.items():
        listed = world.listed(broker)
        assert listed.schema == CONTRACT_SCHEMA
        assert listed.num_rows == 200
        assert len(set(listed["native_id"].to_pylist())) == 200
        assert (listed["isin"].null_count < 200) == tells
