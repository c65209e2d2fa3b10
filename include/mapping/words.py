"""Names as rows of words: what is asked of a word is asked of each distinct one once."""

from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.mapping.columns import Mask, mask
from include.mapping.name_words import LEGAL_FORMS, MARK, NUMBER, PLACES, SOFT_WORDS, SPELLINGS, STUMPS

MAYBE_ONE = "i?"
_SPELLED, _SPELLINGS = (pa.array(words, pa.string()) for words in (list(SPELLINGS), list(SPELLINGS.values())))


class Vocabulary:
    """Distinct words in their one spelling, and what each of them is."""

    def __init__(self, words: pa.Array) -> None:
        spelled = pc.index_in(words, value_set=_SPELLED)
        self.text = pc.coalesce(_SPELLINGS.take(spelled), words)
        self.words = self.text.to_numpy(zero_copy_only=False)
        self.is_blank = self._is_in({""})
        self.is_legal = self._is_in(LEGAL_FORMS)
        self.is_ending = self._is_in(LEGAL_FORMS | {"the"})
        self.is_hard = ~self._is_in(SOFT_WORDS | PLACES | LEGAL_FORMS)
        self.is_place = self._is_in(PLACES)
        self.is_stump = self._is_in(STUMPS)
        self.is_one = self._is_in({"i"})
        self.is_mark = mask(pc.match_substring_regex(words, MARK))
        self.is_number = mask(pc.match_substring_regex(self.text, NUMBER))

    def _is_in(self, words: Set[str]) -> Mask:
        return mask(pc.is_in(self.text, value_set=pa.array(sorted(words), pa.string())))


@dataclass(frozen=True)
class Words:
    """Rows of words as codes into one vocabulary.

    Attributes:
        vocabulary: What the words are.
        codes: One per word, in the order of rows.
        rows: Row of each word.
        count: How many rows there are, those without words included.
    """

    vocabulary: Vocabulary
    codes: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    count: int

    @classmethod
    def split(cls, text: pa.Array) -> "Words":
        """Words of text that is parted by blanks, each in its one spelling."""
        lists = pc.split_pattern(text, " ")
        words = pc.dictionary_encode(pc.list_flatten(lists))
        rows = np.repeat(np.arange(len(text)), pc.list_value_length(lists).to_numpy())
        found = cls(Vocabulary(words.dictionary), words.indices.to_numpy().astype(np.int64), rows, len(text))
        return found._kept(~found.vocabulary.is_blank[found.codes])

    def take(self, rows: npt.NDArray[np.intp]) -> "Words":
        """Some rows, in their order; a row may be asked for several times."""
        count = self.lengths[rows]
        before = np.cumsum(count) - count
        starts = (np.cumsum(self.lengths) - self.lengths)[rows]
        place = np.arange(count.sum()) + np.repeat(starts - before, count)
        return Words(self.vocabulary, self.codes[place], np.repeat(np.arange(len(rows)), count), len(rows))

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Words per row."""
        return np.bincount(self.rows, minlength=self.count)

    def joined(self, separator: str) -> pa.Array:
        """The words of each row as text."""
        words = self.vocabulary.text.take(pa.array(self.codes))
        offsets = pa.array(np.concatenate(([0], np.cumsum(self.lengths))), pa.int32())
        return pc.binary_join(pa.ListArray.from_arrays(offsets, words), separator)

    def first(self) -> pa.Array:
        """The first word of each row, "" where there is none."""
        starts = np.cumsum(self.lengths) - self.lengths
        some = self.lengths > 0
        codes = np.append(self.codes, 0)[starts]
        return pc.fill_null(self.vocabulary.text.take(pa.array(codes, mask=~some)), "")

    def marked(self) -> Mask:
        """Which rows have a word, not their first, that may say something of the share: most names have none."""
        found = np.zeros(self.count, np.bool_)
        later = np.append(False, self.rows[1:] == self.rows[:-1])[: len(self.rows)]
        found[self.rows[later & self.vocabulary.is_mark[self.codes]]] = True
        return found

    def only_first(self, count: npt.NDArray[np.int64]) -> "Words":
        """The first words of each row, as many as `count` says of it."""
        starts = np.cumsum(self.lengths) - self.lengths
        return self._kept(np.arange(len(self.rows)) - starts[self.rows] < count[self.rows])

    def ones(self) -> npt.NDArray[np.bool_]:
        """Which rows end in an `i`."""
        return self._rows_ending(self.vocabulary.is_one)

    def stumps(self, long: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Which rows end in what is left of a legal form that was cut, of the `long` ones."""
        return self._rows_ending(self.vocabulary.is_stump) & (self.lengths > 1) & long

    def without(self, last: npt.NDArray[np.bool_]) -> "Words":
        """Without the last word in some rows."""
        return self._kept(~(self._last & last[self.rows]))

    def once(self) -> "Words":
        """Names that begin again (`Brookfield Renewable Corporation Brookfield Renewable Corporation Class A`) said once.

        `Johnson & Johnson` does not begin again: one word is not enough, unless a legal form stands before it.
        """
        legal = self.vocabulary.is_legal[self.codes]
        starts = np.cumsum(self.lengths) - self.lengths
        again = np.flatnonzero((self.codes == self.codes[starts[self.rows]]) & (np.arange(len(self.codes)) > starts[self.rows]))
        keep = np.ones(len(self.codes), np.bool_)
        for place in again.tolist():
            row = self.rows[place]
            first, end = starts[row], starts[row] + self.lengths[row]
            enough = end - place > 1 or legal[place - 1]
            if enough and np.array_equal(self.codes[place:end], self.codes[first : first + end - place]):
                keep[place:end] = False
        return self._kept(keep)

    def without_endings(self) -> "Words":
        """Legal forms and a `the` at the end go, but never the last word that is left."""
        words = self
        while len(words.rows):
            drop = words._last & (words.lengths[words.rows] > 1) & words.vocabulary.is_ending[words.codes]
            if not drop.any():
                break
            words = words._kept(~drop)
        return words

    def hard(self, funds: npt.NDArray[np.bool_]) -> "Words":
        """Without soft words and legal forms, in rows where that leaves any; of funds with the places that they invest in."""
        plain = self.vocabulary.is_hard[self.codes] | (self.vocabulary.is_place[self.codes] & funds[self.rows])
        some = np.bincount(self.rows[plain], minlength=self.count) > 0
        return self._kept(plain | ~some[self.rows])

    def numbers(self, whole: npt.NDArray[np.bool_], maybe_one: npt.NDArray[np.bool_]) -> pa.Array:
        """The words of each row that are numbers, sorted and each once.

        An `i` is one at the end of a whole name only (`Acquisition I Corp`); `maybe_one` tells where it was taken for a stump.
        """
        found = np.full(self.count, "", dtype=object)
        found[maybe_one] = MAYBE_ONE
        is_one = self._last & whole[self.rows] & self.vocabulary.is_one[self.codes]
        numeric = self._kept(is_one | self.vocabulary.is_number[self.codes])
        for row, code in zip(numeric.rows.tolist(), numeric.codes.tolist(), strict=True):
            found[row] = " ".join(sorted({*found[row].split(), self.vocabulary.words[code]}))
        return pa.array(found, pa.string())

    @cached_property
    def _last(self) -> npt.NDArray[np.bool_]:
        return np.append(self.rows[1:] != self.rows[:-1], True)[: len(self.rows)]

    def _rows_ending(self, words: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        found = np.zeros(self.count, np.bool_)
        found[self.rows[self._last & words[self.codes]]] = True
        return found

    def _kept(self, mask: npt.NDArray[np.bool_]) -> "Words":
        return Words(self.vocabulary, self.codes[mask], self.rows[mask], self.count)
