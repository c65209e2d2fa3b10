"""`make conformance`: runs every case of every broker and writes docs/conformance.md.

A broker that works with a second client library is run once more with the Python of `.venv-<library>`, where that is (hyphens for
underscores); where it is not, that column stays as the page has it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from tests.conformance.base import FIGURES
from tests.conformance.cases import NO_VENUE, NOT_APPLICABLE, NOT_DECLARED, Case, all_cases
from tests.conformance.page import FAIL, PAGE, PASS, Column, columns, kept, reasons, render
from tests.conformance.suite import Conformance

PROJECT = PAGE.parents[1]
LIBRARY = "POLYBROKER_IB_LIBRARY"


def main() -> int:
    """1 where a case fails, or where `--check` finds another page than the one that is there."""
    parser = argparse.ArgumentParser(prog="make conformance", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the page is not up to date")
    check = parser.parse_args().check
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    found = columns()
    marks = {column.title: _marks(column, before) for column in found}
    page = render([column.title for column in found], marks, reasons(found))
    if not check:
        PAGE.write_text(page, encoding="utf-8")
    failed = [f"{title}: {case.test}" for title, column in marks.items() for case, mark in column.items() if mark == FAIL]
    for line in failed:
        print("FAIL", line)
    if check and page != before:
        print(f"{PAGE.name} is not up to date: run `make conformance` and commit it")
    return int(bool(failed) or (check and page != before))


def _marks(column: Column, before: str) -> dict[Case, str]:
    """How a column takes every case."""
    python = Path(sys.executable)
    if column.library:
        python = PROJECT / f".venv-{column.library.replace('_', '-')}" / "bin" / "python"
        if not python.exists():
            print(f"{column.title}: not run, there is no {python.parents[1].name}; its column stays as it is")
            return kept(column, before)
    print(f"{column.title}: running ...")
    results = _run(python, column)
    return {case: results.get(case.test, FAIL) for case in all_cases(Conformance)}


def _run(python: Path, column: Column) -> Mapping[str, str]:
    """Test -> mark."""
    module, _, suite = column.test.rpartition(".")
    test = f"{module.replace('.', '/')}.py::{suite}"
    with tempfile.TemporaryDirectory() as folder:
        report, figures = Path(folder) / "report.xml", Path(folder) / "figures.jsonl"
        environment = {**os.environ, FIGURES: str(figures), "PYTHONPATH": str(PROJECT)}
        if column.library:
            environment[LIBRARY] = column.library
        options = ["-q", "--tb=short", "-rfE", "-p", "no:cacheprovider", f"--junitxml={report}"]
        command = [str(python), "-m", "pytest", test, *options]
        done = subprocess.run(command, cwd=PROJECT, env=environment, check=False, capture_output=True, text=True)
        print("\n".join(done.stdout.strip().splitlines()[-1 if done.returncode == 0 else 0 :]))
        if not report.exists():
            raise SystemExit(done.stderr or done.stdout)
        for line in figures.read_text(encoding="utf-8").splitlines() if figures.exists() else []:
            told = json.loads(line)
            sent = f"{column.title}: of a hundred orders at once by {told['processes']} process{'es' * (told['processes'] > 1)}"
            print(f"{sent} half within {told['p50_ms']} ms, 99 within {told['p99_ms']} ms")
        return {case.attrib["name"]: _mark(case) for case in ElementTree.parse(report).iter("testcase")}


def _mark(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return FAIL
    skipped = case.find("skipped")
    if skipped is None:
        return PASS
    reason = skipped.attrib.get("message", "")
    return reason if reason in (NOT_DECLARED, NOT_APPLICABLE, NO_VENUE) else FAIL  # whatever else was left out did not hold


if __name__ == "__main__":
    sys.exit(main())
