"""Tampering through IPython, which runs the cells."""

from tests.hostile.attack import Attack, q1

JUDGE = "checks run in the judge"

ATTACKS = [
    Attack(
        "displayhook in the answer",
        "Shows a result of its own while the check calls it: stock nbgrader takes the first output as the mark.",
        JUDGE,
        answers=q1("import sys\nreached()\nsys.displayhook('full')"),
    ),
    Attack(
        "displayhook replaced",
        "Shows 15 in place of the value of a cell's last line.",
        JUDGE,
        cells={
            "q1-check": """
class Fifteen:
    def __repr__(self): return "15"
hook = type(get_ipython().displayhook)
call = hook.__call__
hook.__call__ = lambda self, result=None: call(self, None if result is None else Fifteen())
reached()
"""
        },
    ),
    Attack(
        "AST transformer",
        "Rewrites the test cell's syntax tree so that its last value is 15.",
        JUDGE,
        cells={
            "q1-check": """
import ast
class Full(ast.NodeTransformer):
    def visit_Call(self, node):
        return ast.copy_location(ast.Constant(15), node) if "q1.check" in ast.unparse(node) else node
get_ipython().ast_transformers.append(Full())
reached()
"""
        },
    ),
    Attack(
        "input transformer",
        "Replaces the text of the test cell before it is parsed.",
        JUDGE,
        cells={
            "q1-check": """
def full(lines):
    return ["15\\n"] if any("q1.check" in line for line in lines) else lines
get_ipython().input_transformers_cleanup.append(full)
reached()
"""
        },
    ),
    Attack(
        "run_code patched",
        "Makes every test cell succeed without running it: stock nbgrader gives full marks if there is no error.",
        JUDGE,
        cells={
            "q1-check": """
shell = get_ipython()
run_code = shell.run_code
async def quiet(code, result=None, *, async_=False):
    if "q1" in code.co_names and "check" in code.co_names:
        return False
    return await run_code(code, result, async_=async_)
shell.run_code = quiet
reached()
"""
        },
    ),
    Attack(
        "run_cell patched",
        "Hands another cell to IPython in place of the check.",
        JUDGE,
        cells={
            "q1-check": """
shell = get_ipython()
run_cell, run_cell_async = shell.run_cell, shell.run_cell_async
def swap(source): return "15" if "q1.check" in source else source
shell.run_cell = lambda source, *given, **named: run_cell(swap(source), *given, **named)
shell.run_cell_async = lambda source, *given, **named: run_cell_async(swap(source), *given, **named)
reached()
"""
        },
    ),
    Attack(
        "events",
        "Shows 15 before every cell, with IPython's events.",
        JUDGE,
        cells={
            "q1-check": """
import sys
get_ipython().events.register("pre_run_cell", lambda info: sys.displayhook(15))
reached()
"""
        },
    ),
    Attack(
        "In and Out",
        "Reads the running test from In[-1], and looks for results of the check in Out.",
        JUDGE,
        answers=q1(
            "reached()\nif 'HIDDEN' in In[-1]:\n    reached('hidden tests are in In')\n"
            "exec(In[-1].split('q1.also')[0])\nreturn q1.reference(fp32_tensor, bitwidth)"
        ),
    ),
    Attack(
        "kernel's session",
        "Sends a result of its own under the name of the running test cell.",
        JUDGE,
        answers=q1(
            "reached()\nkernel = get_ipython().kernel\nkernel.session.send(kernel.iopub_socket, 'execute_result',\n"
            "    {'data': {'text/plain': '15'}, 'metadata': {}, 'execution_count': 1}, parent=kernel.get_parent())"
        ),
    ),
    Attack(
        "a magic that shadows",
        "Redefines the name q1 as a magic, with automagic on, and %matplotlib as its own.",
        JUDGE,
        cells={
            "q1-check": """
get_ipython().register_magic_function(lambda line: 15, "line", "matplotlib")
get_ipython().register_magic_function(lambda line: 15, "line", "from")
get_ipython().run_line_magic("automagic", "on")
reached()
"""
        },
    ),
    Attack(
        "user_ns with another mind",
        "Swaps the notebook's variables for a dictionary that gives the library's function as Q1's answer.",
        JUDGE,
        cells={
            "q1-check": """
class Names(dict):
    def __getitem__(self, name):
        if name == "get_scale_and_zero_point":
            reached()
            return qlab.get_scale_and_zero_point
        return dict.__getitem__(self, name)
shell = get_ipython()
shell.user_ns = Names(shell.user_ns)
"""
        },
    ),
    Attack(
        "formatter for outcomes",
        "Registers a formatter with which IPython shows 15 as the text of every result.",
        JUDGE,
        cells={
            "q1-check": """
plain = get_ipython().display_formatter
show = plain.format
plain.format = lambda *given, **named: ({"text/plain": "15"}, {})
reached()
"""
        },
    ),
    Attack(
        "errors silenced",
        "Makes the check raise and hides the error from IPython; stock nbgrader then gives full marks.",
        JUDGE,
        cells={
            "q1-check": """
import checks
def fail(*_): raise RuntimeError
try:
    checks.q1.check = fail
except AttributeError:
    pass
get_ipython().showtraceback = lambda *given, **named: None
get_ipython()._showtraceback = lambda *given, **named: None
reached()
"""
        },
    ),
]
