"""Values that lie: what the answer returns is made to look right to whoever compares it."""

from tests.hostile.attack import Attack, q1, q2

PLAIN = "values cross as plain typed data"


def returns(name: str, tries: str, source: str, body: str = "return Lie(), Lie()", **more: object) -> Attack:
    """Q1 returns what a class of the student's makes."""
    return Attack(name, tries, PLAIN, cells={"q1": source}, answers=q1(f"reached()\n{body}"), **more)  # type: ignore[arg-type]


ATTACKS = [
    returns(
        "always equal",
        "Returns objects that are equal to everything, and neither smaller nor larger.",
        """
class Lie:
    __eq__ = __le__ = __ge__ = lambda *_: True
    __ne__ = __lt__ = __gt__ = lambda *_: False
    __sub__ = __rsub__ = __abs__ = lambda *_: 0
    __float__ = lambda self: 0.0
    __int__ = __index__ = lambda self: 0
""",
    ),
    returns(
        "another number each time",
        "Returns a float that is another one whenever it is asked.",
        """
import itertools
class Lie(float):
    asked = itertools.count()
    def __float__(self): return float(next(self.asked))
    def __eq__(self, other): return True
    __hash__ = float.__hash__
    def __lt__(self, other): return False
    __gt__ = __ne__ = __lt__
""",
    ),
    returns(
        "an int that lies",
        "Returns an int whose operators say what is wanted.",
        """
class Lie(int):
    __eq__ = __le__ = __ge__ = lambda *_: True
    __ne__ = __lt__ = __gt__ = lambda *_: False
    __hash__ = int.__hash__
    def __index__(self): return 0
""",
    ),
    returns(
        "a str that lies",
        "Returns a str that equals everything.",
        "class Lie(str):\n    __eq__ = lambda *_: True\n    __hash__ = str.__hash__",
    ),
    returns(
        "a tensor that lies",
        "Returns a tensor whose class overrides every function of torch.",
        """
class Lie(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function.__name__ in ("lt", "gt", "ne", "__lt__", "__gt__", "any"):
            return torch.zeros((), dtype=torch.bool)
        with torch._C.DisableTorchFunctionSubclass():
            return function(*args, **(kwargs or {}))
""",
        "return torch.zeros(()).as_subclass(Lie), torch.zeros(()).as_subclass(Lie)",
    ),
    returns(
        "a lazy sequence",
        "Returns a sequence that computes its entries again whenever it is read.",
        """
class Lie(tuple):
    read = 0
    def __iter__(self):
        Lie.read += 1
        return iter((1.0 / Lie.read, Lie.read))
    def __len__(self): return 2
    def __getitem__(self, place): return 1.0
""",
        "return Lie((1.0, 0))",
    ),
    returns("a generator", "Returns a generator in place of values.", "", "return (value for value in (1.0, 0))"),
    returns(
        "properties",
        "Returns an object whose dtype and shape are properties that run code.",
        """
class Lie:
    @property
    def dtype(self):
        reached("its property was read")
        return torch.float32
    shape = property(lambda self: torch.Size([]))
    def __array__(self, *given, **named): return __import__("numpy").zeros(())
    def __torch_function__(self, *given, **named): return torch.zeros(())
""",
    ),
    returns(
        "a class that is another",
        "Returns an object that says it is a float.",
        "class Lie:\n    __class__ = float\n    def __float__(self): return 0.0",
    ),
    returns(
        "pickled code",
        "Returns an object whose unpickling would run code in the judge.",
        'class Lie:\n    def __reduce__(self): return (exec, (\'open("/tmp/pickled", "w").write("x")\',))',
    ),
    returns(
        "a value within itself",
        "Returns a list that contains itself.",
        "",
        "value = [1.0]\nvalue.append(value)\nreturn value, 0",
    ),
    returns("a dictionary", "Returns a dictionary of the expected length.", "", "return {0: 1.0, 1: 0}"),
    returns(
        "NaN and infinity",
        "Returns NaN, in the hope that every comparison with it fails.",
        "",
        "return float('nan'), float('inf')",
    ),
    returns("complex numbers and truth", "Returns numbers of types that compare oddly.", "", "return 1j, True"),
    returns(
        "keys with one hash",
        "Returns a dictionary whose keys have the same hash, so that whoever makes it again takes minutes.",
        """
class Lie(dict):
    def items(self): return [(n * (2**61 - 1), 0) for n in range(1, 40_000)]
""",
        "return Lie()",
        witness="keys with the same hash",
    ),
    returns("a flood of NaN", "Returns sixteen million NaN.", "", "return torch.full((16_000_000,), float('nan')), 0"),
    returns("a million numbers", "Returns a list of a million numbers.", "", "return [0.5] * 1_000_000, 0"),
    returns("a giant integer, returned", "Returns an integer of ten million bits.", "", "return 1.0, 1 << 10_000_000"),
    returns(
        "exceptions with a text",
        "Raises an exception whose text takes forever.",
        """
class Lie(Exception):
    def __str__(self): return "x" * 10_000_000
""",
        "raise Lie()",
    ),
    returns(
        "functions and classes",
        "Returns its own functions, classes and modules.",
        "class Lie: pass",
        "return Lie, torch",
    ),
    Attack(
        "an answer that is an object",
        "Answers with a callable object that claims to be the proxy that a grader puts in an answer's place.",
        PLAIN,
        cells={
            "q1-check": """
class Answer:
    def answer_to(self, names, forbidden): return self
    def blanks(self): return 0
    def patched(self, names): return __import__("contextlib").nullcontext()
    def call(self, arguments):
        from qlab.check.answer import Returned
        return Returned(checks.q1.reference(*arguments))
    def __call__(self, *given):
        reached()
        return None
try:
    import checks
except ImportError: pass
get_scale_and_zero_point = Answer()
"""
        },
    ),
    Attack(
        "the arguments changed",
        "Changes its arguments in place, so that the expected result is computed from zeros.",
        PLAIN,
        base="Q2 wrong",
        answers=q2("reached()\nfp32_tensor.zero_()\nreturn torch.zeros_like(fp32_tensor), 1.0, 0"),
    ),
    Attack(
        "a number that equals all",
        "Gives, as the number for Q4, an object that equals whatever it is compared with.",
        PLAIN,
        base="all right",
        answers={
            "q4": """
class Size(float):
    __eq__ = __le__ = __ge__ = lambda *_: True
reached()
size_in_int8_mb = Size(3)
"""
        },
        costs={"q4-check": 0},
    ),
]
