"""make bench: every benchmark, one after the other."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

for script in sorted(HERE.glob("*.py")):
    if script.stem not in ("run", "results"):
        print(f"\n== {script.stem}", flush=True)
        subprocess.run([sys.executable, script], check=True)
