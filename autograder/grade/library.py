"""The qlab that students' processes get: without the functions that a lab's questions ask for.

Nothing inside a student's process can keep a function from being called that is there. So these are not there, neither
in memory nor in a file: the judge calls them for the student, unless the question that it checks forbids them.
"""

import importlib
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType

from autograder.grade.lab_modules import LabModules
from autograder.grade.redaction import redacted, with_helpers
from autograder.grade.sandbox import package_folder
from autograder.grade.served_calls import ServedCalls
from qlab.check.forbidden_calls import find
from qlab.check.question import Question

PROVIDED = "provided"


@dataclass(frozen=True)
class Library:
    """What can be imported in a student's process.

    Attributes:
        withheld: the functions that are not there, as "module:qualname".
        modules: the sources of qlab's modules, by name; packages are those that others are inside of.
        files: the lab's own files that had to be changed, by path.
        served: calls of what is withheld.
    """

    withheld: frozenset[str] = frozenset()
    modules: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    served: ServedCalls = field(default=ServedCalls(), repr=False)

    @classmethod
    def whole(cls) -> "Library":
        """All of qlab."""
        return cls(modules=qlab_sources())

    @classmethod
    def of(cls, lab: LabModules) -> "Library":
        """What students get while this lab is graded."""
        with lab.importable():
            names = closed((name for question in questions(lab) for name in question.forbidden), lab)
        by_module = defaultdict(set)
        for name in names:
            module, _, qualname = name.partition(":")
            by_module[module].add(qualname)
        own = by_module.pop(PROVIDED, None)
        modules = {
            name: redacted(source, name, by_module[name]) if name in by_module else source
            for name, source in qlab_sources().items()
        }
        files = {f"{PROVIDED}.py": redacted(lab.get_source(PROVIDED), PROVIDED, own).encode()} if own else {}
        return cls(names, modules, files, ServedCalls(names, cache(lambda forbidden: closed(forbidden, lab))))


def questions(lab: LabModules) -> Iterator[Question]:
    """The questions of a lab whose modules can be imported now."""
    if "checks" not in lab.names:
        return
    importlib.import_module("checks")
    seen = set()
    for name in lab.names:
        for value in list(vars(sys.modules[name]).values()) if name in sys.modules else ():
            if isinstance(value, Question) and id(value) not in seen:
                seen.add(id(value))
                yield value


def closed(names: Iterable[str], lab: LabModules) -> frozenset[str]:
    """The functions of qlab and of the lab's provided.py among these, and their private helpers, by their own names.

    A name that does not resolve is passed over here: the check that forbids it says so.
    """
    by_module = defaultdict(set)
    for name in names:
        if location := find(name):
            module, qualname = home(name, location[2])
            by_module[module].add(qualname)
    sources = {**qlab_sources(), PROVIDED: lab.get_source(PROVIDED) if PROVIDED in lab.names else ""}
    return frozenset(
        f"{module}:{name}"
        for module, qualnames in by_module.items()
        if module in sources
        for name in with_helpers(sources[module], qualnames)
    )


def home(name: str, function: object) -> tuple[str, str]:
    """The module that defines a function, and its qualified name there; a name may come from where it is handed on."""
    module, qualname = (getattr(function, attribute, None) for attribute in ("__module__", "__qualname__"))
    if isinstance(module, str) and isinstance(qualname, str):
        return module, qualname
    module, _, qualname = name.partition(":")
    holder = sys.modules.get(module)
    return (holder.__name__ if isinstance(holder, ModuleType) else module), qualname


@cache
def qlab_sources() -> dict[str, str]:
    """The sources of qlab's modules, by name."""
    folder = package_folder("qlab")
    return {_module_name(path, folder): path.read_text("utf-8") for path in sorted(folder.rglob("*.py"))}


def _module_name(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
