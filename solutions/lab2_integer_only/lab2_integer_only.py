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
# Lab 2 · Integers only

In Lab 1 each layer still multiplied by one float, the multiplier M. In this lab the remaining floats are replaced too. At the end a whole
network, fully connected or convolutional, runs on additions, multiplications and shifts of integers, and you compare it with PyTorch's int8 engines,
bit by bit, on your own machine.

**You will be able to**
- split a layer's sum into what is known beforehand and what is not, and say why engines want $Z_w = 0$;
- represent bias and multiplier as integers, and apply M with one multiplication and one shift that rounds;
- run a convolution with the same arithmetic;
- trace each difference between your layer and PyTorch's engines to the step that causes it.

| question | what | points |
|---|---|---|
| Q1 | `accumulator`: four terms | 10 |
| Q2 | `quantize_bias` | 5 |
| Q3 | `quantize_multiplier`: M0_int and n | 10 |
| Q4 | `rounding_shift` | 10 |
| Q5 | 8-bit words on paper | 5 |
| Q6 | `multiply_once` | 10 |
| Q7 | `integer_linear` | 15 |
| Q8 | `integer_conv2d` | 10 |
| Q9 | what wraps, what saturates | 5 |
| Q9b | `add_pairs`: an open exercise | 5 |
| Q10 | how often two roundings differ from one | 5 |
| Q11 | one difference explained | 5 |
| Q12 | essay: M in hardware | 5 |
| | 90 by checks, 10 graded by hand | 100 |

## Before you start

**What you need to know.** Lab 1: scale, zero-point, accumulator, and $M = M_0 \cdot 2^{-n}$. Binary numbers: what a shift by n bits does. The course's glossary
(`docs/glossary.md`, in the repository [here](../../docs/glossary.md)) explains all terms.

**Time.** Three to four hours, including the predictions and the essay.

**How it works.** As in Lab 1: replace every blank `__` with an expression. An *open* exercise has no blanks: write the function your own way. Below each answer is a check.
It runs the visible tests only; grading also runs **hidden ones**. Questions are independent: later cells use your function if its check passed, and a reference otherwise.
If a check hangs, interrupt the kernel: the traceback names the line.
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
        "!unzip -q -o lab2_integer_only*.zip\n"
        "%cd lab2_integer_only\n"
        "%pip uninstall -y qlab\n"
        "%pip install ../quantization_lab-*.whl\n"
        "Then restart the session and run %cd lab2_integer_only again."
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
    from qlab import data, engines, models, plots, recorded, training

    here = ", ".join(engines.available()) or "none"
    print(f"Ready: qlab {qlab.__version__}, torch {torch.__version__}; engines: {here}.")

# %% [markdown] id="four-text"
r"""
## 1 · The sum, before the input is known

In Lab 1 a layer's accumulator was

$$ acc_o = \sum_k (q_{x,k} - Z_x)(q_{w,ok} - Z_w) $$

In this form it needs two subtractions for every product, and $q_x - Z_x$ no longer fits into a byte. Multiplied out, with $K$
products in the sum, it has four terms:

$$ acc_o = \sum_k q_x q_w \;-\; Z_x \sum_k q_w \;-\; Z_w \sum_k q_x \;+\; K Z_x Z_w $$

![Four terms: one is the product of bytes, two are known when the model is built, one needs the input](figures/four_terms.png)

Now the only product over all k and o is one of **bytes**, for which CPUs and accelerators have instructions. **Before you read on:** which of
the other three can be computed when the model is built, and which must wait for the input?

<details><summary>Then open this</summary>

The weights are known when the model is built, and $Z_x$ is known since calibration. So $Z_x \sum q_w$ and $K Z_x Z_w$ are one
number for each neuron, and can even be added to its bias. $Z_w \sum q_x$ must be computed for every input, and it is there only
because of $Z_w$. With symmetric weights, $Z_w = 0$, it disappears. This is why PyTorch, TensorRT and LiteRT (the successor of TensorFlow Lite) use
symmetric weights by default, although Lab 1 showed that they waste a few codes. PyTorch has four int8 *engines*, libraries that run such layers: fbgemm, qnnpack,
x86 and onednn. onednn accepts symmetric weights only; fbgemm and qnnpack compute the third term only for asymmetric weights.

</details>

**Conventions in this lab.** Activations are unsigned bytes, 0 to 255, as in PyTorch's engines; weights are signed bytes.

**A worked example.** $q_x = (10, 4, 7)$, $Z_x = 6$; $q_w = (3, -2, 5)$, $Z_w = 2$. Directly:
$4 \cdot 1 + (-2)(-4) + 1 \cdot 3 = 15$. In four terms: $57 - 6 \cdot 6 - 2 \cdot 21 + 3 \cdot 6 \cdot 2 = 57 - 36 - 42 + 36 = 15$.

### Q1 · The accumulator in four terms
*difficulty 2/5 · importance 4/5 · 15 minutes · 10 points*

`q_x` (rows, K) and `q_w` (neurons, K) contain integer codes of at most 8 bits in any dtype; `Z_x` and `Z_w` are integers. Return the accumulators
(rows, neurons), integer values in any dtype. The given line widens to int64, so nothing wraps around.

<details><summary>Hint 1: a question</summary>What is left of (q_x - Z_x)(q_w - Z_w) when you set q_x to 0? And q_w?</details>
<details><summary>Hint 2: the equation</summary>It is the one with the four terms above.</details>
<details><summary>Hint 3: the shape of the code</summary>A matrix product with the transposed weights; Z_x times a sum over each row of the
weights; Z_w times a sum over each row of the input, kept as a column; a product of three integers.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def accumulator(q_x, q_w, Z_x, Z_w):
    x, w = q_x.long(), q_w.long()
    K = x.shape[1]
    ### BEGIN SOLUTION
    #| products = __
    #| from_weights = __ * w.sum(dim= __ )
    #| from_input = __ * x.sum(dim= __ , keepdim=True)
    #| constant = __
    #| acc = __
    products = x @ w.T
    from_weights = Z_x * w.sum(dim=1)
    from_input = Z_w * x.sum(dim=1, keepdim=True)
    constant = K * Z_x * Z_w
    acc = products - from_weights - from_input + constant
    ### END SOLUTION
    return acc


# %% nbgrader={"grade": true, "grade_id": "q1-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q1: visible cases; grading also runs hidden ones.
from checks import q1

### BEGIN HIDDEN TESTS
from checks.q1 import activations, weights

from qlab.check import case

q1.also(
    case("zero-points at the ends", activations(4, 9), weights(5, 9), 255, -127),
    case("Z_x = 0", activations(4, 12), weights(6, 12), 0, 31),
    case("one input, many rows", activations(7, 1), weights(2, 1), 128, 3),
    case("Z_w = 0, one row", activations(1, 40), weights(3, 40), 255, 0, group="symmetric"),
)
### END HIDDEN TESTS
q1.check(accumulator)

# %% id="q1-provided"
exact_accumulator = q1.yours_or_provided()

inputs, weights = torch.full((1, 784), 255), torch.full((1, 784), 127)
largest = exact_accumulator(inputs, weights, 0, 0).item()
print(f"784 products of bytes add up to at most {largest:,}.")
print(f"That needs {largest.bit_length()} bits and a sign, so accumulators are int32.")

# %% [markdown] id="bias-text"
r"""
## 2 · Adding the bias

One unit of a product $q_x q_w$ is worth $S_x S_w$ in real numbers. A bias $b$ that is added to such products must be expressed in the
same units:

$$ q_b = \text{round}\left(\frac{b}{S_x S_w}\right), \quad \text{an int32 with scale } S_x S_w \text{ and zero-point 0} $$

It does not fit into a byte: with $S_x S_w = 2^{-10}$ a bias of 0.5 is already 512. It has 32 bits, like the accumulator to which it is added.
Rounding moves it by at most half of $S_x S_w$, little beside a step of the output; Section 11 shows that this is visible all the same. If each neuron has
a weight scale of its own, each bias has a scale of its own too.

**A worked example.** $S_x = 1/64$, $S_w = 1/16$: $0.5$ becomes $512$, and $-0.13$ becomes $-133$ (from $-133.12$).

### Q2 · The bias in steps of the accumulator
*difficulty 1/5 · importance 4/5 · 5 minutes · 5 points*

`bias` (neurons,) is float32; `input_scale` is a float; `weight_scale` is a float, or a tensor (neurons,). Return the codes of the bias,
integer values in any dtype, rounded to the nearest (at a *tie*, halfway between two integers, either neighbour is accepted).

<details><summary>Hint 1: a question</summary>How many steps of 1/1024 is 0.5?</details>
<details><summary>Hint 2: the equation</summary>q_b = round(b / (S_x S_w))</details>
<details><summary>Hint 3: the shape of the code</summary>A division by a product, inside torch.round.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def quantize_bias(bias, input_scale, weight_scale):
    ### BEGIN SOLUTION
    #| q_bias = __
    q_bias = torch.round(bias / (input_scale * weight_scale))
    ### END SOLUTION
    return q_bias.to(torch.int64)


# %% nbgrader={"grade": true, "grade_id": "q2-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q2: visible cases; grading also runs hidden ones.
from checks import q2

### BEGIN HIDDEN TESTS
import torch

from qlab.check import case, normal

q2.also(
    case("zero and negative biases", [0.0, -1.5, 2.0], 0.011, 0.0077),
    case("large biases", normal(8, std=40.0), 0.02, 0.004),
    case("ten channels", normal(10), 0.023, torch.linspace(0.01, 0.05, 10), group="channels"),
)
### END HIDDEN TESTS
q2.check(quantize_bias)

# %% [markdown] id="multiplier-text"
r"""
## 3 · M as two integers

The output code is $q_{out} = Z_{out} + M\,(acc + q_b)$ with $M = S_x S_w / S_{out}$, a real number. Lab 1 split it on paper. What is stored of $M_0$ is
an integer of 32 bits, called `M0_int`:

$$ M = M_0 \cdot 2^{-n}, \quad 0.5 \le M_0 < 1, \qquad M_{0,int} = \text{round}(2^{31} M_0), \qquad M \approx M_{0,int} \cdot 2^{-31} \cdot 2^{-n} $$

Because $M_0$ is at least one half, `M0_int` always has 31 significant bits: the error is at most one part in $2^{31}$ of M, whatever M is.

**A worked example.** $M = 0.3$: $M_0 = 0.6$, $n = 1$, $M_{0,int} = \text{round}(1288490188.8) = 1288490189$.

**M of 1 and more.** Nothing forbids $S_x S_w > S_{out}$. Then M is halved until it is below 1, and $n$ becomes negative: $1.7 = 0.85 \cdot 2^{1}$, so $n = -1$.

**A corner case that published code gets wrong.** $M_0 = 1 - 2^{-40}$ is below 1, but $2^{31} M_0$ rounds to $2^{31}$, and the largest int32 is $2^{31} - 1$.
How must `M0_int` and $n$ change there, so that $M_{0,int} \cdot 2^{-31} \cdot 2^{-n}$ stays the same?

### Q3 · M0_int and n
*difficulty 3/5 · importance 5/5 · 15 minutes · 10 points*

`M` is a Python float above 0. Return `M0_int`, an integer from $2^{30}$ to $2^{31} - 1$, rounded to the nearest, and `n`, an integer.

<details><summary>Hint 1: a question</summary>How many bits has an int32 besides its sign?</details>
<details><summary>Hint 2: the equation</summary>M = M0_int * 2**-31 * 2**-n; doubling M and increasing n by one leaves it as it is.</details>
<details><summary>Hint 3: the shape of the code</summary>One loop doubles, the other halves; round a product with a power of two; in the corner
case M0_int is halved, and n makes up for it.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def quantize_multiplier(M):
    n = 0
    ### BEGIN SOLUTION
    #| while __ :
    #|     M, n = M * 2, __
    #| while __ :
    #|     M, n = M / 2, __
    #| M0_int = __
    #| if M0_int == 2**31:  # int32 does not hold it
    #|     M0_int, n = __ , __
    while M < 0.5:
        M, n = M * 2, n + 1
    while M >= 1:
        M, n = M / 2, n - 1
    M0_int = round(M * 2**31)
    if M0_int == 2**31:
        M0_int, n = 2**30, n - 1
    ### END SOLUTION
    return M0_int, n


# %% nbgrader={"grade": true, "grade_id": "q3-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q3: visible cases; grading also runs hidden ones.
from checks import q3

### BEGIN HIDDEN TESTS
from qlab.check import case

q3.also(
    case("M = 0.9", 0.9),
    case("M = 3e-9", 3e-9),
    case("M = 0.0625", 0.0625),
    case("M = 100.3", 100.3, group="large"),
    case("M = 2", 2.0, group="large"),
    case("M = 0.25 - 2**-42", 0.25 - 2.0**-42, group="carry"),
    case("M = 2 - 2**-39", 2 - 2.0**-39, group="carry"),
)
### END HIDDEN TESTS
q3.check(quantize_multiplier)

# %% [markdown] id="shift-text"
r"""
## 4 · A shift that rounds

Dividing by $2^n$ is a shift to the right by $n$ bits. **Predict** before you run the next cell: what are `13 >> 2`, `15 >> 2`, `-13 >> 2`? The exact quotients are
3.25, 3.75 and -3.25.
"""

# %% id="plain-shift"
for value in (13, 15, -13, -15):
    print(f"{value:4d} / 4 = {value / 4:5.2f}   {value} >> 2 = {value >> 2:3d}")
x = torch.arange(-1000, 1000)
print(f"mean of (x >> 2) - x / 4 over 2,000 integers: {((x >> 2) - x / 4).mean():.3f}")

# %% [markdown] id="q4-text"
r"""
A plain shift rounds **down**: shifted by 2 bits, results are too small by three eighths of a step on average (by nearly half a step for
larger n), and this adds up from layer to layer. To round to the nearest, add half a step first; a step of the result is $2^n$.

![A plain shift is a staircase below the line, a rounding shift one around it](figures/rounding.png)

### Q4 · A rounding shift
*difficulty 2/5 · importance 5/5 · 10 minutes · 10 points*

`x` is an int64 tensor of at most 62 bits and a sign; `n` is an integer from 0 to 62. Return $x / 2^n$ rounded to the nearest integer (at a tie
either neighbour is accepted), integer values in any dtype. Use integers only: float64 has 53 bits, and the products of Q6 have 62. For `n = 0` there is no half step to add.

**A worked example.** 13, -13, 12, -12 shifted by 2 bits become 3, -3, 3, -3.

<details><summary>Hint 1: a question</summary>Which integers become 4 when they are shifted by 2 bits without rounding? Which should?</details>
<details><summary>Hint 2: the equation</summary>round(x / 2**n) = floor((x + 2**(n - 1)) / 2**n)</details>
<details><summary>Hint 3: the shape of the code</summary>One addition, one shift; 1 << k is 2**k.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q4", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rounding_shift(x, n):
    if n == 0:
        return x
    ### BEGIN SOLUTION
    #| half = __
    #| shifted = __
    half = 1 << (n - 1)
    shifted = (x + half) >> n
    ### END SOLUTION
    return shifted


# %% nbgrader={"grade": true, "grade_id": "q4-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q4: visible cases; grading also runs hidden ones.
from checks import q4

### BEGIN HIDDEN TESTS
import torch
from checks.q4 import whole

from qlab.check import case, uniform

q4.also(
    case("zeros and ones", whole([0, 1, -1]), 4),
    case("by 12 bits", uniform(-(2**20), 2**20, 40, dtype=torch.int64), 12),
    case("by 31 bits", uniform(-(2**50), 2**50, 40, dtype=torch.int64), 31, group="wide"),
    case("by 40 bits", uniform(-(2**61), 2**61, 40, dtype=torch.int64), 40, group="wide"),
    case("large numbers by 0 bits", whole([2**30, -(2**30)]), 0, group="zero"),
)
### END HIDDEN TESTS
q4.check(rounding_shift)

# %% id="q4-provided"
shift = q4.yours_or_provided()

x = torch.arange(-1000, 1000)
error = shift(x, 2) - x / 4
print(f"mean error of the rounding shift over the same integers: {error.mean():+.3f}")
print(f"without the ties: {error[x % 4 != 2].mean():+.3f}")

# %% [markdown] id="paper-text"
r"""
## 5 · M times acc: on paper, then in int32

**On paper**, with words of 8 bits: a sign and 7 bits. Take $acc = 100$ and $M = 0.2 = 0.8 \cdot 2^{-2}$.
- $M_{0,int} = \text{round}(0.8 \cdot 2^7) = \text{round}(102.4) = 102$, $n = 2$.
- The product $100 \cdot 102 = 10200$ needs two words. Both factors carry a sign bit, so the product has a redundant one; doubling removes it: $20400$. Its
  **high half**, rounded, is $20400 / 2^8 = 10200 / 2^7 = 79.69$, so $80$. An instruction that computes this is called a *rounding doubling high
  multiply*; on Arm it is `vqrdmulh`.
- The shift by $n = 2$, with rounding: $80 / 4 = 20$. And $0.2 \cdot 100 = 20$.

![An accumulator's way to a byte, bit by bit](figures/bits.png)

This rounds **twice**. If both words of the product are kept, it can be shifted by $7 + n$ bits in one go and rounded **once**: $10200 / 2^9 = 19.92$, so 20
as well. The two do not always agree, as the next question shows.

### Q5 · 8-bit words
*difficulty 2/5 · importance 3/5 · 10 minutes · 5 points*

Do the same for $acc = 101$ and $M = 0.3$. Round ties up. Give `M0_int` (scaled by $2^7$), the high half `high`, and the result rounded `twice` and
`once`. It is meant for paper, so the check does not show the right numbers.

<details><summary>Hint 1: a question</summary>Is 0.3 at least 0.5? How often do you double it?</details>
<details><summary>Hint 2: the equation</summary>high = round(acc M0_int / 2**7), twice = round(high / 2**n), once = round(acc M0_int / 2**(7 + n))</details>
<details><summary>Hint 3: the shape of the code</summary>Four integers.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q5", "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
#| M0_int = __
#| high = __
#| twice = __
#| once = __
M0_int = 77
high = 61
twice = 31
once = 30
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "q5-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q5.
from checks import q5

q5.check(M0_int, high, twice, once)

# %% [markdown] id="q6-text"
r"""
### Q6 · M times acc, rounded once
*difficulty 3/5 · importance 5/5 · 10 minutes · 10 points*

Now with 32-bit words. `acc` is an **int32** tensor, as accumulators are; `M0_int` and `n` are the integers of Q3. Return
$\text{round}(acc \cdot M_{0,int} / 2^{31 + n})$, exactly, integer values in any dtype (at a tie either neighbour is accepted); $n$ is from -31 to 31. With $n < 0$ the shift is
shorter than 31 bits, nothing else changes. `rounding_shift` is your Q4. No float has the 62 bits of the product.

**A worked example.** $M = 0.3$: 101, -101 and 1000 become 30, -30 and 300.

<details><summary>Hint 1: a question</summary>How many bits has the product of two 32-bit numbers, and which type holds them?</details>
<details><summary>Hint 2: the equation</summary>M acc = acc M0_int 2**-31 2**-n</details>
<details><summary>Hint 3: the shape of the code</summary>Widen, multiply, one call of rounding_shift.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q6", "locked": false, "schema_version": 3, "solution": true, "task": false}
def multiply_once(acc, M0_int, n):
    ### BEGIN SOLUTION
    #| product = __
    #| return rounding_shift( __ , __ )
    product = acc.to(torch.int64) * M0_int
    return rounding_shift(product, 31 + n)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q6-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q6: visible cases; grading also runs hidden ones.
from checks import q6

### BEGIN HIDDEN TESTS
from checks.q6 import int32, multiplier_case

q6.also(
    multiplier_case("M = 0.5", int32(-1000, 1000, 20), 0.5),
    multiplier_case("M = 0.00004", int32(-(2**22), 2**22, 20), 0.00004),
    multiplier_case("the ends of int32, M = 0.97", int32(2**31 - 40, 2**31 - 1, 10), 0.97, group="wide"),
    multiplier_case("M = 1", int32(-200, 200, 20), 1.0, group="large"),
    multiplier_case("M = 77", int32(-3, 3, 10), 77.0, group="large"),
)
### END HIDDEN TESTS
q6.check(multiply_once)

# %% id="bits" tags=["demo"]
multiply = q6.yours_or_provided()

plots.accumulator_bits(29_473, *qlab.quantize_multiplier(0.0042), zero_point=3)

# %% [markdown] id="q7-text"
r"""
The picture shows an accumulator's way to a byte: 32 bits times 31 bits, shifted, the zero-point added, clamped to 8 bits. Change the numbers and look again.

## 6 · A layer without floats

### Q7 · A fully connected layer on integers
*difficulty 3/5 · importance 5/5 · 15 minutes · 15 points*

`q_x` (rows, in) contains unsigned bytes with zero-point `Z_x`, `q_w` (out, in) signed bytes with zero-point **0**, `q_bias` (out,) the int32 codes of Q2;
`M0_int` and `n` are those of Q3, `Z_out` is the output's zero-point. Return the output codes (rows, out) from 0 to 255, integer values in any dtype, rounded to
the nearest (at a tie either neighbour is accepted). With `relu=True` real outputs below 0 become 0: which is the smallest code then?
`accumulator` and `multiply_once` are yours.

**A worked example.** $q_x = (10, 4)$, $Z_x = 2$, $q_w = (3, -7)$, $q_b = 20$: $acc = 24 - 14 + 20 = 30$. With $M = 0.3$ and $Z_{out} = 40$ the output is $9 + 40 = 49$.

<details><summary>Hint 1: a question</summary>In which units is q_bias expressed: those of the accumulator, or those of the output?</details>
<details><summary>Hint 2: the equation</summary>q_out = Z_out + round(M (acc + q_b)), clamped to the codes.</details>
<details><summary>Hint 3: the shape of the code</summary>One call and an addition; one call and an addition; a clamp whose lower end, with relu, is the
code of the real number 0.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q7", "locked": false, "schema_version": 3, "solution": true, "task": false}
def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    ### BEGIN SOLUTION
    #| acc = __
    #| q_out = __
    #| lowest = __ if relu else __
    #| return torch.clamp(q_out, __ , __ )
    acc = accumulator(q_x, q_w, Z_x, 0) + q_bias
    q_out = multiply_once(acc, M0_int, n) + Z_out
    lowest = Z_out if relu else 0
    return torch.clamp(q_out, lowest, 255)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q7-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q7: visible cases; grading also runs hidden ones.
from checks import q7

### BEGIN HIDDEN TESTS
from checks.q7 import activations, int32, layer_case, weights

q7.also(
    layer_case("zero-points 0", activations(4, 9), weights(3, 9), int32(60_000, 90_000, 3), 0, 0.0009, 0),
    layer_case("M above 1", activations(3, 2), int32(-1, 1, 4, 2), int32(-4, 4, 4), 128, 1.3, 128, group="saturating"),
    layer_case("ReLU, zero-point 0", activations(5, 16), weights(4, 16), int32(-3000, 3000, 4), 128, 0.003, 0, relu=True, group="relu"),
    layer_case("far beyond the range", activations(4, 40), weights(5, 40), int32(-3000, 3000, 5), 60, 0.11, 128, group="saturating"),
)
### END HIDDEN TESTS
q7.check(integer_linear)

# %% [markdown] id="q8-text"
r"""
## 7 · Convolutions

A convolution's output pixel sees a patch of the image. Laid out as a row, each patch is an input of a fully connected layer whose weights
are the kernels, laid out in the same order: a convolution is **a fully connected layer on patches**. The border (padding) represents the
real number 0.

**A worked example.** The image $\begin{pmatrix}1&2&3\\4&5&6\\7&8&9\end{pmatrix}$ under a 2x2 kernel has four patches: 1 2 4 5, 2 3 5 6, 4 5 7 8 and 5 6 8 9.

### Q8 · A convolution on integers
*difficulty 4/5 · importance 4/5 · 20 minutes · 10 points*

`q_x` (images, channels, height, width) contains unsigned bytes, `q_w` (out, channels, kernel height, kernel width) signed bytes with zero-point 0; the rest
is as in Q7. The given lines cut the patches, `patches` (images, channels * kernel height * kernel width, pixels), and put the results
back in place. Fill in the border, the two layouts and the call of your `integer_linear`.

<details><summary>Hint 1: a question</summary>Which code of the input is the real number 0?</details>
<details><summary>Hint 2: the equation</summary>out[pixel, o] = layer(patch[pixel], kernel[o])</details>
<details><summary>Hint 3: the shape of the code</summary>transpose(1, 2) puts the pixels before the patch's numbers; reshape(-1, length) makes a
row of each patch; reshape(out, -1) makes a row of each kernel.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q8", "locked": false, "schema_version": 3, "solution": true, "task": false}
def integer_conv2d(
    q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False
):
    out, channels, kernel_height, kernel_width = q_w.shape
    ### BEGIN SOLUTION
    #| padded = F.pad(q_x.double(), (padding,) * 4, value= __ )
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_x)
    ### END SOLUTION
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    ### BEGIN SOLUTION
    length = channels * kernel_height * kernel_width
    #| rows = __  # (images * pixels, length)
    #| kernels = __  # (out, length)
    #| q_out = integer_linear( __ )
    rows = patches.transpose(1, 2).reshape(-1, length)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out, relu)
    ### END SOLUTION
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% nbgrader={"grade": true, "grade_id": "q8-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q8: visible cases; grading also runs hidden ones.
from checks import q8

### BEGIN HIDDEN TESTS
from checks.q8 import activations, conv_case, int32, weights

q8.also(
    conv_case("an oblong kernel", activations(1, 3, 5, 6), weights(2, 3, 1, 3), int32(-2000, 2000, 2), 77, 0.0016, 130),
    conv_case("a 5x5 kernel, padding 2", activations(2, 1, 5, 5), weights(2, 1, 5, 5), int32(-2000, 2000, 2), 180, 0.001, 118, 1, 2, group="padded"),
    conv_case("stride 2 with padding and ReLU", activations(1, 2, 8, 8), weights(3, 2, 3, 3), int32(-2000, 2000, 3), 33, 0.0013, 70, 2, 1, True, group="padded"),
    conv_case("stride 3", activations(1, 1, 8, 8), weights(2, 1, 2, 2), int32(-900, 900, 2), 120, 0.003, 125, 3, group="stride"),
)
### END HIDDEN TESTS
q8.check(integer_conv2d)

# %% [markdown] id="types-text"
r"""
## 8 · What wraps, what saturates

**Predict** each line before you run the cell: which of these sums are right?
"""

# %% id="types"
for dtype in (torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64):
    largest = torch.iinfo(dtype).max
    one_more = (torch.tensor([largest], dtype=dtype) + 1).item()
    print(f"{str(dtype):12} {largest} + 1 = {one_more}")
one_more = (torch.tensor([2.0**24]) + 1).item()
print(f"torch.float32 {2**24} + 1 = {one_more:.0f}: too few bits, rounded")
codes = qlab.quantize(torch.tensor([1.0, 2.0, 3.0]), 0.01, 0, -128, 127).tolist()
print("quantized   ", codes, "for 1, 2, 3 at scale 0.01: clamped")

# %% [markdown] id="saturation-text"
r"""
torch's integers **wrap around**, silently, in every type. A value is clamped only where somebody wrote a clamp.

Some CPU instructions **saturate** instead: they stop at the end of their range. x86 CPUs without VNNI (instructions that add products of bytes in 32 bits) multiply bytes with `vpmaddubsw`. It takes unsigned by
signed bytes, adds the products **in pairs**, and keeps 16 bits of each sum, from $-32768$ to $32767$. One product is at most $255 \cdot 127 = 32385$ and fits; the sum of two does not
always. The next cell computes what such a CPU computes, exactly, on any machine.
"""

# %% id="saturation" tags=["demo"]
from qlab.engines.saturation import add_pairs_in_16_bits

def random_codes(low, high, *shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(low, high + 1, shape, generator=generator)


codes = random_codes(0, 255, 1000, 64, seed=SEED).to(torch.uint8)
for largest in (127, 100, 80, 50):
    kernel = random_codes(-largest, largest, 32, 64, seed=1).to(torch.int8)
    wrong_sums = add_pairs_in_16_bits(codes, kernel) != codes.long() @ kernel.long().T
    share, count = wrong_sums.float().mean(), wrong_sums.numel()
    print(f"weights up to {largest:3d}: {share:6.2%} of {count:,} accumulators are wrong")

# %% [markdown] id="q9-text"
r"""
This is why fbgemm's settings in PyTorch have `reduce_range`: activations get 7 bits, 0 to 127, so a pair of products with any weights fits. Keeping the weights small
has the same effect. CPUs with VNNI add in 32 bits at once; fbgemm's own kernels for depthwise convolutions use `vpmaddubsw` even there.

### Q9 · Three numbers
*difficulty 2/5 · importance 3/5 · 5 minutes · 5 points*

`int8_sum`: what torch gives for 100 + 100 in int8. `pair_sum`: what `vpmaddubsw` gives for the activations 255 and 200 with the weights 127 and 100.
`largest_weight`: the largest bound on $|w|$ for which no pair of products saturates, whatever the unsigned 8-bit activations are.

<details><summary>Hint 1: a question</summary>How many values has a byte? Where does int16 end?</details>
<details><summary>Hint 2: the equation</summary>2 * 255 * w <= 32767</details>
<details><summary>Hint 3: the shape of the code</summary>Three integers.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q9", "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
#| int8_sum = __
#| pair_sum = __
#| largest_weight = __
int8_sum = -56
pair_sum = 32767
largest_weight = 64
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "q9-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q9.
from checks import q9

q9.check(int8_sum, pair_sum, largest_weight)

# %% [markdown] id="q9b-text"
r"""
### Q9b · Pairs in 16 bits
*difficulty 3/5 · importance 4/5 · 15 minutes · 5 points · open: no blanks, any method*

Section 11 compares your layers with PyTorch's. On a CPU without VNNI, most differences come from pairs that saturate. Write what such a CPU adds, so that you can tell.

`q_x` (rows, K) contains unsigned bytes, `q_w` (neurons, K) signed bytes. Return the sums of products (rows, neurons), integer values in any dtype, added as `vpmaddubsw` adds them: products 0 and 1 are a
pair, products 2 and 3 the next, and so on. Each **pair's sum** is limited to $-32768 \ldots 32767$. The pairs are then added in 32 bits, without a limit. If K is odd, the last product is alone in its pair.

| `q_x` | `q_w` | pairs | limited | returns |
|---|---|---|---|---|
| `[[255, 200]]` | `[[127, 100]]` | 52385 | 32767 | `[[32767]]` |
| `[[255, 200, 10]]` | `[[127, 100, -5]]` | 52385, -50 | 32767, -50 | `[[32717]]` |

<details><summary>Hint 1: a question</summary>A matrix product has the sum over k built in. What do you need before that sum is taken?</details>
<details><summary>Hint 2: a worked step</summary>255, 200, 255, 250 with 127, 100, -128, -128: the products are 32385, 20000, -32640, -32000. The pairs are
52385 and -64640, limited 32767 and -32768. Their sum is -1.</details>
<details><summary>Hint 3: the shape of the code</summary>Either all products as a tensor (rows, neurons, K), the even places plus the odd ones, clamp, sum; or a loop over
pairs, in which a matrix product with two columns is clamped and added to the total.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q9b", "locked": false, "schema_version": 3, "solution": true, "task": false}
def add_pairs(q_x, q_w):
    ### BEGIN SOLUTION
    #| raise NotImplementedError("Q9b: write your own function here")
    products = q_x.long().unsqueeze(1) * q_w.long()
    products = F.pad(products, (0, products.shape[2] % 2))
    pairs = products[:, :, 0::2] + products[:, :, 1::2]
    return pairs.clamp(-(2**15), 2**15 - 1).sum(dim=2)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q9b-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q9b: visible cases; grading also runs hidden ones.
from checks import q9b

### BEGIN HIDDEN TESTS
from checks.q9b import activations, stops, weights

from qlab.check import case, uniform

q9b.also(
    case("very small weights", activations(2, 20), uniform(-5, 5, 4, 20)),
    stops("many inputs", activations(3, 200), weights(4, 200)),
    stops("seven products", activations(30, 7), weights(20, 7), "odd"),
)
### END HIDDEN TESTS
q9b.check(add_pairs)

# %% [markdown] id="rounding-text"
r"""
## 9 · Rounding once or twice

gemmlowp (Google's library for low-precision matrix products, from which TensorFlow Lite's arithmetic comes) and TensorFlow Lite's reference convolution round twice: a high multiply, then a rounding shift. Your `multiply_once` rounds once. How often do the two differ? The cell
tries a million accumulators for each n.
"""

# %% id="rounding" tags=["demo"]
generator = torch.Generator().manual_seed(SEED)
accumulators = torch.randint(
    -(2**24), 2**24, (1_000_000,), generator=generator, dtype=torch.int32
)
print(" n   M about    differ")
for n_bits in range(1, 9):
    word = int(torch.randint(2**30, 2**31, (), generator=generator))
    rounded_once = multiply(accumulators, word, n_bits)
    rounded_twice = qlab.multiply_rounding_twice(accumulators, word, n_bits)
    M, share = word * 2.0 ** -(31 + n_bits), (rounded_once != rounded_twice).float().mean()
    print(f"{n_bits:2d}  {M:8.5f}  {share:8.4%}")

# %% [markdown] id="q10-text"
r"""
### Q10 · The share of differences
*difficulty 2/5 · importance 2/5 · 5 minutes · 5 points*

Which simple rule do the rows follow? Give the `share` (not in percent) that it predicts for $n = 10$, exactly. Then explain it to yourself: which values after the first rounding make the second one go wrong?

<details><summary>Hint 1: a question</summary>How does the share change from each row to the next?</details>
<details><summary>Hint 2: the equation</summary>A power of two whose exponent grows with n; check it against the row n = 1.</details>
<details><summary>Hint 3: the shape of the code</summary>2 ** -( __ ), or a fraction.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q10", "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
#| share = __
share = 2**-11
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "q10-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q10.
from checks import q10

q10.check(share)

# %% [markdown] id="networks-text"
r"""
## 10 · Whole networks in integers

An MLP and a small convolutional network, this time with biases. Weights are symmetric ($Z_w = 0$, codes -127 to 127); the activations' ranges come
from 1,000 training images. In `run_on_integers`, every value that is passed from layer to layer is an integer. The scales are used once
per layer, to compute $q_b$, `M0_int` and $n$, as a converter does when it builds a model.
"""

# %% id="train" tags=["demo"]
dataset = data.load(DATA, download=DOWNLOAD)
recipe = {"epochs": 9, "learning_rate": 0.01}
if DATA == "digits":
    recipe = {"epochs": 30, "learning_rate": 0.1, "batch_size": 32}
networks = {
    "MLP": models.mlp_for(dataset, seed=SEED, bias=True),
    "conv net": models.convnet_for(dataset, seed=SEED),
}
fp32 = {}
for name, network in networks.items():
    training.train(network, dataset, seed=SEED, **recipe)
    with torch.no_grad():
        fp32[name] = network(dataset.x_test)
    correct, _ = training.accuracy_and_loss(fp32[name], dataset.y_test)
    print(f"{name}: fp32 accuracy {correct:.2%}")

# %% id="quantize-network" tags=["demo"]
linear_on_codes, conv2d_on_codes = q7.yours_or_provided(), q8.yours_or_provided()
bias_codes, split_multiplier = q2.yours_or_provided(), q3.yours_or_provided()


def modules_of(network):
    if hasattr(network, "convolutions"):
        return [*network.convolutions, network.linear]
    return list(network.layers)


def quantize_network(network, images):
    """Each layer with its codes and scales; the ranges come from these images."""
    found, x = [], images
    S_x, Z_x = qlab.qparams(*qlab.affine_range(x), 0, 255)
    stack = modules_of(network)
    for module in stack:
        is_linear, relu = isinstance(module, torch.nn.Linear), module is not stack[-1]
        with torch.no_grad():
            x = module(x.flatten(1) if is_linear else x)
        x = torch.relu(x) if relu else x
        q_w, S_w, _ = qlab.linear_quantize(module.weight, symmetric=True, narrow=True)
        S_out, Z_out = qlab.qparams(*qlab.affine_range(x), 0, 255)
        window = {}
        if not is_linear:
            window = {"stride": module.stride[0], "padding": module.padding[0]}
        scales = (S_w, S_x.item(), int(Z_x), S_out.item(), int(Z_out))
        found.append(engines.Layer(q_w, *scales, module.bias.detach(), relu, **window))
        S_x, Z_x = S_out, Z_out
    return found


def on_integers(layer, q):
    """One layer by your functions."""
    M = layer.input_scale * layer.weight_scale / layer.output_scale
    M0_int, n = map(int, split_multiplier(M))
    q_bias = bias_codes(layer.bias, layer.input_scale, layer.weight_scale)
    rest = (q_bias, layer.input_zero_point, M0_int, n, layer.output_zero_point)
    if layer.kind == "linear":
        return linear_on_codes(q.flatten(1), layer.weights, *rest, layer.relu)
    window = (layer.stride, layer.padding)
    return conv2d_on_codes(q, layer.weights, *rest, *window, layer.relu)


def run_on_integers(layers, images):
    """The codes that go into each layer, and the logits' codes."""
    S_x, Z_x = layers[0].input_scale, layers[0].input_zero_point
    codes = [qlab.quantize(images, S_x, Z_x, 0, 255)]
    for layer in layers:
        codes.append(on_integers(layer, codes[-1]))
    return codes


calibration = dataset.x_train[:1000]
quantized = {
    name: quantize_network(network, calibration) for name, network in networks.items()
}
integers = {
    name: run_on_integers(layers, dataset.x_test) for name, layers in quantized.items()
}
accuracy, agreement = {}, {}
for name, codes in integers.items():
    both = (fp32[name], codes[-1])
    accuracy[name] = [
        training.accuracy_and_loss(logits, dataset.y_test)[0] for logits in both
    ]
    same = codes[-1].argmax(1) == fp32[name].argmax(1)
    agreement[name] = same.float().mean().item()
    floats, whole = accuracy[name]
    print(f"{name:8}  fp32 {floats:.2%}   integers only {whole:.2%}")
    print(f"          the same class for {agreement[name]:.2%} of the images")
(mlp_fp32, mlp_int8), (conv_fp32, conv_int8) = accuracy.values()
mlp_agreement, conv_agreement = agreement.values()

# %% [markdown] id="networks-answer"
r"""
**What success looks like.** On digits, over {{ digits.seeds }} seeds: MLP fp32 {{ digits.mlp_fp32 }}, integers {{ digits.mlp_int8 }}, agreement {{ digits.mlp_agreement }};
conv net fp32 {{ digits.conv_fp32 }}, integers {{ digits.conv_int8 }}, agreement {{ digits.conv_agreement }}. On Fashion-MNIST after 9 epochs, over {{ fashion_mnist.seeds }} seeds:
MLP {{ fashion_mnist.mlp_fp32 }} and {{ fashion_mnist.mlp_int8 }}, conv net {{ fashion_mnist.conv_fp32 }} and {{ fashion_mnist.conv_int8 }}.

### One output, three ways

Before whole networks are compared, follow one output of the MLP's first layer. The cell takes the one that saturation changes most, and computes it in three ways: with your integers; with your integers, but pairs added in 16 bits
by your `add_pairs`; and with your exact sum, but the bias left a float. **Predict:** which of the two changes moves the code further?
"""

# %% id="one-output" tags=["demo"]
layer, codes = quantized["MLP"][0], integers["MLP"][0].flatten(1)
pairs_added = q9b.yours_or_provided()
q_bias = bias_codes(layer.bias, layer.input_scale, layer.weight_scale)
exact = layer.accumulator(codes).long()
correction = layer.input_zero_point * layer.weights.long().sum(dim=1)
saturated = torch.as_tensor(pairs_added(codes, layer.weights)).long() - correction
step = layer.input_scale * layer.weight_scale
M = step / layer.output_scale


def to_code(total):
    """The output code of a sum with its bias, exact but for float64's 53 bits."""
    q = torch.round(total.double() * M) + layer.output_zero_point
    return q.clamp(layer.output_zero_point if layer.relu else 0, 255).long()


ways = {
    "your integers": to_code(exact + q_bias),
    "pairs added in 16 bits": to_code(saturated + q_bias),
    "the bias left a float": to_code(exact + layer.bias.double() / step),
}
change = (ways["pairs added in 16 bits"] - ways["your integers"]).abs()
row, neuron = divmod(int(change.argmax()), change.shape[1])
print(f"image {row}, neuron {neuron}: exact sum {exact[row, neuron]}, ", end="")
print(f"with pairs in 16 bits {saturated[row, neuron]}")
for name, way in ways.items():
    apart = int((way != ways["your integers"]).sum())
    print(f"{name:24} code {way[row, neuron]:3d}; {apart} of {way.numel():,} differ")

# %% [markdown] id="engines-text"
r"""
## 11 · Compared with PyTorch's engines, bit by bit

PyTorch has four engines for int8 layers: fbgemm, qnnpack, x86 and onednn. Each has **a rule of its own** for what you did in Q2 and Q6. On x86 none of them uses a fixed-point multiplier: their output stage is float32. And on CPUs without VNNI all but qnnpack add
pairs of products in 16 bits, which may saturate (Q9b).

| | sum | bias | times M | zero-point |
|---|---|---|---|---|
| yours | int32 | int32, rounded to steps of $S_x S_w$ | M0_int and n, one rounding | added after rounding |
| fbgemm, x86's linear | int32; **pairs in 16 bits** without VNNI | **float32**, $b / (S_x S_w)$ added to the sum | float32, ties to even | after |
| qnnpack | int32 | int32 | float32, ties to even | after |
| onednn, x86's conv on CPUs with VNNI | int32; **pairs in 16 bits** without VNNI | **float32**, in real units | float32; on AVX-512 CPUs with reciprocals of scales | **before** rounding |

Now the engines that your machine has run the same layers, on the same input codes. Their rules depend on the CPU; `qlab.engines` chooses one from what the CPU reports and tests
it first. **Predict:** which of the four differs least from yours?
"""

# %% id="engines" tags=["demo"]
def differing(theirs, ours):
    return int((theirs.long() != ours.long()).sum())


def channels_last(codes):
    return codes.permute(0, 2, 3, 1) if codes.dim() == 4 else codes


def real(layer, codes):
    return (codes.float() - layer.input_zero_point) * layer.input_scale


def flat(layer, codes):
    return codes.flatten(1) if layer.kind == "linear" else codes


differences = {}
for engine in ("fbgemm", "qnnpack", "x86", "onednn"):
    if engine not in engines.available():
        why = engines.missing()[engine]
        print(f"{engine} does not run here: {why}. The comparison goes on without it.")
        continue
    print(engines.standing(engine))
    for name, layers in quantized.items():
        outputs = yours = references = 0
        for layer, codes, mine in zip(layers, integers[name], integers[name][1:]):
            x = real(layer, flat(layer, codes))
            theirs = engines.run(engine, layer, x)
            outputs += theirs.numel()
            yours += differing(theirs, channels_last(mine))
            references += differing(theirs, engines.reference(engine, layer, x))
        differences[engine, name] = yours / outputs
        print(f"   {name:8} {outputs:8,} outputs: yours differ in {yours:4d}, ", end="")
        print(f"arithmetic by its rule in {references}")
if not differences:
    recorded.show("engines")

# %% [markdown] id="walk-text"
r"""
qnnpack adds exactly and rounds the bias as you do, and float32's rounding of the product hardly ever matters: your outputs and qnnpack's are nearly always equal. With the others, how many outputs differ, and by how much, depends on your CPU.
But **every difference can be traced to one step.** The next cell takes your layer and changes one step after another into fbgemm's: first the sum, then the bias, then the multiplication. After each change it counts how many outputs still differ from fbgemm's, and
by how much at most. **Predict** which of the three steps removes most of the differences on your machine. Does it have VNNI? The cell says so.
"""

# %% id="walk" tags=["demo"]
from qlab.engines.saturation import saturating_accumulator

# Whether fbgemm adds pairs in 16 bits here: on an x86 CPU without VNNI.
SATURATES = not engines.Cpu.here().fbgemm_vnni
STEPS = (
    "yours",
    "the sum as on this CPU",
    "the bias left a float",
    "the product in float32",
)


def fbgemm_sum(layer, codes):
    if SATURATES:
        return saturating_accumulator(layer, codes)
    return layer.accumulator(codes)


def exactly(layer, acc, bias):
    """M (acc + bias) + Z_out, with float64's 53 bits."""
    M = layer.input_scale * layer.weight_scale / layer.output_scale
    return (acc.double() + bias.double()) * M + layer.output_zero_point


def code_of(layer, value):
    return torch.round(value).clamp(layer.output_zero_point if layer.relu else 0, 255)


def fbgemm_step_by_step(layer, codes, mine):
    """Your outputs, with one step after another made fbgemm's."""
    step = layer.input_scale * layer.weight_scale
    acc = fbgemm_sum(layer, codes)
    q_bias = bias_codes(layer.bias, layer.input_scale, layer.weight_scale)
    with_sum = code_of(layer, exactly(layer, acc, q_bias)) if SATURATES else mine
    with_bias = code_of(layer, exactly(layer, acc, layer.bias.double() / step))
    by_rule = engines.reference("fbgemm", layer, real(layer, codes))
    return dict(zip(STEPS, (mine, with_sum, with_bias, by_rule)))


walk, furthest, shown = dict.fromkeys(STEPS, 0), dict.fromkeys(STEPS, 0), 0
if "fbgemm" in engines.available():
    width = "16 bits, which saturate" if SATURATES else "32 bits"
    print(f"On this CPU fbgemm adds pairs in {width}.")
    for name, layers in quantized.items():
        for layer, codes, mine in zip(layers, integers[name], integers[name][1:]):
            codes, mine = flat(layer, codes), channels_last(mine)
            theirs = engines.run("fbgemm", layer, real(layer, codes)).long()
            ways = fbgemm_step_by_step(layer, codes, mine)
            for step, ours in ways.items():
                walk[step] += differing(theirs, ours)
                apart = int((theirs - ours.long()).abs().max())
                furthest[step] = max(furthest[step], apart)
            acc = layer.accumulator(codes)
            unit = layer.input_scale * layer.weight_scale
            value = exactly(layer, acc, layer.bias.double() / unit)
            places = (theirs != mine.long()).nonzero().tolist()[: 3 - shown]
            for place in map(tuple, places):
                shown += 1
                print(f"{name}, output {place}: acc {acc[place]}, ", end="")
                print(f"b / (S_x S_w) {layer.bias[place[-1]].item() / unit:.4f}, ", end="")
                print(f"exactly {value[place]:.6f}; fbgemm {theirs[place]}")
                for step, ours in ways.items():
                    print(f"    {step:24} {int(ours[place]):3d}")
    for step, count in walk.items():
        print(f"{step:24} {count:5d} outputs differ, by {furthest[step]} at most")
else:
    recorded.show("walk")

# %% [markdown] id="ties-text"
r"""
**Read your counts.** The step whose row has far fewer differences than the row above is the main cause.

- *Without VNNI* it is the sum. On one such CPU (an x86 with AVX2 only, digits, seed 0) 3,108 outputs differ, by up to 54. 95 % of them come from pairs that saturate in 16 bits;
  once the sum is fbgemm's, 168 are left, and they differ by 1; with the bias a float, 3.
- *With VNNI* the sum is exact, and the first two rows are equal. A few outputs differ, by 1, and nearly all of these come from rounding the bias, although rounding moves it by half of $S_x S_w$ at most: enough
  for a value that is close to halfway between two codes.
<!-- quoted: recorded/walk.txt, printed by the cell above on a CPU without VNNI -->

Differences of up to 54 codes are no rounding noise. This is why fbgemm's settings leave one bit of the activations unused (`reduce_range`, Section 8); these layers use all 8.

**Ties.** With scales that are powers of two, exact ties are common, and they tell rules apart. The layer below has one input and $M = 1/2$, so odd accumulators end in a half; $Z_{out} = 3$ is odd. **Predict** the row of yours first.
"""

# %% id="ties" tags=["demo"]
half_layer = engines.Layer(torch.tensor([[1]], dtype=torch.int8), 0.5, 0.5, 0, 0.5, 3)
codes = torch.arange(8).reshape(-1, 1)
# M = 1/2: M0_int = 2**30 and n = 0; the zero-point of the output is 3.
mine = linear_on_codes(codes, half_layer.weights, torch.tensor([0]), 0, 2**30, 0, 3)


def print_row(name, numbers):
    print(f"{name:16}", *(f"{number:4}" for number in numbers))


print_row("accumulator", codes.flatten().tolist())
print_row("exactly", (codes.flatten() / 2 + 3).tolist())
print_row("yours", mine.flatten().tolist())
for engine in engines.available():
    print_row(engine, engines.run(engine, half_layer, codes * 0.5).flatten().tolist())
if "fbgemm" not in engines.available():
    recorded.show("ties")

# %% [markdown] id="ties-answer"
r"""
In your layer ties go up (or away from zero, if your rounding_shift does that). fbgemm and qnnpack round the product to even and then add 3; onednn adds 3 first and rounds the sum to even, so it decides every tie
the other way. Other engines, where they are installed (`pip install onnx onnxruntime ai-edge-litert`): onnxruntime and LiteRT's usual kernels do as qnnpack does; LiteRT's optimized kernel is fixed point like yours, and its reference for this layer computes in float64, with ties away from zero.
"""

# %% [markdown] id="q11-text"
r"""
### Q11 · One difference explained
*difficulty 3/5 · importance 4/5 · 10 minutes · 5 points, graded by hand*

Choose one of the outputs printed above in which yours and fbgemm's differ. (If your machine has no fbgemm, use one of the recorded outputs; if none is printed, accumulator 1 in the table of ties, which is exactly 3.5.) Give the accumulator, the exact value and both results. At which of the walk's
steps does your result become fbgemm's, and what happens there: a pair that saturates, the bias, or the product? Which of the two results is nearer to the exact value? Two or three sentences.

| rubric | points |
|---|---|
| the numbers: accumulator, exact value, both results | 2 |
| the step, read off the walk's rows for this output, and what happens in it | 2 |
| which is nearer, and why being nearer does not make a rule "right" | 1 |

Any of the three steps can earn all points: which one it is depends on the CPU.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q11", "locked": false, "points": 5, "schema_version": 3, "solution": true, "task": false}
r"""
### BEGIN SOLUTION
#| *Your explanation here.*
A full answer names one output with its accumulator, its exact value and both codes, and the step at which the walk's row becomes fbgemm's. Without VNNI that is the sum, for nearly all of them: at least one pair of products went beyond int16 and was cut there, so fbgemm's sum is
off by what was cut, often by many codes, and yours is the nearer one. (Example: acc 71092 gives exactly 114.93; yours 115, fbgemm 73.) With VNNI it is usually the bias: it was rounded to a whole step of S_x S_w,
which moves the sum by up to half a step of the accumulator, and the exact value is so close to halfway (say 57.4998) that this decides; fbgemm, which keeps the bias a float, is the nearer one. Rarely it is the product: float32's 24 bits in acc * M. Both keep to their rule, and "right" means: as the rule says. A network that was calibrated tolerates a difference of one
code; differences of tens of codes from saturation are a reason for 7-bit activations.
### END SOLUTION
"""

# %% [markdown] id="q12-text"
r"""
## 12 · Essay

### Q12 · M in hardware
*difficulty 3/5 · importance 4/5 · 30 minutes · 5 points, graded by hand*

You design the output stage of an accelerator. It is behind an array of byte multipliers with int32 accumulators, and runs once per output. In 200 to 350 words of your own: which steps lead from the accumulator
to the byte, in which order, and how wide is each? How is M applied, and what would change in area, time and results with a float32 multiplier, a shift alone (M a power of two), or an `M0_int` of 16 bits?
Where are bias, ReLU, zero-point, rounding and clamp, and why in this order?

| rubric | points |
|---|---|
| the pipeline in order, with the width of each step | 2 |
| M0_int and shift compared with at least one alternative, in cost and in results | 2 |
| why this order: at least two steps that must not be exchanged, with the reason | 1 |
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q12", "locked": false, "points": 5, "schema_version": 3, "solution": true, "task": false}
r"""
### BEGIN SOLUTION
#| *Your essay here.*
What a full answer mentions. The pipeline: int32 accumulator; + int32 bias (with Z_x times the sum of the weights already in it), 32 bits; times M0_int (31 bits and a sign), 63 bits; + half a step, shift right by 31 + n, about 10 bits matter; + Z_out, 9 bits and a sign;
clamp to 0..255, with the lower end Z_out where ReLU is fused. One such stage serves many multipliers, because it runs once per sum, not once per product. A float32 multiplier needs a conversion, a 24-bit multiplier, alignment and rounding logic, and
rounds accumulators beyond 2^24; in area it is no larger than a 32-bit M0_int (synthesis: 8,180 to 10,311 gate equivalents against 13,614). Integers give the same bits on every device, and need no float unit (4.5 to 7 times fewer instructions on small CPUs). An M0_int of 16 bits (6,849) changes few outputs, by 1; a
shift alone (968) costs almost nothing, but restricts M to powers of two, so scales must be chosen or trained for it. Order: the bias before M, since it is expressed in steps of the accumulator;
rounding before Z_out or after it differ at ties; the clamp last, since a byte that wrapped cannot be repaired; ReLU is that clamp.
### END SOLUTION
"""

# %% [markdown] id="end-text"
r"""
## If you want to go on

Give each output channel its own weight scale (`qlab.linear_quantize(weight, symmetric=True, narrow=True, channel_dim=0)`): `quantize_bias` supports it already, M0_int and n become one pair per channel. Or write
fbgemm's rule yourself, in float32, until `engines.compare("fbgemm", layer, x)` and yours agree in every bit: `qlab/arithmetic/output_stage.py` has it in a few lines.

## The formulas of this lab

| what | formula |
|---|---|
| accumulator | $acc = \sum q_x q_w - Z_x \sum q_w - Z_w \sum q_x + K Z_x Z_w$ |
| with symmetric weights | $acc = \sum q_x q_w - Z_x \sum q_w$ |
| bias | $q_b = \text{round}(b / (S_x S_w))$, an int32 |
| multiplier | $M = S_x S_w / S_{out} = M_0 \cdot 2^{-n}$, with $0.5 \le M_0 < 1$ |
| stored integer | $M_{0,int} = \text{round}(2^{31} M_0)$; where it would be $2^{31}$: $2^{30}$ and $n - 1$ |
| rounding shift | $(x + 2^{n-1}) \gg n$ |
| rounded once | $(acc \cdot M_{0,int} + 2^{30+n}) \gg (31 + n)$ |
| output code | $q_{out} = \text{clamp}(Z_{out} + \text{round}(M (acc + q_b)),\; lowest,\; 255)$ |
| lowest code | $Z_{out}$ with ReLU, otherwise 0 |
| pairs in 16 bits | $\sum_i \text{clamp}(q_{x,2i} q_{w,2i} + q_{x,2i+1} q_{w,2i+1},\; -2^{15},\; 2^{15} - 1)$ |
| rounding twice instead of once | differs in a share of $2^{-(n+1)}$ |

**Next.** Lab 3 asks where the ranges come from: calibration. It uses the scales and zero-points of Lab 1 and the engines of this lab.
"""

# %% [markdown] id="hand-in-text"
"""
## Handing in

1. Run all cells (*Run → Restart Kernel and Run All Cells*), look at the cards, and save.
2. In a terminal (*File → New → Terminal*), run `qlab submit lab2`: it says what is missing, offers a PDF for your report, and writes `Lab2_StudentID_Name.zip`.
3. Upload that file to your course's page. You can hand in an incomplete lab, and you can hand in again.
"""
