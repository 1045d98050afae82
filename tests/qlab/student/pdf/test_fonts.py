from pathlib import Path

import matplotlib.font_manager

from qlab.student.pdf import fonts


def test_a_font_is_looked_for_only_if_the_text_needs_it(monkeypatch):
    here = []
    monkeypatch.setattr(matplotlib.font_manager, "findSystemFonts", lambda: here)
    assert fonts.problem("Żółć α₁ ∑") == "" and "install one" in fonts.problem("量化")
    here += ["/fonts/DejaVuSans.ttf", "/fonts/opentype/NotoSansCJK-Regular.ttc"]
    assert fonts.east_asian_font("量化") == Path(here[-1]) and fonts.problem("量化") == ""
    assert fonts.east_asian_font("abc") is None
