"""A recording says that it is one."""

from qlab import recorded


def test_a_recording_is_shown_with_where_it_was_made(tmp_path, capsys):
    (tmp_path / "recorded").mkdir()
    (tmp_path / "recorded" / "ties.txt").write_text("torch 2.13.0 on a CPU\n1 2 3\n4 5 6\n")
    recorded.show("ties", tmp_path)
    told = capsys.readouterr().out
    assert "not here" in told and "with torch 2.13.0 on a CPU:\n1 2 3\n4 5 6" in told


def test_a_recording_that_is_missing_is_told(tmp_path, capsys):
    recorded.show("ties", tmp_path)
    assert "ties.txt" in capsys.readouterr().out
