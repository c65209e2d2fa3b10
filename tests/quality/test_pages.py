from include.quality.pages import settled

ONE, TWO = b"7a35bd04-3f86-4466-83fc-7bbe04c8666e", b"93ca55fd-5cab-4aef-a8d8-96f388e3f9fb"


def test_ids_are_numbered_by_first_appearance_and_keep_belonging_together() -> None:
    page = b'<a href="#' + ONE + b'"></a><p id=' + TWO + b"></p><div id=" + ONE + b"></div>"
    first, second = b"00000000-0000-0000-0000-000000000000", b"00000000-0000-0000-0000-000000000001"
    assert settled(page, "") == b'<a href="#' + first + b'"></a><p id=' + second + b"></p><div id=" + first + b"></div>"


def test_times_of_writing_and_the_remote_logo_are_gone() -> None:
    page = b'<img src="https://assets.example/logo-long.png?d=20261121T022647.519685Z"><i>20261121T022647.218448Z</i>'
    assert settled(page, "20261120T000000.000000Z") == b'<img src="data:,"><i>20261120T000000.000000Z</i>'


def test_everything_else_stays() -> None:
    assert settled("<b>Zürich 2026-11-20</b>".encode(), "x") == "<b>Zürich 2026-11-20</b>".encode()
