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
"""
# Lab 2 · Integers only

Lab 1 left one float in each layer: the multiplier M. Here the last floats go. At the end a whole network, fully connected or
convolutional, runs on additions, multiplications and shifts of integers, and you compare it with the engines inside of PyTorch, bit
by bit, on your own machine.

**You will be able to**
- split a layer's sum into what is known beforehand and what is not, and say why engines want $Z_w = 0$;
- give the bias and the multiplier as integers, and apply M with one multiplication and one shift that rounds;
- run a convolution as the same arithmetic;
- explain each difference between your layer and fbgemm's, qnnpack's or onednn's by the rule that makes it.

| question | what | points |
|---|---|---|
| Q1 | `accumulator`: four terms | 10 |
| Q2 | `quantize_bias` | 5 |
| Q3 | `quantize_multiplier`: M0 and n | 10 |
| Q4 | `rounding_shift` | 10 |
| Q5 | 8-bit words on paper | 5 |
| Q6 | `multiply_once` | 10 |
| Q7 | `integer_linear` | 15 |
| Q8 | `integer_conv2d` | 10 |
| Q9 | what wraps, what saturates | 5 |
| Q10 | how often two roundings differ from one | 5 |
| Q11 | one difference explained | 5 |
| Q12 | essay: M in hardware | 10 |
| | 85 by checks, 15 read by hand | 100 |

**How it works** is as in Lab 1: a blank looks like `__`; below each answer stands a check, which shows the visible cases;
**hidden ones remain**. Every question can be answered whether or not the one before is right: later cells use your function where
its check holds, else a reference. If a check does not come to its end, interrupt the kernel: the traceback names the line. Three to four
hours in all, the predictions and the essay included.
"""

# %% id="setup"
import importlib.util
import sys
from pathlib import Path

DATA = "digits"  # or "fashion_mnist": set QLAB_DATA to a folder that holds it, or allow the download below
DOWNLOAD = False
SEED = 0


def is_missing(name):
    try:
        return importlib.util.find_spec(name) is None
    except ImportError:
        return True


# An older qlab has no qlab.arithmetic, nor has another project's package called qlab: both have to go.
missing = [name for name in ("torch", "matplotlib", "sklearn", "qlab.arithmetic") if is_missing(name)]
wheels = sorted(path.resolve() for folder in (".", "..") for path in Path(folder).glob("quantization_lab-*.whl"))
if (missing or not Path("checks").exists()) and "google.colab" in sys.modules:
    print("Upload the course's zip of this lab, then run in a cell of its own:\n!unzip -q -o lab2_integer_only*.zip\n%cd lab2_integer_only")
    print("%pip uninstall -y qlab\n%pip install ../quantization_lab-*.whl\nThen restart the session and run %cd lab2_integer_only again.")
elif missing:
    print(f"Missing or too old: {', '.join(missing)}. Run in a cell of its own:")
    print(f"%pip uninstall -y qlab\n%pip install \"{wheels[-1] if wheels else Path('../..').resolve()}\"\nThen restart the kernel.")
elif not Path("checks").exists():
    print("Missing: the folder checks. It comes with the lab: put it back beside this notebook.")
else:
    import torch
    import torch.nn.functional as F

    import qlab
    from qlab import data, engines, models, plots, recorded, training

    print(f"Ready: qlab {qlab.__version__}, torch {torch.__version__}; engines here: {', '.join(engines.available()) or 'none'}.")

# %% [markdown] id="four-text"
r"""
## 1 · The sum, before the input is known

In Lab 1 a layer's accumulator was

$$ acc_o = \sum_k (q_{x,k} - Z_x)(q_{w,ok} - Z_w) $$

Written like this it needs two subtractions for every product, and $q_x - Z_x$ no longer fits into a byte. Multiplied out, with $K$
products in the sum, it has four terms:

$$ acc_o = \sum_k q_x q_w \;-\; Z_x \sum_k q_w \;-\; Z_w \sum_k q_x \;+\; K Z_x Z_w $$

![Four terms: one is the product of bytes, two are known when the model is built, one needs the input](figures/four_terms.png)

Now the only product over all k and o is one of **bytes**, for which CPUs and accelerators have instructions. **Before you read on:** which of
the other three can be computed when the model is built, and which has to wait for the input?

<details><summary>Then open this</summary>

The weights are known when the model is built, and $Z_x$ is known since calibration. So $Z_x \sum q_w$ and $K Z_x Z_w$ are one
number for each neuron, and can even be put into its bias. $Z_w \sum q_x$ has to be computed for every input, and it is there only
because of $Z_w$. With symmetric weights, $Z_w = 0$, it falls away: this is why the usual settings of PyTorch, TensorRT and LiteRT
have symmetric weights, though Lab 1 showed that they waste a few codes. onednn accepts nothing else; fbgemm and qnnpack compute the third
term when they must.

</details>

**Conventions in this lab.** Activations are unsigned bytes, 0 to 255, as in PyTorch's engines; weights signed bytes.

**A worked example.** $q_x = (10, 4, 7)$, $Z_x = 6$; $q_w = (3, -2, 5)$, $Z_w = 2$. Directly:
$4 \cdot 1 + (-2)(-4) + 1 \cdot 3 = 15$. In four terms: $57 - 6 \cdot 6 - 2 \cdot 21 + 3 \cdot 6 \cdot 2 = 57 - 36 - 42 + 36 = 15$.

### Q1 · The accumulator in four terms
*difficulty 2/5 · importance 4/5 · 15 minutes · 10 points*

`q_x` (rows, K) and `q_w` (neurons, K) hold integer codes of at most 8 bits in any dtype, `Z_x` and `Z_w` are integers. Return the accumulators
(rows, neurons), integer values in any dtype. The given line widens to int64, so that nothing wraps around.

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
    #| products = __ @ __
    #| from_weights = __ * w.sum(dim= __ )
    #| from_input = __ * x.sum(dim= __ , keepdim=True)
    #| constant = __ * __ * __
    #| acc = products - __ - __ + __
    products = x @ w.T
    from_weights = Z_x * w.sum(dim=1)
    from_input = Z_w * x.sum(dim=1, keepdim=True)
    constant = K * Z_x * Z_w
    acc = products - from_weights - from_input + constant
    ### END SOLUTION
    return acc


# %% nbgrader={"grade": true, "grade_id": "q1-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q1: visible cases; hidden ones remain.
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

largest = exact_accumulator(torch.full((1, 784), 255), torch.full((1, 784), 127), 0, 0).item()
print(f"784 products of bytes add up to {largest:,} at most: that needs {largest.bit_length()} bits and a sign, so accumulators are int32")

# %% [markdown] id="bias-text"
r"""
## 2 · The bias joins the accumulator

One unit of a product $q_x q_w$ is worth $S_x S_w$ in reals. A bias $b$ that is to be added to such products has to be counted in the
same units:

$$ q_b = \text{round}\left(\frac{b}{S_x S_w}\right), \quad \text{an int32 with scale } S_x S_w \text{ and zero-point 0} $$

It does not fit into a byte: with $S_x S_w = 2^{-10}$ a bias of 0.5 is 512 already. It gets 32 bits, like the accumulator that it joins.
Rounding moves it by half of $S_x S_w$ at most, little beside a step of the output; Section 11 shows that it can be seen all the same. With a
weight scale for each neuron, each bias has a scale of its own too.

**A worked example.** $S_x = 1/64$, $S_w = 1/16$: $0.5$ becomes $512$, and $-0.13$ becomes $-133$ (from $-133.12$).

### Q2 · The bias in steps of the accumulator
*difficulty 1/5 · importance 4/5 · 5 minutes · 5 points*

`bias` (neurons,) is float32; `input_scale` is a float; `weight_scale` a float, or a tensor (neurons,). Return the codes of the bias,
integer values in any dtype, rounded to the nearest (either neighbour at a tie).

<details><summary>Hint 1: a question</summary>How many steps of 1/1024 is 0.5?</details>
<details><summary>Hint 2: the equation</summary>q_b = round(b / (S_x S_w))</details>
<details><summary>Hint 3: the shape of the code</summary>A division by a product, inside of torch.round.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def quantize_bias(bias, input_scale, weight_scale):
    ### BEGIN SOLUTION
    #| q_bias = __ ( __ / ( __ * __ ))
    q_bias = torch.round(bias / (input_scale * weight_scale))
    ### END SOLUTION
    return q_bias.to(torch.int64)


# %% nbgrader={"grade": true, "grade_id": "q2-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q2: visible cases; hidden ones remain.
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

The output code is $q_{out} = Z_{out} + M\,(acc + q_b)$ with $M = S_x S_w / S_{out}$, a real number. Lab 1 split it on paper; now for int32:

$$ M = m \cdot 2^{-n}, \quad 0.5 \le m < 1, \qquad M_0 = \text{round}(2^{31} m), \qquad M \approx M_0 \cdot 2^{-31} \cdot 2^{-n} $$

(What Lab 1 called $M_0$, a real number, is $m$ here; $M_0$ is now the integer.)

Because $m$ is at least one half, $M_0$ always has 31 significant bits: the error is at most one part in $2^{31}$ of M, whatever M is.

**A worked example.** $M = 0.3$: $m = 0.6$, $n = 1$, $M_0 = \text{round}(1288490188.8) = 1288490189$.

**M of 1 and more.** Nothing forbids $S_x S_w > S_{out}$. Then M is halved until it is below 1, and $n$ counts down: $1.7 = 0.85 \cdot 2^{1}$, so $n = -1$.

**A corner that published code gets wrong.** $m = 1 - 2^{-40}$ is below 1, but $2^{31} m$ rounds to $2^{31}$, and the largest int32 is $2^{31} - 1$.
What has to happen to $M_0$ and $n$ there, so that $M_0 \cdot 2^{-31} \cdot 2^{-n}$ stays the same?

### Q3 · M0 and n
*difficulty 3/5 · importance 5/5 · 15 minutes · 10 points*

`M` is a Python float above 0. Return `M0`, an integer from $2^{30}$ to $2^{31} - 1$, rounded to the nearest, and `n`, an integer.

<details><summary>Hint 1: a question</summary>How many bits has an int32 besides its sign?</details>
<details><summary>Hint 2: the equation</summary>M = M0 * 2**-31 * 2**-n; doubling M and counting n up by one leaves it as it is.</details>
<details><summary>Hint 3: the shape of the code</summary>One loop doubles, the other halves; round a product with a power of two; in the corner
M0 is halved, and n makes up for it.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def quantize_multiplier(M):
    n = 0
    ### BEGIN SOLUTION
    #| while M < __ :
    #|     M, n = M * 2, n + __
    #| while M >= __ :
    #|     M, n = M / 2, n - __
    #| M0 = round(M * 2 ** __ )
    #| if M0 == 2**31:  # int32 does not hold it
    #|     M0, n = __ , __
    while M < 0.5:
        M, n = M * 2, n + 1
    while M >= 1:
        M, n = M / 2, n - 1
    M0 = round(M * 2**31)
    if M0 == 2**31:
        M0, n = 2**30, n - 1
    ### END SOLUTION
    return M0, n


# %% nbgrader={"grade": true, "grade_id": "q3-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q3: visible cases; hidden ones remain.
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
larger n), and from layer to layer this adds up. To round to the nearest, add half a step first; a step of the result is $2^n$.

![A plain shift is a staircase below the line, a rounding shift one around it](figures/rounding.png)

### Q4 · A rounding shift
*difficulty 2/5 · importance 5/5 · 10 minutes · 10 points*

`x` is an int64 tensor of at most 62 bits and a sign, `n` an integer from 0 to 62. Return $x / 2^n$ rounded to the nearest integer (either
neighbour at a tie), integer values in any dtype. Use integers only: float64 has 53 bits, and the products of Q6 have 62. For `n = 0` there is no half step to add.

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
    #| half = 1 << ( __ )
    #| shifted = ( __ + __ ) >> __
    half = 1 << (n - 1)
    shifted = (x + half) >> n
    ### END SOLUTION
    return shifted


# %% nbgrader={"grade": true, "grade_id": "q4-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q4: visible cases; hidden ones remain.
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
print(f"mean error of the rounding shift over the same integers: {(shift(x, 2) - x / 4).mean():+.3f}; without the ties: {(shift(x, 2) - x / 4)[x % 4 != 2].mean():+.3f}")

# %% [markdown] id="paper-text"
r"""
## 5 · M times acc: on paper, then in int32

**On paper**, with words of 8 bits: one sign, 7 bits behind it. Take $acc = 100$ and $M = 0.2 = 0.8 \cdot 2^{-2}$.
- $M_0 = \text{round}(0.8 \cdot 2^7) = \text{round}(102.4) = 102$, $n = 2$.
- The product $100 \cdot 102 = 10200$ needs two words. Both factors have a sign, so the product has two: doubled, $20400$, it has one. Its
  **high half**, rounded: $20400 / 2^8 = 10200 / 2^7 = 79.69$, so $80$. An instruction that gives just this is a *rounding doubling high
  multiply*; Arm has one, `vqrdmulh`.
- The shift by $n = 2$, with rounding: $80 / 4 = 20$. And $0.2 \cdot 100 = 20$.

![An accumulator's way to a byte, bit by bit](figures/bits.png)

That rounds **twice**. If both words of the product are kept, it can be shifted by $7 + n$ bits in one go and rounded **once**: $10200 / 2^9 = 19.92$, so 20
as well. Not always, as the next question shows.

### Q5 · 8-bit words
*difficulty 2/5 · importance 3/5 · 10 minutes · 5 points*

Do the same for $acc = 101$ and $M = 0.3$. Ties go up. Give `M0` (scaled by $2^7$), the high half `high`, and the result rounded `twice` and
`once`. It is meant for paper, so the check does not tell the right numbers.

<details><summary>Hint 1: a question</summary>Is 0.3 at least 0.5? How often do you double it?</details>
<details><summary>Hint 2: the equation</summary>high = round(acc M0 / 2**7), twice = round(high / 2**n), once = round(acc M0 / 2**(7 + n))</details>
<details><summary>Hint 3: the shape of the code</summary>Four integers.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q5", "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
#| M0 = __
#| high = __
#| twice = __
#| once = __
M0 = 77
high = 61
twice = 31
once = 30
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "q5-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q5.
from checks import q5

q5.check(M0, high, twice, once)

# %% [markdown] id="q6-text"
r"""
### Q6 · M times acc, rounded once
*difficulty 3/5 · importance 5/5 · 10 minutes · 10 points*

Now with 32-bit words. `acc` is an **int32** tensor, as accumulators are; `M0` and `n` are the integers of Q3. Return
$\text{round}(acc \cdot M_0 / 2^{31 + n})$, exactly, integer values in any dtype (either neighbour at a tie); $n$ is from -31 to 31. With $n < 0$ the shift is
less than 31 bits, nothing else changes. `rounding_shift` is your Q4; no float has the 62 bits of the product.

**A worked example.** $M = 0.3$: 101, -101 and 1000 become 30, -30 and 300.

<details><summary>Hint 1: a question</summary>How many bits has the product of two 32-bit numbers, and which type holds them?</details>
<details><summary>Hint 2: the equation</summary>M acc = acc M0 2**-31 2**-n</details>
<details><summary>Hint 3: the shape of the code</summary>Widen, multiply, one call of rounding_shift.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q6", "locked": false, "schema_version": 3, "solution": true, "task": false}
def multiply_once(acc, M0, n):
    ### BEGIN SOLUTION
    #| product = acc.to( __ ) * __
    #| return rounding_shift( __ , __ )
    product = acc.to(torch.int64) * M0
    return rounding_shift(product, 31 + n)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q6-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q6: visible cases; hidden ones remain.
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
The picture shows an accumulator on its way: 32 bits times 31 bits, shifted, the zero-point added, clamped to 8 bits. Change the numbers and look again.

## 6 · A layer without floats

### Q7 · A fully connected layer on integers
*difficulty 3/5 · importance 5/5 · 15 minutes · 15 points*

`q_x` (rows, in) holds unsigned bytes with zero-point `Z_x`, `q_w` (out, in) signed bytes with zero-point **0**, `q_bias` (out,) the int32 codes of Q2;
`M0`, `n` are those of Q3, `Z_out` is the output's zero-point. Return the output codes (rows, out) from 0 to 255, integer values in any dtype, rounded to
the nearest (either neighbour at a tie). With `relu=True` real outputs below 0 become 0: which is the smallest code then?
`accumulator` and `multiply_once` are yours.

**A worked example.** $q_x = (10, 4)$, $Z_x = 2$, $q_w = (3, -7)$, $q_b = 20$: $acc = 24 - 14 + 20 = 30$. With $M = 0.3$ and $Z_{out} = 40$ the output is $9 + 40 = 49$.

<details><summary>Hint 1: a question</summary>In which units is q_bias counted: those of the accumulator, or those of the output?</details>
<details><summary>Hint 2: the equation</summary>q_out = Z_out + round(M (acc + q_b)), clamped to the codes.</details>
<details><summary>Hint 3: the shape of the code</summary>One call and an addition; one call and an addition; a clamp whose lower end, with relu, is the
code of the real number 0.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q7", "locked": false, "schema_version": 3, "solution": true, "task": false}
def integer_linear(q_x, q_w, q_bias, Z_x, M0, n, Z_out, relu=False):
    ### BEGIN SOLUTION
    #| acc = accumulator( __ , __ , __ , __ ) + __
    #| q_out = multiply_once( __ , __ , __ ) + __
    #| lowest = __ if relu else __
    #| return torch.clamp(q_out, __ , __ )
    acc = accumulator(q_x, q_w, Z_x, 0) + q_bias
    q_out = multiply_once(acc, M0, n) + Z_out
    lowest = Z_out if relu else 0
    return torch.clamp(q_out, lowest, 255)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q7-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q7: visible cases; hidden ones remain.
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
## 7 · A convolution is the same

A convolution's output pixel sees a patch of the image. Laid out as a row, each patch is an input of a fully connected layer whose weights
are the kernels, laid out in the same order: a convolution is **a fully connected layer on patches**. The border stands for the
real number 0.

**A worked example.** The image $\begin{pmatrix}1&2&3\\4&5&6\\7&8&9\end{pmatrix}$ under a 2x2 kernel has four patches: 1 2 4 5, 2 3 5 6, 4 5 7 8 and 5 6 8 9.

### Q8 · A convolution on integers
*difficulty 4/5 · importance 4/5 · 20 minutes · 10 points*

`q_x` (images, channels, height, width) holds unsigned bytes, `q_w` (out, channels, kernel height, kernel width) signed bytes with zero-point 0; the rest
is as in Q7. The given lines cut the patches, `patches` (images, channels * kernel height * kernel width, pixels), and put the results
back in place. Fill in the border, the two layouts and the call of your `integer_linear`.

<details><summary>Hint 1: a question</summary>Which code of the input is the real number 0?</details>
<details><summary>Hint 2: the equation</summary>out[pixel, o] = layer(patch[pixel], kernel[o])</details>
<details><summary>Hint 3: the shape of the code</summary>transpose(1, 2) puts the pixels before the patch's numbers; reshape(-1, length) makes a
row of each patch; reshape(out, -1) makes a row of each kernel.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q8", "locked": false, "schema_version": 3, "solution": true, "task": false}
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    ### BEGIN SOLUTION
    #| padded = F.pad(q_x.double(), (padding,) * 4, value= __ )
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_x)
    ### END SOLUTION
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    ### BEGIN SOLUTION
    #| rows = patches.transpose( __ , __ ).reshape(-1, channels * kernel_height * kernel_width)
    #| kernels = q_w.reshape( __ , __ )
    #| q_out = integer_linear( __ , __ , __ , __ , __ , __ , __ , __ )
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0, n, Z_out, relu)
    ### END SOLUTION
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% nbgrader={"grade": true, "grade_id": "q8-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q8: visible cases; hidden ones remain.
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
    print(f"{str(dtype):12} {largest} + 1 = {(torch.tensor([largest], dtype=dtype) + 1).item()}")
print(f"torch.float32 {2**24} + 1 = {(torch.tensor([2.0**24]) + 1).item():.0f}: too few bits, rounded")
print("quantized   ", qlab.quantize(torch.tensor([1.0, 2.0, 3.0]), 0.01, 0, -128, 127).tolist(), "for 1, 2, 3 at scale 0.01: clamped")

# %% [markdown] id="saturation-text"
r"""
torch's integers **wrap around**, silently, in every type. What clamps is what somebody wrote a clamp for.

Some CPU instructions **saturate** instead: they stop at the end of their range. x86 CPUs without VNNI multiply bytes with `vpmaddubsw`, which takes unsigned by
signed bytes, adds the products **in pairs**, and keeps 16 bits of each sum, from $-32768$ to $32767$. One product is at most $255 \cdot 127 = 32385$ and fits; two do not
always. The next cell does what such a CPU does, exactly, on any machine.
"""

# %% id="saturation" tags=["demo"]
from qlab.engines.saturation import add_pairs_in_16_bits

codes = torch.randint(0, 256, (1000, 64), generator=torch.Generator().manual_seed(SEED), dtype=torch.uint8)
for largest in (127, 100, 80, 50):
    kernel = torch.randint(-largest, largest + 1, (32, 64), generator=torch.Generator().manual_seed(1)).to(torch.int8)
    wrong_sums = add_pairs_in_16_bits(codes, kernel) != codes.long() @ kernel.long().T
    print(f"weights up to {largest:3d}: {wrong_sums.float().mean():6.2%} of {wrong_sums.numel():,} accumulators are wrong")

# %% [markdown] id="q9-text"
r"""
This is why fbgemm's settings in PyTorch have `reduce_range`: activations are given 7 bits, 0 to 127, so that a pair of products with any weight fits. Keeping the weights small
does the same. Newer CPUs (VNNI) add in 32 bits at once; fbgemm's own kernels for depthwise convolutions use `vpmaddubsw` even there.

### Q9 · Three numbers
*difficulty 2/5 · importance 3/5 · 5 minutes · 5 points*

`int8_sum`: what torch gives for 100 + 100 in int8. `pair_sum`: what `vpmaddubsw` gives for the activations 255 and 200 with the weights 127 and 100.
`largest_weight`: the largest $|w|$ for which no pair of products saturates, whatever the unsigned 8-bit activations are, if all weights keep to it.

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

# %% [markdown] id="rounding-text"
r"""
## 9 · Rounding once or twice

gemmlowp and TensorFlow Lite's reference convolution round twice: a high multiply, then a rounding shift. Your `multiply_once` rounds once. How often do the two differ? The cell
tries a million accumulators for each n.
"""

# %% id="rounding" tags=["demo"]
generator = torch.Generator().manual_seed(SEED)
accumulators = torch.randint(-(2**24), 2**24, (1_000_000,), generator=generator, dtype=torch.int32)
print(" n   M about    differ")
for n_bits in range(1, 9):
    word = int(torch.randint(2**30, 2**31, (), generator=generator))
    rounded_once = multiply(accumulators, word, n_bits)
    rounded_twice = qlab.multiply_rounding_twice(accumulators, word, n_bits)
    print(f"{n_bits:2d}  {word * 2.0 ** -(31 + n_bits):8.5f}  {(rounded_once != rounded_twice).float().mean():8.4%}")

# %% [markdown] id="q10-text"
r"""
### Q10 · The law
*difficulty 2/5 · importance 2/5 · 5 minutes · 5 points*

Which simple law do the rows follow? Give the `share` (not in percent) that it predicts for $n = 10$, exactly. Then explain it to yourself: where must the first rounding land, so that the second goes
astray?

<details><summary>Hint 1: a question</summary>What happens to the share from each row to the next?</details>
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

An MLP and a small convolutional network, this time with biases. Weights are symmetric ($Z_w = 0$, codes -127 to 127), activations get their
range from 1,000 training images. From the first line of `run_on_integers` on, every value that passes between layers is an integer; the scales are used once for
each layer, to build $q_b$, $M_0$ and $n$, as a converter does when it builds a model.
"""

# %% id="train" tags=["demo"]
dataset = data.load(DATA, download=DOWNLOAD)
recipe = {"digits": {"epochs": 30, "learning_rate": 0.1, "batch_size": 32}}.get(DATA, {"epochs": 9, "learning_rate": 0.01})
networks = {"MLP": models.mlp_for(dataset, seed=SEED, bias=True), "conv net": models.convnet_for(dataset, seed=SEED)}
fp32 = {}
for name, network in networks.items():
    training.train(network, dataset, seed=SEED, **recipe)
    with torch.no_grad():
        fp32[name] = network(dataset.x_test)
    print(f"{name}: fp32 accuracy {training.accuracy_and_loss(fp32[name], dataset.y_test)[0]:.2%}")

# %% id="quantize-network" tags=["demo"]
linear_on_codes, conv2d_on_codes = q7.yours_or_provided(), q8.yours_or_provided()
bias_codes, split_multiplier = q2.yours_or_provided(), q3.yours_or_provided()


def quantize_network(network, images):
    """Each layer with its codes and scales: ranges of the activations come from these images."""
    found, x = [], images
    scale, zero_point = qlab.qparams(*qlab.affine_range(x), 0, 255)
    stack = [*network.convolutions, network.linear] if hasattr(network, "convolutions") else list(network.layers)
    for module in stack:
        is_linear = isinstance(module, torch.nn.Linear)
        with torch.no_grad():
            x = module(x.flatten(1) if is_linear else x)
        x = x if module is stack[-1] else torch.relu(x)
        q_w, S_w, _ = qlab.linear_quantize(module.weight, symmetric=True, narrow=True)
        S_out, Z_out = qlab.qparams(*qlab.affine_range(x), 0, 255)
        window = {} if is_linear else {"stride": module.stride[0], "padding": module.padding[0]}
        found.append(engines.Layer(q_w, S_w, scale.item(), int(zero_point), S_out.item(), int(Z_out), module.bias.detach(), module is not stack[-1], **window))
        scale, zero_point = S_out, Z_out
    return found


def on_integers(layer, q):
    """One layer by your functions."""
    q_bias = bias_codes(layer.bias, layer.input_scale, layer.weight_scale)
    M0, n = map(int, split_multiplier(layer.input_scale * layer.weight_scale / layer.output_scale))
    if layer.kind == "linear":
        return linear_on_codes(q.flatten(1), layer.weights, q_bias, layer.input_zero_point, M0, n, layer.output_zero_point, layer.relu)
    return conv2d_on_codes(q, layer.weights, q_bias, layer.input_zero_point, M0, n, layer.output_zero_point, layer.stride, layer.padding, layer.relu)


def run_on_integers(layers, images):
    """The codes that go into each layer, and the logits' codes."""
    codes = [qlab.quantize(images, layers[0].input_scale, layers[0].input_zero_point, 0, 255)]
    for layer in layers:
        codes.append(on_integers(layer, codes[-1]))
    return codes


quantized = {name: quantize_network(network, dataset.x_train[:1000]) for name, network in networks.items()}
integers = {name: run_on_integers(layers, dataset.x_test) for name, layers in quantized.items()}
accuracy, agreement = {}, {}
for name, codes in integers.items():
    accuracy[name] = [training.accuracy_and_loss(logits, dataset.y_test)[0] for logits in (fp32[name], codes[-1])]
    agreement[name] = (codes[-1].argmax(1) == fp32[name].argmax(1)).float().mean().item()
    print(f"{name:8}  fp32 {accuracy[name][0]:.2%}   integers only {accuracy[name][1]:.2%}   the same class for {agreement[name]:.2%} of the images")
(mlp_fp32, mlp_int8), (conv_fp32, conv_int8) = accuracy.values()
mlp_agreement, conv_agreement = agreement.values()

# %% [markdown] id="networks-answer"
"""
**What success looks like.** On digits, over {{ digits.seeds }} seeds: MLP fp32 {{ digits.mlp_fp32 }}, integers {{ digits.mlp_int8 }}, agreement {{ digits.mlp_agreement }};
conv net fp32 {{ digits.conv_fp32 }}, integers {{ digits.conv_int8 }}, agreement {{ digits.conv_agreement }}. On Fashion-MNIST after 9 epochs, over {{ fashion_mnist.seeds }} seeds:
MLP {{ fashion_mnist.mlp_fp32 }} and {{ fashion_mnist.mlp_int8 }}, conv net {{ fashion_mnist.conv_fp32 }} and {{ fashion_mnist.conv_int8 }}.

## 11 · Beside the engines, bit by bit

PyTorch has four engines for int8 layers: fbgemm, qnnpack, x86 and onednn. All of them add in int32, exactly unless a pair saturates (Section 8). Then each has **a rule of
its own** for what you did in Q2 and Q6, and on x86 none of them uses a fixed-point multiplier: their output stage is float32.

| | bias | times M | zero-point |
|---|---|---|---|
| yours | int32, rounded to steps of $S_x S_w$ | M0 and n, one rounding | added after rounding |
| fbgemm, x86's linear | **float32**, $b / (S_x S_w)$ added to the sum | float32, ties to even | after |
| qnnpack | int32 | float32, ties to even | after |
| onednn, x86's conv on newer CPUs | **float32**, in real units | float32, with reciprocals of scales | **before** rounding |

The same layers now run by the engines that your machine has, from the same input codes. Their rules depend on the CPU; `qlab.engines` chooses one from what the CPU reports and tries
it first. **Predict:** which of the four differs from yours the least?
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
        print(f"{engine} does not run here: {engines.missing()[engine]}. The comparison goes on without it.")
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
        print(f"   {name:8} {outputs:8,} outputs: yours differ in {yours:4d}, arithmetic by its rule in {references}")
if not differences:
    recorded.show("engines")

# %% [markdown] id="walk-text"
"""
qnnpack rounds the bias as you do, and float32's rounding of the product hardly ever decides: yours and qnnpack's are nearly always equal. With the others a few outputs differ, by 1, and
**each difference has a step at which the two part.** The next cell takes your layer and changes one step after the other into fbgemm's: first the bias, then the multiplication. Predict which of the
two makes more of the differences.
"""

# %% id="walk" tags=["demo"]
def with_float_bias(layer, acc):
    """M (acc + b / (S_x S_w)), exact but for float64's 53 bits: only the bias is not rounded any more."""
    scale = layer.input_scale * layer.weight_scale
    q = torch.round((acc.double() + layer.bias.double() / scale) * (scale / layer.output_scale)) + layer.output_zero_point
    return q.clamp(layer.output_zero_point if layer.relu else 0, 255)


walk = {"yours": 0, "yours, the bias left a float": 0, "and the product in float32: fbgemm's rule": 0}
shown = 0
if "fbgemm" in engines.available():
    for name, layers in quantized.items():
        for layer, codes, mine in zip(layers, integers[name], integers[name][1:]):
            x = real(layer, flat(layer, codes))
            theirs, mine, acc = engines.run("fbgemm", layer, x), channels_last(mine), layer.accumulator(flat(layer, codes))
            for step, ours in zip(walk, (mine, with_float_bias(layer, acc), engines.reference("fbgemm", layer, x))):
                walk[step] += differing(theirs, ours)
            for place in (theirs.long() != mine.long()).nonzero().tolist()[: 3 - shown]:
                shown += 1
                scale, b = layer.input_scale * layer.weight_scale, layer.bias[place[-1]].item()
                exact = (acc[tuple(place)].item() * scale + b) / layer.output_scale + layer.output_zero_point
                print(
                    f"{name}, output {tuple(place)}: acc {acc[tuple(place)].item()}, b / (S_x S_w) {b / scale:.4f}, M {scale / layer.output_scale:.9g}, "
                    f"Z_out {layer.output_zero_point}, exactly {exact:.6f}; yours {mine[tuple(place)].item()}, fbgemm {theirs[tuple(place)].item()}"
                )
    for step, count in walk.items():
        print(f"{step:45} {count:5d} outputs differ")
else:
    recorded.show("walk")

# %% [markdown] id="ties-text"
r"""
So nearly all of them come from rounding the bias, though it moved by half of $S_x S_w$ at most: enough for a value that lies so close to a half.

**Ties.** With scales that are powers of two, exact ties are common, and rules can be told apart by them. The layer below has one input and $M = 1/2$, so that odd accumulators end in a half; $Z_{out} = 3$ is odd. **Predict** the row of yours first.
"""

# %% id="ties" tags=["demo"]
half_layer = engines.Layer(torch.tensor([[1]], dtype=torch.int8), 0.5, 0.5, 0, 0.5, 3)
codes = torch.arange(8).reshape(-1, 1)
print("accumulator     ", *(f"{code:4d}" for code in codes.flatten().tolist()))
print("exactly         ", *(f"{code / 2 + 3:4.1f}" for code in codes.flatten().tolist()))
print("yours           ", *(f"{code:4d}" for code in linear_on_codes(codes, half_layer.weights, torch.tensor([0]), 0, 2**30, 0, 3).flatten().tolist()))
for engine in engines.available():
    print(f"{engine:16}", *(f"{code:4d}" for code in engines.run(engine, half_layer, codes * 0.5).flatten().tolist()))
if "fbgemm" not in engines.available():
    recorded.show("ties")

# %% [markdown] id="ties-answer"
"""
Ties go up in yours (or away from zero, if your rounding_shift does that). fbgemm and qnnpack round the product to even and then add 3; onednn adds 3 first and rounds the sum to even, so at every tie it goes
the other way. Other engines, where they are installed (`pip install onnx onnxruntime ai-edge-litert`): onnxruntime and LiteRT's usual kernels do as qnnpack does; LiteRT's optimized kernel is fixed point as yours, and its reference for this layer computes in float64, with ties away from zero.
"""

# %% [markdown] id="q11-text"
"""
### Q11 · One difference explained
*difficulty 3/5 · importance 4/5 · 10 minutes · 5 points, read by hand*

Take one of the outputs printed above in which yours and fbgemm's differ (if your machine has no fbgemm: in the table of ties accumulator 1 is exactly 3.5; fixed point that rounds up gives 4, fbgemm
gives 3). Give the accumulator, the exact value, both results. At which step do the two part, and which of them is nearer to the exact value, the one with the bias as a real number? Two or three sentences.
Rubric: the numbers 2, the step 2, which is nearer and why that does not make it "right" 1.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q11", "locked": false, "points": 5, "schema_version": 3, "solution": true, "task": false}
"""
### BEGIN SOLUTION
#| *Your explanation here.*
A full answer names one output with its accumulator, its exact value close to a half (say 57.4998) and the two codes 57 and 58. Most differences come from the bias: it was rounded to a whole step of S_x S_w,
which moves the sum by up to half a step of the accumulator, and a value so close to a tie to the other side of it. fbgemm, which keeps the bias a float, is the nearer one there. Where the bias is not the cause it is
float32's 24 bits in acc * M. Both keep to their rule; a model that was calibrated tolerates a difference of one code, and "right" means: as the rule says.
### END SOLUTION
"""

# %% [markdown] id="q12-text"
"""
## 12 · Essay

### Q12 · M in hardware
*difficulty 3/5 · importance 4/5 · 30 minutes · 10 points, read by hand*

You design the output stage of an accelerator: behind an array of byte multipliers with int32 accumulators, once for each output. In 200 to 350 words of your own: which steps does it take from the accumulator
to the byte, in which order, and how wide is each? How is M applied, and what would change in area, time and results if you chose a float32 multiplier, a shift alone (M a power of two), or a 16-bit M0?
Where do bias, ReLU, zero-point, rounding and clamp stand, and why in this order?

| rubric | points |
|---|---|
| the pipeline in order, with the width of each step | 4 |
| M0 and shift compared with at least one alternative, in cost and in results | 3 |
| why this order: at least two steps that must not be exchanged, with the reason | 2 |
| own words and own numbers | 1 |
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q12", "locked": false, "points": 10, "schema_version": 3, "solution": true, "task": false}
"""
### BEGIN SOLUTION
#| *Your essay here.*
What a full answer mentions. The pipeline: int32 accumulator; + int32 bias (with Z_x times the sum of the weights already in it), 32 bits; times the 31-bit M0, 63 bits; + half a step, shift right by 31 + n, about 10 bits matter; + Z_out, 9 bits and a sign;
clamp to 0..255, with the lower end Z_out where ReLU is fused. One such stage serves many multipliers, for it runs once a sum, not once a product. A float32 multiplier needs a conversion, a 24-bit multiplier, alignment and rounding logic, and
rounds accumulators beyond 2^24; a shift alone costs next to nothing but forces scales to powers of two, so up to half of the codes go unused; a 16-bit M0 halves the multiplier and costs about one code in 2^8 outputs or fewer a difference of one. Order: the bias before M, since it is counted in steps of the accumulator;
rounding before Z_out or after it differ at ties; the clamp last, since a byte that wrapped cannot be mended; ReLU is that clamp.
### END SOLUTION
"""

# %% [markdown] id="end-text"
"""
## If you want to go on

Give each output channel its own weight scale (`qlab.linear_quantize(weight, symmetric=True, narrow=True, channel_dim=0)`): `quantize_bias` can do it already, M0 and n become one pair for each channel. Or write
fbgemm's rule yourself, in float32, until `engines.compare("fbgemm", layer, x)` and yours agree in every bit: `qlab/rules.py` has it in a few lines.

**Next.** Lab 3 asks where the ranges come from: calibration. It uses the scales and zero-points of Lab 1 and the engines that you met here.
"""

# %% [markdown] id="hand-in-text"
"""
## Handing in

1. Run all cells (*Run → Restart Kernel and Run All Cells*), look at the cards, and save.
2. In a terminal (*File → New → Terminal*), run `qlab submit lab2`: it says what is missing, offers a PDF for your report, and writes `Lab2_StudentID_Name.zip`.
3. Upload that file to your course's page. You can hand in an incomplete lab, and you can hand in again.
"""
