"""How often the matcher is right, on real lists and labels typed by hand; beside two naive matchers on the same set.

`python -m benchmarks.accuracy` prints the table and every answer of the matcher that is not right.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path

import pyarrow as pa

from benchmarks.baselines import first_match_wins, plain_symbols
from benchmarks.labelled import Expected, Label, read_labels, read_truth
from benchmarks.real_tables import BROKERS, data_folder, table
from benchmarks.report import Section
from include.domain.instrument import AssetClass
from include.domain.mapping import Mapping
from include.domain.mapping import MappingStatus as Status
from include.mapping.eligible import home_market
from include.mapping.matcher import match
from include.settings import Settings, load_settings

Matcher = Callable[..., list[Mapping]]
MATCHERS: dict[str, Matcher] = {"matcher": match, "plain symbol": plain_symbols, "first match wins": first_match_wins}
TRUTH, BARE = "user's universe", "user's universe, list without ISINs"


class Outcome(Enum):
    """What an answer is worth."""

    FOUND = "found"  # what was to be found
    MISSED = "missed"
    WRONG = "wrong"  # another instrument, or another listing sold as the wanted one
    RIGHT = "right"  # rightly nothing, or found though the list hardly tells


@dataclass(frozen=True)
class Answer:
    """What a matcher said about one label."""

    label: Label
    mapping: Mapping

    @property
    def outcome(self) -> Outcome:
        """Right contracts under the wrong status: too shy is a miss, too bold is wrong."""
        label, mapping = self.label, self.mapping
        if mapping.contract is None:
            return Outcome.MISSED if label.is_to_be_found else Outcome.RIGHT
        if not label.is_right(mapping.contract):
            return Outcome.WRONG
        if label.status is Expected.OPTIONAL:
            elsewhere = mapping.contract.currency != label.instrument.currency
            return Outcome.WRONG if elsewhere and mapping.status is Status.MATCHED else Outcome.RIGHT
        if mapping.status == label.status.value:
            return Outcome.FOUND
        return Outcome.WRONG if mapping.status is Status.MATCHED else Outcome.MISSED


@dataclass(frozen=True)
class Score:
    """Counts over some answers; `right` are those that were not to be found."""

    labels: int
    to_find: int
    found: int
    wrong: int
    missed: int
    right: int

    @classmethod
    def of(cls, answers: Iterable[Answer]) -> "Score":
        """Count them."""
        given = list(answers)
        counts = [answer.outcome for answer in given]
        return cls(
            labels=len(given),
            to_find=sum(answer.label.is_to_be_found for answer in given),
            found=counts.count(Outcome.FOUND),
            wrong=counts.count(Outcome.WRONG),
            missed=counts.count(Outcome.MISSED),
            right=counts.count(Outcome.RIGHT),
        )

    @property
    def recall(self) -> float:
        """Found of what was to be found; 1 where there was nothing."""
        return self.found / self.to_find if self.to_find else 1.0


def ask(matcher: Matcher, data: Path) -> list[Answer]:
    """A matcher's answers to every label of every broker."""
    return [answer for broker in BROKERS for answer in _answers(matcher, broker, read_labels(broker), table(data, broker))]


def ask_truth(matcher: Matcher, data: Path, with_isins: bool = True) -> list[Answer]:
    """A matcher's answers about the user's universe at IBKR, all at once; the list with its ISINs, or without any."""
    contracts = table(data, "ibkr")
    if not with_isins:
        column = contracts.schema.get_field_index("isin")
        contracts = contracts.set_column(column, "isin", pa.nulls(contracts.num_rows, pa.string()))
    kind = TRUTH if with_isins else BARE
    return _ask(matcher, "ibkr", [replace(label, kind=kind) for label in read_truth(data)], contracts)


def section(data: Path) -> Section:
    """The page's section."""
    print("accuracy: labels ...", flush=True)
    asked = {name: [*ask(m, data), *ask_truth(m, data), *ask_truth(m, data, with_isins=False)] for name, m in MATCHERS.items()}
    hand = {name: [a for a in answers if a.label.kind not in (TRUTH, BARE)] for name, answers in asked.items()}
    kinds = sorted({answer.label.kind for answer in hand["matcher"]})
    rows = [_row("**typed by hand, all**", hand.values())]
    rows += [_row(broker, ([a for a in g if a.label.broker == broker] for g in hand.values())) for broker in BROKERS]
    rows += [_row(kind, ([a for a in g if a.label.kind == kind] for g in asked.values())) for kind in (TRUTH, BARE)]
    rows += [_row(kind.replace("_", " "), ([a for a in g if a.label.kind == kind] for g in hand.values())) for kind in kinds]
    lines = "\n".join(rows)
    text = f"""Labels typed by hand (`benchmarks/labels/`) and the user's own universe, on real lists. **Found** is of what
was to be found, **wrong** is another instrument or listing; what is neither was missed, or rightly refused. Beside the
matcher: the first system's algorithm (the ticker looked up as a symbol), and the first match by ISIN, else symbol, else
similar name.

| set | labels | to find | {" | ".join(f"{name}: found | wrong" for name in MATCHERS)} |
| --- | ---: | ---: |{" ---: | ---: |" * len(MATCHERS)}
{lines}
"""
    return Section("accuracy", "Accuracy on labelled instruments", text)


def _row(name: str, groups: Iterable[Iterable[Answer]]) -> str:
    scores = [Score.of(group) for group in groups]
    cells = [f"{score.found} ({score.recall:.1%}) | {score.wrong}" for score in scores]
    return f"| {name} | {scores[0].labels} | {scores[0].to_find} | {' | '.join(cells)} |"


def _answers(matcher: Matcher, broker: str, labels: Sequence[Label], contracts: pa.Table) -> list[Answer]:
    return [answer for some in _rounds(labels) for answer in _ask(matcher, broker, some, contracts)]


def _ask(matcher: Matcher, broker: str, labels: Sequence[Label], contracts: pa.Table) -> list[Answer]:
    settings = _settings()
    home = home_market(settings.eligibility[broker], settings.markets)
    wanted = [label.instrument for label in labels]
    said = matcher(wanted, contracts, settings.markets, broker == "ibkr", broker, home)
    return [Answer(label, mapping) for label, mapping in zip(labels, said, strict=True)]


@cache
def _settings() -> Settings:
    return load_settings()


def _rounds(labels: Sequence[Label]) -> list[list[Label]]:
    """Labels in rounds in which no two are akin: rivals for one contract would shield each other from being matched wrongly."""
    rounds: list[tuple[set[str], list[Label]]] = []
    for label in labels:
        keys = _akin(label)
        free = next((one for one in rounds if not keys & one[0]), None)
        if free is None:
            rounds.append(free := (set(), []))
        free[0].update(keys)
        free[1].append(label)
    return [some for _, some in rounds]


def _akin(label: Label) -> set[str]:
    instrument = label.instrument
    keys = {f"id {label.contract or instrument.ticker}", f"isin {instrument.isin or instrument.ticker}"}
    if instrument.asset_class in (AssetClass.CRYPTO, AssetClass.FX, AssetClass.METAL):  # known by both sides, never by name
        return {*keys, instrument.ticker}
    word, *_ = re.sub(r"^the ", "", instrument.name.casefold()).split()
    stem, *_ = re.split(r"[^A-Z0-9]", instrument.ticker)
    return {*keys, stem, f"name {word}"}


def failures(answers: Iterable[Answer]) -> str:
    """One line per answer that is wrong or missed, the wrong ones first; "" for none."""
    by_outcome: dict[Outcome, list[str]] = defaultdict(list)
    for answer in answers:
        label, mapping = answer.label, answer.mapping
        got = mapping.contract
        said = f"{got.symbol} {got.name!r} {got.native_id} by {mapping.search_method}" if got else f"{list(mapping.candidates)}"
        source = "ibkr_truth" if label.kind in (TRUTH, BARE) else label.broker
        by_outcome[answer.outcome].append(
            f"{answer.outcome.value}: {source}.csv:{label.line} {label.kind} {label.instrument.ticker} "
            f"{label.instrument.name!r} {label.instrument.isin or ''}: expected {label.status.value} {label.contract}, "
            f"said {mapping.status.value} {mapping.reason or ''} {said}"
        )
    return "\n".join(by_outcome[Outcome.WRONG] + by_outcome[Outcome.MISSED])


def main() -> int:
    """Print the section and the failures."""
    data = data_folder()
    print(section(data).text)
    print(failures([*ask(match, data), *ask_truth(match, data), *ask_truth(match, data, with_isins=False)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
