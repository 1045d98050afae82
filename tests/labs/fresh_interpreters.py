"""Statements and expressions in interpreters that have not imported qlab yet: a line of JSON each way.

Its text is run by `python -c` in the tree whose qlab is meant: tests/ itself holds a package called qlab. What takes
long to import is imported once; each line's cases get a process, forked before anything of qlab is there.
"""

import contextlib
import gc
import importlib
import inspect
import json
import os
import sys
import types

HEAVY = (
    *("torch", "torch.ao.quantization", "torch.ao.quantization.quantize_fx", "numpy", "matplotlib.figure"),
    *("IPython.display", "ipywidgets", "typer"),
)
PLAIN = (bool, int, float, str, type(None))


def main():
    for name in HEAVY:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.disable()  # in a fork it would copy all memory that torch fills
    gc.freeze()
    for line in sys.stdin:
        print(in_a_fork(json.loads(line)), flush=True)


def in_a_fork(cases):
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        with os.fdopen(writing, "w") as pipe:
            json.dump([looked_at(case) for case in cases], pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.wait()
    return text


def looked_at(case):
    """Run the statements; what each expression is, which files were loaded twice, and what went wrong."""
    names, values, errors = {"importlib": importlib, "sys": sys}, {}, []
    for statement in case["statements"]:
        try:
            exec(statement, names)
        except Exception as error:
            errors.append(f"{statement}: {error!r}")
    for expression in case["expressions"]:
        try:
            values[expression] = described(eval(expression, names))
        except Exception as error:
            errors.append(f"{expression}: {error!r}")
    return {"values": values, "errors": errors, "twice": loaded_twice(), "qlab": sys.modules["qlab"].__file__}


def loaded_twice():
    copies = {}
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "qlab":
            copies.setdefault(module.__file__, {})[id(module)] = name
    return [list(modules.values()) for modules in copies.values() if len(modules) > 1]


def described(value):
    """Kind, the name that the value gives itself, whether it is what that name stands for, and its parameters."""
    if isinstance(value, types.ModuleType):
        name = value.__name__
        return {"kind": "module", "home": name, "itself": sys.modules.get(name) is value, "parameters": None}
    home = f"{getattr(value, '__module__', None)}:{getattr(value, '__qualname__', None)}"
    if not callable(value):
        return {"kind": "value", "home": repr(value), "itself": True, "parameters": None}
    ours = home.startswith("qlab") and "None" not in home
    kind = "class" if isinstance(value, type) else "function"
    return {"kind": kind, "home": home, "itself": not ours or found(home) == value, "parameters": parameters(value)}


def found(home):
    module, _, qualname = home.partition(":")
    value = importlib.import_module(module)
    for name in qualname.split("."):
        value = getattr(value, name)
    return value


def parameters(function):
    """Name, kind and default of each; None where Python does not know them."""
    try:
        given = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[one.name, one.kind.name, default(one)] for one in given]


def default(parameter):
    if parameter.default is parameter.empty:
        return ""
    plain = isinstance(parameter.default, PLAIN) or parameter.default == ()
    return repr(parameter.default) if plain else "an object"


if __name__ == "__main__":
    main()
