"""The student's commands: qlab inspect."""

import argparse
import sys

OK, WRONG_CALL = 0, 2


def inspect(path: str) -> int:
    """Print what a saved model's layers hold; the exit code is 2 where the file cannot be read safely."""
    from qlab.torch_flow import contents, files  # torch takes a while: not for --help

    try:
        print(contents.as_table(contents.layer_rows(files.load(path))))
    except files.FileError as error:
        print(f"qlab: {error}", file=sys.stderr)
        return WRONG_CALL
    return OK


def main() -> None:
    """Run a command; a user's mistake is a sentence and exit code 2, never a traceback."""
    parser = argparse.ArgumentParser(prog="qlab", description="Exit codes: 0 done; 2 called wrongly, or a bad file.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "inspect",
        help="what a saved model holds: for every layer grid, scale, zero-point, zeros, bits, on the grid or not",
    )
    command.add_argument("path", metavar="FILE", help="a state dict, as qlab.torch_flow.files.save writes it")
    command.set_defaults(run=lambda given: inspect(given.path))
    given = parser.parse_args()
    sys.exit(given.run(given))


if __name__ == "__main__":
    main()
