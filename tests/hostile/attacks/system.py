"""Out of the process: memory, other processes, signals, threads, whatever goes on behind a submission's back."""

from tests.hostile.attack import Attack, q1

SANDBOX = "the student's process has namespaces, a filter of system calls and no rights"
# Under load the limit of wall time may come first.
LATE = ("it ran longer than", "it waited longer than")


def cell(name: str, tries: str, source: str, **more: object) -> Attack:
    """Runs in a cell of its own above Q1's check."""
    return Attack(name, tries, SANDBOX, cells={"q1-check": source}, **more)  # type: ignore[arg-type]


def each(name: str, tries: str, setting_up: str, *tried: str, **more: object) -> Attack:
    """Tries several things, none of which works: `leaked` is told where one does."""
    lines = [
        f"try:\n    {one}\nexcept Exception as error:\n    reached(str(error))\nelse:\n    reached('leaked')"
        for one in tried
    ]
    return cell(name, tries, "\n".join([setting_up, *lines, "reached()"]), never="leaked", **more)


def call(name: str, tries: str, body: str, **more: object) -> Attack:
    """Happens while the judge calls Q1's answer."""
    return Attack(name, tries, SANDBOX, answers=q1(body), **more)  # type: ignore[arg-type]


FORK = """
import os, time
def children(count, work):
    for _ in range(count):
        if os.fork() == 0:
            try: work()
            finally: os._exit(0)
"""

MEMORY = [
    call(
        "memory written by ctypes",
        "Overwrites memory at random places.",
        """
import ctypes
reached()
for place in range(0x1000, 0x7fffffff, 0x1000000): ctypes.memset(place, 15, 8)
""",
    ),
    each(
        "ptrace and its kin",
        "Attaches to its parent, reads another process's memory, makes itself dumpable and root.",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def no(result):
    if result: raise OSError(ctypes.get_errno(), 'no')
""",
        "no(libc.ptrace(16, 1, 0, 0))",
        "no(libc.process_vm_readv(1, 0, 0, 0, 0, 0))",
        "os.setuid(0)",
        "no(libc.unshare(0x10000000))",
        "no(libc.mount(b'none', b'/scratch', b'tmpfs', 0, None))",
        "os.chroot('/scratch')",
    ),
    each(
        "/proc",
        "Reads memory, descriptors and environment of this and other processes in /proc.",
        "",
        "open('/proc/self/mem', 'r+b')",
        "open('/proc/1/environ').read()",
        "os.listdir('/proc/self/fd')",
        "os.listdir('/proc/1/root')",
        "open('/proc/self/oom_score_adj', 'w')",
    ),
    each(
        "memory of no process",
        "Asks for memory that no limit counts: a memfd, System V's, a mapping shared without a name, /dev/zero's.",
        """
import ctypes, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
def some(result):
    if result < 0: raise OSError(ctypes.get_errno(), 'no')
""",
        "os.memfd_create('x')",
        "some(libc.shmget(0, 1 << 20, 0o1666))",
        "mmap.mmap(-1, 1 << 20)",
        "mmap.mmap(os.open('/dev/zero', os.O_RDWR), 1 << 20)",
    ),
    cell(
        "the file of all submissions",
        "Looks for an open file that other submissions share, to leave answers in it.",
        """
import os, stat
for number in range(256):
    try:
        if stat.S_ISREG(os.fstat(number).st_mode): reached(f'leaked: {number}')
    except OSError: pass
reached()
""",
        never="leaked",
    ),
]

SIGNALS = [
    call(
        "SIGALRM replaced",
        "Replaces the handler that would interrupt it, then loops.",
        "import signal\nreached()\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass",
        witness=LATE,
    ),
    cell(
        "all signals ignored",
        "Ignores every signal and loops in a cell.",
        """
import signal
for number in range(1, 64):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: pass
""",
        witness=LATE,
    ),
    call(
        "SIGSTOP",
        "Stops the copy that answers, so that it neither answers nor ends.",
        "import os, signal\nreached()\nos.kill(os.getpid(), signal.SIGSTOP)",
        witness=LATE,
    ),
    cell(
        "kill everything",
        "Kills every process that it is allowed to, its parent, its group and process 1.",
        """
import os, signal
reached()
for target in (os.getppid(), 1, -1):
    try: os.kill(target, signal.SIGKILL)
    except OSError as error: reached(str(error))
""",
    ),
    call(
        "kill from the copy",
        "Kills, from the copy that answers, the process that it was copied from.",
        """
import os, signal
reached()
for target in (os.getppid(), -1):
    try: os.kill(target, signal.SIGKILL)
    except OSError as error: reached(str(error))
""",
    ),
    cell(
        "an alarm from afar",
        "Starts an alarm that goes off in the judge's time, in a later check.",
        """
import signal
times = iter(range(5))
def alarm(*_):
    if next(times, None) is None: signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    else: raise KeyboardInterrupt
signal.signal(signal.SIGVTALRM, alarm)
reached()
signal.setitimer(signal.ITIMER_VIRTUAL, 0.1, 0.02)
""",
        spoils=True,
        # Where the machine is busy the first alarm goes off before the cell's own output is on its way.
        witness=("reached", "KeyboardInterrupt"),
    ),
]

PROCESSES = [
    cell(
        "a double fork",
        "Leaves behind an orphaned process that writes to the scratch folder for ever.",
        FORK
        + """
reached()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for _ in range(100): time.sleep(1)
    os._exit(0)
""",
    ),
    cell(
        "a fork bomb",
        "Forks endlessly.",
        FORK + "reached()\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        spoils=True,
        witness=LATE,
    ),
    call(
        "a fork in the answer",
        "Answers from two processes at once.",
        """
import os
reached()
os.fork()
return 1.0, 0
""",
    ),
    cell(
        "a fork in a cell",
        "Lets a second process return from the cell and answer beside the first.",
        "import os\nos.fork()\nreached()",
    ),
    cell(
        "a thread goes on",
        "Lets a thread swap answers while they are being checked.",
        """
import threading, time
def swap():
    while True:
        globals()['get_scale_and_zero_point'] = lambda *given: (1.0, 0)
        time.sleep(0.001)
threading.Thread(target=swap, daemon=True).start()
reached()
""",
        spoils=True,
    ),
    cell(
        "ten thousand threads",
        "Starts threads until no more can be started.",
        """
import threading, time
try:
    for _ in range(10_000): threading.Thread(target=time.sleep, args=(0.5,), daemon=True).start()
except RuntimeError as error: reached(str(error))
""",
        witness="can't start new thread",
        spoils=True,
    ),
    cell(
        "a thread on the wire",
        "Lets a thread read the judge's questions and answer them.",
        r"""
import threading, os, socket
reached()
def answer():
    while True:
        for number in range(3, 8):
            try: os.write(number, b'\0\0\0\2\0\0\0\0{}'); os.read(number, 100000)
            except OSError: pass
threading.Thread(target=answer, daemon=True).start()
""",
        spoils=True,
        witness="",
    ),
    call("os._exit", "Ends the process with status 0 while it is answering.", "import os\nreached()\nos._exit(0)"),
    call(
        "an exit status of the grader's",
        "Ends the copy with the exit status that means that every question was asked.",
        "import os\nreached()\nos._exit(114)",
        witness=LATE,
    ),
    call("abort", "Aborts.", "import os\nreached()\nos.abort()"),
    call("a segmentation fault", "Reads from address 0.", "import ctypes\nreached()\nctypes.string_at(0)"),
    cell(
        "a segmentation fault in a cell",
        "Ends the process itself.",
        "import ctypes\nctypes.string_at(0)",
        witness="SIGSEGV",
    ),
    call("SystemExit", "Exits.", "reached()\nraise SystemExit(0)"),
    call("KeyboardInterrupt", "Interrupts whoever calls it.", "reached()\nraise KeyboardInterrupt"),
    cell("exit and quit", "Asks IPython to end.", "reached()\nget_ipython().ask_exit()\nexit()"),
    cell(
        "an exit handler",
        "Registers code that runs when Python ends.",
        "import atexit\natexit.register(lambda: __import__('time').sleep(60))\nreached()",
    ),
]

TERMINAL = [
    each(
        "the terminal",
        "Writes commands to the terminal in which the grader runs.",
        "import fcntl, os, termios",
        "fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), termios.TIOCSTI, b'x')",
        "fcntl.ioctl(0, termios.TIOCSTI, b'x')",
        "os.ttyname(1)",
    ),
]

ATTACKS = [*MEMORY, *SIGNALS, *PROCESSES, *TERMINAL]
