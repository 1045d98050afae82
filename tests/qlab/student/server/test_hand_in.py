import pytest

from qlab.student.errors import StudentError
from qlab.student.server import hand_in
from qlab.student.server.client import Server
from qlab.student.server.hand_in import marked, refuse_token, upload
from qlab.student.server.personal_token import Token
from qlab.student.server.problems import BusyError
from qlab.student.server.sign_ins import SignIn
from tests.qlab.student.server.fake_server import TOKEN, says

ONE = SignIn("https://quant.example.edu", Token(TOKEN))


def test_any_of_the_students_tokens_keeps_the_notebook_here():
    other = SignIn("https://other.example.edu", Token("qlab_" + "z" * 43))
    refuse_token(b"{}", {"cell q1": "qlab_" + "y" * 43}, [ONE, other])
    for content, parts, where in (
        (b"{}", {"cell q1": "x", "cell q2": f"'{other.token.secret}'"}, "cell q2"),
        (TOKEN.encode(), {"cell q1": "x"}, "the file"),
    ):
        with pytest.raises(StudentError, match=f"your personal link is in {where}, and .*; nothing was sent") as told:
            refuse_token(content, parts, [ONE, other])
        assert "qlab_" not in str(told.value)


@pytest.mark.parametrize(("asked", "uploads"), [("1", 2), ("60", 1)])
def test_a_busy_server_is_asked_again_where_the_wait_is_short(asked, uploads, server, monkeypatch):
    waits = []
    monkeypatch.setattr(hand_in.time, "sleep", waits.append)
    server.faults = [says(503, "", Retry_After=asked)]
    connected = Server(SignIn(server.address, Token(TOKEN)))
    if uploads == 1:
        with pytest.raises(BusyError, match="in 1 minute"):
            upload(connected, "lab1", b"{}")
    else:
        assert upload(connected, "lab1", b"{}")[1]
    assert len(server.uploads) == uploads and waits == [1.0] * (uploads - 1)


def test_looks_become_rarer_and_keep_to_what_the_server_asks(server, monkeypatch):
    waits = []
    monkeypatch.setattr(hand_in.time, "sleep", waits.append)
    monkeypatch.setattr(hand_in, "LAST_LOOK", 0.02)
    server.looks_until_graded = 6
    server.look_faults = [says(429, "", Retry_After="7")]
    connected, seen = Server(SignIn(server.address, Token(TOKEN))), []
    attempt = marked(connected, upload(connected, "lab1", b"{}")[0], seen.append)
    assert attempt.points == 15 and len(waits) == 7 and waits[:2] == [0.01, 7] and max(waits[2:]) <= 0.02
    assert seen == ["place 2 in the queue"] * 7
