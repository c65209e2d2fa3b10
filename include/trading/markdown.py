"""Markdown that reports are made of."""

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A Markdown table, or a dash where there is no row; bars inside cells are escaped."""
    if not rows:
        return ["–", ""]
    escaped = [[str("" if cell is None else cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(' --- ' for _ in head)}|"]
    return lines + [f"| {' | '.join(row)} |" for row in escaped] + [""]


def percent(share: object, digits: int = 2) -> str:
    """A share 0 to 1 as percent text; "" for None."""
    return "" if share is None else f"{float(str(share)) * 100:.{digits}f} %"
