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
# Lab 6 · Number formats that need no multiplier

So far a weight was one of evenly spaced codes, and each of them met its input in a multiplier. Here a weight is a signed power of two, or a sum of very few of them: multiplying by such a weight is **a shift**, and no multiplier is needed. The price is a grid that is fine near 0 and coarse far out. You build the grid, its rounding, its bits and
its arithmetic, train a network on it in two ways, and find out why PyTorch's own convert throws the grid away, and how to keep it.

**Before you start.** You need Lab 4 (prepare, calibrate, convert) and Lab 5 (fake quantization, the straight-through estimator). The predictions and the essay included, the lab takes about four hours.

**You will be able to**
- write down the values of a signed-digit format, and say how many bits they take;
- round to a grid that is not uniform, by distance and by the thresholds of the papers;
- compute a weighted sum by shifts and additions only, and count what that saves;
- train on such a grid from scratch, or post-quantize a trained network and retrain it, write its qconfig, and measure both correctly;
- convert, save and read back a model whose weights stay on the grid.

| question | what | points |
|---|---|---|
| Q1 | `floatsd_grid`: the values | 10 |
| Q2 | `to_grid`: the nearest, and the papers' thresholds | 10 |
| Q3 | values to bits and back | 10 |
| Q4 | `shift_and_add` | 15 |
| Q5 | `unit_of`: a power of two | 8 |
| Q6 | a gradient on such a grid | 10 |
| Q7 | which layer gets which config | 5 |
| Q8 | post-quantization, measured right | 15 |
| Q9 | essay: a chip without multipliers | 10 |
| Q10 | `floatsd4_network`: a qconfig of your own (Section 7) | 4 |
| Q11 | `shared_weights`: a codebook by k-means, open exercise (Section 10) | 3 |
| | 90 by checks, 10 read by hand | 100 |

**How it works** is as in the labs before: a blank looks like `__`; the check below each answer runs the visible tests, and **grading also runs hidden ones**. Questions are independent: if Q2 is wrong, Q6 is checked with a correct Q2.
"""

# %% id="setup"
import importlib.util
import math
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
    print("Upload the course's zip of this lab, then run in a cell of its own:\n!unzip -q -o lab6_floatsd*.zip\n%cd lab6_floatsd")
    print("%pip uninstall -y qlab\n%pip install ../quantization_lab-*.whl\nThen restart the session and run %cd lab6_floatsd again.")
elif missing:
    print(f"Missing or too old: {', '.join(missing)}. Run in a cell of its own:")
    print(f"%pip uninstall -y qlab\n%pip install \"{wheels[-1] if wheels else Path('../..').resolve()}\"\nThen restart the kernel.")
elif not Path("checks").exists():
    print("Missing: the folder checks. It comes with the lab: put it back beside this notebook.")
else:
    import torch
    import torch.nn.functional as F
    from torch import nn

    import qlab
    from qlab import data, engines, floatsd, mobilenet, models, plots, training
    from qlab import torch_flow as tq
    from qlab.torch_flow import files, grids, on_grid
    from qlab.torch_flow import post_quantize as post

    print(f"Ready: qlab {qlab.__version__}, torch {torch.__version__}; engines here: {', '.join(engines.available()) or 'none'}; quantized by {tq.flow}.")

# %% [markdown] id="grid-text"
r"""
## 1 · A grid of signed digits

A binary number has the digits 0 and 1. A **signed-digit** number has the digits $-1$, 0 and 1, each at its place $2^k$. In FloatSD (Lin, Sun, Kung and Chiueh, IEEE JETCAS 2019,
[doi 10.1109/jetcas.2019.2911999](https://doi.org/10.1109/jetcas.2019.2911999)) the digits stand in **groups**, and **at most one digit of a group is not 0**: a group costs one shift. The groups together, side by side like the digits of
any number, the highest first, make the mantissa; an exponent shifts it:

$$ value = mantissa \cdot 2^{e}, \qquad e = 0 \dots 2^{bits} - 1 $$

A group of two digits is $0, \pm 1$ or $\pm 2$; of three, $0, \pm 1, \pm 2$ or $\pm 4$. FloatSD4 (Hsieh, Liu and Chiueh, IEEE JETCAS 2021, "the FloatSD4 paper" below) has one group of three digits and two bits of exponent. All values are whole numbers; they count
**units**, and a real weight is such a number times the unit.

![FloatSD4's 13 values above, the 15 values of uniform int4 below, on the same range](figures/number_line.png)

**A worked example.** One group of two digits, one bit of exponent: the mantissas are $-2, -1, 0, 1, 2$, the exponents 0 and 1. The values are $-4, -2, -1, 0, 1, 2, 4$: seven, not ten, because $2 \cdot 1 = 1 \cdot 2$.
With two groups of two digits, 3 is a mantissa ($4 \cdot 1 - 1$), and so is 9 ($4 \cdot 2 + 1$); 15 is not.

### Q1 · The grid
*difficulty 2/5 · importance 5/5 · 15 minutes · 10 points*

`groups` is a tuple with the number of digits of each group, the highest group first; `exponent_bits` is the number of bits of the exponent. Return all values that the format has, each once, as whole numbers, the smallest first: a list or a tensor.

<details><summary>Hint 1: a question</summary>When a group of three digits is written behind what is there already, what does that become worth?</details>
<details><summary>Hint 2: the equation</summary>A group of d digits is 0 or plus or minus 2**k with k = 0 to d - 1. A further group of d digits makes m 2**d + g of the mantissa m.</details>
<details><summary>Hint 3: the shape of the code</summary>A list with a comprehension over k and over the two signs; a set comprehension over m and g; one over m and e.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def floatsd_grid(groups, exponent_bits):
    mantissas = {0}  # a set keeps each value once
    for digits in groups:
        ### BEGIN SOLUTION
        #| group = __  # a list: all that so many digits can be worth
        #| mantissas = { __ for m in mantissas for g in group}
        group = [0] + [sign * 2**k for k in range(digits) for sign in (-1, 1)]
        mantissas = {m * 2**digits + g for m in mantissas for g in group}
        ### END SOLUTION
    ### BEGIN SOLUTION
    #| return sorted({ __ for m in mantissas for e in __ })
    return sorted({m * 2**e for m in mantissas for e in range(2**exponent_bits)})
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q1-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q1: visible cases; hidden ones remain.
from checks import q1

### BEGIN HIDDEN TESTS
from qlab.check import case

q1.also(
    case("one group of four digits", (4,), 2),
    case("no exponent", (3,), 0),
    case("groups of two and three digits", (2, 3), 2, group="several"),
    case("three groups", (1, 3, 2), 1, group="several"),
)
### END HIDDEN TESTS
q1.check(floatsd_grid)

# %% [markdown] id="family-text"
"""
**Predict** before you run the next cell: FloatSD8 has groups of 3 and 2 digits and three bits of exponent. How many ways are there to choose the digits, and how many different mantissas come out?
"""

# %% id="family" tags=["demo"]
def my_grid(groups, exponent_bits):
    """Your Q1, or the provided one; whatever type it returns, a list of integers."""
    return [int(value) for value in q1.yours_or_provided()(groups, exponent_bits)]


print("                groups   exponent   digit choices   mantissas   values   largest")
for name, groups, exponent_bits in (("FloatSD4", (3,), 2), ("one digit more", (4,), 2), ("FloatSD8", (3, 2), 3), ("FloatSD8", (2, 3), 3), ("FloatSD8", (3, 3), 2)):
    choices = math.prod(2 * digits + 1 for digits in groups)
    values = my_grid(groups, exponent_bits)
    print(f"{name:15} {groups!s:8} {exponent_bits:4} bits {choices:13} {len(my_grid(groups, 0)):13} {len(values):8} {values[-1]:9}")

# %% [markdown] id="block-text"
r"""
Two choices of digits may be one mantissa: $4 - 2 = 2$, in (3, 2) that is the digits of $4 \cdot 1 - 2$ and of $0 + 2$. So 35 choices give 31 mantissas.

**Eleven, thirteen or fifteen?** Here is a 5x5 block of a trained network's weights (a convolution of shape (32, 16, 5, 5), like the second one of Section 7), as int8 codes with zero-point 0 and the unit 0.0047, and a description of the format: "0, ±2, .., ±32". Both come from the teaching material of the laboratory from which this lab grew, which is not a publication. **Predict:** do these weights fit that description? Do they fit FloatSD4's 13 values?
"""

# %% id="block" tags=["demo"]
block = torch.tensor([[0, 2, -16, -32, -4], [16, -8, -64, -64, -32], [1, -1, 0, 4, 0], [8, -8, 16, 16, 32], [16, -16, -1, 16, -8]])
described = torch.tensor(sorted({0, *(sign * 2**k for k in range(1, 6) for sign in (-1, 1))}))
for name, values in (("as described", described), ("FloatSD4", torch.tensor(my_grid((3,), 2))), ("one digit more", torch.tensor(my_grid((4,), 2)))):
    off = block[~torch.isin(block, values)].unique().tolist()
    print(f"{name:15} {len(values)} values, up to {int(values.max())}; not on this grid: {off or 'none'}")
print("the real weights, times 0.0047:")
print((0.0047 * block).numpy().round(4))

# %% [markdown] id="block-answer"
r"""
The description leaves out ±1: eleven values. FloatSD4 by its definition, three digits and two bits of exponent, has ±1 too and ends at ±32: thirteen. This block also reaches ±64: it was made with **fifteen** values, 0 and ±2^0 to ±2^6. That is one digit more in the group;
it is also what four bits hold, if a sign and seven magnitudes are numbered, and one code of the sixteen stays unused. Whoever reads "FloatSD4" has to ask which of the three is meant. (In that material 32 and 64 units are printed as 0.1505 and 0.3009, a digit more than here: 0.0047 is rounded, too.) Below, "FloatSD4" is the one with 13 values, "extended" the one with 15.

## 2 · Rounding to it

The nearest value of a grid is found by its distance, whatever the grid: between 1 and 2 the border is at 1.5, between 2 and 4 at 3, in general at $1.5 \cdot 2^k$. Between 0 and 1 it would be at 0.5. The FloatSD4 paper continues the series instead: $1.5 \cdot 2^{-1} = 0.75$, and **below 0.75 of the smallest value a weight becomes 0**. We call this **the papers' thresholds**.
Beyond the largest value, both rules take the largest.

![Borders by distance and by the papers' rule: they differ between 0.5 and 0.75](figures/thresholds.png)

A third way suggests itself: round $\log_2 |x|$. **It is another rule:** its border between 1 and 2 lies at the root of 2, 1.41, and it has no 0.

**A worked example.** Unit 0.5, FloatSD4. $0.3$ is 0.6 units: nearest is 1 (distance 0.4, against 0.6 to 0), so it becomes $0.5$; by the papers' rule 0.6 is below 0.75, and it becomes 0. $0.32$ is 0.64 units: again 0.5 and 0. $-0.8$ is $-1.6$ units: nearest is $-2$, by either rule, and it becomes $-1$.

### Q2 · To the grid
*difficulty 2/5 · importance 5/5 · 15 minutes · 10 points*

`x` is a float tensor of any shape, `unit` a float above 0, or a tensor that meets x (one entry for each channel, say), `grid` a sorted float tensor with 0 and the same values on both sides of it, not always FloatSD4's: its smallest value above 0 need not be 1. Return two tensors in the shape of x, real numbers (values of the grid times the unit): `nearest`, by distance; `by_thresholds`, the same, but 0 below 0.75 of the grid's smallest
value above 0. At a tie or a border either neighbour is right.

<details><summary>Hint 1: a question</summary>Of the distances from one number to all values of the grid, which one do you want, and do you want the distance or its place?</details>
<details><summary>Hint 2: the equation</summary>v = x / unit; nearest is the value of the grid with the smallest |v - value|; it is 0 instead where |v| is below 0.75 of the smallest value.</details>
<details><summary>Hint 3: the shape of the code</summary>v.unsqueeze(-1) minus grid has one distance for each value in its last dimension; argmin over it gives places, grid[places] the values; torch.where.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def to_grid(x, unit, grid):
    ### BEGIN SOLUTION
    #| v = __
    #| distances = __  # the shape of x, and one dimension more
    #| nearest = __
    #| smallest = __  # of the grid's values above 0
    #| by_thresholds = torch.where( __ , 0.0, nearest)
    #| return __ , __
    v = x / unit
    distances = (v.unsqueeze(-1) - grid).abs()
    nearest = grid[distances.argmin(dim=-1)]
    smallest = grid[grid > 0].min()
    by_thresholds = torch.where(v.abs() < 0.75 * smallest, 0.0, nearest)
    return nearest * unit, by_thresholds * unit
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q2-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q2: visible cases; hidden ones remain.
from checks import q2

### BEGIN HIDDEN TESTS
from checks._common import TWO_DIGITS, some_units
from checks.q2 import ELEVEN, FIFTEEN, THIRTEEN, beyond_the_end, clear_of_borders, spread, telling

from qlab.check import case

q2.also(
    case("a grid with 3 and 5 in it", spread(60, low=-5.0, high=2.3), 0.25, TWO_DIGITS, such_that=clear_of_borders),
    case("a unit for each row", spread(2, 100, low=-4.5, high=2.9), some_units(0.125, 0.25), FIFTEEN, such_that=telling),
    case("no value above the largest", spread(60, low=0.1, high=5.0), 0.25, ELEVEN, group="beyond", such_that=beyond_the_end),
)
### END HIDDEN TESTS
q2.check(to_grid)

# %% [markdown] id="error-text"
"""
What does the uneven spacing cost? The weights of a layer often follow a bell curve: many small ones, few large ones. **Predict:** which grid has the smaller squared error on a bell curve, uniform int4 (15 values) or the 15 values of the extended grid? And which one has the smaller error relative to each weight's own size?

The first table scales every grid so that its end is the largest weight. That is not the best scale for each of them: a uniform grid gains from clipping a few large weights, because its steps become finer. So the second table gives every grid the scale at which its own squared error is smallest.
"""

# %% id="error" tags=["demo"]
def put(x, unit, grid):
    """Your Q2, or the provided one; whatever type it returns, two float32 tensors."""
    results = q2.yours_or_provided()(x, unit, grid)
    return [torch.as_tensor(result, dtype=torch.float32) for result in results]


bell = 0.1 * torch.randn(20_000, generator=torch.Generator().manual_seed(SEED))
tried = {
    "uniform int4": floatsd.uniform(4),
    "FloatSD4, 13 values": floatsd.FLOATSD4,
    "extended, 15 values": floatsd.FLOATSD4_EXTENDED,
    "FloatSD8, 129 values": floatsd.FLOATSD8,
    "uniform int8": floatsd.uniform(8),
}
values_of = {
    name: torch.tensor(grid.values, dtype=torch.float32) for name, grid in tried.items()
}
full_scale = {name: (bell.abs().max() / values.max()).item() for name, values in values_of.items()}


def root_mean_square(error):
    return error.square().mean().sqrt().item()


print("every grid ends at the largest weight:")
print(f"{'':20} bits   rule         root mean square   median relative error   zeros")
for name, values in values_of.items():
    for rule, on in zip(("nearest", "thresholds"), put(bell, full_scale[name], values)):
        error = bell - on
        relative, zeros = (error / bell).abs().median(), (on == 0).float().mean()
        print(
            f"{name:20} {tried[name].bits:4}   {rule:11} {root_mean_square(error):17.5f}"
            f" {relative:23.3f} {zeros:7.1%}"
        )

print("\nevery grid at its own best scale, to the nearest value:")
bell_error, best_error = {}, {}
for name, values in values_of.items():
    errors = {
        factor: root_mean_square(bell - put(bell, factor * full_scale[name], values)[0])
        for factor in [1.0] + [0.45 + 0.05 * step for step in range(22)]
    }
    best = min(errors, key=errors.get)
    bell_error[name], best_error[name] = errors[1.0], errors[best]
    print(f"{name:20} {errors[best]:.5f} at {best:.2f} of the full scale ({errors[1.0]:.5f} there)")
bell_int4, bell_floatsd4 = bell_error["uniform int4"], bell_error["FloatSD4, 13 values"]
best_int4, best_floatsd4 = best_error["uniform int4"], best_error["FloatSD4, 13 values"]
bell_extended, best_extended = (e["extended, 15 values"] for e in (bell_error, best_error))

# %% [markdown] id="error-answer"
r"""
The root of the mean squared error, for {{ digits.seeds }} values of `SEED`:

| | every grid ends at the largest weight | every grid at its own best scale |
|---|---|---|
| uniform int4 | {{ digits.bell_int4 }} | {{ digits.best_int4 }} |
| FloatSD4, 13 values | {{ digits.bell_floatsd4 }} | {{ digits.best_floatsd4 }} |
| extended, 15 values | {{ digits.bell_extended }} | {{ digits.best_extended }} |

The powers of two have the smaller relative error and far fewer zeros, but not the smaller squared error: their last gap, from half of the range to its end, causes the large errors, and one more small value at the other end changes little. At equal ends the difference to int4 looks small. At each grid's best scale it is large: int4 gains
by clipping, while times two, a grid of powers of two is itself again. What such a grid buys is not accuracy but area on a chip, as Section 4 will show.

## 3 · Four bits

Thirteen or fifteen values fit into four bits. Our codes number the magnitudes:

| bit 3 | bits 2, 1, 0: the **field** | value |
|---|---|---|
| 0 | 0 | 0 |
| sign: 1 is negative | $k + 1$ | $\pm 2^k$, k = 0 to 6 |

The code 8, a negative 0, is not used. (Stored apart, as mantissa and exponent, FloatSD4 takes **five** bits: three for the seven mantissas 0, ±1, ±2 and ±4, two for the exponent, and one value has several codes. Whoever says that FloatSD4 has four bits means that its 13 or 15 *values* are numbered, as here.) Two codes share a byte: the first of a pair in the low four bits, the second in the high four.

**A worked example.** $4 = 2^2$ has the field 3, the code 3. $-1 = -2^0$ has the field 1 and the sign: the code $8 + 1 = 9$. As a pair they are the byte $3 + 16 \cdot 9 = 147$. The byte $112 = 0 + 16 \cdot 7$ is the pair 0 and $2^6 = 64$.

### Q3 · To bits and back
*difficulty 2/5 · importance 4/5 · 15 minutes · 10 points*

`encode`: `q` (2n,) is an int64 tensor of values of the extended grid; return the n bytes, whole numbers 0 to 255 in any dtype. `decode`: `packed` (n,) is a uint8 tensor, without the code 8; return the 2n values. The given function calls both. Mind that uint8 wraps: 0 - 1 is 255.

<details><summary>Hint 1: a question</summary>Which field has the value 1? And what is its logarithm?</details>
<details><summary>Hint 2: the equation</summary>field = log2 |q| + 1 for q other than 0; code = field + 8 for a negative q; byte = first + 16 second.</details>
<details><summary>Hint 3: the shape of the code</summary>q[0::2] are the first ones of the pairs; packed & 15 and packed >> 4 are the two codes, torch.stack(..., dim=1).reshape(-1) puts them in their order; code & 7 is the field; 2 ** (field - 1).</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def encode(q):
    ### BEGIN SOLUTION
    #| field = torch.where(q == 0, __ , __ )
    #| codes = field + __
    #| return __
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]
    ### END SOLUTION


def decode(packed):
    packed = packed.long()  # no wrapping below
    ### BEGIN SOLUTION
    #| codes = __  # (2n,), in the order of the values
    #| field = __
    #| magnitude = torch.where(field == 0, __ , __ )
    #| return torch.where( __ , -magnitude, magnitude)
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)
    ### END SOLUTION


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% nbgrader={"grade": true, "grade_id": "q3-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q3: visible cases; hidden ones remain.
from checks import q3

### BEGIN HIDDEN TESTS
import torch
from checks.q3 import ALL_BYTES, FIFTEEN

from qlab.check import case

q3.also(case("every value, every byte", torch.cat((FIFTEEN, FIFTEEN.flip(0))).long(), ALL_BYTES))
### END HIDDEN TESTS
q3.check(there_and_back)

# %% [markdown] id="shift-text"
r"""
## 4 · Shift and add

A product with $\pm 2^k$ moves the bits of the input by k places and, if the weight is negative, turns the sign around. In a circuit a shift by a known number of places is wiring; by a number that comes with the weight it is a small selector. The sum of such terms needs adders, as any weighted sum does. **No multiplier is left.**

![An input of eight bits, shifted by the weight's field, added to the sum: beside it the row of adders of a multiplier](figures/shift_and_add.png)

**A worked example.** Inputs 5, -3, 7, weights with the codes 4, 9, 2, that is $8, -1, 2$. $5 \ll 3 = 40$; $-3 \ll 0 = -3$, subtracted: $43$; $7 \ll 1 = 14$: the sum is $57$.

### Q4 · A weighted sum without a product
*difficulty 3/5 · importance 5/5 · 20 minutes · 15 points*

`x` and `codes` (n,) are integer tensors: inputs, and the codes of the weights as in Section 3. The given lines hand out the inputs as numbers of a small machine: they can be added (`+`, `-`), negated (`-x`) and shifted (`x << 3`, `x >> 3`); a code is a plain integer, and you may do with it what you like. The machine **notices each product** in which one of its numbers takes part. `read` returns two numbers: the sum, and a flag, which is 0 if the sum was made of the machine's numbers without a product, 1 if a product took part, and 2 if the sum was made of
other numbers (`read(0)`, `0 + number` and `0 - number` are allowed). Leave the given lines as they are. Times $-1$ is a product too.

<details><summary>Hint 1: a question</summary>What does a weight of 0 add, and which field has it?</details>
<details><summary>Hint 2: the equation</summary>A weight with the field f is plus or minus 2**(f - 1): its term is the number shifted by f - 1 places, added or subtracted.</details>
<details><summary>Hint 3: the shape of the code</summary>code & 7 cuts out the field, code & 8 the sign; an if for the field 0, an if and an else for the sign.</details>
<details><summary>If you see an error</summary>"negative shift count": a weight of 0 has the field 0 and cannot be shifted by -1. "unsupported operand" or "must be a number": the machine has additions, subtractions and shifts, nothing else.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q4", "locked": false, "schema_version": 3, "solution": true, "task": false}
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        ### BEGIN SOLUTION
        #| field = __
        #| if __ :
        #|     continue
        #| term = __
        #| total = __ if __ else __
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = total - term if code & 8 else total + term
        ### END SOLUTION
    return machine.read(total)


# %% nbgrader={"grade": true, "grade_id": "q4-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q4: visible cases; hidden ones remain.
from checks import q4

### BEGIN HIDDEN TESTS
import torch
from checks.q4 import all_of_it_matters, some_codes, zeros_matter

from qlab.check import case, uniform

q4.also(
    case("twenty inputs", uniform(-128, 127, 20, dtype=torch.int64), some_codes(20, zeros=False), such_that=all_of_it_matters),
    case("twenty inputs, some weights 0", uniform(-128, 127, 20, dtype=torch.int64), some_codes(20, zeros=True), group="zeros", such_that=zeros_matter),
)
### END HIDDEN TESTS
q4.check(shift_and_add)

# %% [markdown] id="cost-text"
"""
**Predict:** the next cell counts what one output of the second convolution of a small network takes, 5x5 inputs from 16 channels, 400 weights. How many shifts and how many adders are there with FloatSD4, how many with FloatSD8, and how many adders are hidden in the multipliers of int8? (An array multiplier for 8 bits is 8 rows of bits added up: 7 adders.)
"""

# %% id="cost" tags=["demo"]
one_output = 0.1 * torch.randn(1, 400, generator=torch.Generator().manual_seed(SEED))
print("                                        bits   multipliers   shifts   adders   adders with those inside the multipliers")
counted = {}
for name, tried_grid in tried.items():
    unit = one_output.abs().max().item() / tried_grid.top
    integers = floatsd.round_to_grid(one_output, tried_grid, unit)
    ways = {"by shifts": floatsd.operations(integers)}
    if "uniform" in name:
        ways = {"with multipliers": floatsd.operations_with_multipliers(integers)} | ways
    for way, cost in ways.items():
        inside = cost.multipliers * floatsd.adders_in_a_multiplier(tried_grid.bits)
        counted[name, way] = cost
        print(
            f"{name:20} {way:17} {tried_grid.bits:5} {cost.multipliers:13}"
            f" {cost.shifts:8} {cost.adders:8} {cost.adders + inside:8}"
        )
by_shifts = [counted[name, "by shifts"] for name in ("uniform int4", "FloatSD4, 13 values")]
(int4_shifts, floatsd4_shifts), (int4_adders, floatsd4_adders) = (
    [cost.shifts for cost in by_shifts],
    [cost.adders for cost in by_shifts],
)

# %% [markdown] id="cost-answer"
r"""
**Look at the rows "by shifts" first.** Any integer is a sum of signed powers of two, and a small one is a sum of few: 3 is $4 - 1$, 6 is $8 - 2$; no int4 weight needs more than two. For the 400 weights, with {{ digits.seeds }} values of `SEED`:

| 400 weights, by shifts | shifts | adders |
|---|---|---|
| uniform int4 | {{ digits.int4_shifts }} | {{ digits.int4_adders }} |
| FloatSD4, 13 values | {{ digits.floatsd4_shifts }} | {{ digits.floatsd4_adders }} |

If the weights are fixed in the circuit, int4 by shifts takes *fewer* shifts than FloatSD4 and about as many adders, since many of its weights are 0 or ±1. **By this count FloatSD4 wins nothing.** What is special about it is that **one** shift is enough for every weight. A circuit that takes its weights from a memory, one after the other, needs for any weight one
shifter and one adder, and no multiplier.

**What that is worth is area.** A multiply-accumulate unit (one product, one addition, and the register of the sum) was synthesized from Verilog for each format, with an int8 input and a sum of 32 bits, and counted in gate equivalents (GE: the area of one NAND gate with two inputs):

| weight | bits | GE, with a sum of 32 bits | of int8's |
|---|---|---|---|
| int8 | 8 | 1,217 | 1 |
| FloatSD8 (129 values) | 8 | 881 | 0.72 |
| int4 | 4 | 733 | 0.60 |
| FloatSD4 (13 values) | 4 | 603 | 0.50 |

<!-- quoted: our own synthesis with yosys 0.23 (abc, cells AND to MUX; static CMOS transistors / 4) -->

So FloatSD4's unit has half of the area of int8's and about four fifths of int4's, which has as many bits. The multiplier alone shrinks much more than that, but the adder and the register of the sum remain. These are areas after logic synthesis, without timing and without wires; they say nothing about energy, and the memories that feed the unit are not in them.

## 5 · The unit

The grid counts units; the unit is this format's **scale**, and PyTorch's fake quantizers call it so. A free scale, any float, would bring the multiplier back at the end of each sum; a **power of two** is again a shift. The smallest power of two with which no weight lies beyond the grid's end:

$$ unit = 2^{\lceil \log_2 (\max |w| \, / \, top) \rceil} $$

where *top* is the largest value of the grid, and the maximum goes over the whole tensor or, per channel, over the weights of each output channel.

**A worked example.** Top 32, weights $0.3, -0.45$ in the first channel, $0.1, 0.05$ in the second. $0.45 / 32 = 0.0141$, between $2^{-7} = 0.0078$ and $2^{-6} = 0.0156$: the unit of the tensor is $2^{-6}$, and the grid reaches $0.5$. Per channel: $2^{-6}$ for the first; $0.1 / 32 = 0.0031$, so $2^{-8} = 0.0039$ for the second.

### Q5 · A power of two
*difficulty 2/5 · importance 4/5 · 10 minutes · 8 points*

`weight` is a float tensor (out, ...), `top` the grid's largest value, not always a power of two, `per_channel` True or False. Return the unit with as many dimensions as the weight, so that it meets it: (out, 1, ...) per channel, (1, 1, ...) per tensor. The given line takes care of channels that are all 0: their unit is 1. No case lies exactly on a power of two (except those channels of zeros: there 2 is accepted as well).

<details><summary>Hint 1: a question</summary>Over which dimensions goes the maximum in each of the two cases?</details>
<details><summary>Hint 2: a step by hand</summary>Top 4, largest weight 0.9: 0.9 / 4 = 0.225, its log2 is -2.15, rounded up -2: the unit is 0.25, and the grid reaches 1.0. With -3 it would reach 0.5 only, and 0.9 would be cut off.</details>
<details><summary>Hint 3: the shape of the code</summary>range(1, weight.dim()) are all dimensions but the first; amax takes a tuple of dimensions, and keepdim=True.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q5", "locked": false, "schema_version": 3, "solution": true, "task": false}
def unit_of(weight, top, per_channel):
    ### BEGIN SOLUTION
    #| dims = __  # a tuple
    #| largest = __
    dims = tuple(range(1 if per_channel else 0, weight.dim()))
    largest = weight.abs().amax(dim=dims, keepdim=True)
    ### END SOLUTION
    largest = torch.where(largest == 0, float(top), largest)
    ### BEGIN SOLUTION
    #| return __
    return 2 ** torch.ceil(torch.log2(largest / top))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q5-check", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
# Check of Q5: visible cases; hidden ones remain.
from checks import q5

### BEGIN HIDDEN TESTS
from checks.q5 import scaled_channels, the_negative_is_larger, unit_is_clear

from qlab.check import case, normal

q5.also(
    case("a linear layer", normal(3, 8, std=0.05), 64, False, such_that=unit_is_clear),
    case("a channel of zeros", [[0.3, -0.7], [0.0, 0.0], [-0.02, 0.01]], 32, True, group="channels"),
    case("a grid of 7 values", scaled_channels(5, 2, 3, 3), 4, True, group="channels", such_that=the_negative_is_larger),
    case("a grid that ends at 20", scaled_channels(4, 6), 20, True, group="channels", such_that=unit_is_clear),
)
### END HIDDEN TESTS
q5.check(unit_of)

# %% [markdown] id="through-text"
r"""
## 6 · A gradient on such a grid

To train, the network has to see the grid, and the gradient has to pass (Lab 5). The straight-through estimator asks nothing of the spacing: rounding is taken for the identity up to the ends of the grid, and beyond them the gradient is 0. (torch's fake quantizers, and `qlab`'s, reach half a step further, as far as x still rounds to the last value; you stop at the value itself.) Here is a way without a Function of your own. `a.detach()` is a tensor with the value of a and without a gradient. So

$$ y = limited + (q - limited)\texttt{.detach()} $$

has the **value** of q and the **gradient** of *limited*.

On this grid, far out, a weight has to move a long way before its value changes, and near 0 a short one: the same step of the optimizer is a jump over several values for a small weight and nothing for a large one.

**A worked example.** Unit 0.25, grid $0, \pm 1, \pm 2, \pm 4$, so the ends are $\pm 1$. $0.3$ becomes $0.25$, its gradient passes. $1.3$ becomes $1$ and gets the gradient 0. $-0.05$ becomes 0, and its gradient passes: a weight that is 0 can become something again.

### Q6 · Fake quantization on the grid
*difficulty 3/5 · importance 5/5 · 15 minutes · 10 points*

`x` (channels, n) is a float tensor, `unit` (channels, 1) and `grid` as before; return a tensor in the shape of x with the nearest values. The gradient passes where x lies from the lower to the upper end of the grid, both included, and is 0 beyond. `to_grid` is your Q2: mind that it returns two tensors. The given function below calls yours and returns the output and the gradient.

<details><summary>Hint 1: a question</summary>Which function of torch leaves x as it is inside of two limits, and has the slope 0 beyond them?</details>
<details><summary>Hint 2: a step by hand</summary>Ends at ±1, x = 1.3, nearest value 1: limited is 1 and its slope is 0 there; 1 + (1 - 1) is 1. For x = 0.3 with the nearest value 0.25: limited is 0.3 with the slope 1, and 0.3 + (0.25 - 0.3) is 0.25.</details>
<details><summary>Hint 3: the shape of the code</summary>torch.clamp takes tensors as limits too; to_grid returns two results, of which the first is wanted; then one line with .detach().</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q6", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fake_quantize(x, unit, grid):
    end = grid.max() * unit
    ### BEGIN SOLUTION
    #| limited = __
    #| nearest = __
    #| return __
    limited = torch.clamp(x, -end, end)
    nearest, _ = to_grid(x, unit, grid)
    return limited + (nearest - limited).detach()
    ### END SOLUTION


def forward_and_gradient(x, unit, grid, upstream):
    x = x.detach().clone().requires_grad_()
    y = fake_quantize(x, unit, grid)
    y.backward(upstream)
    return y.detach(), x.grad


# %% nbgrader={"grade": true, "grade_id": "q6-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q6: visible cases; hidden ones remain.
from checks import q6

### BEGIN HIDDEN TESTS
from checks._common import FIFTEEN
from checks.q6 import THIRTEEN, beyond_by_little_and_much, gradient_tells, inside_only, some_units, spread

from qlab.check import case, normal

q6.also(
    case("one channel", normal(1, 120, std=0.05), some_units(0.0078125), THIRTEEN, normal(1, 120), such_that=inside_only),
    case(
        "15 values",
        beyond_by_little_and_much(
            spread(2, 140, low=-4.5, high=7.5), some_units(0.5, 0.125), FIFTEEN
        ),
        some_units(0.5, 0.125),
        FIFTEEN,
        normal(2, 140),
        group="beyond",
        such_that=gradient_tells,
    ),
)
### END HIDDEN TESTS
q6.check(forward_and_gradient)

# %% [markdown] id="train-text"
"""
## 7 · Two networks, and which layer gets which config

PyTorch's flow knows a weight's format by the **qconfig** of its layer. `qlab.torch_flow.grids` has the two that the teaching package from which this lab grew uses (a laboratory's own code, not a publication), under the names that they have there:

- `log4_per_tensor_config`: the 15 values, the papers' thresholds, one power of two as the unit of the tensor;
- `log4_per_channel_config`: the 15 values, the papers' thresholds, **a free float for each output channel**: a variation, since in the FloatSD papers the unit is a power of two.

Both give activations 8 bits by `default_fake_quant`, codes 0 to 255. (Mind the name: PyTorch's own `default_fake_quant` ends at 127, 7 bits.)

The two networks: `MnistNet`, three convolutions and two linear layers; and a narrow MobileNetV2 (width 0.25), whose blocks hold **depthwise** convolutions: each input channel is a group of its own, so each of its filters sees a single channel and has 9 weights. ReLU stands in the place of ReLU6, which does not fuse, and `FloatFunctional` adds the skips (Lab 4).
"""

# %% id="train" tags=["demo"]
dataset = data.load(DATA, download=DOWNLOAD).first(5000, 1000)  # of a bigger set this many: two networks are trained four times
epochs, rate = 6, 0.2


def annealed(first):
    """From a first rate down, along half a wave of a cosine."""
    return lambda step, steps: first * (1 + math.cos(math.pi * step / steps)) / 2


def accuracy_of(network):
    return post.accuracy(network, dataset.x_test, dataset.y_test)


def train_on(network, count, first_rate, batch_size=64):
    """Accuracies before the training and after each of its epochs."""
    found = [accuracy_of(network)]
    with tq.quiet():
        training.train(network, dataset, epochs=count, batch_size=batch_size, seed=SEED, progress=False, schedule=annealed(first_rate), after_epoch=lambda _: found.append(accuracy_of(network)))
    return found


mnist_net, mobile_net = models.mnist_net_for(dataset, seed=SEED), mobilenet.mobilenet_for(dataset, seed=SEED)
fp32_curve = train_on(mnist_net, epochs, rate)
training.train(mobile_net, dataset, epochs=epochs, batch_size=128, seed=SEED, progress=False, schedule=annealed(rate))
fp32_accuracy, mobile_accuracy = fp32_curve[-1], accuracy_of(mobile_net)
for name, network, reached in (("MnistNet", mnist_net, fp32_accuracy), ("MobileNetV2", mobile_net, mobile_accuracy)):
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    print(f"{name}: {len(convolutions)} convolutions, {sum(grids.is_depthwise(m) for m in convolutions)} of them depthwise; {sum(p.numel() for p in network.parameters()):,} parameters; fp32 accuracy {reached:.1%}")

# %% [markdown] id="config-text"
r"""
The package gives ordinary convolutions `log4_per_channel_config`, fully connected layers and depthwise convolutions `log4_per_tensor_config`.

In PyTorch a depthwise convolution is an `nn.Conv2d` with `groups` equal to `in_channels`. **Mind the first layer:** a convolution from one grey channel has one group and one input channel, and is an ordinary one.

**A worked example.** A convolution from 1 to 16 channels, one from 16 to 32, a linear layer with 10 outputs: 16, 32 and 1 scales.

### Q7 · Which config
*difficulty 2/5 · importance 3/5 · 10 minutes · 5 points*

`layers` is a tuple of (kind, inputs, outputs, groups), kind "conv" or "linear". The given lines make the layers and, after yours, count the scales of each. Set `layer.qconfig` for each layer as the package does. Depthwise is a convolution whose every input channel is a group of its own, with one output or several.

<details><summary>Hint 1: a question</summary>Which layers have no attribute groups?</details>
<details><summary>Hint 2: the rule</summary>Depthwise: groups is in_channels, and more than one.</details>
<details><summary>Hint 3: the shape of the code</summary>isinstance(layer, nn.Linear) first, then or, then the comparison.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q7", "locked": false, "schema_version": 3, "solution": true, "task": false}
from provided import network_of, scales_in
from torch import nn

from qlab.torch_flow import grids


def scales_per_layer(layers):
    network = network_of(layers)
    for layer in network:
        ### BEGIN SOLUTION
        #| if __ :
        #|     layer.qconfig = __
        #| else:
        #|     layer.qconfig = __
        if isinstance(layer, nn.Linear) or layer.groups == layer.in_channels > 1:
            layer.qconfig = grids.log4_per_tensor_config
        else:
            layer.qconfig = grids.log4_per_channel_config
        ### END SOLUTION
    return scales_in(network)


# %% nbgrader={"grade": true, "grade_id": "q7-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q7: visible cases; hidden ones remain.
from checks import q7

### BEGIN HIDDEN TESTS
from qlab.check import case

q7.also(
    case("nothing depthwise", (("conv", 4, 4, 1), ("conv", 1, 6, 1), ("linear", 5, 3, 1))),
    case("four channels alone, with two outputs each", (("conv", 4, 8, 4), ("conv", 6, 6, 3), ("conv", 5, 5, 5), ("conv", 3, 9, 1)), group="depthwise"),
)
### END HIDDEN TESTS
q7.check(scales_per_layer)

# %% [markdown] id="qconfig-text"
r"""
A qconfig is a pair of **factories**: `activation=` makes the fake quantizer of a layer's output, `weight=` that of its weights. PyTorch calls each factory once per layer, so a class itself will do if its defaults fit; `SomeClass.with_args(...)` is the same class with other arguments. `prepare_qat` then replaces each layer that has a qconfig by one that
fake-quantizes its weights in every forward pass (`prepare`, in Section 8, leaves the weights alone).

**A worked example.** `grids.log4_per_tensor_config` of above, written out:

```python
on_grid = grids.GridFakeQuantize.with_args(grid=floatsd.FLOATSD4_EXTENDED, rule="papers")
config = QConfig(activation=grids.default_fake_quant, weight=on_grid)
```

`GridFakeQuantize` has four arguments: `grid`, `per_channel` (False), `free_scale` (False: a power of two) and `rule` ("papers" or "nearest").

### Q10 · A qconfig of your own
*difficulty 3/5 · importance 4/5 · 15 minutes · 4 points*

`weight` is a float tensor (out, in, 3, 3), `per_channel` True or False. The given lines make a network in training mode with one convolution, which has this weight. Give the **whole network** (`network.qconfig`) a qconfig for FloatSD4: its **13** values, the papers' thresholds, powers of two as units, one per tensor or one per output channel as asked;
activations by `grids.default_fake_quant`. Then prepare the network for training. The last line returns what training sees: the fake-quantized weight, its scales, and the largest code of the activations. `QConfig` and `prepare_qat` are those of `torch.ao.quantization` as long as PyTorch has it, and `qlab`'s own afterwards.

<details><summary>Hint 1: a question</summary>Is a factory an object that fake-quantizes, or something that makes one when it is called?</details>
<details><summary>Hint 2: a step by hand</summary>For FloatSD8 with free scales per channel and rounding to the nearest, the factory would be grids.GridFakeQuantize.with_args(grid=floatsd.FLOATSD8, per_channel=True, free_scale=True, rule="nearest"). Which of these four arguments differ here?</details>
<details><summary>Hint 3: the shape of the code</summary>network.qconfig = QConfig(activation=..., weight=...with_args(...)); then prepare_qat of the network, which returns a new one.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q10", "locked": false, "schema_version": 3, "solution": true, "task": false}
from provided import seen_in, small_network

from qlab import floatsd
from qlab.torch_flow import QConfig, grids, prepare_qat


def floatsd4_network(weight, per_channel):
    network = small_network(weight).train()
    ### BEGIN SOLUTION
    #| network.qconfig = QConfig(activation= __ , weight= __ )
    #| prepared = __
    chosen = {"grid": floatsd.FLOATSD4, "per_channel": per_channel, "rule": "papers"}
    on_grid = grids.GridFakeQuantize.with_args(**chosen)
    network.qconfig = QConfig(activation=grids.default_fake_quant, weight=on_grid)
    prepared = prepare_qat(network)
    ### END SOLUTION
    return seen_in(prepared)


# %% nbgrader={"grade": true, "grade_id": "q10-check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
# Check of Q10: visible cases; hidden ones remain.
from checks import q10

### BEGIN HIDDEN TESTS
from checks.q10 import tells

from qlab.check import case, normal

q10.also(
    case("five channels", normal(5, 3, 3, 3, std=2.0), False, such_that=tells),
    case("five channels, a unit for each", normal(5, 3, 3, 3, std=2.0), True, group="channels", such_that=tells),
)
### END HIDDEN TESTS
q10.check(floatsd4_network)

# %% [markdown] id="layers-text"
"""
**Predict** before you run the next cell, which lists the MobileNetV2's layers: how many weights and how many scales have the depthwise convolutions together, and how many of the network's bytes would the scales be if each channel had a float of its own?
"""

# %% id="layers" tags=["demo"]
kinds = {"depthwise convolutions": [], "other convolutions": [], "linear layers": []}
for layer in mobile_net.modules():
    if isinstance(layer, nn.Conv2d | nn.Linear):
        kinds["linear layers" if isinstance(layer, nn.Linear) else "depthwise convolutions" if grids.is_depthwise(layer) else "other convolutions"].append(layer)
print("                        layers   weights   scales: per channel   as the package does   bytes of the weights   of a float a channel")
for name, layers in kinds.items():
    weights, channels = sum(layer.weight.numel() for layer in layers), sum(len(layer.weight) for layer in layers)
    chosen = sum(len(layer.weight) if grids.package_choice(layer) is grids.log4_per_channel_config else 1 for layer in layers)
    print(f"{name:22} {len(layers):7} {weights:9,} {channels:12} {chosen:21} {weights // 2:22,} {4 * channels:18,}")

# %% [markdown] id="post-text"
r"""
A depthwise filter has 9 weights, four and a half bytes; a float of its own would nearly double that. That is the case for one scale; the case against it follows in Section 10.

## 8 · Post-quantization, measured right

There are two ways to such a network. One is **training from scratch** with fake-quantized weights (Lab 5). The other begins with a trained network: **post-quantize** it, see what is left, then **retrain** with fake-quantized weights until it is back. In between stands a measurement, right after post-quantization, and it goes wrong in two ways that nothing reports.

PyTorch's `prepare` puts a fake quantizer behind each layer, for its **activations**; its observer looks at every batch that comes. The **weights stay in fp32**, whatever the qconfig says of them (`prepare_qat` does quantize weights). So

1. measured right after `prepare` and calibration, the network has fp32 weights: the number looks wonderful and says nothing about the grid;
2. measured with the observers on, each **test batch moves the ranges**: the network is calibrated on the test set while it is measured.

Right is: calibrate on training images, stop the observers, put the weights on the grid, and only then run the test images.

### Q8 · Calibrate, stop, put on the grid, measure
*difficulty 3/5 · importance 5/5 · 20 minutes · 15 points*

`training` is a tensor (batches, images, channels, height, width), `test` (images, channels, height, width). The given lines make a trained network with the layers `quant`, `conv`, `dequant` (one convolution, no bias) whose qconfig is `log4_per_tensor_config`, and prepare it. In this order: let it see the training batches, one after the other; stop its observers; make its weight what the config's own fake-quantizer of weights makes of it. The last lines
copy your weight into the network, run the test images, and return that weight, the scale of the output, and the outputs.

<details><summary>Hint 1: a question</summary>A qconfig holds two factories, `activation` and `weight`. What comes back when one is called, and what when that is called with a tensor?</details>
<details><summary>Hint 2: a step by hand</summary>The order is: every training batch through prepared, prepared.apply(quantization.disable_observer), the weight. For PyTorch's default qconfig the last step would be default_qconfig.weight() for the fake-quantizer, then a call of it with the weight.</details>
<details><summary>Hint 3: the shape of the code</summary>A call of prepared in a loop; apply takes a function, not a call of it; network.qconfig.weight() is a new fake-quantizer.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q8", "locked": false, "schema_version": 3, "solution": true, "task": false}
from provided import small_network

from qlab import torch_flow as quantization
from qlab.torch_flow import grids


def post_quantized(weight, training, test):
    with torch.no_grad():
        network = small_network(weight)
        network.qconfig = grids.log4_per_tensor_config
        prepared = quantization.prepare(network)
        ### BEGIN SOLUTION
        #| for batch in __ :
        #|     __
        #| prepared.apply( __ )
        #| weight_on_grid = __
        for batch in training:
            prepared(batch)
        prepared.apply(quantization.disable_observer)
        weight_on_grid = network.qconfig.weight()(prepared.conv.weight)
        ### END SOLUTION
        prepared.conv.weight.copy_(weight_on_grid)
        outputs = prepared(test)
        return prepared.conv.weight, prepared.conv.activation_post_process.scale, outputs


# %% nbgrader={"grade": true, "grade_id": "q8-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q8: visible cases; hidden ones remain.
from checks import q8

### BEGIN HIDDEN TESTS
from checks.q8 import block

q8.also(block("one channel in, four out", 5, 1, 4, batches=4))
### END HIDDEN TESTS
q8.check(post_quantized)

# %% [markdown] id="wrong-text"
"""
Now the whole MobileNetV2, measured in the right way and in the two wrong ones. `post.post_quantized` does the steps that you wrote. **Predict:** by how much do the three numbers differ?
"""

# %% id="wrong" tags=["demo"]
calibration = list(dataset.x_train[:256].split(128))

with tq.quiet():
    only_prepared = post.prepared(mobile_net)
    post.calibrate(only_prepared, calibration)
    still_fp32 = accuracy_of(only_prepared)
    watching = post.prepared(mobile_net)
    on_test = post.accuracy(watching, dataset.x_test, dataset.y_test, observing=True)
    right_way = post.post_quantized(mobile_net, calibration)
    mobile_ptq = accuracy_of(right_way)
print(f"fp32 {mobile_accuracy:.1%}")
print(f"after prepare and calibration, weights still fp32: {still_fp32:.1%}; different values in the last layer's weight: {only_prepared.get_submodule(list(grids.weighted_layers(only_prepared))[-1]).weight.unique().numel()}")
print(f"after prepare, weights still fp32, ranges from the test images: {on_test:.1%}")
print(f"calibrated on training images, weights on the grid: {mobile_ptq:.1%}; different values in the last layer's weight: {right_way.get_submodule(list(grids.weighted_layers(right_way))[-1]).weight.unique().numel()}")

# %% [markdown] id="flows-text"
"""
On digits, for {{ digits.seeds }} values of `SEED`: fp32 {{ digits.mobile_accuracy }}, with the weights still in fp32 {{ digits.still_fp32 }}, with ranges from the test images {{ digits.on_test }}, and in truth {{ digits.mobile_ptq }}. The first two are close to fp32, and neither of them has a single weight on the grid.

## 9 · Two flows, side by side

The MnistNet: from scratch with fake-quantized weights, and post-quantized, then retrained at a tenth of the rate, as many epochs each. **Predict** both curves: where does each begin, and which one is ahead after the last epoch?
"""

# %% id="flows" tags=["demo"]
with tq.quiet():
    scratch = on_grid.prepared_for_training(models.mnist_net_for(dataset, seed=SEED))
    retrained = post.retrainable(mnist_net, calibration)
flow_epochs = 4
scratch_curve = train_on(scratch, flow_epochs, rate)
retrain_curve = train_on(retrained, flow_epochs, rate / 10)
ptq_accuracy, retrain_first, retrain_accuracy, scratch_accuracy = retrain_curve[0], retrain_curve[1], retrain_curve[-1], scratch_curve[-1]
print("from scratch:                ", *(f"{value:.1%}" for value in scratch_curve))
print("post-quantized, then retrain:", *(f"{value:.1%}" for value in retrain_curve))
plots.curves(
    range(flow_epochs + 1),
    {"from scratch": torch.tensor(scratch_curve), "retrained": torch.tensor(retrain_curve)},
    x_name="epochs with weights on the grid (0: before the first)",
    y_name="accuracy",
    title="Two flows to weights on the extended grid",
    level=("fp32", fp32_accuracy),
    lowest=0.85,
)

# %% [markdown] id="eight-text"
"""
FloatSD8 is the same flow with another grid in the qconfig: 129 values, at most two digits. **Predict:** from scratch with as many epochs, does the network that sees FloatSD8's grid end above the one with the 15 values? And how much does FloatSD8 lose right after post-quantization, with nothing trained?
"""

# %% id="eight" tags=["demo"]
eight_config = grids.grid_config(floatsd.FLOATSD8, per_channel=True)
with tq.quiet():
    eight = on_grid.prepared_for_training(models.mnist_net_for(dataset, seed=SEED), eight_config)
    eight_ptq = accuracy_of(post.post_quantized(mnist_net, calibration, eight_config))
eight_curve = train_on(eight, flow_epochs, rate)
eight_scratch = eight_curve[-1]
print("FloatSD8, from scratch:      ", *(f"{value:.1%}" for value in eight_curve))
print(f"FloatSD8, post-quantized:     {eight_ptq:.1%} (fp32 {fp32_accuracy:.1%})")

# %% [markdown] id="flows-answer"
"""
**What success looks like.** On digits, for {{ digits.seeds }} values of `SEED`: fp32 {{ digits.fp32_accuracy }}; right after post-quantization {{ digits.ptq_accuracy }}, after one epoch of retraining {{ digits.retrain_first }}, after the last {{ digits.retrain_accuracy }}; from scratch {{ digits.scratch_accuracy }}. Both flows end where fp32 is, within what another seed does. The retrained one begins near its end:
on a network this roomy four bits cost a point or so, and a single epoch is about enough.

FloatSD8 (8 bits, a power of two per channel) has {{ digits.eight_ptq }} right after post-quantization and {{ digits.eight_scratch }} from scratch: with eight bits there is nothing to repair, whatever the grid.

The narrow MobileNetV2 has more to repair. One epoch:
"""

# %% id="mobile" tags=["demo"]
with tq.quiet():
    mobile_retrained = post.retrainable(mobile_net, calibration)
mobile_retrain_curve = train_on(mobile_retrained, 1, rate / 4, batch_size=128)
mobile_first = mobile_retrain_curve[-1]
print(f"MobileNetV2: fp32 {mobile_accuracy:.1%}; post-quantized, then retrained:", *(f"{value:.1%}" for value in mobile_retrain_curve))

# %% [markdown] id="mobile-answer"
"""
On digits, for {{ digits.seeds }} values of `SEED`: fp32 {{ digits.mobile_accuracy }}, post-quantized {{ digits.mobile_ptq }}, then, after one epoch, {{ digits.mobile_first }}: most of the way back. Give it more epochs and look when it is all the way. Here fp32 itself was trained for a few epochs only, so part of what retraining wins may be simply more training: the same number of fp32 epochs would be the fair comparison, and it is yours to run.

## 10 · At equal bits

How much of the loss is due to four bits, and how much to the powers of two? The same network, post-quantized with other grids and other scales, nothing trained. Accuracy alone says little where all of them are near fp32, so look also at the logits: how far they move, relative to their size. **Predict** the order of the rows.
"""

# %% id="equal-bits" tags=["demo"]
FREE = {"per_channel": True, "free_scale": True}
formats = {
    "uniform int8, free scale a channel": grids.grid_config(floatsd.uniform(8), **FREE),
    "uniform int4, free scale a channel": grids.grid_config(floatsd.uniform(4), **FREE),
    "uniform int4, 2^e a tensor": grids.grid_config(floatsd.uniform(4), per_channel=False),
    "extended (15), free scale a channel": grids.log4_per_channel_config,
    "extended (15), 2^e a tensor": grids.log4_per_tensor_config,
    "extended (15), the package's choice": grids.package_choice,
    "FloatSD4 (13), 2^e a channel": grids.grid_config(floatsd.FLOATSD4, per_channel=True, rule="papers"),
    "FloatSD4 (13), 2^e a tensor": grids.grid_config(floatsd.FLOATSD4, per_channel=False, rule="papers"),
}


def compared(network):
    """For each format: accuracy right after post-quantization, and how far the logits move."""
    found = {}
    with torch.no_grad(), tq.quiet():
        plain = network.eval()(dataset.x_test)
        for name, choice in formats.items():
            quantized = post.post_quantized(network, calibration, choice)
            with post.ranges_fixed(quantized):
                logits = quantized(dataset.x_test)
            found[name] = (logits.argmax(1) == dataset.y_test).float().mean().item(), ((logits - plain).norm() / plain.norm()).item()
    return found


on_mnist_net, on_mobile_net = compared(mnist_net), compared(mobile_net)
print(f"{'':37}MnistNet                    MobileNetV2")
print(f"{'':37}accuracy   logits off by    accuracy   logits off by")
print(f"{'fp32':37}{fp32_accuracy:8.1%} {'':18}{mobile_accuracy:8.1%}")
for name in formats:
    print(f"{name:37}{on_mnist_net[name][0]:8.1%} {on_mnist_net[name][1]:13.1%} {on_mobile_net[name][0]:12.1%} {on_mobile_net[name][1]:13.1%}")
int8_off, int4_off, int4_tensor_off, extended_off, extended_tensor_off, package_off, base_off, base_tensor_off = (off for _, off in on_mnist_net.values())
m_int8, m_int4, m_int4_tensor, m_extended, m_extended_tensor, m_package, m_base, m_base_tensor = (share for share, _ in on_mobile_net.values())

# %% [markdown] id="equal-bits-answer"
"""
On digits, for {{ digits.seeds }} values of `SEED`, nothing trained:

| weights | logits of MnistNet off by | accuracy of MobileNetV2 |
|---|---|---|
| fp32 | | {{ digits.mobile_accuracy }} |
| uniform int8, free scale a channel | {{ digits.int8_off }} | {{ digits.m_int8 }} |
| uniform int4, free scale a channel | {{ digits.int4_off }} | {{ digits.m_int4 }} |
| uniform int4, 2^e a tensor | {{ digits.int4_tensor_off }} | {{ digits.m_int4_tensor }} |
| extended (15), free scale a channel | {{ digits.extended_off }} | {{ digits.m_extended }} |
| extended (15), 2^e a tensor | {{ digits.extended_tensor_off }} | {{ digits.m_extended_tensor }} |
| extended (15), the package's choice | {{ digits.package_off }} | {{ digits.m_package }} |
| FloatSD4 (13), 2^e a channel | {{ digits.base_off }} | {{ digits.m_base }} |
| FloatSD4 (13), 2^e a tensor | {{ digits.base_tensor_off }} | {{ digits.m_base_tensor }} |

**At eight bits nothing is lost.** **At four bits, with the same free scale a channel, uniform int4 is ahead** of the 15 values: the shifts have their price, and retraining has to pay it. **The scale costs more than the grid:** with one power of two for a tensor the MobileNetV2's accuracy collapses if its weights are powers of two themselves, and falls by about a quarter with uniform int4; what the package saves with one scale for each depthwise convolution costs ten to fifteen points of accuracy before
retraining. **A power of two for each channel does not help a grid of powers of two:** the last two rows are alike. Times $2^e$ such a grid becomes itself, up to its two ends; for the uniform grid, and for a free scale, channels matter.

On the MnistNet the accuracies of all rows lie within about two points of fp32, some eight images of this test set: compare the logits there, and accuracies only where they are far apart.

## 11 · A convert that keeps the grid

Training is done with fake-quantized weights; what is shipped are codes. PyTorch's `convert` asks the fake quantizer for its scale and rounds the **float** weight, which is what the optimizer kept, to whole multiples of it. To every whole multiple: its int8 knows nothing of powers of two. **Predict:** how many of the shipped weights are on the grid?
"""

# %% [markdown] id="codebook-text"
r"""
### Shared weights: a grid that is fitted to the weights

Uniform int4 and FloatSD4 fix their values in advance. **Weight sharing** (Han et al. 2016, *Deep Compression*, [arXiv 1510.00149](https://arxiv.org/abs/1510.00149), section 3) lets each layer choose its own: a **codebook** of 16 floats, fitted by **k-means**, and a four-bit code per weight that says which of the 16 it is. The weights keep their four bits, but a product
needs a look-up and a float multiplier again.

k-means repeats two steps: every weight takes the nearest entry of the codebook, then every entry moves to the **mean** of its weights. When no entry moves any more, it ends. In training the entries learn: the gradient of an entry is the **sum** of the gradients of all weights that share it.

**A worked example.** Weights $0, 1, 2, 10, 11$, first entries $0$ and $5$. $0, 1$ and $2$ are nearest to $0$, the others to $5$: the entries move to $1$ and $10.5$. Nothing changes after that: the codebook is $(1,\; 10.5)$, the codes are $0, 0, 0, 1, 1$.

### Q11 · A codebook by k-means (open exercise)
*difficulty 3/5 · importance 3/5 · 20 minutes · 3 points*

Write the function from its description; any method counts. `weights` is a float tensor (n,), `start` a float tensor (k,), sorted, the first entries. Repeat the two steps, beginning with `start`, until no entry moves any more. An entry that is nearest to no weight stays where it is. Return the codebook (k,), in the order of `start`, and the codes (n,), whole numbers
from 0.

```python
shared_weights(torch.tensor([0.0, 1.0, 2.0, 10.0, 11.0]), torch.tensor([0.0, 5.0]))
# -> the codebook (1.0, 10.5), the codes (0, 0, 0, 1, 1)
shared_weights(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 99.0]))
# -> (1.0, 99.0), (0, 0): no weight is nearest to 99, which stays
```

<details><summary>Hint 1: a question</summary>How do you notice that nothing changes any more: by the codebook, or by the codes?</details>
<details><summary>Hint 2: a step by hand</summary>Weights 0, 4, 5, 9 and entries 0, 6: the distances to 0 are 0, 4, 5, 9, those to 6 are 6, 2, 1, 3. So the codes are 0, 1, 1, 1 and the entries move to 0 and 6. They were there already: done.</details>
<details><summary>Hint 3: the shape of the code</summary>A loop; (weights[:, None] - codebook).abs().argmin(dim=1); for each k the mean of weights[codes == k], if there are any; a comparison with the codebook before.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q11", "locked": false, "schema_version": 3, "solution": true, "task": false}
def shared_weights(weights, start):
    ### BEGIN SOLUTION
    #| return __  # your own lines, as many as you like
    codebook = start.clone()
    while True:
        codes = (weights[:, None] - codebook).abs().argmin(dim=1)
        before = codebook.clone()
        for entry in codes.unique():
            codebook[entry] = weights[codes == entry].mean()
        if torch.equal(codebook, before):
            return codebook, codes
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q11-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
# Check of Q11: visible cases; hidden ones remain.
from checks import q11

### BEGIN HIDDEN TESTS
import torch
from checks.q11 import bell, evenly, one_stays_empty, takes_rounds

from qlab.check import case

q11.also(
    case("300 weights, 16 entries", bell(300), evenly(-2.5, 2.5, 16), such_that=takes_rounds),
    case(
        "another last entry far out",
        bell(40),
        torch.tensor([-0.5, 0.5, 70.0]),
        group="empty",
        such_that=one_stays_empty,
    ),
)
### END HIDDEN TESTS
q11.check(shared_weights)

# %% [markdown] id="shared-text"
"""
The MnistNet with 16 shared values per layer, beside uniform int4 with one free scale per layer: equal bits per weight, and each layer's extra is 16 floats against one. The codebook is then **fine-tuned**: the codes stay, its entries learn. Uniform int4 is fine-tuned with fake quantization for as many epochs. **Predict** which one is ahead before fine-tuning, and after it.
"""

# %% id="shared" tags=["demo"]
import copy

from torch.nn.utils import parametrize


class Shared(nn.Module):
    """A layer's weight as its codebook and its codes have it."""

    def __init__(self, weight, entries=16):
        super().__init__()
        start = torch.linspace(weight.min().item(), weight.max().item(), entries)
        codebook, codes = q11.yours_or_provided()(weight.detach().flatten(), start)
        self.codebook = nn.Parameter(torch.as_tensor(codebook, dtype=torch.float32))
        self.codes = torch.as_tensor(codes).long().reshape(weight.shape)

    def forward(self, weight):
        return self.codebook[self.codes]


def with_codebooks(network):
    network = copy.deepcopy(network)
    for layer in list(network.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            parametrize.register_parametrization(layer, "weight", Shared(layer.weight))
    return network


linear_config = grids.grid_config(floatsd.uniform(4), per_channel=False, free_scale=True)
with tq.quiet():
    linear = post.retrainable(mnist_net, calibration, linear_config)
codebooks = with_codebooks(mnist_net)
tuning_epochs = 2
linear_curve = train_on(linear, tuning_epochs, rate / 10)
codebook_curve = train_on(codebooks, tuning_epochs, rate / 100)
linear_ptq, linear_tuned = linear_curve[0], linear_curve[-1]
codebook_ptq, codebook_tuned = codebook_curve[0], codebook_curve[-1]
print("uniform int4, one scale per layer:", *(f"{value:.1%}" for value in linear_curve))
print("16 shared values per layer:       ", *(f"{value:.1%}" for value in codebook_curve))

# %% [markdown] id="shared-answer"
"""
On digits, for {{ digits.seeds }} values of `SEED`, accuracy with four bits per weight:

| | nothing trained | fine-tuned |
|---|---|---|
| uniform int4, one free scale per layer | {{ digits.linear_ptq }} | {{ digits.linear_tuned }} |
| 16 shared values per layer | {{ digits.codebook_ptq }} | {{ digits.codebook_tuned }} |

All of these lie within a few images of fp32: with nothing trained the fitted values are a little ahead, and after fine-tuning the difference is gone. A network this roomy does not need a codebook. (fp32: {{ digits.fp32_accuracy }}. The activations of the int4 network have 8 bits, those of the shared one are fp32: part of a small difference is theirs.)
"""

# %% id="convert" tags=["demo"]
engine = next((name for name in ("qnnpack", "x86", "fbgemm", "onednn") if name in tq.engine_names()), None)
torchs_share = ours_share = 0.0
if engine is None:
    print("PyTorch has no engine for int8 here: read on at the answer below.")
else:
    with tq.quiet():
        shipped = {"torch's convert": on_grid.torchs_convert(retrained, engine), "qlab's convert": on_grid.convert(retrained, engine)}
        trained_on = on_grid.grid_weights(retrained)
    second = list(trained_on)[1]
    for name, int8 in shipped.items():
        right = total = 0
        for layer, (integers, scale) in trained_on.items():
            shipped_weight = int8.get_submodule(layer).weight().dequantize()
            by = scale.reshape(-1, *[1] * (integers.dim() - 1))
            right += int(torch.isclose(shipped_weight, by * integers, rtol=1e-5, atol=0.0).sum())
            total += integers.numel()
        codes = int8.get_submodule(second).weight().int_repr()
        print(f"{name:16} weights equal to those that were trained: {right / total:.1%} of {total:,}; accuracy {post.accuracy(int8, dataset.x_test, dataset.y_test, engine=engine):.1%}; magnitudes of the codes in {second}: {codes.abs().unique().tolist()}")
        torchs_share, ours_share = (right / total, ours_share) if "torch" in name else (torchs_share, right / total)

# %% [markdown] id="convert-answer"
r"""
On digits, for {{ digits.seeds }} values of `SEED`: with torch's convert {{ digits.torchs_share }} of the weights are those that the training saw, with qlab's {{ digits.ours_share }}. Its accuracy hardly gives it away, as the cell shows. But no shift multiplies by 23, and the model that was trained is not the one that is shipped.

The fix is short: take the weight **as the fake quantizer gives it**, batch norm folded in, as whole numbers of units, and make an int8 tensor of these numbers whose scale **is the unit**, with zero-point 0. Then code times scale is the trained value, to the last bit. **Test values, not only codes:** with another scale the codes may still look like powers of two, and every value is off.

## 12 · What is in the file

**Predict** before you run the next cell: of which layers does the saved state dict hold a weight as a tensor, and of which something packed? And of what type are the biases?
"""

# %% id="state" tags=["demo"]
from qlab.torch_flow import contents

if engine is not None:
    import tempfile

    folder = tempfile.TemporaryDirectory()
    paths = {name: Path(folder.name) / f"{name.split(chr(39))[0]}.pt" for name in shipped}
    for name, int8 in shipped.items():
        files.save(int8, paths[name])
    state = files.load(paths["qlab's convert"])
    for row in contents.state_rows(state):
        print(f"{row.name:32} {row.kind:36} {'x'.join(map(str, row.shape)):12} {row.scale:24} {row.zero_point}")

# %% [markdown] id="state-text"
"""
A convolution has its weight, a quantized tensor with a scale and a zero-point for each channel, its bias in **float32**, and the scale and zero-point of its output. A linear layer has the scale and zero-point of its output, and *packed* params: weight and bias in the form that the engine wants. The stub at the beginning has the scale and zero-point of the images. What the file does not say is which **grid** the weights were meant to be on; `files.save` writes that down as one more entry. Then a file can be checked without the model.
In a terminal that is `qlab inspect FILE`; it loads safely, that is nothing in the file is run. Here both files:
"""

# %% id="inspect" tags=["demo"]
from qlab import cli

if engine is not None:
    for name, path in paths.items():
        print(f"qlab inspect {path.name}, from {name}")
        cli.inspect(str(path))
        print()
    folder.cleanup()

# %% [markdown] id="essay-text"
"""
One line of the table says of each layer whether its weights are on the grid that it declares: the test that a shipped model has to pass.

## 13 · Essay

### Q9 · A chip without multipliers
*difficulty 3/5 · importance 4/5 · 40 minutes · 10 points, read by hand*

Your team designs a small chip for sensors. One proposal has int8 multipliers, one int4 multipliers, one only shifters and adders for FloatSD4 weights. In 250 to 400 words of your own: which would you build, for which networks, and what would you measure before you decide? Use your own numbers from this lab, with what another seed does to them. Say what the count of adders and shifts and the areas leave out; which of the numbers 11, 13 and 15 you would put into the
data sheet, and why two texts may differ there; how the network gets onto the grid, from scratch or by retraining, per channel or per tensor; and how you would make sure that what runs on the chip is what was trained.

| rubric | points |
|---|---|
| own numbers at equal bits: error, accuracy, cost, and what of it is noise | 3 |
| what the cost count says and what it leaves out | 2 |
| the grid: which values, which scale, and why the texts differ | 2 |
| the flow: how it is trained and measured, and the traps on the way to the shipped weights | 3 |
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q9", "locked": false, "points": 10, "schema_version": 3, "solution": true, "task": false}
"""
### BEGIN SOLUTION
#| *Your essay here.*
What a full answer mentions. At eight bits everything is within noise of fp32. At four bits, after training, the powers of two and uniform int4 are close on a roomy network; on the narrow MobileNetV2 all four-bit formats lose visibly, and retraining brings most of it back; differences of a point are what another seed does. Cost: counted by shifts, fixed int4 weights take fewer shifts than FloatSD4 and as many adders, so the count is no argument; area is: a multiply-accumulate unit with a 32-bit sum takes 603 gate equivalents for FloatSD4, 733 for int4, 1,217 for int8; left out of the areas are timing, wires, energy, and
memory traffic (equal at equal bits), activations that are 8 bits either way, and the free scale of a channel, which is a multiplier again, once an output. The grid: 13 by the definition of FloatSD4 (three digits, two exponent bits), 15 with one digit more, which is what four bits hold and what the int8 block uses, 11 where a text leaves out 1: the data sheet has to list the values. Scale: a power of two keeps the promise of no
multiplier, a free one a channel is more exact. Flow: both flows end alike on a small task, retraining is cheaper where a trained network exists. Traps: weights still fp32 after prepare, observers on while measuring, torch's convert that leaves the grid. Check: values, not codes, of the shipped file against those of training, and the file's declared grid.
### END SOLUTION
"""

# %% [markdown] id="end-text"
r"""
## If you want to go on

**Two digits.** FloatSD8 needs two shifts and an adder a weight. Let your `shift_and_add` take weights of two digits each: 6 is $8 - 2$, 3 is $4 - 1$. Which of the 129 values need only one?

**Other grids of this kind.** Powers of two alone (Miyashita et al. 2016, [arXiv 1603.01025](https://arxiv.org/abs/1603.01025)), reached in small steps in INQ (Zhou et al. 2017, [arXiv 1702.03044](https://arxiv.org/abs/1702.03044)); sums of powers of two (APoT, Li et al. 2020, [arXiv 1909.13144](https://arxiv.org/abs/1909.13144)); shifts that are learned themselves (DeepShift, Elhoushi et al., [arXiv 1905.13298](https://arxiv.org/abs/1905.13298)). `floatsd.apot(5)` and `floatsd.power_of_two(3)`
are grids like the others: put them into the table of Section 10.

**Change the data.** One line at the top: `DATA = "fashion_mnist"`. Does the order of the rows in Section 10 stay? Which rate does the retraining need there?

## The formulas of this lab

| what | formula |
|---|---|
| FloatSD value | $mantissa \cdot 2^e$; a group of d digits is 0 or $\pm 2^k$, k = 0 to d - 1 |
| FloatSD4; extended | 0 and $\pm 2^0$ to $\pm 2^5$ (13 values); to $\pm 2^6$ (15 values) |
| the papers' thresholds | borders at $1.5 \cdot 2^k$; 0 below 0.75 of the smallest value |
| code | field $= k + 1$, plus 8 for a negative value; two codes per byte |
| product with $\pm 2^k$ | $\pm (x \ll k)$ |
| unit | $2^{\lceil \log_2 (\max\lvert w\rvert / top) \rceil}$ |
| fake quantization | $limited + (q - limited)$, the difference detached |
| k-means | nearest entry for each weight, mean of its weights for each entry, until nothing changes |

**Next.** You can put any layer of a network onto any grid. Which layer hurts most? Lab 7 measures it, one layer at a time.
"""

# %% [markdown] id="hand-in-text"
"""
## Handing in

1. Run all cells (*Run → Restart Kernel and Run All Cells*), look at the cards, and save.
2. In a terminal (*File → New → Terminal*), run `qlab submit lab6`: it says what is missing, offers a PDF for your report, and writes `Lab6_StudentID_Name.zip`.
3. Upload that file to your course's page. You can hand in an incomplete lab, and you can hand in again.
"""
