from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks.report import Goal, Section, machine, rewritten

ORDER = ("speed", "curve", "targets")


def page(*keys: str) -> str:
    text = ""
    for key in keys:
        text = rewritten(text, Section(key, key.title(), f"{key} figures"), "today", ORDER)
    return text


def test_sections_stand_in_their_order_whatever_was_measured_first() -> None:
    assert page("targets", "speed", "curve") == page("speed", "curve", "targets")
    assert page("speed", "curve").index("## Speed") < page("speed", "curve").index("## Curve")


def test_only_the_measured_section_is_written_anew() -> None:
    before = page("speed", "curve", "targets")
    after = rewritten(before, Section("curve", "Curve", "other words"), "tomorrow", ORDER)
    assert after == before.replace("Measured today.\n\ncurve figures", "Measured tomorrow.\n\nother words")
    assert after.count("Measured today.") == 2


def test_a_page_of_before_the_markers_is_replaced() -> None:
    assert "old" not in rewritten("# Old\nold figures\n", Section("speed", "Speed", "new"), "today", ORDER)


def test_each_goal_is_a_line_that_says_whether_it_is_met() -> None:
    goals = [Goal("fast", "1 s", True), Goal("small", "9 GiB", False)]
    written = Section("speed", "Speed", "words", goals).markdown("today")
    assert "| goal | measured | met |\n| --- | --- | --- |\n| fast | 1 s | yes |\n| small | 9 GiB | **no** |\n" in written


def test_the_machine_is_named() -> None:
    assert "cores of" in machine()
    assert "Python 3." in machine()


def test_what_is_measured_is_written_to_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "benchmarks.md"
    bench.write(report, lambda: Section("speed", "Speed", "first"))
    bench.write(report, lambda: Section("targets", "Targets", "kept"))
    bench.write(report, lambda: Section("speed", "Speed", "second"))
    written = report.read_text(encoding="utf-8")
    assert "first" not in written
    assert written.index("second") < written.index("kept")
    assert "second" in capsys.readouterr().out


def test_an_unknown_section_measures_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["sped"]) == 2
    assert "unknown: sped" in capsys.readouterr().err


def test_absent_data_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("POLYBROKER_TEST_DATA", str(tmp_path / "absent"))
    assert bench.main(["targets"]) == 1
    assert "the real data are absent" in capsys.readouterr().err
