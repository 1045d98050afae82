import pytest

from qlab import files
from qlab.student.errors import StudentError
from qlab.student.server.receipts import save_receipt

LAB = "lab1_linear_quantization"


def test_a_receipt_lies_beside_the_notebook_and_none_is_overwritten(tmp_path):
    notebook = tmp_path / f"{LAB}.ipynb"
    names = [save_receipt(notebook, LAB, 3, content).name for content in (b"one", b"two", b"one", b"two")]
    assert names == ["lab1_receipt_3.json", "lab1_receipt_3-2.json", "lab1_receipt_3.json", "lab1_receipt_3-2.json"]
    assert save_receipt(notebook, "our_own", 1, b"x").name == "our_own_receipt_1.json"
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"one", b"two", b"x"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(StudentError, match="No space left on device"):
        save_receipt(tmp_path / "lab.ipynb", LAB, 1, b"x")
    assert not list(tmp_path.iterdir())
