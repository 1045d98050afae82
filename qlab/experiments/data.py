"""The data sets of the experiments: digits is embedded; the others come from $QLAB_DATA or a verified download."""

import gzip
import io
import os
import tarfile
import zlib
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


class DataError(Exception):
    """A data set is missing or not what it should be; the message names the fix."""


@dataclass(frozen=True)
class Dataset:
    """Images in [0, 1] and their labels.

    Attributes:
        name: as for `load`.
        x_train, x_test: float32, (images, channels, height, width).
        y_train, y_test: int64, (images,), from 0 to len(classes) - 1.
        classes: the meaning of each label.
        note: what a reader has to know about this copy, for example that it is only a part.
    """

    name: str
    x_train: Tensor = field(repr=False)
    y_train: Tensor = field(repr=False)
    x_test: Tensor = field(repr=False)
    y_test: Tensor = field(repr=False)
    classes: tuple[str, ...] = field(repr=False)
    note: str = ""

    @property
    def features(self) -> int:
        """The number of values per image."""
        return self.x_train[0].numel()

    def first(self, train: int, test: int) -> "Dataset":
        """The data set cut down to its first `train` and `test` images; all of them if there are fewer."""
        return replace(
            self,
            x_train=self.x_train[:train],
            y_train=self.y_train[:train],
            x_test=self.x_test[:test],
            y_test=self.y_test[:test],
        )


@dataclass(frozen=True)
class Remote:
    """Where to download a data set from: a base address, and the md5 of each file."""

    base_url: str
    md5: dict[str, str]


DIGITS = tuple("0123456789")
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)

REMOTES = {
    "fashion_mnist": Remote(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        dict(
            zip(
                IDX_FILES,
                (
                    "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                    "25c81989df183df01b3e8a0aad5dffbe",
                    "bef4ecab320f06d8554ea6380940ec79",
                    "bb300cfdad3c16e7a12a480ee83cd310",
                ),
                strict=True,
            )
        ),
    ),
    "mnist": Remote(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        dict(
            zip(
                IDX_FILES,
                (
                    "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                    "d53e105ee54ea40749a09fcbcd1e9432",
                    "9fb629c4189551a2d022fa330f9573f3",
                    "ec29112dd5afa0611ce80d1b7f02629c",
                ),
                strict=True,
            )
        ),
    ),
    # The binary version, because the Python version is a pickle, and unpickling can run any code.
    "cifar10": Remote(
        "https://www.cs.toronto.edu/~kriz/", {"cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"}
    ),
}
NAMES = ("digits", *REMOTES)


def load(name: str = "digits", *, download: bool = False) -> Dataset:
    """Load a data set by name; nothing is downloaded unless `download` is set.

    Args:
        name: "digits" (embedded, 1,797 images of 8x8), "fashion_mnist", "mnist" or "cifar10".
        download: download what is not in $QLAB_DATA into the cache ($QLAB_CACHE, or the user's), verifying each md5.
            Files that are in the cache already are used without this.

    Raises:
        DataError: the name is unknown, the data set is not available, or a file is not what it should be.
    """
    if name == "digits":
        return _digits()
    if name not in REMOTES:
        raise DataError(f"there is no data set {name!r}: choose one of {', '.join(NAMES)}.")
    folder = os.environ.get("QLAB_DATA")
    if folder and (dataset := _from_folder(name, Path(folder))) is not None:
        return dataset
    return _from_cache(name, REMOTES[name], download)


def _digits() -> Dataset:
    table = torch.from_numpy(_digits_table())
    images, labels = table[:, :64].to(torch.float32).reshape(-1, 1, 8, 8) / 16, table[:, 64].to(torch.int64)
    # Every fifth image is a test image, so that both parts cover the whole set.
    test = torch.arange(len(labels)) % 5 == 4
    return Dataset("digits", images[~test], labels[~test], images[test], labels[test], DIGITS)


def _digits_table() -> NDArray[np.float64]:
    """A row per image: 64 values from 0 to 16, then the label.

    The file is scikit-learn's. It is read without importing scikit-learn, because that takes a second.
    """
    package = find_spec("sklearn")
    if package is not None and package.origin is not None:
        file = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            return np.loadtxt(file, delimiter=",", dtype=np.float64)
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return np.column_stack((bunch.data, bunch.target)).astype(np.float64)


def _from_folder(name: str, folder: Path) -> Dataset | None:
    """The data set from the user's own copy; None if it is not in the folder."""
    if name == "cifar10":
        path = folder / "cifar10_lossless_part.npz"
        return _cifar_part(path) if path.is_file() else None
    raw = folder / {"fashion_mnist": "FashionMNIST", "mnist": "MNIST"}[name] / "raw"
    return _idx_dataset(name, {file: raw / file for file in IDX_FILES}) if raw.is_dir() else None


def _from_cache(name: str, remote: Remote, download: bool) -> Dataset:
    import pooch

    fetcher = pooch.create(
        # One folder per data set, because the files of MNIST and Fashion-MNIST have the same names.
        path=Path(os.environ.get("QLAB_CACHE") or pooch.os_cache("qlab")) / name,
        base_url=remote.base_url,
        registry={file: f"md5:{md5}" for file, md5 in remote.md5.items()},
    )
    missing = [file for file in remote.md5 if not (Path(fetcher.path) / file).is_file()]
    if missing and not download:
        raise DataError(
            f"{name} is not on this machine: set QLAB_DATA to a folder that holds it, or allow the download with "
            f"qlab.experiments.data.load({name!r}, download=True)."
        )
    paths = {}
    for file in remote.md5:
        paths[file] = _fetch(fetcher, file, download)
    return _cifar_binary(paths["cifar-10-binary.tar.gz"]) if name == "cifar10" else _idx_dataset(name, paths)


def _fetch(fetcher: object, file: str, download: bool) -> Path:
    """One file from the cache, its md5 verified; a damaged file is downloaded again only if `download` is set."""
    import pooch

    path = Path(fetcher.path) / file  # type: ignore[attr-defined]  # pooch has no types
    if not download and pooch.file_hash(str(path), alg="md5") != fetcher.registry[file].removeprefix("md5:"):  # type: ignore[attr-defined]
        raise DataError(
            f"{path} is damaged (its md5 is not the published one): delete it, then load with download=True."
        )
    try:
        return Path(fetcher.fetch(file, progressbar=True))  # type: ignore[attr-defined]
    except ValueError as error:
        raise DataError(
            f"the download of {file} is not the published file (md5 differs): {_first_line(error)}"
        ) from error
    except OSError as error:
        raise DataError(
            f"{file} could not be downloaded: {_first_line(error)} Check the network, then try again."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _idx_dataset(name: str, paths: dict[str, Path]) -> Dataset:
    arrays = [_read_idx(paths[file]) for file in IDX_FILES]
    x_train, y_train, x_test, y_test = arrays
    _check(name, (x_train, y_train, x_test, y_test), train=60_000, test=10_000, shape=(28, 28))
    return _dataset(
        name, (x_train[:, None], y_train, x_test[:, None], y_test), FASHION if name == "fashion_mnist" else DIGITS
    )


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """An array in the IDX format of MNIST: two zero bytes, 8 for uint8, the rank, big-endian sizes, the data."""
    try:
        content = gzip.decompress(path.read_bytes())
        rank = content[3]
        if content[:3] != b"\x00\x00\x08":
            raise ValueError("not an IDX file of bytes")
        shape = np.frombuffer(content, ">u4", rank, 4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape([int(size) for size in shape])
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing: copy all four files of the data set there.") from error
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}): copy or download it again.") from error


def _cifar_part(path: Path) -> Dataset:
    try:
        with np.load(path, allow_pickle=False) as file:
            x_train, y_train, x_test, y_test = (file[key] for key in ("x_train", "y_train", "x_test", "y_test"))
    except (OSError, ValueError, KeyError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}): copy it again.") from error
    arrays = (x_train, y_train, x_test, y_test)
    _check("cifar10", arrays, train=None, test=None, shape=(32, 32, 3))
    note = f"a part of CIFAR-10: {len(x_train):,} of 50,000 training and {len(x_test):,} of 10,000 test images."
    return _dataset("cifar10", (_channels_first(x_train), y_train, _channels_first(x_test), y_test), CIFAR10, note)


def _channels_first(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def _cifar_binary(path: Path) -> Dataset:
    """CIFAR-10's binary version: records of one label byte and 3 * 1024 bytes, one plane per colour."""
    files = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    try:
        with tarfile.open(path) as archive:
            members = [archive.extractfile(f"cifar-10-batches-bin/{file}") for file in files]
            batches = [np.frombuffer((member or io.BytesIO()).read(), np.uint8).reshape(-1, 3073) for member in members]
    except (OSError, KeyError, ValueError, tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}): delete it, then load with download=True.") from error
    train, test = np.concatenate(batches[:-1]), batches[-1]
    arrays = (train[:, 1:].reshape(-1, 3, 32, 32), train[:, 0], test[:, 1:].reshape(-1, 3, 32, 32), test[:, 0])
    _check("cifar10", arrays, train=50_000, test=10_000, shape=(3, 32, 32))
    return _dataset("cifar10", arrays, CIFAR10)


def _check(name: str, arrays: Arrays, *, train: int | None, test: int | None, shape: tuple[int, ...]) -> None:
    """Check shapes and labels, and the number of images if it is known."""
    for part, images, labels, count in (("training", *arrays[:2], train), ("test", *arrays[2:], test)):
        expected = (count or len(images), *shape)
        if images.shape != expected or labels.shape != expected[:1] or len(images) == 0:
            raise DataError(
                f"the {part} part of {name} has images {images.shape} and labels {labels.shape}, not {expected} and "
                f"{expected[:1]}: replace the files in $QLAB_DATA."
            )
        if sorted(np.unique(labels)) != list(range(10)):
            raise DataError(
                f"the {part} labels of {name} are not 0 to 9, each at least once: replace the files in $QLAB_DATA."
            )


def _dataset(name: str, arrays: Arrays, classes: tuple[str, ...], note: str = "") -> Dataset:
    def images(array: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(array.astype(np.float32) / 255)

    def labels(array: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(array.astype(np.int64))

    x_train, y_train, x_test, y_test = arrays
    return Dataset(name, images(x_train), labels(y_train), images(x_test), labels(y_test), classes, note)
