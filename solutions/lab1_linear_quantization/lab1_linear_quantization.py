# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] id="title"
r"""
# Lab 1 · Linear quantization

A neural network computes with 32-bit floats. In this lab you replace them with 8-bit integers. It takes three short functions,
and a trained network that runs on them loses almost no accuracy.

**You will be able to**
- map a range of real numbers to integer codes with a *scale* and a *zero-point*, and say how large the error is;
- choose a bitwidth for a given error;
- run a fully connected layer on codes alone, and find the multiplier M that brings its sum back to 8 bits;
- measure what quantization costs: accuracy, loss, agreement with the fp32 network;
- split M into M0 and n, the form in which integer hardware applies it.

| question | what | points |
|---|---|---|
| Q1 | `get_scale_and_zero_point` | 15 |
| Q2 | `linear_quantize` | 15 |
| Q2b | `fewest_bits`: an open exercise | 10 |
| Q3 | `quantized_linear` | 20 |
| Q3b | real logits | (no points) |
| Q4 | 50 MB in int8: the number, the calculation | 5 + 5 |
| Q5 | M = 0.2 | 10 |
| Q6 | essay: theory, hardware, software | 15 |
| Q7 | your thoughts on the lab | 5 |
| | 75 by checks, 25 graded by hand | 100 |
<!-- given: the size of Q4's model -->

## Before you start

**What you need to know.** Python functions and a little PyTorch: creating tensors, arithmetic on them, `min`, `max`. You need not
know anything about quantization. The course's glossary (`docs/glossary.md`, in the repository [here](../../docs/glossary.md))
explains all terms.

**Time.** About three hours: half an hour of reading, an hour and a half for Q1 to Q5, an hour for the essay and its reading.

**How it works.** A blank looks like `__`: replace every blank, with an expression of any length. An *open* exercise has no blanks: write
the function your own way. Below each answer is a check. It says what is right, what is wrong, and what the likely mistake is. It runs
the visible tests only; grading also runs **hidden ones**. Questions are independent: if Q1 is wrong, Q2 is checked with a correct Q1.
After each change run the answer cell, then its check. A cell with a syntax error does not run at all, so its check still sees
your previous version.
"""

# %% id="setup"
import importlib.util
import sys
from pathlib import Path

# Or "fashion_mnist": set QLAB_DATA to a folder that contains it, or allow the download.
DATA = "digits"
DOWNLOAD = False
SEED = 0


def is_missing(name):
    try:
        return importlib.util.find_spec(name) is None
    except ImportError:
        return True


# An older qlab has no qlab.arithmetic, and neither has another project's package of
# that name: both must be uninstalled.
NEEDED = ("torch", "matplotlib", "sklearn", "qlab.arithmetic")
missing = [name for name in NEEDED if is_missing(name)]
wheels = sorted(
    path.resolve()
    for folder in (".", "..")
    for path in Path(folder).glob("quantization_lab-*.whl")
)
if (missing or not Path("checks").exists()) and "google.colab" in sys.modules:
    print(
        "Upload the course's zip of this lab, then run in a cell of its own:\n"
        "!unzip -q -o lab1_linear_quantization*.zip\n"
        "%cd lab1_linear_quantization\n"
        "%pip uninstall -y qlab\n"
        "%pip install ../quantization_lab-*.whl\n"
        "Then restart the session and run %cd lab1_linear_quantization again."
    )
elif missing:
    package = wheels[-1] if wheels else Path("../..").resolve()
    print(
        f"Missing or too old: {', '.join(missing)}. Run in a cell of its own:\n"
        f'%pip uninstall -y qlab\n%pip install "{package}"\n'
        "Then restart the kernel."
    )
elif not Path("checks").exists():
    print("The folder checks is missing. It comes with the lab: put it back here.")
else:
    import torch
    import torch.nn.functional as F

    import qlab
    from qlab import data, models, plots, training

    print(f"Ready: qlab {qlab.__version__}, torch {torch.__version__}.")

# %% [markdown] id="why-text"
r"""
## 1 · What quantization is, and what it saves

Quantization takes numbers that were trained in 32 bits, and stores them and computes with them in fewer. A real number $r$ becomes
an integer code $q$:

$$ r \approx S\,(q - Z) $$

The *scale* $S$ is a positive real number, the width of one step. The *zero-point* $Z$ is the code that represents 0.0.

Going from fp32 to int8 saves
- **memory**: a parameter takes one byte instead of four. In fp32 AlexNet takes over 200 MB and VGG-16 over 500 MB: more than the
  caches of most processors hold, and a lot to download to a phone;
- **memory traffic**: a quarter of the bytes are moved, and many networks are limited by memory traffic;
- **energy**: an 8-bit integer multiplication takes 0.2 pJ, a 32-bit float multiplication 3.7 pJ; reading 64 bits from DRAM takes 1.3 to
  2.6 nJ, thousands of times as much (Horowitz, *Computing's Energy Problem*, ISSCC 2014, 45 nm).

FP16 is a milder form: half the bytes, still floats. Fewer than 8 bits are possible too, see Labs 5 and 6. Other ways to make
networks small are pruning (removing weights) and distillation (a small network learns from a large one's outputs). Tools such as
TensorFlow Lite's converter and PyTorch's torchao do what you do here by hand.

**Uniform or not.** In linear (*uniform*) quantization all steps have the same width, so arithmetic on real numbers becomes
arithmetic on their codes. *Non-uniform* quantization puts more of its levels where the values are, for example by k-means (a *codebook*) or
with powers of two. With the same number of bits the error is often a little smaller, but a product of two codes no longer means anything:
each code must be looked up first, or the hardware must be built for it (Lab 6).

![Left: 16 equally spaced levels over a bell-shaped histogram of weights, at the spacing with the smallest error. Right: 16 levels that k-means placed, close together in the middle and far apart in the tails, with a somewhat smaller error. Below each: the staircase from weight to level](figures/uniform.png)

**Two ways to get there.** *Post-training quantization* (PTQ) takes a trained network as it is: this lab. *Quantization-aware training*
(QAT) trains with quantization in the loop: Lab 5.
"""

# %% id="sizes"
PARAMETERS = {"AlexNet": 61_100_840, "VGG-16": 138_357_544}
for name, count in PARAMETERS.items():
    megabytes = {bits: qlab.model_size(count, bits) / 1e6 for bits in (32, 16, 8, 4)}
    sizes = ", ".join(f"{bits} bits {size:5.0f} MB" for bits, size in megabytes.items())
    print(f"{name:8} {count / 1e6:5.1f} M parameters: {sizes}")

# %% [markdown] id="paper-text"
r"""
## 2 · Scale and zero-point on paper

Map the real numbers from $-1$ to $1$ to the codes 0 to 128. (These are 129 codes, chosen for round numbers, not for a bitwidth.) The map
is the straight line through $(-1, 0)$ and $(1, 128)$.

![The line through (-1, 0) and (1, 128); it passes (0, 64)](figures/mapping.png)

Its slope is $128 / 2 = 64$ codes per unit. The scale is units per code, **1 / slope** $= 1/64$. The code of 0.0 is the zero-point, which
older texts call the offset: **64**.

**Decide before you read on.** Two sets of lecture notes on the web treat this example. One gives the offset as 63.5. The other says:
"to get the real number back, multiply with the scale and subtract the offset". What is wrong with each?

<details><summary>Then open this</summary>

- 63.5 is the middle of 0..127, not of 0..128: the line through $(-1, 0)$ and $(1, 127)$ has scale $2/127$ and passes
  $x = 0$ at 63.5. That is not an integer, so 0.0 has no exact code until the zero-point is rounded.
- The order is wrong: $S\,q - Z$ gives $64/64 - 64 = -63$ for the code of 0.0. First subtract, then multiply: $S\,(q - Z)$.

</details>
"""

# %% id="paper"
S, Z = 2 / 128, 64
print("code   S (q - Z)   S q - Z")
for q in (0, 32, 64, 128):
    print(f"{q:4d} {S * (q - Z):10.3f} {S * q - Z:10.3f}")

# %% [markdown] id="general-text"
r"""
## 3 · Any tensor, signed codes

From here on codes are signed: with $b$ bits they go from $q_{min} = -2^{b-1}$ to $q_{max} = 2^{b-1} - 1$, so from $-128$ to $127$ for 8
bits. The tensor's smallest value $r_{min}$ is mapped to $q_{min}$, its largest $r_{max}$ to $q_{max}$:

$$ S = \frac{r_{max} - r_{min}}{q_{max} - q_{min}} \qquad Z = q_{min} - \frac{r_{min}}{S}, \text{ rounded to the nearest integer and clipped to } [q_{min}, q_{max}] $$

**A worked example.** $[-0.5, 1.1]$ at 4 bits, codes $-8$ to $7$: $S = 1.6 / 15 = 0.10667$, $-r_{min} / S = 4.69$,
$Z = \text{round}(-8 + 4.69) = \text{round}(-3.31) = -3$.

Before you write this function, see it fail. The next cell takes the range as it is, for the values 1 to 6.
**Predict:** $Z$ should be the code of 0.0. Where is that code for a tensor whose smallest value is 1?
"""

# %% id="raw-range"
x = torch.arange(1.0, 7.0)
r_min, r_max = x.min(), x.max()
S = (r_max - r_min) / 255
Z_wanted = torch.round(-128 - r_min / S)
Z = Z_wanted.clamp(-128, 127)
q = torch.clamp(torch.round(x / S) + Z, -128, 127)
print(f"the zero-point should be {Z_wanted:.0f}, is clipped to {Z:.0f}")
print("values ", x.tolist())
print("back   ", [round(v, 2) for v in (S * (q - Z)).tolist()])

# %% [markdown] id="q1-text"
r"""
The zero-point fell outside the codes and was clipped. That moved the range, and everything above 5 was lost. The remedy is
to **extend the range to include 0**: $r_{min} \le 0 \le r_{max}$. Then $Z$ is always a code and 0.0 is exact, which matters because padding
and ReLU produce many zeros. The price is a larger step: slightly larger for most tensors, much larger for values such as 100 to 101.

### Q1 · Scale and zero-point
*difficulty 2/5 · importance 5/5 · 15 minutes · 15 points*

`fp32_tensor` is a float32 tensor of any shape, finite and not empty; `bitwidth` is 2 to 16. You need not handle values smaller
than 1e-38. Return `scale` (above 0) and `zero_point` (an integer from q_min to q_max, rounded to the nearest). If the exact value is halfway
between two integers (a *tie*), either is accepted. Python numbers, numpy numbers and 0-d tensors are all accepted. The lines above the blanks
extend the range, and handle the all-zero tensor, whose range has no width.

<details><summary>Hint 1: a question</summary>Which distance between real numbers corresponds to which distance between codes?</details>
<details><summary>Hint 2: the equation</summary>r_min = S (q_min - Z). Solve it for Z.</details>
<details><summary>Hint 3: the shape of the code</summary>The first line divides the width of the real range by the number of steps
between codes. The second starts at q_min. The third needs the name of Python's function for the nearest integer.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    ### BEGIN SOLUTION
    #| scale = __
    #| zero_point = __  # a real number here
    #| zero_point = __ (zero_point)
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    ### END SOLUTION
    return scale, min(max(zero_point, q_min), q_max)


# %% nbgrader={"grade": true, "grade_id": "q1-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q1: visible cases; grading also runs hidden ones.
from checks import q1

### BEGIN HIDDEN TESTS
from qlab.check import case, normal

q1.also(
    case("a narrow range far from 0", [100.0, 100.5, 101.0], group="edge"),
    case("a constant tensor", [-3.5, -3.5], group="edge"),
    case("one outlier", [-0.02, 0.01, 0.03, 40.0]),
    case("random values at 2 bits", normal(200, mean=0.3), 2),
    case("random values at 16 bits", normal(100, mean=-0.6), 16),
    case("large values", normal(50, mean=2e6, std=3e6)),
)
### END HIDDEN TESTS
q1.check(get_scale_and_zero_point)

# %% id="q1-provided"
scale_and_zero_point = q1.yours_or_provided()

x = torch.arange(1.0, 7.0)
S, Z = scale_and_zero_point(x)
q = torch.clamp(torch.round(x / S) + Z, -128, 127)
back = [round(value, 2) for value in (S * (q - Z)).tolist()]
print(f"scale {S:.5f}, zero-point {Z}; 1 to 6 come back as {back}")

# %% [markdown] id="q2-text"
r"""
### Q2 · Quantize a tensor
*difficulty 2/5 · importance 5/5 · 10 minutes · 15 points*

A float becomes an integer in three steps: divide by the scale, round to the nearest integer, add the zero-point.

`fp32_tensor` and `bitwidth` are as before. Return the codes (a tensor of integer values, in any dtype, in the shape of `fp32_tensor`),
the scale and the zero-point, and leave `fp32_tensor` itself as it is. At a tie either neighbour is accepted; `torch.round` takes the even
one. You may call your own `get_scale_and_zero_point`: if it is not right yet, this check uses the reference instead.

<details><summary>Hint 1: a question</summary>Which code should the real value 0.0 map to?</details>
<details><summary>Hint 2: the equation</summary>r = S (q - Z). Solve it for q.</details>
<details><summary>Hint 3: the shape of the code</summary>torch.round rounds a tensor. The first line needs the bitwidth too.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    ### BEGIN SOLUTION
    #| scale, zero_point = get_scale_and_zero_point( __ , __ )
    #| q_tensor = __
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    ### END SOLUTION
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% nbgrader={"grade": true, "grade_id": "q2-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q2: visible cases; grading also runs hidden ones.
from checks import q2

### BEGIN HIDDEN TESTS
from qlab.check import case, normal

q2.also(
    case("only negative values", [-6.0, -5.5, -4.0, -3.25, -1.0]),
    case("all zeros", [0.0, 0.0, 0.0]),
    case("one outlier", [-0.2, 0.1, 0.3, 40.0]),
    case("a tensor of three dimensions", normal(3, 4, 5, mean=1.0)),
    case("random values at 3 bits", normal(50, mean=0.5), 3, group="bits"),
    case("random values at 12 bits", normal(50, mean=-0.5), 12, group="bits"),
)
### END HIDDEN TESTS
q2.check(linear_quantize)

# %% id="q2-provided"
quantize = q2.yours_or_provided()

x = torch.linspace(-1, 1.5, 2001)
for bits in (8, 4, 2):
    q, S, Z = quantize(x, bits)
    error = (qlab.dequantize(q, S, Z) - x).abs().max().item()
    print(f"{bits} bits: scale {S:.4f}, error at most {error:.4f} = {error / S:.2f} scales")

# %% [markdown] id="staircase-text"
r"""
Inside the range the error is at most half a scale: that is what rounding to the nearest guarantees. Beyond the outermost codes
it grows without bound: that is clipping. **Predict** the picture for 3 bits, then run the cell.
"""

# %% id="staircase" tags=["demo"]
plots.staircase_and_error(-1.0, 1.0, bitwidth=3)

# %% [markdown] id="q2b-text"
r"""
### Q2b · The fewest bits for a given error
*difficulty 3/5 · importance 4/5 · 15 minutes · 10 points · open: no blanks, any method*

How many bits does a tensor need? That depends on the error that you can tolerate. For the values 0, 1, 2, 3 two bits are enough, for any error:
the scale is 1, and each value is a code. **Predict** before you write anything: are three bits exact for these values too?

<details><summary>Then open this</summary>

No. With 3 bits the scale is $3/7$, and 1 comes back as $2 \cdot 3/7 = 0.857$. The error of given values does not always become
smaller with one bit more; only its bound, half a scale, does.

</details>

Write `fewest_bits(fp32_tensor, largest_error)`. It returns the **smallest** bitwidth from 2 to 16 for which `linear_quantize`, followed by
the way back $S\,(q - Z)$, moves **no value of this tensor** by more than `largest_error` (a float above 0, in the units of the tensor). An error that equals
`largest_error` is allowed. 16 bits are enough in all tests, and no test depends on the last bits of a float. Codes may arrive as int8: widen them
(`.double()`) before you subtract.

| call | returns |
|---|---|
| `fewest_bits(torch.tensor([0.0, 1.0, 2.0, 3.0]), 0.01)` | 2 |
| `fewest_bits(torch.tensor([-1.2, 0.0, 0.7, 2.1]), 0.2)` | 4 |
| `fewest_bits(torch.tensor([-1.2, 0.0, 0.7, 2.1]), 0.01)` | 7 |

<details><summary>Hint 1: a question</summary>If somebody gave you the bitwidth, how would you find out whether it is enough?</details>
<details><summary>Hint 2: a worked step</summary>-1.2, 0.0, 0.7, 2.1 with 4 bits: S = 3.3 / 15 = 0.22 and Z = -3. The codes are -8, -3, 0, 7,
and they come back as -1.1, 0.0, 0.66, 2.2. The largest error is 0.1, at two values: enough for 0.2, not for 0.01.</details>
<details><summary>Hint 3: the shape of the code</summary>A loop over the bitwidths, from the smallest. In it: quantize, go back, take the
largest absolute difference, and return when it is small enough.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q2b", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fewest_bits(fp32_tensor, largest_error):
    ### BEGIN SOLUTION
    #| raise NotImplementedError("Q2b: write your own function here")
    for bitwidth in range(2, 17):
        q, scale, zero_point = linear_quantize(fp32_tensor, bitwidth)
        back = scale * (q.double() - zero_point)
        if (back - fp32_tensor).abs().max() <= largest_error:
            return bitwidth
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q2b-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q2b: visible cases; grading also runs hidden ones.
from checks import q2b

### BEGIN HIDDEN TESTS
from checks.q2b import clear

from qlab.check import case, normal

eighths = [number / 8 for number in range(-5, 11)]
q2b.also(
    case("a narrow range far from 0", [100.0, 100.5, 101.3], 0.02, such_that=clear),
    case("mostly negative values", normal(150, mean=-3.0), 0.02, such_that=clear),
    case("a large error", normal(40, mean=0.5), 0.9, such_that=clear),
    case("a constant tensor", [-3.5, -3.5], 0.01, group="on codes", such_that=clear),
    case("eighths", eighths, 0.004, group="on codes", such_that=clear),
)
### END HIDDEN TESTS
q2b.check(fewest_bits)

# %% id="q2b-provided"
bits_for = q2b.yours_or_provided()

x = torch.linspace(-1, 1.5, 2001)
for limit in (0.1, 0.05, 0.025, 0.0125, 0.00625):
    print(f"no value off by more than {limit:<7}: {bits_for(x, limit)} bits")

# %% [markdown] id="q2b-answer"
"""
Where values lie everywhere between the codes, **each further bit halves the scale, and with it the largest error**.

"""

# %% [markdown] id="q3-text"
r"""
## 4 · A layer on codes

A fully connected layer without bias computes $y_o = \sum_k x_k w_{ok}$. Write each real number as its code:

$$ S_{out}\,(q_{out} - Z_{out}) = \sum_k S_{in}(q_x - Z_{in})\; S_w (q_w - Z_w) $$

The scales can be moved out of the sum. What remains in it are integers; their sum is the *accumulator*:

$$ q_{out} = Z_{out} + M \cdot acc, \qquad acc = \sum_k (q_x - Z_{in})(q_w - Z_w), \qquad M = \frac{S_{in} S_w}{S_{out}} $$

$M \cdot acc$ is rounded to the nearest integer. The result is clamped to the output's codes, because a sum of products can be of
any size.

![From left to right: zero-points are subtracted from the codes of input and weights, the products are summed to an int32 accumulator, it is multiplied by M and rounded, the output's zero-point is added, and the result is clamped to int8](figures/layer.png)

**A worked example.** One input row $q_x = (10, -4)$ with $Z_{in} = 2$, $S_{in} = 0.5$; weights $(3, -7)$ with $Z_w = 1$,
$S_w = 0.1$; output $S_{out} = 0.1$, $Z_{out} = -3$. Then $acc = 8 \cdot 2 + (-6)(-8) = 64$, $M = 0.5$, and the output is
$-3 + 32 = 29$, which represents $0.1 \cdot 32 = 3.2$. In real numbers: $4 \cdot 0.2 + (-3)(-0.8) = 3.2$.

**Two traps.** In int8, $100 - (-100)$ wraps around to $-56$: widen first. And 128 cast to int8 is $-128$: clamp first.

### Q3 · A quantized linear layer
*difficulty 3/5 · importance 5/5 · 20 minutes · 20 points*

`input` (rows, in) and `weights` (out, in) contain integer codes of at most 8 bits, signed or unsigned, in any dtype. The scales are
floats, the zero-points integers. `device` says where to compute. `bitwidth` is the weights'; your lines do not need it. Return the
output codes (rows, out): integer values in any dtype, rounded to the nearest (at a tie either neighbour is accepted) and clamped to the codes
of `activation_bitwidth`. The given lines widen the codes to float64, which represents every integer up
to $2^{53}$ exactly, so the sum is the integer that an int32 accumulator would contain.

<details><summary>Hint 1: a question</summary>Which real number does each code represent, apart from its scale?</details>
<details><summary>Hint 2: the equation</summary>q_out = Z_out + round(M acc), clamped.</details>
<details><summary>Hint 3: the shape of the code</summary>Two subtractions, F.linear on the results, three scales in M; then
round, add the zero-point, clamp to q_min and q_max.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def quantized_linear(
    input, weights, input_scale, weight_scale, output_scale,
    input_zero_point, weight_zero_point, output_zero_point,
    device, bitwidth=8, activation_bitwidth=8,
):
    q_min, q_max = -(2 ** (activation_bitwidth - 1)), 2 ** (activation_bitwidth - 1) - 1
    x, w = input.to(device).double(), weights.to(device).double()
    ### BEGIN SOLUTION
    #| accumulator = F.linear( __ , __ )
    #| M = __
    #| output = __  # rounded, with its zero-point
    #| output = torch.clamp( __ , __ , __ )
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    ### END SOLUTION
    return output


# %% nbgrader={"grade": true, "grade_id": "q3-check", "locked": true, "points": 20, "schema_version": 3, "solution": false, "task": false}
# Check of Q3: visible cases; grading also runs hidden ones.
from checks import q3

### BEGIN HIDDEN TESTS
from checks.q3 import int8, layer_case

from qlab.check import uniform

q3.also(
    layer_case(
        "a tie",
        int8([[3, 0], [5, 0], [1, 1]]),
        int8([[1, 0], [0, 7]]),
        0.2,
        z=(0, 0, 1),
        s=(0.5, 0.2),
    ),
    layer_case(
        "zero-points at the ends",
        uniform(-128, 127, 5, 32),
        uniform(-128, 127, 3, 32),
        2.2,
        z=(-128, 127, 127),
    ),
    layer_case(
        "unsigned input",
        uniform(0, 255, 4, 20, dtype=__import__("torch").uint8),
        uniform(-128, 127, 4, 20),
        0.7,
        z=(131, -3, 6),
    ),
    layer_case(
        "far beyond the range",
        int8([[127] * 8, [-128] * 8, [1, 0, 0, 0, 0, 0, 0, 0]]),
        uniform(60, 127, 4, 8),
        0.05,
        z=(0, 1, -7),
        group="saturating",
        beyond=True,
    ),
    layer_case(
        "2-bit weights, 6-bit outputs",
        uniform(-128, 127, 6, 40),
        uniform(-2, 1, 5, 40),
        0.13,
        z=(25, -1, 4),
        bits=(2, 6),
        group="bits",
    ),
)
### END HIDDEN TESTS
q3.check(quantized_linear)

# %% id="q3-provided"
linear_on_codes = q3.yours_or_provided()

# %% [markdown] id="golden-text"
r"""
**Decide before you run the cell.** The first row below contains a layer's fp32 outputs. The quantized layer (output scale 0.1001,
zero-point -18) computed the codes in the second row. Is each code the one that you get by quantizing the fp32 output directly?
"""

# %% id="golden"
fp32 = torch.tensor([1.3742, -2.7129, 2.9312, -1.1382, 3.8776])
fp32 = torch.cat([fp32, torch.tensor([-1.1048, 4.1834, -6.2159, 4.9783, -6.4220])])
codes = torch.tensor([-4, -45, 11, -30, 21, -29, 24, -80, 32, -82])
rounded = qlab.quantize(fp32, 0.1001, -18, -128, 127)
back = qlab.dequantize(codes, 0.1001, -18)
print("fp32 output ", [f"{v:.4f}" for v in fp32.tolist()])
print("layer's code", codes.tolist())
print("fp32 rounded", rounded.tolist())
print("back to real", [f"{v:.4f}" for v in back.tolist()])

# %% [markdown] id="golden-answer"
r"""
They differ in the fourth: the layer gives -30, quantizing the output directly gives -29. The layer's input and weights had been rounded
already, so its sum was not quite the fp32 one. Rounding errors of earlier steps add to the layer's own.

## 5 · A trained network on your functions

Now apply all of it to a real network: an MLP without biases, trained on the data set named at the top. `digits` comes with scikit-learn, and
training on it takes seconds. For Fashion-MNIST set `DATA = "fashion_mnist"` in the first code cell and run the notebook from
there. The data is read from the folder that the environment variable QLAB_DATA names or, with `DOWNLOAD = True`, downloaded (30 MB).
<!-- given: what the four files of the download take together -->
"""

# %% id="train" tags=["demo"]
dataset = data.load(DATA, download=DOWNLOAD)
model = models.mlp_for(dataset, seed=SEED)
recipe = {"epochs": 9, "learning_rate": 0.01}
if DATA == "digits":
    recipe = {"epochs": 30, "learning_rate": 0.1, "batch_size": 32}
training.train(model, dataset, seed=SEED, **recipe)
with torch.no_grad():
    fp32_logits = model(dataset.x_test)
fp32_accuracy, fp32_loss = training.accuracy_and_loss(fp32_logits, dataset.y_test)
sizes = "-".join(map(str, model.sizes))
print(f"{sizes}: test accuracy {fp32_accuracy:.1%}, loss {fp32_loss:.4f}")

# %% [markdown] id="network-text"
r"""
Each weight tensor is quantized over its own range. Activations need a range too, before the network sees any test image: run
1,000 **training** images through the network and record the range of each layer's output. This is *calibration*, the topic of Lab 3.

ReLU costs nothing here. The range is taken **after** ReLU, so its low end is 0 and the zero-point is the lowest code, -128. Then
the clamp that you wrote already is the ReLU: it clamps what would be negative to the code of 0.0.
"""

# %% id="network" tags=["demo"]
def quantize_network(model, calibration_images):
    """Per layer: codes, scale, zero-point of the weights; those two of the output."""
    layers, x = [], calibration_images.flatten(1)
    with torch.no_grad():
        for number, layer in enumerate(model.layers):
            x = layer(x)
            if number < len(model.layers) - 1:
                x = torch.relu(x)
            layers.append((*quantize(layer.weight), *scale_and_zero_point(x)))
    return layers


def run_on_codes(layers, images, input_scale, input_zero_point):
    """Integer logits of a batch of images, and their scale and zero-point."""
    S, Z = input_scale, input_zero_point
    q = qlab.quantize(images.flatten(1), S, Z, -128, 127)
    for weight, S_w, Z_w, S_out, Z_out in layers:
        q = linear_on_codes(q, weight, S, S_w, S_out, Z, Z_w, Z_out, "cpu")
        S, Z = S_out, Z_out
    return q, S, Z


calibration = dataset.x_train[:1000]
layers = quantize_network(model, calibration)
input_parameters = scale_and_zero_point(calibration)
q_logits, S_logits, Z_logits = run_on_codes(layers, dataset.x_test, *input_parameters)
for number, (_, S_w, Z_w, S_out, Z_out) in enumerate(layers):
    weights, output = f"S {S_w:.5f}, Z {Z_w:4d}", f"S {S_out:.5f}, Z {Z_out:4d}"
    print(f"layer {number}: weights {weights}; output {output}")

# %% [markdown] id="q3b-text"
r"""
### Q3b · From codes to logits
*difficulty 1/5 · importance 4/5 · 3 minutes · no points*

The network's outputs before softmax are called *logits*. `q_logits` contains their codes. Before a loss is computed from them, they
must become real numbers again. Write the way back, for a tensor of codes, a scale and a zero-point.

<details><summary>Hint 1: a question</summary>What must come out for q = Z?</details>
<details><summary>Hint 2: the equation</summary>It is the first equation of this lab.</details>
<details><summary>Hint 3: the shape of the code</summary>One subtraction in parentheses, one multiplication.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q3b", "locked": false, "schema_version": 3, "solution": true, "task": false}
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    ### BEGIN SOLUTION
    #| logits = __
    logits = scale * (q_logits - zero_point)
    ### END SOLUTION
    return logits


# %% nbgrader={"grade": true, "grade_id": "q3b-check", "locked": true, "points": 0, "schema_version": 3, "solution": false, "task": false}
# Check of Q3b, without points.
from checks import q3b

q3b.check(real_logits)

# %% [markdown] id="compare-text"
r"""
**Predict**, then run the cell: how much will the accuracy change? And the loss, if someone forgets the way back and computes it from the codes?
"""

# %% id="compare" tags=["demo"]
to_real = q3b.yours_or_provided()

int8_logits = to_real(q_logits, S_logits, Z_logits).float()
int8_accuracy, int8_loss = training.accuracy_and_loss(int8_logits, dataset.y_test)
codes_accuracy, codes_loss = training.accuracy_and_loss(q_logits, dataset.y_test)
agreement = (int8_logits.argmax(1) == fp32_logits.argmax(1)).float().mean().item()
logit_error = (int8_logits - fp32_logits).abs().mean().item()
print(f"fp32                     accuracy {fp32_accuracy:.2%}   loss {fp32_loss:.4f}")
print(f"int8                     accuracy {int8_accuracy:.2%}   loss {int8_loss:.4f}")
print(f"int8, codes as logits    accuracy {codes_accuracy:.2%}   loss {codes_loss:.4f}")
print(f"int8 and fp32 choose the same class for {agreement:.2%} of the images")
print(f"mean logit error {logit_error:.4f}")

# %% [markdown] id="compare-answer"
r"""
**What success looks like.** On digits, over {{ digits.seeds }} seeds: fp32 {{ digits.fp32_accuracy }}, int8
{{ digits.int8_accuracy }}; the two choose the same class for {{ digits.agreement }} of the images. On Fashion-MNIST after 9 epochs, over
{{ fashion_mnist.seeds }} seeds: fp32 {{ fashion_mnist.fp32_accuracy }}, int8 {{ fashion_mnist.int8_accuracy }}, agreement
{{ fashion_mnist.agreement }}. A difference of a few tenths of a percent in either direction is noise. Agreement and logit error
say more than accuracy.

**Why can the loss be five times as large when the accuracy has not changed?** A published notebook prints, before and after quantization,
accuracy 83.9 % and 83.9 %, and loss 0.000875 and 0.004596, as if this were the price of int8. (Both losses are the sum of the batches' mean losses
divided by the number of images. With batches of 512, that is about a 500th of the mean loss per image, so fp32's is about 0.44, near the one that we measure.
The ratio of the two is not affected.) It is not the price of int8. The notebook computed the loss from the codes. Mapping codes back to real numbers does not change their order, so
the accuracy is the same with and without it. But cross-entropy takes the exponentials of the logits, and codes are logits divided by the scale:
every wrong answer is wrong with great confidence. On digits the same slip changes the loss from {{ digits.int8_loss }}
to {{ digits.codes_loss }} (Fashion-MNIST: {{ fashion_mnist.int8_loss }} to {{ fashion_mnist.codes_loss }}).

## 6 · Affine or symmetric

You mapped $[r_{min}, r_{max}]$ to all codes: *affine* quantization. The alternative is *symmetric* quantization: the range is $[-a, a]$, where $a$ is the largest
absolute value. Then $Z = 0$, and the accumulator needs no subtractions.

**Predict** for each of the two tensors below which of the two wastes codes, and what percentage of them:
an activation whose values are all at least 1 and become rarer to the right (a Pareto distribution, scale 1, shape 10), and a weight tensor (normal,
mean 0, standard deviation 0.12). Remember that the affine range must include 0.
"""

# %% id="ranges" tags=["demo"]
plots.clipping_ranges()

# %% [markdown] id="ranges-answer"
r"""
The dotted lines are the smallest and the largest value (raw). The dashed ones are the range that is represented, from α to β. The weights are centred
at 0: symmetric quantization leaves 2 % of their codes unused, affine quantization none, and $Z_w = 0$ saves work in every layer. The activations are
all positive: symmetric quantization leaves 64 % of their codes unused, which costs more than one bit of precision. Affine quantization still leaves 28 % unused, because its range must include 0
and no value lies between 0 and 1. This is why many engines use symmetric weights and affine activations.
<!-- computed: ranges -->

## 7 · The model's size

### Q4 · 50 MB
*difficulty 1/5 · importance 3/5 · 5 minutes · 5 points, and 5 for the calculation*

A model takes 50 MB in fp32. How many MB do its parameters take in int8? Give the number here (a plain number, with a decimal point and without the
unit), and the calculation below.
<!-- given: the size of the question's model -->

<details><summary>Hint 1: a question</summary>Which stays the same, the number of parameters or the bytes per parameter?</details>
<details><summary>Hint 2: the equation</summary>size = parameters * bits / 8</details>
<details><summary>Hint 3: the shape of the code</summary>One division.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q4", "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
#| size_in_int8_mb = __
size_in_int8_mb = 50 * 8 / 32
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "q4-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q4's number.
from checks import q4

q4.check(size_in_int8_mb)

# %% [markdown] id="q4-why-text"
r"""
**The calculation (5 points, graded by hand).** Write it down with units: how many parameters are there before and after, and how many bytes
does each take? A published course page says that int8 leaves "a quarter of the parameters". Which word is wrong? Finally, the file
of a quantized model is a little larger than your number: name one thing that is stored besides the codes.
Rubric: the parameters' count before and after, and the wrong word 2, bytes before and after 2, what else is stored 1.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q4-calculation", "locked": false, "points": 5, "schema_version": 3, "solution": true, "task": false}
r"""
### BEGIN SOLUTION
#| *Your calculation here.*
50 MB of fp32 at 4 bytes per parameter are 12.5 million parameters. There are still 12.5 million in int8, each of 1 byte: 12.5 MB. So it is a
quarter of the bytes, not of the parameters. Besides the codes, a file contains a scale and a zero-point per tensor (or per channel), the biases in 32 bits, and
the container's own headers.
### END SOLUTION
"""

# %% [markdown] id="count-text"
"""
**Count it on your own network.** Predict both columns before you run the cell.
"""

# %% id="count" tags=["demo"]
fp32_weights = [layer.weight for layer in model.layers]
int8_weights = [torch.as_tensor(codes).to(torch.int8) for codes, *_ in layers]
for name, tensors in (("fp32", fp32_weights), ("int8", int8_weights)):
    count = sum(tensor.numel() for tensor in tensors)
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    print(f"{name}: {count:7,} parameters, {size:7,} bytes")

# %% [markdown] id="q5-text"
r"""
## 8 · M without a float

Your layer still multiplies by a float, M. Integer hardware writes it as

$$ M = M_0 \cdot 2^{-n}, \qquad 0.5 \le M_0 < 1 $$

For example $M = 0.3$: doubled once it is 0.6, so $M_0 = 0.6$ and $n = 1$. What is stored is the integer
$M_{0,int} = \text{round}(2^{31} M_0)$, called `M0_int` in Lab 2's code. Multiplying by it is an integer multiplication. The product is $2^{31}$ times too large, so we shift it right
by $31 + n$ bits, which includes the factor $2^{-n}$. Lab 2 builds this.

**Why do this?** Not because it is smaller: with an `M0_int` of 32 bits, the circuit behind the accumulators takes 13,614 gate equivalents, with a float32 multiplier
8,180 to 10,311 (synthesized with yosys, without wires and timing). The reasons are that the result is the same, bit for bit, on every device; that many small CPUs have no
float unit, and need 4.5 to 7 times fewer instructions per output this way; and that integers can be made cheaper: 6,849 gate equivalents with an `M0_int` of 16 bits, and 968 if M is a power of two.
<!-- quoted: synthesis with yosys 0.23, and instructions counted on emulated Cortex-M4 and Cortex-M0+ CPUs -->

### Q5 · M = 0.2
*difficulty 2/5 · importance 4/5 · 5 minutes · 10 points*

Give M0 (a real number in [0.5, 1)) and n (an integer) for M = 0.2. (For $0.5 \le M < 1$ n is 0; for $M \ge 1$
it is negative, a shift to the left.)

<details><summary>Hint 1: a question</summary>How often can you double 0.2 before it reaches 1?</details>
<details><summary>Hint 2: the equation</summary>M0 = M * 2**n</details>
<details><summary>Hint 3: the shape of the code</summary>Two numbers.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q5", "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
#| M0 = __
#| n = __
M0 = 0.8
n = 2
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "q5-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q5.
from checks import q5

q5.check(M0, n)

# %% [markdown] id="multipliers-text"
r"""
The next cell splits the multipliers of your network. They are below 1 because one step of a layer's output is larger than one step of
its accumulator, $S_{out} > S_{in} S_w$. Is that always so? No: Lab 2 has an M above 1.
"""

# %% id="multipliers" tags=["demo"]
scales = [scale_and_zero_point(calibration)[0], *(S_out for *_, S_out, _ in layers)]
for number, (_, S_w, _, S_out, _) in enumerate(layers):
    M = scales[number] * S_w / S_out
    split_M0, split_n = qlab.decompose_multiplier(M)
    print(f"layer {number}: M = {M:.6f} = {split_M0:.6f} * 2**-{split_n}")

# %% [markdown] id="q6-text"
r"""
## 9 · Essay

### Q6 · From theory to hardware and software
*difficulty 3/5 · importance 4/5 · 60 minutes with the reading · 15 points, graded by hand*

Read sections 2 and 3 of Jacob et al. 2018, [*Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference*](https://arxiv.org/abs/1712.05877). They explain how batch norm is folded into a convolution and how layers are fused into one kernel.
Then write 300 to 500 words of your own: how does the theory of integer-only inference become hardware and software? Where does the
multiplication by M take place among the other steps after the accumulator (bias, rounding, clamping, the activation)? What do
folding batch norm and fusing layers contribute?

| rubric | points |
|---|---|
| hardware: where accumulators, M0 and the shift are, how wide each is, and why | 5 |
| software: folding batch norm, fusing layers, what a converter and a kernel do | 5 |
| theory is used to explain the two; **theory alone earns nothing** | 3 |
| your own words and your own example (a copied text earns nothing) | 2 |
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q6", "locked": false, "points": 15, "schema_version": 3, "solution": true, "task": false}
r"""
### BEGIN SOLUTION
#| *Your essay here.*
What a full answer mentions. Hardware: int8 multipliers feed an int32 accumulator (a product has 16 bits, the sum of a thousand of them 10
more). The output stage after it adds the int32 bias of scale S_in * S_w, multiplies by M0's stored integer (32 bits) and keeps the high half,
shifts right by n with rounding, adds Z_out, and saturates to int8. One such stage serves many multipliers, because it runs once per
sum, not once per product. With 32 bits it is no smaller than a float32 stage; it gives the same bits on every device, needs no float unit, and can be made
smaller with 16 bits or a power of two. Software: batch norm is folded into weights and bias before quantization, so it costs nothing and its
output needs no range of its own. Convolution, bias and ReLU are fused into one kernel, so the accumulator is never written to
memory; ReLU is the clamp at Z_out. A converter computes M0 and n for each layer (or channel) and the int32 biases. Theory
connects them: r = S (q - Z) moves the scales out of the sum, and S_in * S_w / S_out is the only real number left.
### END SOLUTION
"""

# %% [markdown] id="q7-text"
r"""
### Q7 · Your thoughts on this lab
*5 points, graded by hand; any sincere answer gets all of them*

What was hard? What surprised you? Which sentence or check did not help?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q7", "locked": false, "points": 5, "schema_version": 3, "solution": true, "task": false}
"""
### BEGIN SOLUTION
#| *Your thoughts here.*
Any sincere answer gets full marks.
### END SOLUTION
"""

# %% [markdown] id="end-text"
r"""
## If you want to go on

Quantize the network's weights with 4, 3 and 2 bits (`quantize(layer.weight, bits)` in `quantize_network`, and `bitwidth=bits` for
`linear_on_codes`) and plot accuracy against bits. Where does accuracy collapse, and which layer fails first?

## The formulas of this lab

| what | formula |
|---|---|
| from code to real number | $r = S\,(q - Z)$ |
| codes of $b$ bits | $q_{min} = -2^{b-1}$ to $q_{max} = 2^{b-1} - 1$ |
| range | $r_{min} = \min(x, 0)$, $r_{max} = \max(x, 0)$ over the tensor |
| scale | $S = (r_{max} - r_{min}) / (q_{max} - q_{min})$ |
| zero-point | $Z = \text{clamp}(\text{round}(q_{min} - r_{min} / S),\; q_{min},\; q_{max})$ |
| from real number to code | $q = \text{clamp}(\text{round}(r / S) + Z,\; q_{min},\; q_{max})$ |
| error inside the range | at most $S / 2$; one bit more halves $S$ |
| accumulator | $acc = \sum_k (q_x - Z_{in})(q_w - Z_w)$ |
| output code | $q_{out} = \text{clamp}(Z_{out} + \text{round}(M \cdot acc),\; q_{min},\; q_{max})$ |
| multiplier | $M = S_{in} S_w / S_{out} = M_0 \cdot 2^{-n}$, with $0.5 \le M_0 < 1$ |
| symmetric quantization | $S = a / q_{max}$, where $a$ is the largest absolute value, and $Z = 0$ |
| size in bytes | parameters $\cdot$ bits $/ 8$ |

**Next.** Lab 2 replaces the remaining floats: the bias becomes an int32, M becomes `M0_int` and n, and whole networks in integers are
compared bit by bit with PyTorch's own int8 engines. It uses your $S$, $Z$, $M_0$ and $n$.
"""

# %% [markdown] id="hand-in-text"
r"""
## Handing in

1. Run all cells (*Run → Restart Kernel and Run All Cells*), look at the cards, and save.
2. In a terminal (*File → New → Terminal*), run `qlab submit lab1`: it says what is missing, offers a PDF for your report, and writes `Lab1_StudentID_Name.zip`.
3. Upload that file to your course's page. You can hand in an incomplete lab, and you can hand in again.
"""
