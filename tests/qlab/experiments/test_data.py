import functools
import gzip
import hashlib
import http.server
import io
import tarfile
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from qlab.experiments import data


@pytest.fixture(autouse=True)
def _no_data_of_the_users_own(monkeypatch, tmp_path):
    monkeypatch.delenv("QLAB_DATA", raising=False)
    monkeypatch.setenv("QLAB_CACHE", str(tmp_path / "cache"))


def idx(array):
    header = b"\x00\x00\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.tobytes(), mtime=0)


def mnist_files():
    """A set of the published sizes whose pixels are all alike, so that it compresses to nothing."""
    return {
        name: idx(array)
        for name, array in zip(
            data.IDX_FILES,
            (
                np.full((60_000, 28, 28), 7, np.uint8),
                np.arange(60_000, dtype=np.int64).astype(np.uint8) % 10,
                np.full((10_000, 28, 28), 9, np.uint8),
                np.arange(10_000, dtype=np.int64).astype(np.uint8) % 10,
            ),
            strict=True,
        )
    }


@pytest.fixture
def served(tmp_path):
    """A folder that a local server offers, and its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def offer(served, monkeypatch, name, files):
    folder, address = served
    for file, content in files.items():
        (folder / file).write_bytes(content)
    md5 = {file: hashlib.md5(content).hexdigest() for file, content in files.items()}
    monkeypatch.setitem(data.REMOTES, name, data.Remote(address, md5))


def test_digits_are_embedded():
    digits = data.load()
    assert digits.x_train.shape == (1438, 1, 8, 8) and digits.x_test.shape == (359, 1, 8, 8)
    assert digits.features == 64 and digits.x_train.min() == 0 and digits.x_train.max() == 1
    assert set(digits.y_test.tolist()) == set(range(10))


@pytest.mark.parametrize("file_is_there", [True, False])
def test_digits_are_those_of_scikit_learn(monkeypatch, tmp_path, file_is_there):
    if not file_is_there:
        monkeypatch.setattr(data, "find_spec", lambda _: SimpleNamespace(origin=str(tmp_path / "__init__.py")))
    bunch, digits = load_digits(), data.load()
    test = np.arange(len(bunch.target)) % 5 == 4
    assert digits.x_train.dtype == torch.float32 and digits.x_train.is_contiguous()
    assert torch.equal(digits.x_test[:, 0] * 16, torch.from_numpy(bunch.images[test]).float())
    assert torch.equal(digits.x_train[:, 0] * 16, torch.from_numpy(bunch.images[~test]).float())
    assert digits.y_test.tolist() == bunch.target[test].tolist()
    assert digits.y_train.tolist() == bunch.target[~test].tolist()


@pytest.mark.parametrize("name", ["fashion_mnist", "mnist", "cifar10"])
def test_nothing_is_downloaded_unasked(name, monkeypatch):
    def no_network(*_, **__):
        raise AssertionError("asked the network")

    monkeypatch.setattr("requests.get", no_network)
    with pytest.raises(data.DataError, match=r"set QLAB_DATA .* or allow the download with .*download=True"):
        data.load(name)


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(data.DataError, match="choose one of digits, fashion_mnist, mnist, cifar10"):
        data.load("imagenet")


@pytest.mark.slow
def test_a_download_is_checked_cached_and_then_used_without_asking(served, monkeypatch):
    offer(served, monkeypatch, "mnist", mnist_files())
    first = data.load("mnist", download=True)
    assert first.x_train.shape == (60_000, 1, 28, 28) and first.x_test[0, 0, 0, 0] == torch.tensor(9 / 255)
    for path in served[0].iterdir():
        path.unlink()
    assert torch.equal(data.load("mnist").y_test, first.y_test)


def test_a_download_with_another_md5_is_refused(served, monkeypatch):
    files = mnist_files()
    offer(served, monkeypatch, "mnist", files)
    (served[0] / data.IDX_FILES[3]).write_bytes(files[data.IDX_FILES[1]])
    with pytest.raises(data.DataError, match="not the published file"):
        data.load("mnist", download=True)


def test_a_damaged_file_in_the_cache_is_told(served, monkeypatch, tmp_path):
    offer(served, monkeypatch, "mnist", mnist_files())
    data.load("mnist", download=True)
    (tmp_path / "cache" / "mnist" / data.IDX_FILES[0]).write_bytes(b"half")
    with pytest.raises(data.DataError, match="is damaged"):
        data.load("mnist")


def test_a_server_that_is_not_there(monkeypatch):
    monkeypatch.setitem(
        data.REMOTES, "mnist", data.Remote("http://127.0.0.1:9/", dict.fromkeys(data.IDX_FILES, "0" * 32))
    )
    with pytest.raises(data.DataError, match="could not be downloaded"):
        data.load("mnist", download=True)


@pytest.mark.slow
def test_cifar10_is_read_from_its_binary_version(served, monkeypatch):
    record = np.zeros((10_000, 3073), np.uint8)
    record[:, 0] = np.arange(10_000) % 10
    record[:, 1] = 255
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name in (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"):
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = record.nbytes
            archive.addfile(info, io.BytesIO(record.tobytes()))
    offer(served, monkeypatch, "cifar10", {"cifar-10-binary.tar.gz": buffer.getvalue()})
    cifar = data.load("cifar10", download=True)
    assert (
        cifar.x_train.shape == (50_000, 3, 32, 32) and cifar.x_test[0, 0, 0, 0] == 1 and cifar.x_test[0, 1, 0, 0] == 0
    )


@pytest.fixture
def own_mnist(tmp_path, monkeypatch):
    raw = tmp_path / "own" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in mnist_files().items():
        (raw / name).write_bytes(content)
    monkeypatch.setenv("QLAB_DATA", str(tmp_path / "own"))
    return raw


def test_the_users_own_copy_is_used(own_mnist):
    assert data.load("mnist").x_test.shape == (10_000, 1, 28, 28)


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        (0, None, "is missing"),
        (0, b"not gzip", "cannot be read"),
        (1, idx(np.zeros(60_000, np.uint8)), "labels of mnist are not 0 to 9"),
        (2, idx(np.zeros((10, 28, 28), np.uint8)), "has images"),
    ],
)
def test_a_wrong_copy_is_told(own_mnist, file, content, says):
    path = own_mnist / data.IDX_FILES[file]
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(data.DataError, match=says):
        data.load("mnist")


def test_a_broken_part_of_cifar10_is_told(tmp_path, monkeypatch):
    (tmp_path / "cifar10_lossless_part.npz").write_bytes(b"PK")
    monkeypatch.setenv("QLAB_DATA", str(tmp_path))
    with pytest.raises(data.DataError, match="cannot be read"):
        data.load("cifar10")


def test_real_data(real_data, monkeypatch):
    monkeypatch.setenv("QLAB_DATA", str(real_data))
    assert data.load("fashion_mnist").x_train.shape == (60_000, 1, 28, 28)
    assert data.load("mnist").classes == data.DIGITS
    assert data.load("cifar10").note.startswith("a part of CIFAR-10: 3,805 of 50,000")
