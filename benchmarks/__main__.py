"""`make bench`: measure, print, and write docs/benchmarks.md.

The real export and lists are looked for as tests do (`POLYBROKER_TEST_DATA`, else `../shared/data`).
"""

import os
import platform
import sys
from pathlib import Path

from benchmarks import accuracy
from benchmarks.real_tables import data_folder
from benchmarks.step_eight import agreement, busiest_second, new_run, seconds_of_step_eight, targets
from benchmarks.world import World, world
from include.settings import PROJECT

REPORT = PROJECT / "docs" / "benchmarks.md"


def main() -> int:
    """Measure everything once; 1 where the real data are absent."""
    data = data_folder()
    if not data.is_dir():
        print(f"the real data are absent: {data} (set POLYBROKER_TEST_DATA)", file=sys.stderr)
        return 1
    with world(str(data / "uncle_stock"), data) as at:
        text = _measured(at, data)
    REPORT.write_text(text, encoding="utf-8")
    print(text)
    return 0


def _measured(at: World, data: Path) -> str:
    print("a cold run ...", flush=True)
    run = new_run(at, "cold")
    cold = seconds_of_step_eight(at, run)
    counts = agreement(run, data / "uncle_stock" / "ibkr_truth.csv")
    print("a warm run ...", flush=True)
    warm = seconds_of_step_eight(at, new_run(at, "warm"))
    print("pacing, by the venue's log ...", flush=True)
    busiest, messages = busiest_second(at, run)
    print("labels ...", flush=True)
    labelled = accuracy.section(data)
    total, weights = targets(run)
    rows = "\n".join(f"| {name} | {cold[name]:.1f} s | {warm[name]:.1f} s |" for name in cold)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    found = f"**{counts['found']}** of {counts['expected']} found, **{counts['wrong']}** wrong"
    absent = counts["absent_from_the_screens"]
    return f"""# Measured figures

`make bench` measures everything here and writes this page. Machine: {machine}.
Input: the user's real export ({len(run.screens)} screens) and the real lists, served by the local venues to the unmodified
client libraries.

## Step 8 for the real universe

| broker | cold | warm |
| --- | --- | --- |
{rows}

Cold: nothing is cached, every instrument is asked for at IBKR inside its pacing, and a name that neither ISIN nor symbol finds
costs a second. Warm: look-ups out of the database, lists not older than a day. IBKR's venue saw at most **{busiest}** messages
in any one second, {messages} in all; IBKR allows 50 a second.

## Agreement with the known IBKR contracts

{found}. {absent} more instruments of the truth file are not in today's screens; the test that maps the old universe has them:
`python -m pytest tests/mapping/test_real_lists.py -s` prints its figures.

{labelled}
## Targets

Weights of the screens: {", ".join(f"{name} {weight:.4f}" for name, weight in weights.items())}.
Sum of all targets: {total:.6f}.
"""


if __name__ == "__main__":
    sys.exit(main())
