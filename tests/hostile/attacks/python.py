"""Tampering with Python: builtins, modules, what torch compares with."""

from tests.hostile.attack import Attack, q1

JUDGE = "checks run in the judge"


def before_the_check(name: str, tries: str, source: str, **more: object) -> Attack:
    """Runs above Q1's check."""
    return Attack(name, tries, JUDGE, cells={"q1-check": f"{source}\nreached()"}, **more)  # type: ignore[arg-type]


def builtin(name: str, replacement: str, **more: object) -> Attack:
    """Replaces a builtin, before the check and while it calls."""
    return before_the_check(
        f"builtins.{name}",
        f"Replaces {name} everywhere, so that what the check compares looks right.",
        f"import builtins\nreal_{name} = builtins.{name}\nbuiltins.{name} = {replacement}",
        **more,
    )


ATTACKS = [
    builtin(
        "isinstance", "lambda value, kind: True if type(value) is tuple else real_isinstance(value, kind)", spoils=True
    ),
    builtin(
        "float",
        "type('float', (real_float,), {'__eq__': lambda *_: True, '__ne__': lambda *_: False})",
        spoils=True,
        witness="was stopped",
    ),
    builtin("round", "lambda *given: 0"),
    builtin("print", "lambda *given, **named: __import__('sys').displayhook(15)"),
    builtin("len", "lambda value: 2 if value is None else real_len(value)"),
    builtin("any", "lambda values: False"),
    builtin("sum", "lambda values, start=0: 15"),
    builtin(
        "__import__",
        "lambda name, *given: type('checks', (), {'q1': type('q1', (), {'also': print, 'check': lambda *_: 15, "
        "'yours_or_provided': lambda *_: qlab.get_scale_and_zero_point})()}) "
        "if name == 'checks' else real___import__(name, *given)",
    ),
    before_the_check(
        "fake checks",
        "Puts a module of its own into sys.modules under the name checks, whose check gives 15.",
        """
import sys, types
real = sys.modules.get("checks")
class Question:
    def also(self, *cases): pass
    def check(self, *answer): return 15
    def yours_or_provided(self): return qlab.get_scale_and_zero_point
class Checks(types.ModuleType):
    q1 = Question()
    def __getattr__(self, name): return getattr(real, name)
sys.modules["checks"] = Checks("checks")""",
    ),
    before_the_check(
        "fake values",
        "Makes qlab's comparison find no difference.",
        """
import qlab.check.values, qlab.check.case_results
qlab.check.values.difference = qlab.check.case_results.difference = lambda *given, **named: ""
qlab.check.case_results.field_errors = lambda returned, expected, fields, case: ("",) * len(fields)
qlab.check.values.split = qlab.check.case_results.split = lambda value, fields: (1.0,) * len(fields)""",
    ),
    before_the_check(
        "fake outcome",
        "Gives every outcome all the points.",
        """
import qlab.check.outcome
qlab.check.outcome.Outcome.points = property(lambda self: self.out_of, lambda self, value: None)
qlab.check.outcome.Outcome.__init__ = lambda self, *given, **named: None
qlab.check.outcome.Outcome._repr_mimebundle_ = lambda self, *given, **named: {"text/plain": "15"}""",
    ),
    before_the_check(
        "fake references",
        "Makes the reference of Q1 return what the answer does.",
        """
try:
    import checks
    checks.q1.reference = lambda *given, **named: (1.0, 0)
    def get_scale_and_zero_point(fp32_tensor, bitwidth=8): return 1.0, 0
except Exception: pass""",
    ),
    before_the_check(
        "torch compares alike",
        "Replaces what torch compares with: equal, allclose, isclose, isfinite, and the operators of tensors.",
        """
torch.equal = torch.allclose = lambda *given, **named: True
torch.isclose = lambda *given, **named: torch.ones(1, dtype=torch.bool)
torch.Tensor.__lt__ = torch.Tensor.__gt__ = lambda a, b: torch.zeros_like(a, dtype=torch.bool)
def get_scale_and_zero_point(fp32_tensor, bitwidth=8): return 1.0, 0""",
    ),
    before_the_check(
        "math compares alike",
        "Patches math.isclose and returns objects that equal everything.",
        """
import math
math.isclose = lambda *given, **named: True
class Equal:
    __eq__ = __le__ = __ge__ = lambda *_: True
    __ne__ = __lt__ = __gt__ = lambda *_: False
def get_scale_and_zero_point(fp32_tensor, bitwidth=8): return Equal(), Equal()""",
    ),
    before_the_check(
        "fake torch",
        "Puts a torch of its own into sys.modules.",
        """
import sys, types
class Torch(types.ModuleType):
    def __getattr__(self, name): return getattr(torch, name)
    equal = allclose = staticmethod(lambda *given, **named: True)
sys.modules["torch"] = Torch("torch")""",
    ),
    before_the_check(
        "fake qlab",
        "Puts a qlab of its own into sys.modules, whose every attribute is a function that gives 15.",
        """
import sys, types
class Qlab(types.ModuleType):
    def __getattr__(self, name): return lambda *given, **named: 15
sys.modules["qlab.check"] = Qlab("qlab.check")""",
    ),
    before_the_check(
        "import hook",
        "Answers every import of checks by a finder of its own.",
        """
import sys, importlib.util, importlib.abc
sys.modules.pop("checks", None)
class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == "checks" else None
    def create_module(self, spec): return None
    def exec_module(self, module):
        import types
        module.q1 = module.q2 = types.SimpleNamespace(
            also=print, check=lambda *_: 15, yours_or_provided=lambda: qlab.get_scale_and_zero_point
        )
sys.meta_path.insert(0, Finder())""",
    ),
    Attack(
        "the grader's own modules",
        "Patches whatever of the grader is in its process, so that replies carry a mark.",
        JUDGE,
        cells={
            "q1": """
import sys
for name, module in list(sys.modules.items()):
    if name.startswith("autograder"):
        reached(name)
        for attribute in ("valid_outcome", "_marked", "Limits"):
            if hasattr(module, attribute): setattr(module, attribute, lambda *given, **named: 15)
reached()
"""
        },
    ),
    Attack(
        "objects of the collector",
        "Asks the garbage collector for questions, outcomes and judges and gives each of them all the points.",
        JUDGE,
        answers=q1("""
import gc
reached()
for thing in gc.get_objects():
    kind = type(thing).__name__
    if kind in ("Question", "Outcome", "Judge", "Found", "Run", "Part"):
        reached(kind)
        for name, value in (("points", 15), ("parts", ()), ("outcome", 15)):
            try: object.__setattr__(thing, name, value)
            except Exception: pass
return 1.0, 0
"""),
    ),
    Attack(
        "the frames above",
        "Walks up the stack for the check's variables and changes them.",
        JUDGE,
        answers=q1("""
import sys
frame = sys._getframe()
while frame is not None:
    reached(frame.f_code.co_name)
    for name in ("points", "tried", "expected", "outcome"):
        if name in frame.f_locals: reached("found " + name)
    if "expected" in frame.f_locals and hasattr(frame.f_locals["expected"], "__iter__"):
        return tuple(float(e.high) for e in frame.f_locals["expected"])
    frame = frame.f_back
return None
"""),
        witness="get_scale_and_zero_point",
    ),
    Attack(
        "a trace function",
        "Has Python call it at each line of the check, and reads what is expected.",
        JUDGE,
        cells={
            "q1-check": """
import sys
def trace(frame, event, arg):
    if frame.f_code.co_name == "judge" and "expected" in frame.f_locals:
        frame.f_locals["returned"].__dict__.update(value=tuple(float(e.high) for e in frame.f_locals["expected"]))
    return trace
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    reached()
    frame = sys._getframe()
    while frame is not None:
        frame.f_trace, frame = trace, frame.f_back
    sys.settrace(trace)
"""
        },
    ),
    Attack(
        "subclasses everywhere",
        "Rewrites the methods of tensors' type, of float and of tuple through the collector.",
        JUDGE,
        answers=q1("""
import gc
reached()
for kind, name, method in ((float, "__eq__", lambda *_: True), (tuple, "__len__", lambda *_: 2)):
    try: gc.get_referents(kind.__dict__)[0][name] = method
    except Exception: pass
return None
"""),
        # A tuple that lies about its length breaks the copy that answers.
    ),
]
