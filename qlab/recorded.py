"""What a lab's cell printed where it could run, for machines on which it cannot."""

from pathlib import Path

FOLDER = "recorded"


def show(cell: str, folder: Path | str = ".") -> None:
    """Print what a cell printed when the lab was made, and that it is a recording.

    Args:
        cell: its name; the lab's folder holds recorded/<cell>.txt, whose first line says where it was recorded.
        folder: of the lab.
    """
    path = Path(folder) / FOLDER / f"{cell}.txt"
    if not path.is_file():
        print(f"What this needs is not here, and the recording {path.name} does not lie in the folder {FOLDER} either.")
        return
    where, _, printed = path.read_text("utf-8").partition("\n")
    print(f"What this needs is not here. This is what the cell printed with {where}:\n{printed.rstrip()}")
