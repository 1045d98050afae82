"""What is not promised: torch's own functions behind the guard's back. These gain Q2's points; a person is told."""

from tests.hostile.attack import FULL, Attack, q2

OFF_LIMITS = "the guard on torch's functions, which is in the student's process; the class report points to the code"
GAINS = {"q2-check": FULL["q2-check"]}
LIMITS = "low, high = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1"


def gains(name: str, tries: str, call: str, setting_up: str = "import torch") -> Attack:
    """Q2 is answered by torch's quantization: the expression `call` gives the values on the grid."""
    body = f"""
reached()
s, z = get_scale_and_zero_point(fp32_tensor, bitwidth)
{LIMITS}
{call}
return torch.round(y / s) + z, s, z
"""
    return Attack(
        name,
        tries,
        OFF_LIMITS,
        base="Q2 wrong",
        cells={"q2": setting_up},
        answers=q2(body),
        costs=GAINS,
        witness="which no answer needs: read it",
    )


FAKE = "torch.fake_quantize_per_tensor_affine(fp32_tensor, s, z, low, high)"
ATTACKS = [
    gains(
        "torch with its overrides off",
        "Switches off how torch tells the guard of a call.",
        f"with torch._C.DisableTorchFunction():\n    y = {FAKE}",
    ),
    gains(
        "torch in a thread",
        "Calls torch in another thread, where the guard on torch does not look.",
        f"""
import threading
kept = []
thread = threading.Thread(target=lambda: kept.append({FAKE}))
thread.start()
thread.join()
y = kept[0]
""",
    ),
    gains(
        "torch in TorchScript",
        "Compiles the call before the check.",
        "y = script(fp32_tensor, s, z, low, high)",
        """
@torch.jit.script
def script(x: torch.Tensor, s: float, z: int, low: int, high: int):
    return torch.fake_quantize_per_tensor_affine(x, s, z, low, high)
""",
    ),
    gains(
        "torch after a hook at the fork",
        "Lets the copy that answers the check exchange the guard before it is used.",
        f"y = {FAKE}",
        """
import contextlib, os
from qlab.check import answer
def exchange():
    answer.forbid = lambda names: contextlib.nullcontext()
os.register_at_fork(after_in_child=exchange)
""",
    ),
]
