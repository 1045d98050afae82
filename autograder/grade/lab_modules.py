"""A lab's own modules, checks and others, imported from memory."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from qlab.check.question import Lab


class LabModules(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports a lab's own modules (checks and others) from memory, under their plain names.

    All labs use the same module names, so another lab's modules are removed first. Checks are a package; in a course
    released before version 0.2 they are a single module.
    """

    def __init__(self, sources: Mapping[str, str]):
        self._sources = sources
        self._ours = {name.partition(".")[0] for name in sources}

    @property
    def names(self) -> frozenset[str]:
        """The modules' names."""
        return frozenset(self._sources)

    @contextmanager
    def importable(self) -> Iterator[None]:
        """A context in which `import checks` finds this lab's, and no question knows of an answer yet."""
        sys.meta_path.insert(0, self)
        try:
            self.forget()
            yield
        finally:
            sys.meta_path.remove(self)

    def forget(self) -> None:
        """Remove another lab's modules of the same names, and let these questions forget what they checked before."""
        for name in [name for name in sys.modules if name.partition(".")[0] in self._ours]:
            module = sys.modules[name]
            if module is not None and module.__loader__ is not self:
                del sys.modules[name]
            for value in list(vars(module).values()) if module is not None else ():
                if isinstance(value, Lab):
                    value.forget()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of the lab's module of this name; None if it has none."""
        return importlib.util.spec_from_loader(fullname, self) if fullname in self._sources else None

    def is_package(self, fullname: str) -> bool:
        """Whether there are modules inside of this one."""
        return any(name.startswith(f"{fullname}.") for name in self._sources)

    def get_source(self, fullname: str) -> str:
        """A module's source."""
        return self._sources[fullname]
