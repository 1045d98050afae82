"""What a student's code uses that no answer needs and that a way around the checks does need; for a person to read.

It costs nobody points. It finds what stands in the code; whoever hides it better is not found.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qlab.cells import parsed

# By what a name gives: other people's objects, code and memory; other processes and threads; Python's and torch's own
# machinery, with which a function can be called behind a guard's back.
MODULES = (
    "autograder", "builtins", "ctypes", "dis", "gc", "importlib", "inspect", "marshal", "mmap", "multiprocessing",
    "pickle", "pkgutil", "runpy", "subprocess", "threading", "types", "weakref", "_thread",
)  # fmt: skip
DOTTED = (
    "qlab.check", "sys.modules", "sys.meta_path", "sys.path_hooks", "sys._getframe", "sys._current_frames",
    "sys.settrace", "sys.setprofile", "os.fork", "os.register_at_fork", "torch._C", "torch._ops", "torch.jit",
    "torch.ops", "torch.library", "torch.overrides", "torch.utils._python_dispatch", "torch.fx", "torch.compile",
)  # fmt: skip
ROOTS = {dotted.partition(".")[0] for dotted in DOTTED}  # a cell above may have imported these
CALLS = ("__import__", "breakpoint", "compile", "eval", "exec", "globals", "vars")
ATTRIBUTES = (
    "__bases__", "__builtins__", "__class__", "__closure__", "__code__", "__dict__", "__getattribute__", "__globals__",
    "__loader__", "__mro__", "__reduce__", "__spec__", "__subclasses__", "__wrapped__", "DisableTorchFunction",
    "DisableTorchFunctionSubclass", "f_back", "f_globals", "f_locals",
)  # fmt: skip


@dataclass(frozen=True)
class OwnCell:
    """A cell that the student wrote or changed.

    Attributes:
        name: what it is for, such as "Q1".
        source: its code.
        released: the code that the lab has in this cell; "" if it has none.
    """

    name: str
    source: str
    released: str = ""


def unusual_code(cells: Iterable[OwnCell]) -> tuple[str, ...]:
    """One sentence per cell that uses such things, where the lab's own code in it does not."""
    found = ((cell.name, sorted(unusual_names(cell.source) - unusual_names(cell.released))) for cell in cells)
    return tuple(
        f"{name}: the code uses {', '.join(names)}, which no answer needs: read it" for name, names in found if names
    )


def unusual_names(source: str) -> frozenset[str]:
    """The names of such things in a source; none in one that does not parse, because it does not run either."""
    tree = parsed(source)
    return frozenset() if tree is None else frozenset(_unusual(tree))


def _unusual(tree: ast.Module) -> Iterator[str]:
    aliases = {name: name for name in ROOTS}
    for imported, alias in _imports(tree):
        aliases[alias or imported.partition(".")[0]] = imported if alias else imported.partition(".")[0]
        yield from _listed(imported)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=attribute):
                if attribute in ATTRIBUTES:
                    yield attribute
                yield from _listed(_dotted(node, aliases))
            case ast.Call(func=ast.Name(id=function)) if function in CALLS:
                yield function
            case ast.Call(func=ast.Name(id="getattr"), args=[_, name, *_]) if not isinstance(name, ast.Constant):
                yield "getattr with a name that it computes"
            case ast.Constant(value=str(text)) if text in ATTRIBUTES:
                yield text


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What is imported, and under which name; "" for `import a.b`, which gives the name a."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((name.name, name.asname or "") for name in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield from ((f"{module}.{name.name}", name.asname or name.name) for name in names)


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str:
    """The whole name of `a.b.c`, with what `a` was imported as; "" if it is no such name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in aliases:
        return ""
    return ".".join([aliases[node.id], *reversed(parts)])


def _listed(name: str) -> Iterator[str]:
    module = name.partition(".")[0]
    if module in MODULES:
        yield module
    yield from (dotted for dotted in DOTTED if name == dotted or name.startswith(f"{dotted}."))
