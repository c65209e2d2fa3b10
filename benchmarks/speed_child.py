"""A process that matches some brokers of an invented world when it is told to, so that its memory is the matcher's alone.

One JSON document per line. The first on stdin is `{"instruments", "contracts", "seed"}`. Then: `{"hold": [broker, ...]}`
makes their lists and drops all others; `{"run": "matcher" | "loop" | "join"}` does it once for each of them; `"peak"` tells
the most memory since the last "hold". Every line is answered by one on stdout.
"""

import gc
import json
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.speed_baselines import bare_join, dictionary_loop, join_sides, loop_assets, loop_stocks
from benchmarks.synthetic_lists import BROKERS, SyntheticWorld, synthetic_world
from include.mapping.matcher import match_columns
from include.mapping.wanted import Wanted
from include.settings import load_settings


class Worker:
    """Brokers' lists in memory, and what can be done with them.

    Args:
        world: Whose universe is looked for.
    """

    def __init__(self, world: SyntheticWorld) -> None:
        self._world = world
        self._markets = load_settings().markets
        self._lists: dict[str, pa.Table] = {}
        self._prepared: dict[str, Any] = {}
        self._universe = world.universe

    def hold(self, brokers: list[str]) -> dict[str, Any]:
        """Make their lists; nothing else of before is kept."""
        self._lists, self._prepared = {}, {}
        self._lists = {broker: self._world.listed(broker) for broker in brokers}
        gc.collect()
        pa.default_memory_pool().release_unused()
        _reset_peak()
        return {"contracts": sum(listed.num_rows for listed in self._lists.values())}

    def run(self, what: str) -> dict[str, Any]:
        """Seconds; of the matcher those that taking the instruments apart took, and the look-ups."""
        if what == "matcher":
            return self._match()
        if what not in self._prepared:
            self._prepared[what] = self._prepare(what)
        work: Callable[..., Any] = {"loop": dictionary_loop, "join": bare_join}[what]
        start = time.perf_counter()
        for sides in self._prepared[what]:
            work(*sides)
        return {"seconds": time.perf_counter() - start}

    def _match(self) -> dict[str, Any]:
        start = time.perf_counter()
        wanted = Wanted.of_table(self._universe, self._markets)
        taken_apart = time.perf_counter()
        tried = 0
        for broker, listed in self._lists.items():
            matches = match_columns(wanted, listed, self._markets, BROKERS[broker], broker)
            matches.table()
            tried += matches.lookups
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "taking_apart": taken_apart - start, "lookups": tried}

    def _prepare(self, what: str) -> list[Any]:
        if what == "join":
            return [join_sides(self._universe, listed, BROKERS[broker]) for broker, listed in self._lists.items()]
        stocks = loop_stocks(self._universe)
        return [(stocks, loop_assets(listed)) for listed in self._lists.values()]


def peak_mib() -> float:
    """The most memory this process had resident, in MiB: Python, libraries, universe and lists included."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii")) if status.exists() else None
    # ru_maxrss also knows the process that started this one, and cannot be reset.
    kib = int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kib / 1024


def _reset_peak() -> None:
    """Forget what making the lists took; where the system does not let us, that counts too."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def main() -> None:
    """Answer until stdin ends."""
    first = json.loads(sys.stdin.readline())
    worker = Worker(synthetic_world(first["instruments"], first["contracts"], first["seed"]))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        if told == "peak":
            answer: dict[str, Any] = {"peak_mib": peak_mib()}
        else:
            answer = worker.hold(told["hold"]) if "hold" in told else worker.run(told["run"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
