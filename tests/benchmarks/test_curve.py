from xml.etree import ElementTree

import pytest

from benchmarks.curve import exponent, picture

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("points", "slope"), [({1: 2.0, 2: 4.0, 4: 8.0}, 1.0), ({10: 1.0, 20: 4.0}, 2.0), ({1: 3.0, 8: 3.0}, 0.0)]
)
def test_the_exponent_is_the_slope_in_logarithms(points: dict[int, float], slope: float) -> None:
    assert exponent(points) == pytest.approx(slope, abs=1e-9)


def test_the_picture_has_both_lines_within_its_frame() -> None:
    root = ElementTree.fromstring(picture({50: 1.0, 100: 2.0}, {400: 0.5, 800: 1.0}))
    lines = root.findall(f"{SVG}polyline")
    assert len(lines) == 2
    for line in lines:
        spots = [tuple(map(float, spot.split(","))) for spot in line.attrib["points"].split()]
        assert len(spots) == 2
        assert all(60 <= x <= 696 and 46 <= y <= 324 for x, y in spots)
    words = [text.text for text in root.findall(f"{SVG}text")]
    assert "instruments: 1 = 100, exponent 1.00" in words
    assert "2 s" in words
