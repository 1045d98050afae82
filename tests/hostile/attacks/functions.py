"""Calling what was to be written; earlier answers that make later ones look right."""

from tests.hostile.attack import RIGHT, Attack, q1, q2

OFF_LIMITS = "the function that is asked for is not in the student's process, and the judge refuses to call it"
CARRIED = "a later answer is checked on the reference's values where the earlier ones tell nothing"


def asks(name: str, tries: str, body: str, setting_up: str = "", **more: object) -> Attack:
    """Q1 is answered by what it asks for."""
    cells = {"q1": setting_up} if setting_up else {}
    return Attack(name, tries, OFF_LIMITS, cells=cells, answers=q1(f"reached()\n{body}"), **more)  # type: ignore[arg-type]


def degenerate(
    name: str,
    tries: str,
    earlier: str,
    later: str = """
reached()
return torch.zeros_like(fp32_tensor), *get_scale_and_zero_point(fp32_tensor, bitwidth)
""",
) -> Attack:
    """A wrong Q2 on a Q1 that hides it."""
    return Attack(name, tries, CARRIED, base="Q1 wrong, Q2 zeros", answers={**q1(earlier), **q2(later)})


ATTACKS = [
    asks(
        "qlab's own function",
        "Calls qlab's function of the same name.",
        "return qlab.get_scale_and_zero_point(fp32_tensor, bitwidth)",
    ),
    asks(
        "another name for it",
        "Calls qlab's function under a name that it gave it before.",
        "return mine(fp32_tensor, bitwidth)",
        "import functools, qlab\nmine = functools.partial(qlab.get_scale_and_zero_point)",
    ),
    asks(
        "qlab's general form",
        "Calls the more general function that qlab's own function calls.",
        "from qlab.arithmetic.qparams import qparams\nreturn qparams(fp32_tensor, bitwidth)[:2]",
    ),
    asks(
        "qlab's function by the collector",
        "Finds qlab's function among all objects.",
        """
import gc, types
functions = [thing for thing in gc.get_objects() if type(thing) is types.FunctionType]
found = [f for f in functions if (f.__module__, f.__name__) == ("qlab.arithmetic.qparams", "get_scale_and_zero_point")]
return found[0](fp32_tensor, bitwidth)
""",
    ),
    asks(
        "qlab's quantizer",
        "Takes scale and zero-point from qlab's linear_quantize.",
        "return qlab.linear_quantize(fp32_tensor, bitwidth)[1:]",
    ),
    asks(
        "torch's dynamic quantization",
        "Takes scale and zero-point from torch.",
        """
q = torch.quantize_per_tensor_dynamic(fp32_tensor, torch.qint8, False)
return q.q_scale(), q.q_zero_point()
""",
    ),
    asks(
        "torch's observer",
        "Takes scale and zero-point from an observer of torch's.",
        """
low, high = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
observer = torch.ao.quantization.MinMaxObserver(dtype=torch.qint8, quant_min=low, quant_max=high)
observer(fp32_tensor)
s, z = observer.calculate_qparams()
return s.item(), z.item()
""",
        "import torch.ao.quantization",
    ),
    asks(
        "the reference of the checks",
        "Takes the reference from the lab's checks.",
        "import checks\nreturn checks.q1.reference(fp32_tensor, bitwidth)",
    ),
    asks(
        "the provided function",
        "Calls the function that the cells below the check would use.",
        "return q1.yours_or_provided()(fp32_tensor, bitwidth)",
    ),
    Attack(
        "the provided function in Q2",
        "Calls qlab's quantizer through the verdict on Q2 itself.",
        OFF_LIMITS,
        base="Q2 wrong",
        answers=q2("reached()\nreturn qlab.linear_quantize(fp32_tensor, bitwidth)"),
    ),
    Attack(
        "the limits taken off",
        "Restores the code that is off limits while it is called.",
        OFF_LIMITS,
        cells={
            "q1": """
import qlab.check.forbidden_calls as limits
import contextlib
limits.forbid = lambda names: contextlib.nullcontext()
limits.refuse = lambda name: None
"""
        },
        answers=q1("reached()\nreturn qlab.get_scale_and_zero_point(fp32_tensor, bitwidth)"),
    ),
    asks(
        "copied source",
        "Runs a copy of the source of qlab's functions.",
        "return copy['get_scale_and_zero_point'](fp32_tensor, bitwidth)",
        """
import inspect, qlab, sys
copy = {"__name__": "copied"}
exec(inspect.getsource(sys.modules["qlab.arithmetic.qparams"]), copy)
""",
    ),
    asks(
        "copied code",
        "Makes a function from the compiled code of qlab's function, before that is off limits.",
        "return mine(fp32_tensor, bitwidth)",
        """
import sys, types, qlab
def copied(function, seen):
    if id(function) not in seen:
        names = dict(function.__globals__)
        seen[id(function)] = types.FunctionType(function.__code__, names, function.__name__, function.__defaults__)
        seen[id(function)].__kwdefaults__ = function.__kwdefaults__
        names.update({
            name: copied(value, seen) for name, value in names.items()
            if isinstance(value, types.FunctionType) and value.__module__.startswith("qlab")
        })
    return seen[id(function)]
mine = copied(qlab.get_scale_and_zero_point, {})
""",
    ),
    asks(
        "a process beside",
        "Forks a process before the check, in which nothing is off limits, and asks qlab's function there.",
        """
import pickle
ours.send(pickle.dumps((fp32_tensor.reshape(-1).tolist(), bitwidth)))
return pickle.loads(ours.recv(1 << 20))
""",
        """
import os, pickle, socket, qlab
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
if os.fork() == 0:
    while True:
        x, bits = pickle.loads(theirs.recv(1 << 20))
        try:
            answer = qlab.get_scale_and_zero_point(torch.tensor(x), bits)
        except BaseException:
            answer = 0, 0
        theirs.send(pickle.dumps(answer))
""",
    ),
    asks(
        "qlab imported anew",
        "Forgets all modules of qlab and imports them again, so that the guard has others in hand.",
        "return mine(fp32_tensor, bitwidth)",
        """
import importlib, sys
for name in [name for name in sys.modules if name.partition(".")[0] == "qlab"]:
    del sys.modules[name]
mine = importlib.import_module("qlab.arithmetic.qparams").get_scale_and_zero_point
""",
    ),
    asks(
        "qlab in a thread",
        "Calls qlab's function in a thread that started before the check.",
        """
asked.put((fp32_tensor, bitwidth))
return answers.get(timeout=1)
""",
        """
import os, queue, threading, qlab
asked, answers = queue.Queue(), queue.Queue()
def answer():
    while True:
        answers.put(qlab.get_scale_and_zero_point(*asked.get()))
os.register_at_fork(after_in_child=lambda: threading.Thread(target=answer, daemon=True).start())
""",
        spoils=True,
    ),
    asks(
        "a hook at the fork",
        "Lets the copy that answers the check exchange the guard before it is used.",
        "return qlab.get_scale_and_zero_point(fp32_tensor, bitwidth)",
        """
import contextlib, os, qlab
from qlab.check import answer
def exchange():
    answer.forbid = lambda names: contextlib.nullcontext()
os.register_at_fork(after_in_child=exchange)
""",
    ),
    asks(
        "the line to the judge",
        "Asks the judge itself for what is off limits, and for what is no function of qlab's.",
        """
from autograder.grade.student.library import ask
for name, arguments in (
    ("os:system", {"command": "true"}),
    ("qlab.arithmetic.qparams:__builtins__", {}),
    ("checks.q1:q1.reference", {"fp32_tensor": fp32_tensor, "bitwidth": bitwidth}),
    ("qlab.arithmetic.qparams:get_scale_and_zero_point", {"fp32_tensor": fp32_tensor, "bitwidth": bitwidth}),
):
    try:
        return ask(name, arguments)
    except BaseException as error:
        failed = error
raise failed
""",
    ),
    asks(
        "qlab's files",
        "Looks for the source or the byte code of qlab's functions in all folders where they might be.",
        """
import os, sys
for top in {*sys.path, sys.prefix + "/lib", "/usr/lib/python3"}:
    for folder, _, files in os.walk(top):
        if "qlab" in folder.split("/") and any(name.startswith("qparams") for name in files):
            sys.path.insert(0, folder.partition("/qlab")[0])
            os.write(os.open("found", os.O_CREAT | os.O_WRONLY), b"found")
for name in [name for name in sys.modules if name.partition(".")[0] == "qlab"]:
    del sys.modules[name]
import qlab
return qlab.get_scale_and_zero_point(fp32_tensor, bitwidth)
""",
    ),
    degenerate("a huge scale", "Returns a scale so large that every code is 0.", "return 1e30, 0"),
    degenerate(
        "a scale that is not a number", "Returns NaN, with which nothing can be compared.", "return float('nan'), 0"
    ),
    degenerate("an infinite scale", "Returns infinity; whatever is divided by it becomes 0.", "return float('inf'), 0"),
    degenerate(
        "a scale for everything",
        "Returns an object that passes for any number.",
        "class Any(float):\n    __eq__ = lambda *_: True\nreturn Any(1e30), Any(0)",
    ),
    degenerate(
        "an earlier answer that raises",
        "Lets the earlier answer raise, so that the later one cannot be checked.",
        "raise ValueError",
    ),
    Attack(
        "an earlier answer that knows its caller",
        "Is right by itself and degenerate where Q2 calls it.",
        CARRIED,
        base="Q2 zeros",
        answers={
            "q1": RIGHT["q1"].replace("def get_scale_and_zero_point", "def honest")
            + """

def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    import sys
    if sys._getframe(1).f_code.co_name == 'linear_quantize':
        reached()
        return 1e30, 0
    return honest(fp32_tensor, bitwidth)

""",
            **q2("""
s, z = get_scale_and_zero_point(fp32_tensor, bitwidth)
return torch.zeros_like(fp32_tensor), s, z
"""),
        },
    ),
    Attack(
        "an earlier answer that does the later one",
        "Uses the provided function for Q1, which stands in for the answer, to find Q2's.",
        CARRIED,
        base="Q1 and Q2 wrong",
        answers={
            **q1("return None"),
            **q2(
                """
reached()
module = __import__('sys').modules[get_scale_and_zero_point.__module__]
return getattr(module, 'linear_quantize', qlab.linear_quantize)(fp32_tensor, bitwidth)
"""
            ),
        },
    ),
]
