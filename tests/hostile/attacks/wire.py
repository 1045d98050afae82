"""Lies over the wire: the student's code finds the socket and sends what it likes."""

from tests.hostile.attack import Attack, q1

WIRE = "whoever receives checks everything"

# What the student's code needs: the socket, and messages in the wire's format.
TOOLS = """
import json, os, socket, struct, time

def wire():
    for number in range(3, 64):
        try:
            found = socket.socket(fileno=os.dup(number))
            if found.family == socket.AF_UNIX:
                return found
        except OSError:
            pass

def frame(message, buffers=()):
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    sizes = b"".join(struct.pack(">Q", len(b)) for b in buffers)
    return struct.pack(">II", len(text), len(buffers)) + sizes + text + b"".join(buffers)

def printed(text, times=1):
    output = ["dict", ["output_type", "stream"], ["name", "stdout"], ["text", text]]
    return {"outputs": ["list", *[output] * times], "seconds": 0.0}

def outcome(points):
    return {"outcome": ["dict", ["question", "Q1"], ["points", points], ["out_of", 15]], "points": points}

def send(data):
    try:
        wire().sendall(data)
        reached()
    except (AttributeError, OSError):
        pass
"""


def in_a_cell(name: str, tries: str, source: str, **more: object) -> Attack:
    """Sends from a cell of its own, above Q1's check."""
    return Attack(name, tries, WIRE, cells={"q1-check": TOOLS + source}, **more)  # type: ignore[arg-type]


def in_the_answer(name: str, tries: str, body: str, **more: object) -> Attack:
    """Sends while the judge waits for what Q1's answer returns."""
    return Attack(name, tries, WIRE, cells={"q1": TOOLS}, answers=q1(body), **more)  # type: ignore[arg-type]


INVALID = "it sent an invalid answer"

ATTACKS = [
    in_the_answer(
        "a mark for an answer",
        "Sends an outcome with all the points.",
        "send(frame(outcome(15)))\ntime.sleep(0.2)",
        witness="",
        spoils=True,
    ),
    in_the_answer(
        "the end announced",
        "Says that its own process ended.",
        'send(frame({"ended": "a mark of 15"}))',
        witness="a mark of 15",
    ),
    in_the_answer(
        "copy ended, it says",
        "Says that the check is over.",
        'send(frame({"copy_ended": "a mark of 15"}))',
        witness="a mark of 15",
        spoils=True,
    ),
    in_the_answer(
        "two replies for one question",
        "Answers each call twice, so that later questions get earlier answers.",
        'send(frame({"value": ["tuple", 1.0, 0]}))\nreturn 1.0, 0',
        witness="",
        spoils=True,
    ),
    in_a_cell(
        "replies in advance",
        "Sends forty answers before anything is asked.",
        'send(frame({"value": ["tuple", 1.0, 0], "missing": "", "outputs": ["list"], "seconds": 0.0}) * 40)',
        witness="",
        spoils=True,
    ),
    in_the_answer(
        "a huge length",
        "Announces a message of 4 GB.",
        'send(struct.pack(">II", 2**32 - 1, 0))',
        witness=INVALID,
    ),
    in_the_answer(
        "a huge buffer",
        "Announces a tensor of an exabyte.",
        'send(struct.pack(">IIQ", 2, 1, 2**60))',
        witness=INVALID,
    ),
    in_the_answer(
        "many buffers",
        "Announces four billion tensors.",
        'send(struct.pack(">II", 2, 2**32 - 1))',
        witness=INVALID,
    ),
    in_the_answer("nested JSON", "Sends a million opening brackets.", 'send(frame(b"[" * 1_000_000))', witness=INVALID),
    in_the_answer(
        "nested lists",
        "Sends a value of ten thousand nested lists.",
        'send(frame(b\'{"value": \' + b\'["list", \' * 300 + b"1" + b"]" * 300 + b"}"))',
        witness=INVALID,
    ),
    in_the_answer(
        "a giant integer",
        "Sends a number of a million digits.",
        'send(frame(b\'{"value": \' + b"9" * 1_000_000 + b"}"))',
        witness=INVALID,
    ),
    in_the_answer("garbage", "Sends bytes that are not a message.", "send(os.urandom(100_000))", witness=INVALID),
    in_the_answer(
        "half a frame, then silence",
        "Sends half of a message and sleeps.",
        'send(struct.pack(">II", 1000, 0) + b"{")\ntime.sleep(60)',
        witness="it waited longer",
    ),
    in_the_answer(
        "a lying shape",
        "Sends a tensor whose bytes are fewer than its shape says.",
        'send(frame({"value": ["tuple", ["tensor", "float32", [1000000, 1000000], 0], 0]}, [b"abcd"]))',
        witness=INVALID,
    ),
    in_the_answer(
        "a shape that overflows",
        "Sends an empty tensor whose other dimensions multiply to 2**832.",
        'send(frame({"value": ["tensor", "float32", [0] + [2**26] * 31, 0]}, [b""]))',
        witness=INVALID,
    ),
    in_the_answer(
        "a lying dtype",
        "Sends a tensor of a type that does not exist, and an array of Python objects.",
        'send(frame({"value": ["tensor", "__class__", [1], 0]}, [b"abcd"]) + '
        'frame({"value": ["array", "|O", [1], 0]}, [b"12345678"]))',
        witness=INVALID,
    ),
    in_the_answer(
        "a reference beyond the message",
        "Sends a tensor whose bytes are in a buffer that does not exist.",
        'send(frame({"value": ["tensor", "float32", [1], 99]}))',
        witness=INVALID,
    ),
    in_the_answer(
        "no dictionary",
        "Sends a list, a number and a null as messages.",
        'send(frame([1]) + frame(b"1") + frame(b"null"))',
        witness=INVALID,
    ),
    in_the_answer(
        "a flood",
        "Sends endless replies.",
        "while True:\n    send(frame({'value': 'x' * 100_000}))",
        witness="",
        spoils=True,
    ),
    in_the_answer(
        "a long exception",
        "Says that it raised an exception of 3 MB.",
        """
send(frame({"error": "x" * 1_000_000, "error_name": "y" * 1_000_000}))
time.sleep(0.2)
""",
        witness="y" * 50,
        spoils=True,
    ),
    in_a_cell(
        "outputs without end",
        "Says that its cell printed 4 MB.",
        'send(frame(printed("x" * 100_000, 39)))',
        witness="",
        spoils=True,
    ),
    in_a_cell(
        "an answer, then deaf",
        "Forges the reply to its own cell and never reads again: the next cell has 5 MB.",
        'send(frame(printed("forged")))\nwhile True: time.sleep(1)',
        witness="forged",
        spoils=True,
        change=lambda notebook: notebook["cells"].insert(
            next(
                n
                for n, c in enumerate(notebook["cells"])
                if c["metadata"].get("nbgrader", {}).get("grade_id") == "q1-check"
            ),
            {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": "#" * 3_000_000},
        ),
    ),
    in_a_cell(
        "descriptors over the wire",
        "Passes open files along with a reply.",
        """
files = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("3i", 0, 1, 2))]
wire().sendmsg([frame(printed("passed"))], files)
""",
        witness="passed",
        spoils=True,
    ),
    in_a_cell(
        "the wire shut",
        "Shuts the socket down.",
        """
reached()
wire().shutdown(2)
""",
        witness="was stopped",
    ),
]
