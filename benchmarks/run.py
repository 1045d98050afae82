"""Runs every benchmark, one after the other: `make bench`."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

for script in sorted(HERE.glob("*.py")):
    if script.name not in ("run.py", "results.py"):
        print(f"\n== {script.stem}", flush=True)
        subprocess.run([sys.executable, script], check=True)
