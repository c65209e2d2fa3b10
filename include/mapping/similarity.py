"""How alike the companies of two names are. The thresholds that use it are measured on real lists, see tests/mapping."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import fuzz
from rapidfuzz.distance import Prefix
from rapidfuzz.process import cpdist

from include.mapping.columns import Mask, Rows, mask, same
from include.mapping.names import MAYBE_ONE, Names, parse_names

Scores = npt.NDArray[np.float64]

SAME, SAME_HARD_WORDS, SAME_WORDS, LEFT_OUT = 100.0, 95.0, 90.0, 90.0
FEWER_WORDS, OTHER_WORDS, OTHER_NUMBER = 65.0, 60.0, 50.0
_ONE_WORD_MIN = 80.0  # letters of a word that two spellings share
_CUT_FROM = 16  # letters of the shorter name, before it may be the longer one cut off
_LEAST_ABBREVIATED = 8  # letters and blanks


def similarities(left: Names, left_rows: Rows, right: Names, right_rows: Rows) -> Scores:
    """How alike the companies of pairs of names are: 0 to 100, symmetric; 0 where one has no words.

    100 for the same words, however they are spaced (`Inter Parfums`, `INTERPARFUMS`) and also where one is the other cut off, as
    lists with short columns do (`OLLIE'S BARGAIN OUTLET HOLDI`); `Brookfield Renewable Corp` is not cut off, and not `Brookfield
    Renewable Partners`. 90 where one abbreviates every word of the other (`M&M Fin Services`). Otherwise the better of the letters
    in order and of the words one by one, with three ends to it. Where a number tells two apart (`Capital Corp V`, `VII`, or none)
    they are two: 50. What companies share is often the last word (`... Therapeutics`), what tells them apart the first: where that
    differs, 60 at most. A name that has words besides all of the other's (`Biohaven`, `Biohaven Pharmaceutical`) is a company
    renamed, or its successor under the same symbol: 65 at most, which no symbol makes plausible.
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
    scores = np.full(len(left), OTHER_NUMBER)
    rows = np.flatnonzero(~_other_number(left, right))
    if len(rows):
        scores[rows] = _by_letters(left.take(rows), right.take(rows))
    return scores


def _other_number(left: Names, right: Names) -> Mask:
    """Whether a number tells them apart; not where the one without may be cut, or what is told may be no number."""
    none = mask(pc.equal(left.numbers, "")), mask(pc.equal(right.numbers, ""))
    maybe = mask(pc.equal(left.numbers, MAYBE_ONE)), mask(pc.equal(right.numbers, MAYBE_ONE))
    one = mask(pc.equal(left.numbers, "i")), mask(pc.equal(right.numbers, "i"))
    unknown = (none[0] & left.may_be_cut) | (none[1] & right.may_be_cut)
    unknown |= (maybe[0] & (none[1] | one[1])) | (maybe[1] & (none[0] | one[0]))
    return mask(pc.not_equal(left.numbers, right.numbers)) & ~unknown


def _by_letters(left: Names, right: Names) -> Scores:
    one, two = left.squeezed.to_pylist(), right.squeezed.to_pylist()
    lengths = _lengths(left.squeezed), _lengths(right.squeezed)
    whole = np.where(lengths[0] <= lengths[1], left.is_whole, right.is_whole)
    least = np.minimum(*lengths)
    is_cut = (least >= _CUT_FROM) & (cpdist(one, two, scorer=Prefix.similarity, workers=-1) == least) & ~whole
    hard, others = left.hard.to_pylist(), right.hard.to_pylist()
    ratio = cpdist(one, two, scorer=fuzz.ratio, workers=-1)
    words = cpdist(hard, others, scorer=fuzz.token_sort_ratio, workers=-1)
    scores = np.maximum(ratio, words).astype(np.float64)
    first = cpdist(left.first.to_pylist(), right.first.to_pylist(), scorer=fuzz.ratio, workers=-1)
    scores = np.where(first < 75, np.minimum(scores, OTHER_WORDS), scores)
    scores = np.where(words == 100, SAME_WORDS, scores)
    same_hard = mask(pc.equal(left.hard, right.hard))
    scores = np.select([is_cut, same_hard], [SAME, SAME_HARD_WORDS], scores)
    rows = np.flatnonzero((scores < SAME_WORDS) | (~is_cut & ~same_hard & (words < 100)))
    cores = left.core.to_pylist(), right.core.to_pylist()
    leaves_out = left.leaves_out, right.leaves_out
    for row in rows.tolist():
        most = most_of_words(hard[row], others[row], bool(leaves_out[0][row]), bool(leaves_out[1][row]))
        if most == LEFT_OUT or abbreviates(cores[0][row], cores[1][row]) or abbreviates(hard[row], others[row]):
            scores[row] = LEFT_OUT
        else:
            scores[row] = min(scores[row], most)
    return np.round(scores, 1)


def abbreviates(one: str, other: str) -> bool:
    """Whether one name is the other with words shortened to their first letters, or several words to their initials.

    No word of either may be left over: `m and m fin services` is `mahindra mahindra financial services`, `adani port sez` is `adani
    ports special economic zone`. Two names that say no more than initials are not enough to go by.
    """
    if one[0] != other[0]:
        return False
    short, long = sorted((one, other), key=len)
    return len(short) >= _LEAST_ABBREVIATED and _covers(tuple(short.split()), tuple(long.split()))


def _covers(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    if not short or not long:
        return not short and not long
    word = short[0]
    if (long[0].startswith(word) or word.startswith(long[0])) and _covers(short[1:], long[1:]):
        return True
    initials = "".join(each[0] for each in long[: len(word)])
    return len(word) > 1 and initials == word and _covers(short[1:], long[len(word) :])


def most_of_words(one: str, other: str, one_leaves_out: bool = False, other_leaves_out: bool = False) -> float:
    """The most that two names can score by what words each has and the other has not; spelling and shortening aside.

    `Johnson & Johnson` says one word twice: it is not all in `Johnson Controls`. Where the fewer words are those of a list that makes
    room for the form, what is missing says nothing.
    """
    rest = other.split()
    more = []
    for word in one.split():
        near = next((each for each in rest if _one_word(word, each)), None)
        if near is None:
            more.append(word)
        else:
            rest.remove(near)
    if more and rest:
        return OTHER_WORDS
    if not more and not rest:
        return SAME
    return LEFT_OUT if (one_leaves_out and rest) or (other_leaves_out and more) else FEWER_WORDS


def _one_word(one: str, other: str) -> bool:
    """The same word, or one shortened, or spelled otherwise; of short words every letter counts (`DAX`, `MDAX`)."""
    short, long = sorted((one, other), key=len)
    return (
        (len(short) >= 3 and long.startswith(short))
        or (len(short) >= 5 and fuzz.ratio(one, other) >= _ONE_WORD_MIN)
        or one == other
    )


def _lengths(column: pa.Array) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = pc.utf8_length(column).to_numpy().astype(np.int64)
    return found
