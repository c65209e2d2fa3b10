"""How alike the companies of two names are. The thresholds that use it are measured on real lists, see tests/mapping."""

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import fuzz
from rapidfuzz.distance import Prefix
from rapidfuzz.process import cpdist

from include.mapping.columns import Mask, Rows, mask, same
from include.mapping.names import Names, parse_names
from include.mapping.words import MAYBE_ONE

Scores = npt.NDArray[np.float64]

SAME, SAME_HARD_WORDS, SAME_WORDS, LEFT_OUT = 100.0, 95.0, 90.0, 90.0
FEWER_WORDS, OTHER_WORDS, OTHER_NUMBER = 65.0, 60.0, 50.0
_ONE_WORD_MIN = 86.0  # letters of a word that two spellings share
_ONE_LETTER_MIN = 80.0  # of words that begin alike and are equally long (`Gremz`, `Glemz`)
_CUT_FROM = 16  # letters of the shorter name, before it may be the longer one cut off
_CLASS_MARK = 2  # letters of a fund's class, which lists leave out (`UCITS ETF 1C`)
_DIGIT = re.compile(r"\d")
_LEAST_ABBREVIATED = 8  # letters and blanks
_SHORTENED_FROM = 5  # letters of a word


def similarities(left: Names, left_rows: Rows, right: Names, right_rows: Rows, least: float = 0.0) -> Scores:
    """How alike the companies of pairs of names are: 0 to 100, symmetric; 0 where one has no words.

    Args:
        left / right: Names.
        left_rows / right_rows: Which of them are compared.
        least: Scores below it need not be exact.

    100 for the same words, however they are spaced (`Inter Parfums`, `INTERPARFUMS`) and also where one is the other cut off, as
    lists with short columns do (`OLLIE'S BARGAIN OUTLET HOLDI`); `Brookfield Renewable Corp` is not cut off, and not `Brookfield
    Renewable Partners`. 90 where one abbreviates every word of the other (`M&M Fin Services`), or has the same words in another
    order. Otherwise the better of the letters in order and of the words one by one, with three ends to it. Where a number tells
    two apart (`Capital Corp V`, `VII`, or none) they are two: 50. What companies share is often the last word (`...
    Therapeutics`), what tells them apart the first, or one word each: 60 at most. A name that has all the words of the other and
    more (`Biohaven`, `Biohaven Pharmaceutical`) is a company renamed, or its successor under the same symbol: 65 at most, which
    no symbol makes plausible.
    """
    scores = np.full(len(left_rows), np.nan)
    scores[same(left.squeezed, left_rows, right.squeezed, right_rows)] = SAME
    scores[left.is_empty[left_rows] | right.is_empty[right_rows]] = 0.0
    rows = np.flatnonzero(np.isnan(scores))
    other = _other_number(left, left_rows[rows], right, right_rows[rows])
    scores[rows[other]] = OTHER_NUMBER
    rows = rows[~other]
    if len(rows):
        scores[rows] = _by_letters(left.take(left_rows[rows]), right.take(right_rows[rows]), least)
    return scores


def similarity(left: str, right: str) -> float:
    """`similarities` of two names."""
    row = np.zeros(1, np.int64)
    return float(similarities(parse_names([left]), row, parse_names([right]), row)[0])


def _other_number(left: Names, left_rows: Rows, right: Names, right_rows: Rows) -> Mask:
    """Whether a number tells them apart; not where the one without may be cut, or what is told may be no number."""
    ours, theirs = left.numbers.take(pa.array(left_rows)), right.numbers.take(pa.array(right_rows))
    differ = mask(pc.not_equal(ours, theirs))
    rows = np.flatnonzero(differ)  # few
    ours, theirs = ours.take(pa.array(rows)), theirs.take(pa.array(rows))
    none, maybe, one = ([mask(pc.equal(told, word)) for told in (ours, theirs)] for word in ("", MAYBE_ONE, "i"))
    unknown = (none[0] & left.may_be_cut[left_rows[rows]]) | (none[1] & right.may_be_cut[right_rows[rows]])
    unknown |= (maybe[0] & (none[1] | one[1])) | (maybe[1] & (none[0] | one[0]))
    differ[rows[unknown]] = False
    return differ


def _by_letters(left: Names, right: Names, least: float) -> Scores:
    one, two = left.squeezed.to_pylist(), right.squeezed.to_pylist()
    lengths = _lengths(left.squeezed), _lengths(right.squeezed)
    may_be_cut = np.where(lengths[0] <= lengths[1], left.may_be_cut, right.may_be_cut)
    shorter, longer = np.minimum(*lengths), np.maximum(*lengths)
    shared = cpdist(one, two, scorer=Prefix.similarity, workers=-1)
    short_of_class = ~np.where(lengths[0] <= lengths[1], left.is_whole, right.is_whole) & (longer - shorter <= _CLASS_MARK)
    is_cut = (shorter >= _CUT_FROM) & (shared == shorter) & (may_be_cut | short_of_class)
    hard, others = left.hard.to_pylist(), right.hard.to_pylist()
    ratio = cpdist(one, two, scorer=fuzz.ratio, workers=-1)
    words = cpdist(hard, others, scorer=fuzz.token_sort_ratio, workers=-1)
    scores = np.maximum(ratio, words).astype(np.float64)
    firsts = left.first.to_pylist(), right.first.to_pylist()
    first = cpdist(*firsts, scorer=fuzz.ratio, workers=-1)
    scores = np.where(first < 75, np.minimum(scores, OTHER_WORDS), scores)
    scores = np.where(words == 100, SAME_WORDS, scores)
    same_hard = mask(pc.equal(left.hard, right.hard))
    scores = np.select([is_cut, same_hard], [SAME, SAME_HARD_WORDS], scores)
    told = is_cut | same_hard | (words == 100)
    begin = cpdist(*firsts, scorer=Prefix.similarity, workers=-1)
    may_rise = ((begin > 0) | (shared > 0) | left.leaves_out | right.leaves_out) & (least <= LEFT_OUT)
    rows = np.flatnonzero(~told & ((scores >= max(FEWER_WORDS, least)) | may_rise))
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

    No word of either may be left over: `m and m fin services` is `mahindra and mahindra financial services`, `adani port sez` is
    `adani ports special economic zone`. Two names that say no more than initials are not enough to go by, nor are two that differ
    in the first word only (`ABB India`, `Abbott India`), or in a short one (bonds rated `BB`, `BBB`).
    """
    if one[0] != other[0]:
        return False
    short, long = (tuple(name.split()) for name in sorted((one, other), key=len))
    return min(len(one), len(other)) >= _LEAST_ABBREVIATED and not _one_tells(short, long) and _covers(short, long)


def _one_tells(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """Whether they differ in one word, which nobody would shorten: the first, or one that is short anyway."""
    differing = [place for place, (one, other) in enumerate(zip(short, long, strict=False)) if one != other]
    if len(short) != len(long) or len(differing) != 1:
        return False
    place = differing[0]
    return place == 0 or max(len(short[place]), len(long[place])) < _SHORTENED_FROM


def _covers(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """Whether the short words, one after the other, can stand for all of the long ones."""
    reached = {0}  # how many of the long words the short ones so far can stand for
    for word in short:
        reached = {end for start in reached for end in _ends(word, long, start)}
        if not reached:
            return False
    return len(long) in reached


def _ends(word: str, long: tuple[str, ...], start: int) -> Iterator[int]:
    """Up to where a word can stand for the long words from `start` on: one that begins alike, or several by their initials."""
    if start == len(long) or long[start][0] != word[0]:
        return
    if long[start].startswith(word) or word.startswith(long[start]):
        yield start + 1
    initials = "".join(each[0] for each in long[start : start + len(word)])
    if len(word) > 1 and word != long[start] and initials == word:
        yield start + len(word)


def most_of_words(one: str, other: str, one_leaves_out: bool = False, other_leaves_out: bool = False) -> float:
    """The most that two names can score by what words each has and the other has not; spelling and shortening aside.

    `Johnson & Johnson` says one word twice: it is not all in `Johnson Controls`. Where the fewer words are those of a list that
    makes room for the form, what is missing says nothing.
    """
    words, rest = one.split(), other.split()
    several = len(words) > 1 or len(rest) > 1  # a company of one word is called by all of it (`Dana`, `Danaos`)
    more = []
    for word in words:
        near = next((each for each in rest if _one_word(word, each, several)), None)
        if near is None:
            more.append(word)
        else:
            rest.remove(near)
    if more and rest:
        return OTHER_WORDS
    if not more and not rest:
        return SAME
    return LEFT_OUT if (one_leaves_out and rest) or (other_leaves_out and more) else FEWER_WORDS


def _one_word(one: str, other: str, may_be_shortened: bool) -> bool:
    """The same word, or one shortened, or spelled otherwise; of short words every letter counts (`DAX`, `MDAX`).

    Words with digits are never spelled otherwise (`Buffer10`, `Buffer20`).
    """
    short, long = sorted((one, other), key=len)
    if one == other:
        return True
    if _DIGIT.search(one + other):
        return False
    alike = one[0] == other[0] and len(one) == len(other)
    return (may_be_shortened and len(short) >= 3 and long.startswith(short)) or (
        len(short) >= 5 and fuzz.ratio(one, other) >= (_ONE_LETTER_MIN if alike else _ONE_WORD_MIN)
    )


def _lengths(column: pa.Array) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = pc.utf8_length(column).to_numpy().astype(np.int64)
    return found
