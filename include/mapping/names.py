"""Company names: what of them identifies the company, and what says which form of its shares this is.

Sources cut names (`Ingredion Incorporated Common S`), brokers shout and abbreviate (`NEW WAVE GROUP AB -B SHS`), and lists add
the form (`Class A Ordinary Shares`, `American Depositary Shares`). `parse_names` takes whole columns apart: the words that
identify the company, the form (`ordinary`, `depositary`, `warrant` ...) and the share class (`A`). Forms and classes are never
noise: an ADR is another instrument.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.mapping import name_words
from include.mapping.columns import mask
from include.mapping.name_text import plain_words
from include.mapping.name_words import FORMS, Form
from include.mapping.words import Words

# Lists with short columns cut names from here on (IBKR's after 28 characters, exports' after 31).
SHORTEST_CUT = 24
SHORTEST_STUMP = 14
_ANY_FORM = "|".join(f"(?:{pattern})" for _, pattern in FORMS)
_FORM_CODES = {form: code for code, form in enumerate(Form)}
_ROOM_MADE = [_FORM_CODES[form] for form in (Form.DEPOSITARY, Form.PREFERRED, Form.DEBT)]  # of blank cheques all words count


@dataclass(frozen=True)
class Names:
    """Names taken apart, one row each.

    Attributes:
        full: Every word, lower case, without accents and punctuation; legal form and description included.
        words: Those that identify the company, in order; none only where the name has no letters or digits at all.
        squeezed: `words` as text without blanks.
        is_empty: Whether there are none.
        hard_words: Those of `words` that are neither soft nor a legal form; all of them where none is left.
        numbers: Those of `hard_words` that are numbers, sorted; mostly "". An `i` that may as well be the rest of `Inc` is `i?`.
        share_class: `A`, `B` ... where the name says so, else null.
        form: Code of the `Form` (position in the enumeration).
        is_fund: Whether the name says that this is an exchange-traded product.
        is_whole: Something followed the company's words (a legal form, the share), so that they cannot have been cut off.
        may_be_cut: Words may be missing at the end: `INVESCO TRUST FOR INVESTMENT` is the beginning of many names.
        leaves_out: Words may be missing before the form: short columns make room for it (`TEVA PHARMACEUTICAL-SP ADR`).
    """

    full: pa.Array
    words: Words
    squeezed: pa.Array
    hard_words: Words
    numbers: pa.Array
    share_class: pa.Array
    form: npt.NDArray[np.int8]
    is_empty: npt.NDArray[np.bool_]
    is_fund: npt.NDArray[np.bool_]
    is_whole: npt.NDArray[np.bool_]
    may_be_cut: npt.NDArray[np.bool_]
    leaves_out: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.full)

    def take(self, rows: npt.NDArray[np.intp]) -> "Names":
        """The names of some rows, in their order; a row may be asked for several times."""
        found: dict[str, Any] = {}
        for field in fields(self):
            column = getattr(self, field.name)
            if isinstance(column, np.ndarray):
                found[field.name] = column[rows]
            else:
                found[field.name] = column.take(rows if isinstance(column, Words) else pa.array(rows))
        return Names(**found)

    @cached_property
    def core(self) -> pa.Array:
        """`words` as text; like the next two for the few names that are looked at so closely."""
        return self.words.joined(" ")

    @cached_property
    def hard(self) -> pa.Array:
        """`hard_words` as text."""
        return self.hard_words.joined(" ")

    @cached_property
    def first(self) -> pa.Array:
        """The first of `hard_words`."""
        return self.hard_words.first()

    def form_of(self, row: int) -> Form:
        """The form of one row."""
        return list(Form)[int(self.form[row])]


def parse_names(names: Iterable[str | None] | pa.Array) -> Names:
    """Take names apart. Null counts as "": no words, form `ordinary`, no class."""
    column = names if isinstance(names, pa.Array) else pa.array(list(names), pa.string())
    full = plain_words(column)
    all_words = Words.split(full)
    marked = all_words.marked()
    share = _share(full.filter(pa.array(marked)))
    is_fund, is_of_fund = (_spread(marked, column) for column in (share.is_fund, share.is_of_fund))
    form = np.full(len(full), _FORM_CODES[Form.ORDINARY], np.int8)
    form[marked] = share.form
    share_class = pc.replace_with_mask(pa.nulls(len(full), pa.string()), pa.array(marked), share.share_class)
    kept = all_words.lengths.copy()
    kept[marked] = pc.list_value_length(pc.split_pattern(share.company, " ")).to_numpy()
    written = all_words.only_first(kept)
    length = pc.binary_length(full).to_numpy()
    stump = written.stumps(length >= SHORTEST_STUMP)
    words = written.without(stump).once().without_endings()
    hard = words.hard(is_of_fund)
    is_empty = words.lengths == 0
    is_whole = ~is_empty & (words.lengths + stump < all_words.lengths)
    return Names(
        full=full,
        words=words,
        squeezed=words.joined(""),
        hard_words=hard,
        numbers=hard.numbers(is_whole, written.ones() & stump),
        share_class=share_class,
        form=form,
        is_empty=is_empty,
        is_fund=is_fund,
        is_whole=is_whole,
        may_be_cut=(length >= SHORTEST_CUT) & ~is_whole,
        leaves_out=(length >= SHORTEST_CUT) & np.isin(form, _ROOM_MADE),
    )


@dataclass(frozen=True)
class _Share:
    """What names say of the share, and the words before that."""

    company: pa.Array
    form: npt.NDArray[np.int8]
    share_class: pa.Array
    is_fund: npt.NDArray[np.bool_]
    is_of_fund: npt.NDArray[np.bool_]


def _share(full: pa.Array) -> _Share:
    is_fund = _has(full, name_words.FUND)
    form = _forms(full)
    form[is_fund | _holds_preferred(full)] = _FORM_CODES[Form.ORDINARY]
    classes = pc.extract_regex(pc.replace_substring(full, name_words.ARTICLE, " in"), name_words.SHARE_CLASS)
    letters = [pc.fill_null(pc.struct_field(classes, name), "") for name in ("worded", "before", "last")]
    letter = pc.ascii_upper(pc.binary_join_element_wise(*letters, ""))
    return _Share(
        company=pc.replace_substring_regex(full, name_words.DESCRIPTION, ""),
        form=form,
        share_class=pc.if_else(pc.equal(letter, ""), pa.scalar(None, pa.string()), letter),
        is_fund=is_fund,
        is_of_fund=_has(full, name_words.ANY_FUND),
    )


def _spread(where: npt.NDArray[np.bool_], some: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    found = np.zeros(len(where), np.bool_)
    found[where] = some
    return found


def _forms(full: pa.Array) -> npt.NDArray[np.int8]:
    found = np.full(len(full), _FORM_CODES[Form.ORDINARY], np.int8)
    rows = np.flatnonzero(_has(full, _ANY_FORM))  # most names are plain
    some = full.take(pa.array(rows))
    units_hidden = pc.replace_substring_regex(some, name_words.PLAIN_UNITS, r"\1unit")
    for form, pattern in reversed(FORMS):  # the first that fits decides
        found[rows[_has(units_hidden if form is Form.UNIT else some, pattern)]] = _FORM_CODES[form]
    return found


def _holds_preferred(full: pa.Array) -> npt.NDArray[np.bool_]:
    """Which names are of funds that hold preferred stock."""
    found = mask(pc.match_substring(full, " preferred "))
    some = full.filter(pa.array(found))
    hidden = pc.replace_substring_regex(some, name_words.PREFERRED_SHARES, r" preferred\1")
    found[found] = _has(hidden, name_words.FUND_HOLDING_PREFERRED)
    return found


def _has(text: pa.Array, pattern: str) -> npt.NDArray[np.bool_]:
    return mask(pc.match_substring_regex(text, pattern))
