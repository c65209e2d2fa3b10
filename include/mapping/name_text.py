"""Names as plain words: lower case, without accents, punctuation and the dots of initials. Columns in, columns out."""

import re
import unicodedata
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "'": None, "’": None, "´": None, "`": None, "&": " and "}
)
_INITIAL = re.compile(r"\b([a-z])\.(?=[a-z]\b|\s|$|,)")
_PERCENT = re.compile(r"([0-9.]+) ?%")
_FORMS = r"a s|s a|a b|a g|n v|b v|s p a|s e"
_SPACED_FORM = re.compile(rf"\b(?:{_FORMS})(?=$| )")


def plain_words(names: pa.Array) -> pa.Array:
    """Every name as words parted by single blanks; null and a name without letters and digits give "".

    What follows a slash at the end is the broker's note of a state or country (`UNIFIRST CORP/MA`), not the company's name.
    """
    text = pc.fill_null(names, "")
    text = _where(text, pc.invert(pc.string_is_ascii(text)), _folded)
    text = pc.ascii_lower(text)
    text = pc.replace_substring_regex(text, "['`]", "")
    text = pc.replace_substring(text, "&", " and ")
    text = _where(text, pc.match_substring(text, "%"), lambda one: _PERCENT.sub(r" pct \1 ", one))
    text = _where(text, pc.match_substring(text, "/"), _without_slashes)
    text = _where(text, pc.match_substring_regex(text, r"\b[a-z]\."), lambda one: _INITIAL.sub(r"\1", one))
    text = pc.ascii_trim(pc.replace_substring_regex(text, "[^a-z0-9]+", " "), " ")
    return _where(text, pc.match_substring_regex(text, rf"\b(?:{_FORMS})(?:$| )"), _joined_forms)


def _where(text: pa.Array, mask: pa.Array, change: Callable[[str], str]) -> pa.Array:
    """Apply a function to the few rows of a mask; most names need none of what is rare."""
    rows = np.flatnonzero(mask.to_numpy(zero_copy_only=False))
    if not len(rows):
        return text
    changed = pa.array([change(one) for one in text.take(pa.array(rows)).to_pylist()], pa.string())
    return pc.replace_with_mask(text, mask, changed)


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _without_slashes(text: str) -> str:
    text = re.sub(r"\s*/\s*[a-z]{2,}\s*$", "", text)
    return re.sub(r"\ba/s\b", "as", text)


def _joined_forms(text: str) -> str:
    return _SPACED_FORM.sub(lambda found: found[0].replace(" ", ""), text)
