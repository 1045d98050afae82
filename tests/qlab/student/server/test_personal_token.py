import traceback

import pytest

from qlab.student.server.personal_token import Token, without_tokens
from tests.qlab.student.server.fake_server import TOKEN


def test_a_token_does_not_show_itself():
    token = Token(TOKEN)
    assert TOKEN not in f"{token} {token!r} {[token]} {vars(Token)}"
    with pytest.raises(ValueError, match="Token") as raised:
        raise ValueError(token)
    told = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    assert TOKEN not in "".join(told.format())


def test_a_token_is_found_in_bytes_and_blotted_out_of_texts():
    assert Token(TOKEN).is_in(f"x = '{TOKEN}'".encode()) and not Token(TOKEN).is_in(TOKEN[:-1].encode())
    assert without_tokens(f"no {TOKEN}!") == "no qlab_…!"
