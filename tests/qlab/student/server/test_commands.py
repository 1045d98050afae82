"""Signing in and handing in as a student types it, with a server that follows the contract or breaks it."""

import io
import json
import os
import re
import subprocess
import sys
import time

import nbformat
import pytest

from qlab.student import rerun_mark
from qlab.student.lab_copies import copy_of
from qlab.student.rerun import rerun
from qlab.student.server import client, commands, hand_in, sign_ins
from tests import warm
from tests.qlab.student.conftest import LAB, change
from tests.qlab.student.server import fake_server
from tests.qlab.student.server.fake_server import RIGHT, TOKEN, WRONG, FakeServer, says


def notebook(folder):
    return folder / LAB / f"{LAB}.ipynb"


def receipts(folder):
    return sorted(path.name for path in (folder / LAB).glob("*receipt*"))


# Signing in -----------------------------------------------------------------------------------------------------------


def test_a_link_signs_in_and_out(server, qlab):
    ended = qlab("sign-in", server.link)
    assert ended.code == 0 and f"You are signed in to {server.address}, which takes 1 lab." in ended.out
    assert sign_ins.the_only_one("").token.secret == TOKEN
    ended = qlab("sign-out")
    assert ended.code == 0 and f"signed out of {server.address}" in ended.out and sign_ins.sign_ins() == []
    assert qlab("sign-out").code == 2


def test_a_link_is_read_from_a_file_and_never_shown(server, folder):
    process = subprocess.run(
        [*warm.command(), "-m", "qlab", "sign-in"], cwd=folder, input=f"{server.link}\n", capture_output=True,
        text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=60,
    )  # fmt: skip
    assert process.returncode == 0 and "You are signed in to" in process.stdout
    assert TOKEN not in process.stdout + process.stderr and sign_ins.the_only_one("").token.secret == TOKEN


def test_a_person_is_asked_for_the_link_invisibly(server, qlab, monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(commands, "getpass", lambda prompt: server.link)
    assert qlab("sign-in").code == 0
    monkeypatch.setattr(commands, "getpass", lambda prompt: "")
    ended = qlab("sign-in")
    assert ended.code == 2 and "no link was given: paste the personal link" in ended.err


def test_help_says_that_the_shell_remembers_a_link(qlab):
    ended = qlab("sign-in", "--help")
    words = " ".join(ended.out.split())
    assert ended.code == 0 and "stays in the history of your shell" in words and "qlab sign-in < link.txt" in words


@pytest.mark.parametrize("link", ["", "https://quant.example.edu/labs", "https://quant.example.edu/#qlab_short"])
def test_half_a_link_is_refused(link, qlab, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(link))
    ended = qlab("sign-in")
    assert ended.code == 2 and ended.err.count("\n") == 1 and sign_ins.sign_ins() == []


def test_a_link_that_the_server_does_not_know_is_not_kept(server, qlab):
    ended = qlab("sign-in", server.link[:-1] + "_")
    assert ended.code == 2 and "does not know your personal link" in ended.err and sign_ins.sign_ins() == []


def test_what_is_not_the_courses_server_gets_no_sign_in(server, qlab):
    server.labs_faults = [says(200, "<html>log in to the hotel's network</html>")]
    ended = qlab("sign-in", server.link)
    assert ended.code == 2 and "is not the course's server" in ended.err and sign_ins.sign_ins() == []


def test_a_link_is_kept_where_nobody_answers(qlab):
    with FakeServer() as gone:
        link = gone.link
    ended = qlab("sign-in", link)
    assert ended.code == 0 and "! your link is kept, but the server has not seen it: nothing answers" in ended.out
    assert sign_ins.the_only_one("").token.secret == TOKEN


def test_http_needs_to_be_asked_for(qlab, no_names):
    link = f"http://quant.example.invalid/#{TOKEN}"
    ended = qlab("sign-in", link)
    assert ended.code == 2 and "use https://quant.example.invalid, or --insecure-http" in ended.err
    assert qlab("sign-in", "--insecure-http", link).code == 0  # nobody answers, and the link is kept
    ended = qlab("submit", "lab1", "--to", "server")
    assert ended.code == 2 and "over http:// everybody on the way can read" in ended.err


@pytest.mark.skipif(os.name != "posix", reason="a user's folder is the user's alone")
def test_a_file_that_others_could_read_is_closed_before_it_is_used(signed_in, qlab):
    sign_ins.config_file().chmod(0o644)
    ended = qlab("submit", "lab1", "--to", "server")
    assert "others on this computer could read" in ended.out and len(signed_in.uploads) == 1
    assert sign_ins.config_file().stat().st_mode & 0o777 == 0o600


# Handing in -----------------------------------------------------------------------------------------------------------


def test_handing_in_prints_the_cards_the_points_and_the_page(solved, signed_in, qlab):
    signed_in.outcomes, signed_in.looks_until_graded = (RIGHT, WRONG), 3
    signed_in.mark |= {"points": 24.0, "out_of": 35.0, "message": "The essays wait for a person."}
    ended = qlab("submit", "lab1", "--to", signed_in.address)
    assert ended.code == 3  # a question fails
    assert re.match(rf"{LAB}\.ipynb, saved \d+ seconds? ago, at \d\d:\d\d\.\nAccepted: attempt 1\.\n", ended.out)
    for text in ("15 / 15", "9 / 20", "cause   the zero-point has the wrong sign", "24 of 35 points.",
                 "The essays wait for a person.", "9 attempts left today.",
                 f"The page: {signed_in.address}/attempts/aT-1",
                 "Your receipt is lab1_receipt_1.json, beside the notebook."):  # fmt: skip
        assert text in ended.out
    assert signed_in.uploads == [notebook(solved).read_bytes()]
    assert receipts(solved) == ["lab1_receipt_1.json"] and not list(solved.glob("*.zip"))


@pytest.mark.parametrize("to", ["server", "{}", "{}/", "{}/attempts/aT-7"])
def test_every_way_to_name_the_server(to, signed_in, qlab):
    ended = qlab("submit", "lab1", "--to", to.format(signed_in.address))
    assert ended.code == 0 and "Accepted: attempt 1." in ended.out and "15 of 15 points." in ended.out


def test_a_file_that_was_saved_long_ago_is_told(folder, signed_in, qlab):
    os.utime(notebook(folder), (time.time() - 260,) * 2)
    ended = qlab("submit", "lab1", "--to", "server")
    assert "saved 4 minutes ago" in ended.out and "if you have changed it since, save it and hand in again" in ended.out
    notebook(folder).touch()
    assert "if you have changed it since" not in qlab("submit", "lab1", "--to", "server").out


def test_what_is_missing_is_told_and_handed_in_anyway(signed_in, qlab):
    ended = qlab("submit", "lab1", "--to", "server")
    assert "! q1 has 3 blanks left" in ended.out and len(signed_in.uploads) == 1
    assert ended.out.index("q1 has 3 blanks") < ended.out.index("Accepted")


def test_each_attempt_keeps_its_receipt_and_the_same_file_counts_once(folder, signed_in, qlab):
    for source in ("a = 1", "a = 1", "a = 2"):
        change(folder, lambda cells, source=source: cells["q1"].update(source=source))
        ended = qlab("submit", "lab1", "--to", "server")
        assert ended.code == 0
    assert "Accepted: attempt 2." in ended.out and len(signed_in.attempts) == 2
    assert receipts(folder) == ["lab1_receipt_1.json", "lab1_receipt_2.json"]
    assert (
        "The server has this file already, and counts it once: attempt 2."
        in qlab("submit", "lab1", "--to", "server").out
    )


def test_without_waiting_it_ends_when_it_is_accepted(folder, signed_in, qlab):
    ended = qlab("submit", "lab1", "--to", "server", "--no-wait")
    assert ended.code == 0 and "It waits for its mark, at place 2 in the queue." in ended.out
    assert "The page:" in ended.out and receipts(folder) == [] and not [r for r in signed_in.requests if "aT-1" in r[1]]
    assert "15 of 15 points." in qlab("submit", "lab1", "--to", "server").out and len(signed_in.attempts) == 1


@pytest.mark.parametrize(
    ("mark", "code", "told"),
    [
        ({"state": "superseded", "message": "A newer upload came first."}, 0, "A newer upload came first."),
        ({"state": "not counted", "points": 9, "out_of": 15, "message": "The first one counts."}, 0, "9 of 15 points."),
        ({"state": "no mark", "message": "It ran for 60 seconds and was stopped."}, 3, "It ran for 60 seconds"),
        ({"state": "graded", "points": None, "out_of": None, "message": "Received."}, 0, "Received."),
    ],
)
def test_every_end_of_an_attempt_is_told(mark, code, told, signed_in, qlab):
    signed_in.mark = {"points": None, "out_of": None} | mark
    signed_in.outcomes = ()
    ended = qlab("submit", "lab1", "--to", "server")
    assert ended.code == code and told in ended.out and ("points." in ended.out) == (mark.get("points") is not None)


def test_attempts_may_be_unlimited_or_not_told(signed_in, qlab):
    signed_in.attempts_left = None
    assert "left today" not in qlab("submit", "lab1", "--to", "server").out
    signed_in.labs_faults = [says(500, "oops")]
    ended = qlab("submit", "lab1", "--to", "server")
    assert ended.code == 0 and "left today" not in ended.out and "The page:" in ended.out


def test_there_may_be_no_receipt(folder, signed_in, qlab):
    signed_in.receipt_faults = [says(404, {"detail": "This course signs no receipts."})]
    ended = qlab("submit", "lab1", "--to", "server")
    assert ended.code == 0 and "! no receipt was saved: This course signs no receipts." in ended.out
    assert receipts(folder) == []


# What keeps it from being handed in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["source", "output", "metadata", "escaped"])
def test_a_notebook_with_the_token_stays_here(where, folder, signed_in, qlab):
    def put(cells):
        if where == "source":
            cells["q1"].source = f"link = 'https://a.edu/#{TOKEN}'"
        elif where == "output":
            cells["q1"].outputs = [nbformat.v4.new_output("stream", text=f"{TOKEN}\n")]

    change(folder, put)
    text = notebook(folder).read_text()
    if where == "metadata":
        notebook(folder).write_text(text.replace('"metadata": {\n  "', f'"metadata": {{\n  "x": "{TOKEN}",\n  "', 1))
    if where == "escaped":
        change(folder, lambda cells: cells["q1"].update(source="# HERE"))
        escaped = "\\u0071" + TOKEN[1:]
        notebook(folder).write_text(notebook(folder).read_text().replace("# HERE", escaped))
    ended = qlab("submit", "lab1", "--to", "server")
    place = "the notebook's metadata" if where == "metadata" else "cell q1"
    assert ended.code == 2 and f"your personal link is in {place}" in ended.err and signed_in.requests == []


def test_signed_in_nowhere_the_fix_is_named(qlab, folder):
    for to in ("server", "https://quant.example.edu/labs"):
        ended = qlab("submit", "lab1", "--to", to)
        assert ended.code == 2 and "run `qlab sign-in` and paste your personal link" in ended.err
    assert not (folder / "server").exists() and not (folder / "https:").exists()


def test_a_server_takes_no_pdf(signed_in, qlab):
    ended = qlab("submit", "lab1", "--to", "server", "--pdf")
    assert ended.code == 2 and "leave out --report and --pdf" in ended.err and signed_in.requests == []


def test_a_folder_is_what_it_was(folder, signed_in, qlab, tmp_path):
    for to, place in ((tmp_path / "there", tmp_path / "there"), ("./server", folder / "server")):
        ended = qlab("submit", "lab1", "--id", "4711", "--name", "Ada", "--to", to)
        assert ended.code == 0 and (place / "Lab1_4711_Ada.zip").is_file()
        assert (
            f"This wrote a file only; `qlab submit {LAB} --to server` hands it in at {signed_in.address}" in ended.out
        )
    assert signed_in.requests == []


def test_a_damaged_configuration_keeps_nobody_from_writing_the_file(folder, signed_in, qlab):
    sign_ins.config_file().write_text("{")
    assert qlab("submit", "lab1", "--id", "4711", "--name", "Ada", "--to", "out").code == 0
    ended = qlab("submit", "lab1", "--to", "server")
    assert ended.code == 2 and "is damaged: delete it and sign in again" in ended.err


def test_a_check_hands_nothing_in(folder, signed_in, qlab, monkeypatch):
    monkeypatch.setenv(rerun_mark.RERUN, "1")
    ended = qlab("submit", "lab1", "--to", "server")
    assert ended.code == 2 and "nothing was sent" in ended.err and signed_in.requests == []


@pytest.mark.slow
def test_a_kernel_of_a_check_says_so(folder):
    source = (
        f"import os\nassert os.environ['{rerun_mark.RERUN}'] == '1' and 'PATH' in os.environ\nraise KeyError('seen')"
    )

    def only_that(cells):
        cells["q1"].source = source
        return [cells["q1"]]

    change(folder, only_that)
    assert list(rerun(copy_of("lab1", folder))) == ["q1 ended with KeyError: 'seen'"]


# Faults on the way ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [fake_server.reset, fake_server.reset_after_accepting, fake_server.cut_off,
     says(503, {"detail": "It restarts."}, Retry_After="0"), says(502, "<html>")],
)  # fmt: skip
def test_one_lost_upload_is_sent_again_and_counts_once(fault, folder, signed_in, qlab):
    signed_in.faults = [fault]
    ended = qlab("submit", "lab1", "--to", "server")
    assert ended.code == 0 and len(signed_in.uploads) == 2 and len(signed_in.attempts) == 1
    assert "attempt 1." in ended.out and receipts(folder) == ["lab1_receipt_1.json"]


def test_an_upload_that_is_lost_twice_is_one_sentence(folder, signed_in, qlab):
    signed_in.faults = [fake_server.reset, fake_server.reset, fake_server.reset]
    ended = qlab("submit", "lab1", "--to", "server")
    assert ended.code == 2 and len(signed_in.uploads) == 2 and ended.err.count("\n") == 1
    assert "was lost: run the command again; the same file is never counted twice." in ended.err


def test_a_quota_is_no_reason_to_try_again(signed_in, qlab):
    signed_in.faults = [says(429, {"detail": "You have used all 10 attempts of today."}, Retry_After="3600")]
    ended = qlab("submit", "lab1", "--to", "server")
    assert ended.code == 2 and len(signed_in.uploads) == 1
    assert ended.err == "qlab: You have used all 10 attempts of today; run the command again in 1 hour.\n"


def test_another_file_than_was_sent_is_noticed(signed_in, qlab):
    attempt = {"id": "a", "number": 1, "file": "0" * 64, "state": "waiting", "place": 1, "points": None, "out_of": None}
    signed_in.faults = [says(201, attempt)]
    ended = qlab("submit", "lab1", "--to", "server")
    assert ended.code == 2 and "the file changed on its way" in ended.err


@pytest.mark.parametrize("fault", [fake_server.reset, says(503, "", Retry_After="0"), says(429, "", Retry_After="0")])
def test_lost_looks_do_not_end_the_wait(fault, signed_in, qlab):
    signed_in.look_faults = [fault, fault]
    assert "15 of 15 points." in qlab("submit", "lab1", "--to", "server").out


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ([fake_server.reset] * 9, "was lost: run the command again"),
        ([says(401, {"detail": "Sign in."})], "does not know your personal link, or no longer"),
        ([says(200, "<html>")], "is not the course's server"),
    ],
)
def test_a_lost_wait_says_that_it_is_handed_in(faults, told, folder, signed_in, qlab):
    signed_in.look_faults = faults
    ended = qlab("submit", "lab1", "--to", "server")
    assert ended.code == 3 and "! it is handed in and counts, but" in ended.out and told in ended.out
    assert "The page:" in ended.out and receipts(folder) == []


def test_a_long_queue_ends_the_wait(signed_in, qlab, monkeypatch):
    signed_in.looks_until_graded = 1000
    monkeypatch.setattr(hand_in, "PATIENCE", 0.05)
    ended = qlab("submit", "lab1", "--to", "server")
    assert ended.code == 3 and "at place 2 in the queue. Run the same command again to see the mark" in ended.out


def test_ctrl_c_says_what_is_known(signed_in, qlab, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(commands, "marked", interrupted)
        ended = qlab("submit", "lab1", "--to", "server")
        assert ended.code == 3 and "it is handed in and counts, but you stopped waiting" in ended.out
    monkeypatch.setattr(client.Server, "upload", interrupted)
    ended = qlab("submit", "lab1", "--to", "server")
    assert ended.code == 2 and "run it again to be sure" in ended.err


def test_what_a_server_says_cannot_take_the_terminal(signed_in, qlab):
    signed_in.mark |= {"message": f"\x1b]0;owned\x07 {TOKEN}"}
    out = qlab("submit", "lab1", "--to", "server").out
    assert "\x1b" not in out and "\x07" not in out and "qlab_…" in out


def test_a_receipt_is_kept_byte_for_byte(folder, signed_in, qlab):
    body = json.dumps({"signature": "x"}, indent=7)
    signed_in.receipt_faults = [says(200, body)]
    qlab("submit", "lab1", "--to", "server")
    assert (folder / LAB / "lab1_receipt_1.json").read_text() == body
