"""`make bench`: measure, print, and write docs/benchmarks.md: all its sections, or those that are named.

The real export and lists are looked for as tests do (`POLYBROKER_TEST_DATA`, else `../shared/data`).
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks import accuracy, airflow_run, curve, pacing, paper, speed, step_eight
from benchmarks.real_tables import data_folder
from benchmarks.report import Section, machine, rewritten
from include.settings import PROJECT

REPORT = PROJECT / "docs" / "benchmarks.md"
Measure = Callable[[], Section]
# In the page's order: what needs no data, then what needs the real ones.
INVENTED: Mapping[str, Measure] = {
    "speed": speed.section,
    "curve": curve.section,
    "pacing": pacing.section,
    "airflow": airflow_run.section,
    "paper": paper.section,
}
REAL: Mapping[str, Callable[[Path], Section]] = {
    "universe": step_eight.universe_section,
    "accuracy": accuracy.section,
    "targets": step_eight.targets_section,
}
ORDER = (*INVENTED, *REAL)


def main(arguments: Sequence[str]) -> int:
    """Measure the sections that are named, all without any; 1 where the real data are absent for one, 2 for an unknown name."""
    unknown = [name for name in arguments if name not in ORDER]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; expected some of {', '.join(ORDER)}", file=sys.stderr)
        return 2
    data = data_folder()
    asked = [name for name in ORDER if not arguments or name in arguments]
    for name in asked:
        if name in INVENTED:
            write(REPORT, INVENTED[name])
        elif data.is_dir():
            write(REPORT, partial(REAL[name], data))
        else:
            print(f"{name}: the real data are absent: {data} (set POLYBROKER_TEST_DATA)", file=sys.stderr)
    return 0 if data.is_dir() or not any(name in REAL for name in asked) else 1


def write(report: Path, measure: Measure) -> None:
    """Measure one section, print it, and replace it in the page: what was measured is kept though the next one fails."""
    before = os.getloadavg()[0]
    section = measure()
    about = f"{machine()}; load {before:.1f} before, {os.getloadavg()[0]:.1f} after"  # two cores: above 2, others were at work
    print(section.markdown(about), flush=True)
    page = report.read_text(encoding="utf-8") if report.exists() else ""
    report.write_text(rewritten(page, section, about, ORDER), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
