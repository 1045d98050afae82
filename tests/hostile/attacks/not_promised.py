"""What is not promised: whoever can copy the library's source can also run it elsewhere. These gain Q1's points."""

from tests.hostile.attack import FULL, Attack, q1

OFF_LIMITS = "none: copied source is not detected"
GAINS = {"q1-check": FULL["q1-check"]}


def gains(name: str, tries: str, body: str, setting_up: str = "import qlab") -> Attack:
    """Q1 is answered by a copy of what it asks for."""
    return Attack(name, tries, OFF_LIMITS, cells={"q1": setting_up}, answers=q1(f"reached()\n{body}"), costs=GAINS)


ATTACKS = [
    gains(
        "copied source",
        "Runs a copy of the source of qlab's functions.",
        "return copy['get_scale_and_zero_point'](fp32_tensor, bitwidth)",
        """
import inspect, qlab, sys
copy = {"__name__": "copied"}
exec(inspect.getsource(sys.modules["qlab.arithmetic.qparams"]), copy)
""",
    ),
    gains(
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
    gains(
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
        theirs.send(pickle.dumps(qlab.get_scale_and_zero_point(torch.tensor(x), bits)))
""",
    ),
]
