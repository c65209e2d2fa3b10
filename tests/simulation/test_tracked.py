from include.simulation.tracked import ABSENT, Tracked


def test_what_changed_since_it_was_kept() -> None:
    made = Tracked({"a": 1, "b": 2, "c": 3})
    made["a"] = 10
    made["b"] = 2
    del made["c"]
    made["d"] = 4
    made["e"] = 5
    made.pop("e")
    assert made.pop("nobody") is None
    assert made.changed() == {"a": 10, "c": ABSENT, "d": 4}
    made.keep()
    assert made.changed() == {}


def test_undoing_goes_back_over_several_changes() -> None:
    made = Tracked({"a": 1, "b": 2})
    made["a"], made["c"] = 5, 6
    made["a"] = 7
    made.pop("b")
    assert set(made.undo()) == {"a", "b", "c"}
    assert made == {"a": 1, "b": 2}
    assert made.changed() == {}
    assert made.undo() == []
