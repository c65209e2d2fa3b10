"""Names as plain words: lower case, without accents, punctuation and the dots of initials. Columns in, columns out."""

import re
import unicodedata
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_SPELLED: dict[str, str | None] = {
    **dict(zip("øłđðı", "olddi", strict=True)),
    **dict.fromkeys("ʻʼ'’´`"),
    **{"æ": "ae", "œ": "oe", "þ": "th", "&": " and "},
}
_LETTERS = str.maketrans(_SPELLED)
_INITIAL = re.compile(r"\b([a-z])\.(?=[a-z]\b|\s|$|,)")
_RARE = r"['`&%/]|\b[A-Za-z]\."
_BYTES = np.full(256, ord(" "), np.uint8)
_BYTES[list(b"0123456789abcdefghijklmnopqrstuvwxyz")] = list(b"0123456789abcdefghijklmnopqrstuvwxyz")
_BYTES[list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")] = list(b"abcdefghijklmnopqrstuvwxyz")
_PERCENT = re.compile(r"([0-9.]+) ?%")
_FORMS = r"a s|s a|a b|a g|n v|b v|s p a|s e"
_JOINED = re.compile(r"\b(ultra|ult|un)(short|shrt|pro|hedged)\b")  # what makes it the opposite is a word of its own
_SPACED_FORM = re.compile(rf"\b(?:{_FORMS})(?=$| )")
_REJOINED = rf"{_JOINED.pattern}|\b(?:{_FORMS})(?:$| )"


def plain_words(names: pa.Array) -> pa.Array:
    """Every name as words parted by single blanks; null and a name without letters and digits give "".

    What follows a slash at the end is the broker's note of a state or country (`UNIFIRST CORP/MA`), not the company's name.
    """
    text = pc.fill_null(names, "")
    text = _where(text, pc.invert(pc.string_is_ascii(text)), _folded)
    text = _where(text, pc.match_substring_regex(text, _RARE), _without_marks)
    text = _letters_and_digits(text)
    return _where(text, pc.match_substring_regex(text, _REJOINED), _rejoined)


def _letters_and_digits(text: pa.Array) -> pa.Array:
    """Lower case, and one blank for all that stands between ASCII letters and digits: one look into a table per byte."""
    ends = np.cumsum(pc.binary_length(text).to_numpy())
    data = pa.concat_arrays([text]).buffers()[2]  # without an offset of its own
    if not len(ends) or not ends[-1] or data is None:
        return text
    plain = _BYTES[np.frombuffer(data, np.uint8)[: ends[-1]]]
    blank = plain == ord(" ")
    dropped = blank & np.append(blank[1:], True)  # of several the last stays, before a word
    last = ends[ends > 0] - 1
    dropped[last] = blank[last]
    offsets = np.concatenate(([0], np.cumsum(~dropped, dtype=np.int32)[ends - 1] * (ends > 0))).astype(np.int32)
    words = pa.StringArray.from_buffers(len(text), pa.py_buffer(offsets), pa.py_buffer(plain[~dropped]))
    return pc.ascii_ltrim(words, " ")


def _where(text: pa.Array, mask: pa.Array, change: Callable[[str], str]) -> pa.Array:
    """Apply a function to the few rows of a mask; most names need none of what is rare."""
    rows = np.flatnonzero(mask.to_numpy(zero_copy_only=False))
    if not len(rows):
        return text
    changed = pa.array([change(one) for one in text.take(pa.array(rows)).to_pylist()], pa.string())
    return pc.replace_with_mask(text, mask, changed)


def _folded(text: str) -> str:
    """Without accents; "" where letters of another script are left, without which other companies have the name's rest."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return "" if any(letter.isalpha() and not letter.isascii() for letter in plain) else plain


def _without_marks(text: str) -> str:
    text = text.lower().replace("'", "").replace("`", "").replace("&", " and ")
    text = _PERCENT.sub(r" pct \1 ", text)
    text = re.sub(r"\s*/\s*[a-z]{2,}\s*$", "", text)
    text = re.sub(r"\ba/s\b", "as", text)
    return _INITIAL.sub(r"\1", text)


def _rejoined(text: str) -> str:
    return _SPACED_FORM.sub(lambda found: found[0].replace(" ", ""), _JOINED.sub(r"\1 \2", text))
