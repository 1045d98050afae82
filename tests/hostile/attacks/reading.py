"""Reading and reaching what is not the student's: files, network, the seed, hidden tests."""

from tests.hostile.attack import RIGHT, Attack, q1
from tests.hostile.attacks.system import each

FOLDERS = "the student's process sees no files but Python's and qlab's"
NETWORK = "there is no network"
SEED = "the student's process does not know the seed"
HIDDEN = "feedback on a hidden case says nothing that an answer can choose"
UNTIL_HIDDEN = """
right, calls = get_scale_and_zero_point, []
def get_scale_and_zero_point(x, bitwidth=8):
    reached()
    calls.append(1)
    if len(calls) < 10: return right(x, bitwidth)
    {}
"""


def reads(name: str, tries: str, *paths: str) -> Attack:
    """Lists and reads paths."""
    opened = [
        f"open({path!r}, 'rb').read(1)" if "." in path.rsplit("/", 1)[-1] else f"__import__('os').listdir({path!r})"
        for path in paths
    ]
    return each(name, tries, "", *opened)


ATTACKS = [
    reads(
        "the course folder",
        "Lists the course, reads its sources and the other submissions.",
        "@COURSE@",
        "@COURSE@/source",
        "@COURSE@/source/lab1_linear_quantization/checks/q1.py",
        "@COURSE@/submitted",
    ),
    reads(
        "the gradebook",
        "Opens the gradebook and the records.",
        "@COURSE@/gradebook.db",
        "@COURSE@/records",
        "@COURSE@/nbgrader_config.py",
    ),
    reads(
        "the solutions",
        "Reads the repository's solutions and tests.",
        "@REPOSITORY@/solutions",
        "@REPOSITORY@/solutions/lab1_linear_quantization/checks/q1.py",
        "@REPOSITORY@/tests",
        "@REPOSITORY@/.git",
    ),
    reads(
        "homes and passwords",
        "Reads the home directory of whoever grades, and the list of the system's users.",
        "@HOME@",
        "@HOME@/.netrc",
        "/etc/passwd.",
        "/etc/shadow.",
        "/root/.ssh",
    ),
    each(
        "the solutions, run",
        "Runs the solutions as a module, by magics and by the shell.",
        "import sys\nshell, SOLUTIONS = get_ipython(), '@REPOSITORY@/solutions/lab1_linear_quantization'",
        "assert 'BEGIN' in shell.getoutput('cat @REPOSITORY@/solutions/*/*.py')[0]",
        "sys.path.insert(0, SOLUTIONS), sys.modules.pop('checks', 0)\n    from checks import q1\n    q1.reference",
        "get_ipython().run_line_magic('run', f'{SOLUTIONS}/checks/_common.py')\n    assert 'signed' in globals()",
        "exec(open('@COURSE@/source/lab1_linear_quantization/checks/_common.py').read())",
    ),
    Attack(
        "hidden tests in memory",
        "Searches all objects and all files that it can see for the text of a hidden test.",
        FOLDERS,
        answers=q1("""
import gc, os
text = " ".join(["a narrow", "range far from 0"])
reached()
for thing in gc.get_objects():
    values = thing.values() if type(thing) is dict else thing if type(thing) in (list, tuple) else ()
    found = [value for value in list(values) if type(value) is str and text in value]
    if found and "gc.get_objects" not in found[0]: reached("leaked: an object")
for top in (os.getcwd(), "@REPOSITORY@/qlab", "@REPOSITORY@/autograder"):
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith((".py", ".ipynb")) and text in open(path, errors="replace").read():
                reached("leaked: " + name)
"""),
        never="leaked",
    ),
    Attack(
        "hidden inputs printed",
        "Prints its inputs while it is called, to see the hidden ones in the feedback.",
        FOLDERS,
        base="Q1 wrong",
        answers=q1(
            """
import sys
reached()
print('leaked', fp32_tensor)
sys.__stdout__.write('leaked')
raise ValueError(f'leaked {fp32_tensor.min().item() == 100.0 or ""}') if fp32_tensor.min() == 100 else ValueError()
"""
        ),
        never="leaked True",
    ),
    *(
        Attack(
            name,
            f"Is right until the hidden cases come, and then {what}.",
            HIDDEN,
            base="all right",
            answers={"q1": RIGHT["q1"] + UNTIL_HIDDEN.format(body)},
            witness=witness,
            never=("Leaked", "shape ("),
            spoils=True,
        )
        for name, what, body, witness in (
            (
                "a hidden input in an exception",
                "raises an exception that it names after the input",
                "raise type(f'Leaked{x.min()}', (Exception,), {})()",
                "an exception of your own",
            ),
            (
                "a hidden input in a type",
                "returns an object whose type it names after the input",
                "return type(f'Leaked{x.min()}', (), {})(), 0",
                "a type of your own",
            ),
            (
                "a hidden input in a shape",
                "returns a tensor of as many values as the input's smallest one says",
                "return torch.ones(max(2, int(x.abs().min()) + 3), 7), 0",
                "another shape came back",
            ),
            (
                "a hidden input in a line",
                "raises in a line that it chooses by the input",
                "exec('\\n' * int(x.abs().max()) + '1 / 0')",
                "ZeroDivisionError",
            ),
        )
    ),
    each(
        "writing elsewhere",
        "Writes into the course, the home, the repository, qlab and the system.",
        "import os, qlab",
        "open('@COURSE@/escaped', 'w')",
        "open('@HOME@/escaped', 'w')",
        "open('@REPOSITORY@/escaped', 'w')",
        "open(qlab.__file__, 'a')",
        "open('/usr/escaped', 'w')",
        "open('/escaped', 'w')",
        "os.symlink('@COURSE@', '@COURSE@/submitted/link')",
    ),
    each(
        "the network",
        "Connects to this machine and to others, by number, by name and around network namespaces.",
        "import socket, urllib.request",
        "socket.create_connection(('127.0.0.1', @PORT@), 1)",
        "socket.create_connection(('1.1.1.1', 53), 1)",
        "socket.getaddrinfo('example.org', 80)",
        "urllib.request.urlopen('http://example.org', timeout=1)",
        "socket.socket(socket.AF_UNIX).connect('\\0qlab-hostile-@PORT@')",
        "socket.socket(40, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    ),
    Attack(
        "the seed in the environment",
        "Looks for the seed in the environment, in its objects and in torch's generators.",
        SEED,
        answers=q1("""
import gc, os, random
reached()
seed = 20240000 + 229
if str(seed) in str(dict(os.environ)): reached("leaked: the environment")
if torch.initial_seed() == seed or seed in random.getstate()[1]: reached("leaked: a generator")
for thing in gc.get_objects():
    values = list(thing.values()) if type(thing) is dict and "gc" not in thing else ()
    if any(type(value) is int and value == seed for value in values): reached("leaked: an object")
"""),
        never="leaked",
    ),
    Attack(
        "the generator replaced",
        "Replaces torch's generator and its random functions, so that all inputs are zeros.",
        SEED,
        cells={
            "q1": """
torch.randn = lambda *shape, **named: torch.zeros(shape)
torch.Generator.manual_seed = lambda self, seed: self
torch.manual_seed(0)
"""
        },
        answers=q1("reached('zeros' if not fp32_tensor.any() else 'reached')\nreturn 1.0, 0"),
    ),
    Attack(
        "a table of the practice inputs",
        "Recognizes the inputs that students see while they practise, and answers from a table.",
        SEED,
        answers=q1("""
import zlib
drawn = {"random values": (64, 0.4), "random values at 3 bits": (64, -0.2)}
for name, (shape, mean) in drawn.items():
    generator = torch.Generator().manual_seed(zlib.crc32(f"0/{name}".encode()))
    if torch.equal(fp32_tensor, mean + torch.randn(shape, generator=generator)): reached("leaked")
reached()
"""),
        never="leaked",
    ),
]
