"""Using more than a submission may: memory, disk, files, output, time."""

from tests.hostile.attack import Attack, own_cell, q1
from tests.hostile.attacks.system import FORK

LIMITS = "limits, and who watches over them"
# Under load the limit of wall time may come first.
LATE = ("it ran longer than", "it waited longer than")


def cell(name: str, tries: str, source: str, **more: object) -> Attack:
    """Runs in a cell of its own above Q1's check."""
    return Attack(name, tries, LIMITS, cells={"q1-check": source}, **more)  # type: ignore[arg-type]


def call(name: str, tries: str, body: str, **more: object) -> Attack:
    """Happens while the judge calls Q1's answer."""
    return Attack(name, tries, LIMITS, answers=q1(body), **more)  # type: ignore[arg-type]


ATTACKS = [
    call("memory at once", "Asks for three gigabytes.", "reached()\nbytearray(3 << 30)"),
    cell(
        "memory of many",
        "Divides its memory among eight processes, each of which stays below the limit.",
        FORK
        + """
reached()
children(8, lambda: (bytearray(b'x') * (150 << 20), time.sleep(30)))
time.sleep(20)
""",
        witness="was stopped: it",
    ),
    call(
        "memory of the answer",
        "Returns a tensor of 60 MB in each case, for the judge to convert and compare.",
        "reached()\nreturn torch.ones(60_000_000, dtype=torch.int8), torch.ones(60_000_000, dtype=torch.int8)",
    ),
    cell(
        "the scratch folder",
        "Writes files until none can be written.",
        """
reached()
with open('full', 'wb') as file:
    try:
        for _ in range(400): file.write(b'x' * (1 << 20))
    except OSError as error: print('written', file.tell() >> 20, error)
""",
        witness="No space left",
    ),
    cell(
        "files without end",
        "Makes empty files until none can be made.",
        """
reached()
import os
os.mkdir('many')
try:
    for n in range(100_000): open(f'many/{n}', 'w').close()
except OSError as error: print(error)
""",
        witness="No space left",
    ),
    cell(
        "shared memory",
        "Fills /dev/shm.",
        """
reached()
with open('/dev/shm/full', 'wb') as file:
    try:
        for _ in range(400): file.write(b'x' * (1 << 20))
    except OSError as error: print('written', error)
""",
        witness="written",
    ),
    cell(
        "a file of an exabyte",
        "Makes a file with a hole as large as file systems allow.",
        """
import os
reached()
try: os.truncate(os.open('hole', os.O_CREAT | os.O_RDWR), 1 << 60)
except OSError as error: print(error)
""",
        witness="File too large",
    ),
    cell(
        "open files",
        "Opens files until none can be opened.",
        """
reached()
files = []
try:
    while True: files.append(open('/dev/null'))
except OSError as error: print(len(files), error)
files.clear()
""",
        witness="Too many open files",
    ),
    cell(
        "output",
        "Prints a hundred million characters.",
        "reached()\nfor _ in range(1000): print('x' * 100_000)",
        witness="cut off here",
    ),
    cell(
        "errors without end",
        "Prints a hundred million characters to stderr.",
        "import sys\nreached()\nfor _ in range(1000): sys.stderr.write('x' * 100_000)",
        witness="cut off here",
    ),
    cell(
        "displays",
        "Displays ten thousand things, some of them large.",
        """
from IPython.display import HTML, display
reached()
for _ in range(10_000): display(HTML('<p>' * 1_000))
""",
    ),
    cell(
        "output by the system",
        "Writes past Python's stdout, to the descriptors.",
        "import os\nreached()\nfor _ in range(1000): os.write(1, b'x' * 100_000); os.write(2, b'x' * 100_000)",
    ),
    call("processor time", "Computes for ever.", "reached()\nwhile True: pass", witness=LATE),
    call("sleep", "Sleeps for an hour.", "reached()\nimport time\ntime.sleep(3600)", witness=LATE),
    call(
        "computing in many processes",
        "Computes for ever in thirty processes, so that others have to wait for a processor.",
        FORK + "reached()\ndef spin():\n    while True: pass\nchildren(28, spin)\ntime.sleep(3600)",
        witness=LATE,
        spoils=True,
    ),
    call(
        "computing behind one's back",
        "Returns at once, and goes on to compute in thirty processes that nobody waits for.",
        FORK + "reached()\ndef spin():\n    while True: pass\nchildren(28, spin)\nreturn None",
        witness=("reached", *LATE, "processor time", "it took more than"),
        spoils=True,
    ),
    cell(
        "pictures",
        "Shows a hundred and fifty pictures of two megabytes.",
        "reached()\nfrom IPython.display import display\nP = 'A' * 1_990_000",
        change=lambda notebook: notebook["cells"].extend(
            own_cell("display({'image/png': P}, raw=True)") for _ in range(150)
        ),
        witness="the notebook's cells print and draw too much",
    ),
    call(
        "interrupts swallowed",
        "Loops for ever and swallows whatever would interrupt it.",
        "reached()\nwhile True:\n    try:\n        while True: pass\n    except BaseException: pass",
        witness=LATE,
    ),
    call(
        "a loop in C",
        "Loops for ever where no interrupt arrives.",
        "reached()\nimport itertools\nmax(itertools.repeat(0))",
        witness=LATE,
    ),
    cell(
        "a loop in C in a cell",
        "Loops in a cell where no interrupt arrives.",
        "import itertools\nmax(itertools.repeat(0))",
        witness=LATE,
    ),
    call(
        "recursion",
        "Recurses beyond the stack.",
        """
import sys
reached()
sys.setrecursionlimit(10**9)
def deeper(x): return deeper(x)
return deeper(0)
""",
        witness=LATE,
    ),
    cell(
        "every cell a little",
        "Takes a second in each of forty cells.",
        "import time\nreached()\ntime.sleep(1)",
        change=lambda notebook: notebook["cells"].extend(
            {
                "cell_type": "code",
                "metadata": {},
                "outputs": [],
                "execution_count": None,
                "source": f"import time; time.sleep({n} * 0 + 1)",
            }
            for n in range(40)
        ),
        witness="the cells after that were not run",
    ),
    cell(
        "provided cells made slow",
        "Lets the lab's own cells, whose time is not the student's, sleep in every print.",
        """
import builtins, time
reached()
print_ = print
def print(*given, **named): time.sleep(1000)
builtins.print = print
""",
        spoils=True,
        witness="was stopped",
    ),
    call(
        "a short cut for time",
        "Turns back the functions of the clock, so that it seems to take no time.",
        """
import time
reached()
time.monotonic = time.perf_counter = time.time = lambda: 0.0
time.sleep(3600)
""",
        witness=LATE,
    ),
    cell(
        "verdicts that hang",
        "Makes the object that receives the judge's verdict sleep.",
        """
import sys, time, types
reached()
class Checks(types.ModuleType):
    def __setattr__(self, name, value): time.sleep(3600)
sys.modules['checks'] = Checks('checks')
""",
        spoils=True,
        witness="",
    ),
]
