"""The command: python -m qlab, or qlab."""

from qlab.cli import main

if __name__ == "__main__":
    main()
