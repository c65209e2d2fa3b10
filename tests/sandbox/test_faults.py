import json
import threading
from pathlib import Path

import pytest

from include.errors import InputError
from include.sandbox.faults import Faults


def test_a_fault_happens_as_often_as_asked() -> None:
    faults = Faults()
    faults.add("late", 2)
    faults.add("late")
    assert [faults.take("late") for _ in range(4)] == [True, True, True, False]
    assert not faults.take("other")


def test_a_lasting_fault_ends_when_cleared(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text('{"down": -1}', encoding="utf-8")
    faults = Faults(path)
    faults.add("late", -1)
    assert all(faults.take(name) for name in ("late", "down") * 3)
    faults.clear()
    assert not faults.take("late")
    assert not faults.take("down")


def test_adding_once_after_for_ever_means_once() -> None:
    faults = Faults()
    faults.add("late", -1)
    faults.add("late")
    assert [faults.take("late") for _ in range(2)] == [True, False]


def test_the_file_is_counted_down_in_place(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    faults = Faults(path, "ibkr")
    assert not faults.take("drop")
    path.write_text('{"drop": 1, "ibkr.drop": 1, "alpaca.drop": 1}', encoding="utf-8")
    assert [faults.take("drop") for _ in range(3)] == [True, True, False]
    assert json.loads(path.read_text(encoding="utf-8")) == {"alpaca.drop": 1}


def test_venues_that_share_the_file_take_each_fault_once(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text('{"drop": 40}', encoding="utf-8")
    taken: list[bool] = []

    def ask() -> None:
        faults = Faults(path)
        taken.extend(faults.take("drop") for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 40
    assert len(taken) == 80


@pytest.mark.parametrize("text", ["{", "[1]", '{"drop": "often"}', '{"drop": true}'])
def test_a_damaged_file_is_an_input_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "faults.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"faults\.json"):
        Faults(path).take("drop")
