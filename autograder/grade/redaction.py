"""Takes functions out of a module's source: their bodies go, and a call asks the judge instead.

The signature, the decorators and the docstring stay, so that whatever imports the module finds what it expects.
"""

import ast
import itertools
from collections.abc import Collection, Iterator

# Imported once, at the top: a student may exchange what `import` does later on.
ASK = "from autograder.grade.student.library import ask as _ask_judge"
Definition = ast.FunctionDef | ast.AsyncFunctionDef


def redacted(source: str, module: str, withheld: Collection[str]) -> str:
    """The source without the bodies of these functions.

    Args:
        source: of the module.
        module: its name.
        withheld: qualified names within the module, such as "quantize" and "MinMax.observe".
    """
    tree = ast.parse(source)
    for name, node in definitions(tree):
        if name in withheld:
            documentation = node.body[:1] if ast.get_docstring(node) is not None else []
            asking = f"return _ask_judge({f'{module}:{name}'!r}, locals())"
            node.body = [*documentation, *ast.parse(asking).body]
    head = sum(1 for _ in itertools.takewhile(_comes_first, tree.body))
    tree.body[head:head] = ast.parse(ASK).body
    return ast.unparse(tree)


def _comes_first(statement: ast.stmt) -> bool:
    """Whether it is a docstring, or an import that Python wants at the very top."""
    return isinstance(statement, ast.Expr) or getattr(statement, "module", "") == "__future__"


def definitions(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, Definition]]:
    """The functions of a module with their qualified names: those of classes and of functions too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Definition | ast.ClassDef):
            if isinstance(node, Definition):
                yield f"{inside}{node.name}", node
            yield from definitions(node, f"{inside}{node.name}.")
        else:
            yield from definitions(node, inside)


def with_helpers(source: str, names: Collection[str]) -> frozenset[str]:
    """These functions of a module, and the private ones of the same module that they call, directly or not.

    A private class counts with all its methods.
    """
    found = dict(definitions(ast.parse(source)))
    closed, left = set(), [name for name in names if name in found]
    while left:
        name = left.pop()
        if name not in closed:
            closed.add(name)
            left += [helper for helper in found if _is_helper(helper, name, found[name])]
    return frozenset(closed)


def _is_helper(helper: str, name: str, caller: Definition) -> bool:
    owner, _, last = helper.rpartition(".")
    names = {node.id for node in ast.walk(caller) if isinstance(node, ast.Name)}
    if not owner or is_private(owner):
        return is_private(owner or last) and (owner or last) in names
    attributes = {node.attr for node in ast.walk(caller) if isinstance(node, ast.Attribute)}
    return is_private(last) and owner == name.rpartition(".")[0] and last in attributes


def is_private(name: str) -> bool:
    """Whether a name begins with a single underscore."""
    return name.startswith("_") and not name.startswith("__")
