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
_RARE = r"['`&%/]|\b[A-Za-z]\."
_BYTES = np.full(256, ord(" "), np.uint8)
_BYTES[list(b"0123456789abcdefghijklmnopqrstuvwxyz")] = list(b"0123456789abcdefghijklmnopqrstuvwxyz")
_BYTES[list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")] = list(b"abcdefghijklmnopqrstuvwxyz")
_PERCENT = re.compile(r"([0-9.]+) ?%")
_FORMS = r"a s|s a|a b|a g|n v|b v|s p a|s e"
_SPACED_FORM = re.compile(rf"\b(?:{_FORMS})(?=$| )")


def plain_words(names: pa.Array) -> pa.Array:
    """Every name as words parted by single blanks; null and a name without letters and digits give "".

    What follows a slash at the end is the broker's note of a state or country (`UNIFIRST CORP/MA`), not the company's name.
    """
    text = pc.fill_null(names, "")
    text = _where(text, pc.invert(pc.string_is_ascii(text)), _folded)
    text = _where(text, pc.match_substring_regex(text, _RARE), _without_marks)
    text = _letters_and_digits(text)
    text = _where(text, pc.match_substring(text, "  "), lambda one: " ".join(one.split()))
    text = pc.ascii_trim(text, " ")
    return _where(text, pc.match_substring_regex(text, rf"\b(?:{_FORMS})(?:$| )"), _joined_forms)


def _letters_and_digits(text: pa.Array) -> pa.Array:
    """Lower case, and a blank for every byte that is no ASCII letter or digit: by one look into a table per byte."""
    text = pa.concat_arrays([text])  # without an offset of its own
    valid, offsets, data = text.buffers()
    if data is None:
        return text
    plain = pa.py_buffer(_BYTES[np.frombuffer(data, np.uint8)])
    return pa.StringArray.from_buffers(len(text), offsets, plain, valid)


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


def _without_marks(text: str) -> str:
    text = text.lower().replace("'", "").replace("`", "").replace("&", " and ")
    text = _PERCENT.sub(r" pct \1 ", text)
    text = re.sub(r"\s*/\s*[a-z]{2,}\s*$", "", text)
    text = re.sub(r"\ba/s\b", "as", text)
    return _INITIAL.sub(r"\1", text)


def _joined_forms(text: str) -> str:
    return _SPACED_FORM.sub(lambda found: found[0].replace(" ", ""), text)
