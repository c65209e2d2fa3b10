"""Identity numbers of instruments, checked and in one spelling, and the key under which the project knows an instrument.

ISIN (ISO 6166), CUSIP (ANSI X9.6) and FIGI (ANSI X9.145) carry a check digit: a number whose digit is wrong is no identity. Texts
that stand for "unknown" (`null`, `n/a`, "") pass no check and come back as None, like every other text that is no such number.
"""

# stdnum is imported where it is used: files that Airflow parses every few seconds reach this module.

# CUSIP Global Services numbers these countries' securities; their ISINs are country, CUSIP and a check digit.
_CUSIP_COUNTRIES = frozenset({"US", "CA"})


def isin(text: str | None) -> str | None:
    """An ISIN without blanks, in capitals; None for anything else.

    A FIGI is none, though one in ten would pass: `BBG` reads as Barbados, and the check digits may agree.
    """
    from stdnum import isin as number

    found = str(number.compact(text)) if text and text.isascii() and number.is_valid(text) else None
    return None if found and found[2] == "G" and figi(found) else found


def cusip(text: str | None) -> str | None:
    """A CUSIP, nine characters, without blanks, in capitals; None for anything else, also for nine zeros (a list's "none")."""
    from stdnum import cusip as number

    found = str(number.compact(text)) if text and text.isascii() and number.is_valid(text) else None
    return found if found and found.strip("0") else None


def figi(text: str | None) -> str | None:
    """A FIGI, of a listing, a country's composite or a share class (the number does not tell which); None for anything else."""
    from stdnum import figi as number

    return str(number.compact(text)) if text and text.isascii() and number.is_valid(text) else None


def cusip_of(text: str | None) -> str | None:
    """The CUSIP inside an American or Canadian ISIN (`US0378331005` holds `037833100`); None for others and for no ISIN."""
    found = isin(text)
    return cusip(found[2:11]) if found and found[:2] in _CUSIP_COUNTRIES else None


def isin_of_cusip(text: str | None, country: str) -> str | None:
    """The ISIN that a country's CUSIP makes.

    Args:
        text: A CUSIP.
        country: `US` or `CA`: the CUSIP itself does not tell. Foreign issuers' CUSIPs (CINS, which begin with a letter) are no
            part of any ISIN.

    Returns:
        None for another country, for no CUSIP, for a CINS and for private placements' `*`, `@` and `#`, which no ISIN may hold.
    """
    from stdnum import isin as number

    found = cusip(text)
    if not found or country not in _CUSIP_COUNTRIES or not found[0].isdigit() or not found.isalnum():
        return None
    return isin(number.from_natid(country, found))


def instrument_id(
    *,
    isin: str | None = None,
    share_class_figi: str | None = None,
    figi: str | None = None,
    cusip: str | None = None,
    pair: str | None = None,
    ticker: str | None = None,
) -> str:
    """The project's key of an instrument: its strongest identity with the kind in front (`isin:US0378331005`, `pair:BTC/USD`).

    Args:
        isin: Valid, as all numbers here: nothing is checked again. None or "" for unknown ones.
        share_class_figi: The same in every country.
        figi: Of the listing or its composite.
        cusip: Of an American or Canadian security.
        pair: `<BASE>/<QUOTE>` of a crypto or currency pair.
        ticker: As the source wrote it; what is left where nothing identifies the instrument.

    Raises:
        ValueError: Nothing is given.
    """
    keys = (("isin", isin), ("figi", share_class_figi), ("figi", figi), ("cusip", cusip), ("pair", pair), ("ticker", ticker))
    for kind, value in keys:
        if value:
            return f"{kind}:{value}"
    raise ValueError("expected an identity or a ticker")
