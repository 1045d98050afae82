import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlab.student.errors import StudentError
from qlab.student.server.address import is_this_computer, read_link, require_tls, server_address
from tests.qlab.student.server.fake_server import TOKEN


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("https://Quant.Example.edu/labs/", "https://quant.example.edu/labs"),
        ("HTTPS://quant.example.edu:443", "https://quant.example.edu"),
        ("http://localhost:8000/#x", "http://localhost:8000"),
        ("https://quant.example.edu/Labs?next=/", "https://quant.example.edu/Labs"),
        ("https://[::1]:8000/", "https://[::1]:8000"),
        (" <https://quant.example.edu/labs>.\n", "https://quant.example.edu/labs"),
    ],
)
def test_one_server_has_one_address(typed, address):
    assert server_address(typed) == address == server_address(address)


@pytest.mark.parametrize(
    "typed",
    ["", "https://", "ftp://a.edu", "quant.example.edu", "https://a.edu:port", "https://[::1", "https://a b.edu"],
)
def test_what_is_no_address_is_told_so(typed):
    with pytest.raises(StudentError, match="not the address of a server"):
        server_address(typed)


def test_a_name_and_a_password_are_not_taken():
    with pytest.raises(StudentError, match="before the @") as caught:
        server_address("https://ada:secret@quant.example.edu")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("around", ["{}", "<{}>", '"{}"', "  {}\r\n", "({})."])
def test_a_link_is_read_with_what_a_mail_puts_around_it(around):
    address, token = read_link(around.format(f"https://quant.example.edu/labs/#{TOKEN}"))
    assert (address, token.secret) == ("https://quant.example.edu/labs", TOKEN)


@given(st.integers(0, len(TOKEN) - 1))
def test_a_link_that_was_cut_off_is_refused_and_not_repeated(length):
    with pytest.raises(StudentError, match="not a whole personal link") as caught:
        read_link(f"https://quant.example.edu/labs/#{TOKEN[:length]}")
    assert TOKEN[5:20] not in str(caught.value)


def test_http_is_for_this_computer_alone():
    for address in ("http://localhost:8000", "http://127.0.0.1", "http://[::1]:80/labs", "https://quant.example.edu"):
        require_tls(address, insecure_http=False)
    for address in ("http://quant.example.edu", "http://localhost.example.edu", "http://128.0.0.1"):
        assert not is_this_computer(address)
        with pytest.raises(StudentError, match="use https://"):
            require_tls(address, insecure_http=False)
        require_tls(address, insecure_http=True)
