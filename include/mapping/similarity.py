"""How alike the companies of two names are. The thresholds that use it are measured on real lists, see tests/mapping."""

from collections import Counter

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import fuzz
from rapidfuzz.distance import Prefix
from rapidfuzz.process import cpdist

from include.mapping.columns import Rows, mask, same
from include.mapping.names import Names, parse_names

Scores = npt.NDArray[np.float64]

SAME, SAME_HARD_WORDS, CONTAINED, OTHER_FIRST_WORD, OTHER_NUMBER = 100.0, 95.0, 85.0, 60.0, 50.0
_CUT_FROM = 16  # letters of the shorter name, before it may be the longer one cut off


def similarities(left: Names, left_rows: Rows, right: Names, right_rows: Rows) -> Scores:
    """How alike the companies of pairs of names are: 0 to 100, symmetric; 0 where one has no words.

    100 for the same words, however they are spaced (`Inter Parfums`, `INTERPARFUMS`) and also where one is the other cut off, as
    lists with short columns do (`OLLIE'S BARGAIN OUTLET HOLDI`); `Brookfield Renewable Corp` is not cut off, and not `Brookfield
    Renewable Partners`. Otherwise the better of the letters in order and of the words one by one. Where only a number tells two
    apart (`Capital Corp V`, `VII`) they are two: 50. A name whose words are all in the other (`Acuity`, `Acuity Brands`) gets at
    least 85. What companies share is often the last word (`... Therapeutics`), what tells them apart the first: where that
    differs, 60 at most.
    """
    scores = np.full(len(left_rows), np.nan)
    scores[same(left.squeezed, left_rows, right.squeezed, right_rows)] = SAME
    scores[left.is_empty[left_rows] | right.is_empty[right_rows]] = 0.0
    rows = np.flatnonzero(np.isnan(scores))
    if len(rows):
        scores[rows] = _of_different(left.take(left_rows[rows]), right.take(right_rows[rows]))
    return scores


def similarity(left: str, right: str) -> float:
    """`similarities` of two names."""
    row = np.zeros(1, np.int64)
    return float(similarities(parse_names([left]), row, parse_names([right]), row)[0])


def _of_different(left: Names, right: Names) -> Scores:
    """Of names whose words differ."""
    numbered = pc.and_(pc.not_equal(left.numbers, ""), pc.not_equal(right.numbers, ""))
    other_number = mask(pc.and_(numbered, pc.not_equal(left.numbers, right.numbers)))
    scores = np.full(len(left), OTHER_NUMBER)
    rows = np.flatnonzero(~other_number)
    if len(rows):
        scores[rows] = _by_letters(left.take(rows), right.take(rows))
    return scores


def _by_letters(left: Names, right: Names) -> Scores:
    one, two = left.squeezed.to_pylist(), right.squeezed.to_pylist()
    lengths = _lengths(left.squeezed), _lengths(right.squeezed)
    shorter_is_left = lengths[0] <= lengths[1]
    whole = np.where(shorter_is_left, left.is_whole, right.is_whole)
    least = np.minimum(*lengths)
    is_cut = (least >= _CUT_FROM) & (cpdist(one, two, scorer=Prefix.similarity, workers=-1) == least) & ~whole
    hard, others = left.hard.to_pylist(), right.hard.to_pylist()
    contained = cpdist(hard, others, scorer=fuzz.token_set_ratio, workers=-1) == 100  # or says one word twice
    contained[contained] = [_contained(hard[row], others[row]) for row in np.flatnonzero(contained)]
    ratio = cpdist(one, two, scorer=fuzz.ratio, workers=-1)
    words = cpdist(hard, others, scorer=fuzz.token_sort_ratio, workers=-1)
    scores = np.maximum(np.maximum(ratio, words), np.where(contained, CONTAINED, 0.0)).astype(np.float64)
    first = cpdist(left.first.to_pylist(), right.first.to_pylist(), scorer=fuzz.ratio, workers=-1)
    scores = np.where(~contained & (first < 75), np.minimum(scores, OTHER_FIRST_WORD), scores)
    same_hard = mask(pc.equal(left.hard, right.hard))
    found: Scores = np.round(np.select([is_cut, same_hard], [SAME, SAME_HARD_WORDS], scores), 1)
    return found


def _contained(one: str, other: str) -> bool:
    """Whether the fewer words are all among the others (`Johnson & Johnson` says one twice: it is not in `Johnson Controls`)."""
    fewer, more = sorted((one.split(), other.split()), key=len)
    return Counter(fewer) <= Counter(more) and len("".join(fewer)) >= 4


def _lengths(column: pa.Array) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = pc.utf8_length(column).to_numpy().astype(np.int64)
    return found
