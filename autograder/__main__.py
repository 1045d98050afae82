"""The command: python -m autograder, or autograder."""

import sys


def main() -> None:
    """Run a command; if the packages for TAs are not installed, say so in a sentence."""
    try:
        from autograder.cli import main as run
    except ModuleNotFoundError as error:
        print(
            f"autograder: {error.name} is missing: install what TAs need with pip install -e '.[grade]'.",
            file=sys.stderr,
        )
        sys.exit(2)
    except KeyboardInterrupt:  # loading takes seconds, long enough to notice that the command was the wrong one
        print("autograder: stopped; nothing was written.", file=sys.stderr)
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
