"""How much may come out of one downloaded file: bytes and files, in every format and however its archives are nested.

Half of what a download may unpack to is divided among its entries by their packed sizes, so that no student's bomb
takes anything from another student's file. The other half is for whoever needs it first, a little for each entry.
"""

from dataclasses import dataclass

MB = 2**20
MAX_GROWTH = 100  # times the download's size; a notebook grows up to twenty times
FREE_GROWTH = 10 * MB  # however much smaller it was packed
RESERVED_GROWTH = MAX_GROWTH // 2
OWN_FILES = 100  # in an archive inside the download, whatever the others contain


class RefusedError(Exception):
    """A file that is not collected; the message says why."""


@dataclass
class Stock:
    """What is left of something that several share."""

    left: int


@dataclass
class Budget:
    """What may still come out of a download, or out of one entry of it.

    Attributes:
        own: bytes that nobody else can use.
        draw: how many more bytes it, and whatever is inside it, may take from `shared`.
        shared: bytes that all entries of the download share.
        files: how many files all archives of the download may contain.
        own_files: how many files do not count towards that.
        entry: whether it is an entry of the download, or inside one; else it is the download itself.
    """

    own: int
    draw: Stock
    shared: Stock
    files: Stock
    own_files: int = 0
    entry: bool = False

    @classmethod
    def of_download(cls, size: int, max_files: int) -> "Budget":
        """The budget of a downloaded file of so many bytes."""
        shared = Stock(FREE_GROWTH + (MAX_GROWTH - RESERVED_GROWTH) * size)
        return cls(RESERVED_GROWTH * size, shared, shared, Stock(max_files))

    def part(self, packed: int, whole: int) -> "Budget":
        """The budget of an entry that is `packed` of an archive's `whole` bytes."""
        own = self.own * packed // max(packed, whole, 1)
        return Budget(own, self.draw if self.entry else Stock(FREE_GROWTH), self.shared, self.files, OWN_FILES, True)

    @property
    def left(self) -> int:
        """How many bytes may still come out."""
        return self.own + min(self.draw.left, self.shared.left)

    def check(self, amount: int) -> None:
        """RefusedError if so many bytes are too many."""
        if amount > self.left:
            raise RefusedError(f"it unpacks to more than {MAX_GROWTH} times its size, like a zip bomb")

    def spend(self, amount: int) -> None:
        """Count so many bytes; RefusedError if they are too many."""
        self.check(amount)
        extra = max(0, amount - self.own)
        self.own -= amount - extra
        self.draw.left -= extra
        if self.draw is not self.shared:
            self.shared.left -= extra

    def allows_files(self, count: int) -> bool:
        """Whether an archive may contain so many files."""
        return count - self.own_files <= self.files.left

    def spend_files(self, count: int) -> None:
        """Count the files of an archive."""
        self.files.left -= max(0, count - self.own_files)
