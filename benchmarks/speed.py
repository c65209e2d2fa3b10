"""The matcher's speed and memory on invented worlds, beside the first system's loop and a bare join in the same run."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from benchmarks.report import Goal, Section, table
from benchmarks.synthetic_lists import BROKERS
from include.settings import PROJECT

INSTRUMENTS, CONTRACTS = 100_000, 500_000
METHODS = ("matcher", "loop", "join")
MIB_PER_GIB = 1024


@dataclass(frozen=True)
class Figures:
    """One world, measured.

    Attributes:
        seconds: Of each of `METHODS` that was measured, over all eight brokers; the best of several rounds.
        lookups: As `Matches.lookups` counts them, over all brokers.
        pairs: Instruments times brokers.
        peak_mib: The most memory that the measuring processes had resident, summed over them, before the baselines ran.
    """

    seconds: dict[str, float]
    lookups: int
    pairs: int
    contracts: int
    peak_mib: float

    @property
    def lookups_per_second(self) -> float:
        """In the matcher."""
        return self.lookups / self.seconds["matcher"]

    def times(self, other: str) -> float:
        """How many times as long as another method the matcher takes."""
        return self.seconds["matcher"] / self.seconds[other]


class _Child:
    def __init__(self, instruments: int, contracts: int, seed: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.speed_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )
        self.say({"instruments": instruments, "contracts": contracts, "seed": seed})

    def say(self, told: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a measuring process ended with code {self._process.wait()}; its words are above")
        return dict(json.loads(line))

    def end(self) -> None:
        self._process.communicate()


@contextmanager
def _children(count: int, instruments: int, contracts: int, seed: int) -> Iterator[list[_Child]]:
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            found.append(_Child(instruments, contracts, seed))
            stack.callback(found[-1].end)
        for child in found:
            child.hear()
        yield found


def _all(children: Sequence[_Child], told: Any) -> list[dict[str, Any]]:
    for child in children:
        child.say(told)
    return [child.hear() for child in children]


def measure(
    instruments: int, contracts: int, *, processes: int = 2, rounds: int = 15, methods: Sequence[str] = METHODS, seed: int = 1
) -> Figures:
    """One world over all eight brokers, dealt out to processes that run side by side, as Airflow's mapped tasks do.

    The clock is this process's: from telling them to the answer of the last. Each takes the instruments apart for itself.

    Args:
        instruments: Wanted.
        contracts: In all, over the eight brokers.
        processes: 1: one broker after the other.
        rounds: After a warm-up each; methods take turns.
        methods: What to measure; the matcher is always measured.
    """
    names = list(BROKERS)
    with _children(processes, instruments, contracts, seed) as children:
        for place, child in enumerate(children):
            child.say({"hold": names[place::processes]})
        held = sum(child.hear()["contracts"] for child in children)
        for _ in range(2):
            warm = _all(children, {"run": "matcher"})
        peak = sum(answer["peak_mib"] for answer in _all(children, "peak"))
        for method in methods:
            _all(children, {"run": method})
        seconds = {method: float("inf") for method in methods}
        for _ in range(rounds):
            for method in methods:
                start = perf_counter()
                _all(children, {"run": method})
                seconds[method] = min(seconds[method], perf_counter() - start)
    return Figures(seconds, sum(answer["lookups"] for answer in warm), instruments * len(names), held, peak)


def measure_each(instruments: int, contracts: int, *, rounds: int = 3, seed: int = 1) -> Figures:
    """As `measure`, with `contracts` at each of the eight brokers: one process makes and matches one list after the other.

    `peak_mib` is that of the broker that needed most. Taking the instruments apart is counted once.
    """
    seconds = dict.fromkeys(METHODS, 0.0)
    tried = held = 0
    peak, apart = 0.0, float("inf")
    with _children(1, instruments, contracts * len(BROKERS), seed) as children:
        for broker in BROKERS:
            held += _all(children, {"hold": [broker]})[0]["contracts"]
            tried += _all(children, {"run": "matcher"})[0]["lookups"]
            peak = max(peak, _all(children, "peak")[0]["peak_mib"])
            best = dict.fromkeys(METHODS, float("inf"))
            for method in METHODS * rounds:
                answer = _all(children, {"run": method})[0]
                apart = min(apart, answer.get("taking_apart", apart))
                best[method] = min(best[method], answer["seconds"] - answer.get("taking_apart", 0.0))
            seconds = {method: seconds[method] + best[method] for method in METHODS}
    seconds["matcher"] += apart
    return Figures(seconds, tried, instruments * len(BROKERS), held, peak)


def section() -> Section:
    """Measure the sizes that the goals name."""
    print("speed: two processes, then one, then 500,000 contracts at each broker ...", flush=True)
    both = measure(INSTRUMENTS, CONTRACTS)
    one = measure(INSTRUMENTS, CONTRACTS, processes=1)
    each = measure_each(INSTRUMENTS, CONTRACTS)
    return Section("speed", "Speed of the matcher", _text(both, one, each), _goals(both, one, each))


def _goals(both: Figures, one: Figures, each: Figures) -> list[Goal]:
    size = f"{INSTRUMENTS:,} instruments x 8 brokers x {CONTRACTS:,} contracts"
    return [
        Goal(
            ">= 1,000,000 look-ups a second on two cores",
            f"{both.lookups_per_second:,.0f} ({each.lookups_per_second:,.0f} with {CONTRACTS:,} contracts at each broker)",
            both.lookups_per_second >= 1_000_000,
        ),
        Goal(f"{size} in all: within 10 s", f"{both.seconds['matcher']:.2f} s", both.seconds["matcher"] <= 10),
        Goal(
            f"{size} in all: within 2 GiB",
            f"{one.peak_mib:,.0f} MiB in one process, {both.peak_mib:,.0f} in two",
            max(one.peak_mib, both.peak_mib) <= 2 * MIB_PER_GIB,
        ),
        Goal(f"{size} at each: within 10 s", f"{each.seconds['matcher']:.2f} s", each.seconds["matcher"] <= 10),
        Goal(f"{size} at each: within 2 GiB", f"{each.peak_mib:,.0f} MiB", each.peak_mib <= 2 * MIB_PER_GIB),
        Goal(
            "at most 5 x one bare join per broker",
            f"{both.times('join'):.1f} x ({one.times('join'):.1f} x in one process; {each.times('join'):.1f} x with "
            f"{CONTRACTS:,} at each)",
            both.times("join") <= 5,
        ),
    ]


def _text(both: Figures, one: Figures, each: Figures) -> str:
    rows = [
        _row(f"{CONTRACTS:,} in all, two processes", both),
        _row(f"{CONTRACTS:,} in all, one process", one),
        _row(f"{CONTRACTS:,} at each broker, one process, one list at a time", each),
    ]
    head = "contracts | matcher | look-ups a second | answers a second | peak memory | loop | x loop | bare join | x join"
    return f"""{INSTRUMENTS:,} invented instruments at eight brokers (`benchmarks/synthetic_lists.py`): the universe as a
table in, one table of answers per broker out. Best of fifteen rounds after a warm-up; loop and join take turns with it
in the same processes.

{table(head, rows)}
**Two processes**: Airflow runs each broker's task in a process of its own, so brokers are dealt out to two processes,
and the clock runs until the last is done; each takes the instruments apart for itself, and their memory is summed.
**Look-ups**: one wanted row tried on one key. An ISIN counts where the row has one and the list knows any; each
spelling of the symbol where no identity was found; the name, at brokers that know ISINs, where nothing else was; the
way back does not count. **Answers**: instruments times brokers, whatever it took. **Peak memory**: the most that the
process had resident while it matched (Python, libraries, universe and lists included; making the lists is not).
**Loop**: the first system's, per stock, over a dictionary of symbols that it builds; its lists are Python objects
already. **Bare join**: one `left outer` join per broker in pyarrow, by ISIN or by market and symbol, delivering the
contracts' columns; its key is ready-made. Neither looks at names, kinds, currencies or contradictions: they are
floors, no matchers.
"""


def _row(name: str, found: Figures) -> str:
    at, times = found.seconds, {other: found.times(other) for other in ("loop", "join")}
    return (
        f"{name} | {at['matcher']:.2f} s | {found.lookups_per_second:,.0f} | {found.pairs / at['matcher']:,.0f} | "
        f"{found.peak_mib:,.0f} MiB | {at['loop']:.2f} s | {times['loop']:.1f} | {at['join']:.2f} s | {times['join']:.1f}"
    )
