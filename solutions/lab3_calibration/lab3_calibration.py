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
# Lab 3 · Choosing the range

Labs 1 and 2 took the range of a tensor from the tensor itself. A network in use sees images that nobody has seen before, so the
ranges of its activations have to be found beforehand, on a few batches of examples: this is **calibration**. You write the rules that
the tools offer, see when each is right, and meet their counterparts in PyTorch, which yours equal to the last bit where the rule is the same.

**You will be able to**
- turn a range into scale and zero-point, affine or symmetric, full or narrow, per tensor or per channel;
- observe batches by minimum and maximum, by a moving average, by a histogram;
- leave outliers out by percentile, by mean squared error, by relative entropy, and say what each weighs against what;
- read and write PyTorch's observers and qconfigs;
- calibrate a network without looking at its test set, and say how much data that takes.

| question | what | points |
|---|---|---|
| Q1 | `scale_and_zero_point` | 10 |
| Q2 | `min_max` of batches | 5 |
| Q3 | `moving_average` | 10 |
| Q4 | `add_batch`: a histogram that grows | 10 |
| Q5 | `percentile_range` | 5 |
| Q6 | `best_threshold`: mean squared error | 10 |
| Q7 | `relative_entropy` | 10 |
| Q8 | `observe_with_torch` | 10 |
| Q9 | the engines' qconfigs, read | 5 |
| Q10 | `calibration_range` | 5 |
| Q11 | essay: a calibration to defend | 20 |
| | 80 by checks, 20 read by hand | 100 |

**How it works** is as in Labs 1 and 2: a blank looks like `__`; below each answer stands a check, which shows the visible cases;
**hidden ones remain**. Every question can be answered whether or not the one before is right: later cells use your function where its
check holds, else a reference. Three to four hours in all, the predictions and the essay included.
"""

# %% id="setup"
import importlib.util
import sys
from pathlib import Path

DATA = "digits"  # or "fashion_mnist", "mnist", "cifar10": set QLAB_DATA to a folder that holds it, or allow the download below
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
    print("Upload the course's zip of this lab, then run in a cell of its own:\n!unzip -q -o lab3_calibration*.zip\n%cd lab3_calibration")
    print("%pip uninstall -y qlab\n%pip install ../quantization_lab-*.whl\nThen restart the session and run %cd lab3_calibration again.")
elif missing:
    print(f"Missing or too old: {', '.join(missing)}. Run in a cell of its own:")
    print(f"%pip uninstall -y qlab\n%pip install \"{wheels[-1] if wheels else Path('../..').resolve()}\"\nThen restart the kernel.")
elif not Path("checks").exists():
    print("Missing: the folder checks. It comes with the lab: put it back beside this notebook.")
else:
    import warnings

    warnings.filterwarnings("ignore", category=DeprecationWarning)  # torch.ao.quantization announces its successor at each import

    import torch
    import torch.nn.functional as F

    import provided
    import qlab
    from qlab import clipping, data, observers, plots, training

    print(f"Ready: qlab {qlab.__version__}, torch {torch.__version__}.")

# %% [markdown] id="range-text"
r"""
## 1 · From a range to two numbers

An observer ends with a range, low and high. What follows is the same for all of them, and the same as in PyTorch:

1. The range is extended to hold 0, so that 0 is represented exactly: low = min(low, 0), high = max(high, 0).
2. **Affine**: $S = \dfrac{high - low}{q_{max} - q_{min}}$, and $Z = q_{min} - \text{round}(low / S)$, clamped to the codes.
   **Symmetric**: with $a = \max(-low, high)$ the range is $[-a, a]$, so $S = \dfrac{a}{(q_{max} - q_{min}) / 2}$, and Z is the middle code,
   `(q_min + q_max + 1) // 2`: 0 for signed codes, 128 for 0 to 255.
3. No scale is smaller than eps = 1.1920929e-07: a channel whose values are all 0 would have the scale 0.

Two sets of signed codes are in use: the **full** range -128 to 127, with 127.5 steps on each side, and the **narrow** one, -127 to 127, with 127.
PyTorch's symmetric observers divide by 127.5, TensorRT and LiteRT leave the code -128 out.

![Full and narrow range: with 127.5 steps a side the code 127 falls short of a by half a step](figures/full_narrow.png)

**Before you read on:** with the full range, which real number does the code 127 stand for when a = 1?

<details><summary>Then open this</summary>127 / 127.5 = 0.996. The high end itself is half a step out of reach, and the code -128 reaches beyond -1: nothing there.</details>

**A worked example.** low = -1.3974, high = 1.4707, codes 0 to 255. Affine: S = 2.8681 / 255 = 0.011247, Z = round(124.24) = 124. Symmetric:
S = 1.4707 / 127.5 = 0.011535, Z = 128.

### Q1 · Scale and zero-point of a range
*difficulty 2/5 · importance 5/5 · 15 minutes · 10 points*

`low` and `high` are float32 tensors, 0-d or one entry per channel; `q_min` and `q_max` integers; `symmetric` a bool. Return the scale and the
zero-point, each in the shape of `low`, in any dtype. Round to the nearest; either neighbour at a tie.

<details><summary>Hint 1: a question</summary>How many steps lie between 256 codes? And how many on each side of the middle?</details>
<details><summary>Hint 2: the equation</summary>It is the one of step 2 above, for each of the two cases.</details>
<details><summary>Hint 3: the shape of the code</summary>A quotient each for the scale; a difference whose quotient is rounded for Z; torch.clamp with min= for eps.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    ### BEGIN SOLUTION
    #| if symmetric:
    #|     scale = torch.clamp(torch.maximum( __ , __ ) / __ , min=eps)
    #|     zero_point = torch.full_like(scale, __ )
    #| else:
    #|     scale = torch.clamp( __ / __ , min=eps)
    #|     zero_point = torch.clamp( __ - torch.round( __ / __ ), q_min, q_max)
    if symmetric:
        scale = torch.clamp(torch.maximum(-low, high) / ((q_max - q_min) / 2), min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(q_min - torch.round(low / scale), q_min, q_max)
    ### END SOLUTION
    return scale, zero_point


# %% nbgrader={"grade": true, "grade_id": "q1-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q1: visible cases; hidden ones remain.
from checks import q1

### BEGIN HIDDEN TESTS
from checks.q1 import ends, single

from qlab.check import case

q1.also(
    case("a range below 0", single(-6.0), single(-1.0), -128, 127, False, group="affine"),
    case("2 bits, six channels", ends(6, centre=-1.0), ends(6, centre=4.0), -2, 1, False, group="affine"),
    case("narrow, 4 bits", ends(3, centre=-4.0), ends(3, centre=1.0), -7, 7, True, group="symmetric"),
    case("symmetric, all above 0", single(0.5), single(3.0), -128, 127, True, group="symmetric"),
    case("all channels dead", [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], -128, 127, False, group="dead"),
)
### END HIDDEN TESTS
q1.check(scale_and_zero_point)

# %% id="q1-provided"
to_qparams = q1.yours_or_provided()

# %% [markdown] id="minmax-text"
r"""
## 2 · Watching batches go by

An **observer** sits at a place in the network and sees each batch that passes, once. It cannot keep the values; what it keeps are a few
numbers. The simplest one, **MinMax**, keeps the smallest and the largest value so far.

The worked example of this lab consists of two batches of 3 channels with 4 values each, from a lesson on PyTorch's observers:

| | batch 1 | batch 2 |
|---|---|---|
| channel 0 | -0.0590, 1.1674, 0.7119, -1.1270 | -0.0236, -0.7599, 1.0290, 0.8914 |
| channel 1 | -1.3974, 0.5077, -0.5601, 0.0683 | -1.1727, -1.2556, -0.2271, 0.9568 |
| channel 2 | -0.0929, 0.9473, 0.7159, -0.4574 | -0.2500, 1.4579, 1.4707, 0.4043 |

MinMax ends with low = (-1.1270, -1.3974, -0.4574) and high = (1.1674, 0.9568, 1.4707).

### Q2 · MinMax, a range for each channel
*difficulty 1/5 · importance 4/5 · 10 minutes · 5 points*

`batches` is (batches, channels, values), float32. Return `low` and `high`, each (channels,).

<details><summary>Hint 1: a question</summary>Which of the three dimensions is left in the answer?</details>
<details><summary>Hint 2: the equation</summary>low_c is the smallest x over all batches and values of channel c.</details>
<details><summary>Hint 3: the shape of the code</summary>amin and amax take several dimensions: dim=(…, …).</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def min_max(batches):
    ### BEGIN SOLUTION
    #| low = batches.amin(dim= __ )
    #| high = batches.amax(dim= __ )
    low = batches.amin(dim=(0, 2))
    high = batches.amax(dim=(0, 2))
    ### END SOLUTION
    return low, high


# %% nbgrader={"grade": true, "grade_id": "q2-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q2: visible cases; hidden ones remain.
from checks import q2

### BEGIN HIDDEN TESTS
from checks.q2 import batches_of

from qlab.check import case, normal

q2.also(
    case("nine batches", batches_of(9, 5, 7)),
    case("as many batches as channels", batches_of(4, 4, 4)),
    case("all values above 0", normal(3, 2, 9, mean=6.0, std=0.5)),
)
### END HIDDEN TESTS
q2.check(min_max)

# %% id="q2-provided"
by_min_max = q2.yours_or_provided()

# %% [markdown] id="average-text"
r"""
## 3 · A moving average

MinMax never forgets: one strange image widens the range for good. A **moving average** of the batches' ends forgets slowly:

$$ low \leftarrow low + c \,(low_{batch} - low), \qquad \text{the first batch sets } low = low_{batch} $$

and the same for high. PyTorch's default is c = 0.01. While a network trains, its activations drift; this is why the observers of
quantization-aware training (Lab 5) are moving averages.

**Before you read on:** the ends of all batches are the same but for one, whose high end is 10 times the others'. How far does it move high with
c = 0.01, and what is left of that 100 batches later?

<details><summary>Then open this</summary>By 0.01 of the difference of 9, so 9 %; after 100 more batches 0.99 to the power of 100, 37 %, of that is left.</details>
<!-- given: 9 of the momentum's example, and 0.99 to the power of 100 -->

**A worked example.** Channel 1: low starts at -1.3974, and the second batch's -1.2556 moves it to
-1.3974 + 0.01 (-1.2556 + 1.3974) = -1.3960.

### Q3 · Moving averages of the ends
*difficulty 2/5 · importance 4/5 · 15 minutes · 10 points*

`batches` as in Q2, `c` in (0, 1]. Return `low` and `high`, each (channels,).

<details><summary>Hint 1: a question</summary>What are low and high after the first batch? Which batches are left?</details>
<details><summary>Hint 2: the equation</summary>It is the one with the arrow above, once a batch.</details>
<details><summary>Hint 3: the shape of the code</summary>Ends of batch 0, then a loop over batches[1:], two lines in it.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def moving_average(batches, c=0.01):
    ### BEGIN SOLUTION
    #| low, high = __ , __
    #| for batch in batches[ __ :]:
    #|     low = low + __ * (batch.amin(dim=1) - __ )
    #|     high = high + __ * (batch.amax(dim=1) - __ )
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for batch in batches[1:]:
        low = low + c * (batch.amin(dim=1) - low)
        high = high + c * (batch.amax(dim=1) - high)
    ### END SOLUTION
    return low, high


# %% nbgrader={"grade": true, "grade_id": "q3-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q3: visible cases; hidden ones remain.
from checks import q3

### BEGIN HIDDEN TESTS
from checks.q3 import batches_of

from qlab.check import case

q3.also(
    case("twelve batches, c = 0.1", batches_of(12, 4, 6), 0.1),
    case("two batches, c = 0.5", batches_of(2, 3, 8), 0.5),
    case("as many batches as channels, c = 0.05", batches_of(5, 5, 6), 0.05),
)
### END HIDDEN TESTS
q3.check(moving_average)

# %% id="q3-provided"
by_moving_average = q3.yours_or_provided()

# %% id="meet-torch" tags=["demo"]
from checks import EXAMPLE
from qlab import torch_flow as torchs


def shown(scale, zero_point):
    return f"{', '.join(f'{s:.4f}' for s in scale.reshape(-1).tolist()):25} {', '.join(f'{z:.0f}' for z in zero_point.reshape(-1).tolist())}"


def torchs_answer(observer):
    for batch in EXAMPLE:
        observer(batch)
    return observer.calculate_qparams()


whole = EXAMPLE.reshape(2, 1, -1)
unsigned = {"dtype": torchs.quint8}
rows = [
    ("MinMax", to_qparams(*by_min_max(whole), 0, 255, False), torchs.MinMaxObserver(**unsigned)),
    ("MovingAverage", to_qparams(*by_moving_average(whole), 0, 255, False), torchs.MovingAverageMinMaxObserver(**unsigned)),
    ("MovingAverage, symmetric", to_qparams(*by_moving_average(whole), 0, 255, True), torchs.MovingAverageMinMaxObserver(qscheme=torchs.per_tensor_symmetric, **unsigned)),
    ("MinMax per channel", to_qparams(*by_min_max(EXAMPLE), 0, 255, False), torchs.PerChannelMinMaxObserver(**unsigned)),
    ("MovingAverage per channel", to_qparams(*by_moving_average(EXAMPLE), 0, 255, False), torchs.MovingAveragePerChannelMinMaxObserver(**unsigned)),
]
print(f"{'':26} {'scale':25} zero-point")
for name, yours, theirs in rows:
    theirs = torchs_answer(theirs)
    equal = all(torch.equal(a.reshape(-1).double(), b.reshape(-1).double()) for a, b in zip(yours, theirs, strict=True))
    print(f"{name:26} {shown(*yours)}\n{'  torch':26} {shown(*theirs)}   {'equal to the last bit' if equal else 'different'}")
print(f"{'torch, HistogramObserver':26} {shown(*torchs_answer(torchs.HistogramObserver(**unsigned)))}   (an older torch printed 0.0100, 106)")
print(f"These observers are from {torchs.flow}.")

# %% [markdown] id="histogram-text"
r"""
## 4 · A histogram that grows

Minimum and maximum say where the values end, nothing about how many are out there. A **histogram** does: counts of absolute values in bins of one
width, from 0 to an end. The next batch may have values beyond the end. Then the range **doubles**, and neighbouring bins merge in pairs: no count
is ever split, and the result is as if all batches had been counted at once.

![The range doubles: bins 0 and 1 become bin 0, bins 2 and 3 become bin 1](figures/doubling.png)

A bin holds its upper end; 0 belongs to the first bin. (PyTorch's HistogramObserver lets the range grow as it likes and spreads old counts over new bins,
which is not exact, but wastes no bins.)

**A worked example.** Counts (1, 2, 1, 2) up to 4, and a batch with -7.1: 7.1 > 4, so the range doubles to 8, the counts become (3, 3, 0, 0), and then 7.1 goes
into the last bin: (3, 3, 0, 1).

### Q4 · Add a batch to a histogram
*difficulty 3/5 · importance 3/5 · 20 minutes · 10 points*

`counts` is (bins,), int64, bins even; `end` a float above 0; `batch` any shape, float32, not empty. Return the new counts and the new end. The last given line counts
the batch in the final range.

<details><summary>Hint 1: a question</summary>How often has the range to double if the largest value is five times the end?</details>
<details><summary>Hint 2: the equation</summary>New bin k holds the old bins 2k and 2k + 1; the upper half is empty.</details>
<details><summary>Hint 3: the shape of the code</summary>A while loop; counts.reshape(-1, 2).sum(dim=…) puts pairs together; torch.cat with as many zeros behind.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q4", "locked": false, "schema_version": 3, "solution": true, "task": false}
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    ### BEGIN SOLUTION
    #| while sizes.max() > __ :
    #|     pairs = counts.reshape(-1, 2).sum(dim= __ )
    #|     counts = torch.cat([ __ , torch.zeros_like( __ )])
    #|     end = __
    while sizes.max() > end:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
        end = 2 * end
    ### END SOLUTION
    places = torch.clamp(torch.ceil(sizes.double() * bins / end).long() - 1, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% nbgrader={"grade": true, "grade_id": "q4-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q4: visible cases; hidden ones remain.
from checks import q4

### BEGIN HIDDEN TESTS
from checks.q4 import counts_of, values_up_to

from qlab.check import case

q4.also(
    case("on the edges, doubled", counts_of(4), 2.0, [4.0, -1.0, 3.0, 2.0], group="doubles"),
    case("32 bins, it fits", counts_of(32), 3.0, values_up_to(50, 3.0), group="fits"),
    case("8 bins, doubled five times", counts_of(8), 0.5, values_up_to(30, 16.0), group="doubles"),
    case("2 bins, doubled once", counts_of(2), 1.0, values_up_to(10, 2.0), group="doubles"),
)
### END HIDDEN TESTS
q4.check(add_batch)

# %% id="q4-provided"
with_batch = q4.yours_or_provided()

# %% [markdown] id="network-text"
r"""
## 5 · Outliers: clipping against rounding

Now a real tensor: what enters the second convolution of a small network trained on your data, 1,424 images of it.
"""

# %% id="network" tags=["demo"]
dataset = data.load(DATA, download=DOWNLOAD).first(5000, 1000)  # of a bigger set this many: all activations are kept
net = provided.net_for(dataset, SEED)
training.train(net, dataset, epochs=8 if len(dataset.x_train) < 10_000 else 1, learning_rate=0.05, seed=SEED)
net = provided.folded(net)
fp32 = provided.accuracy(net, dataset, weight_bits=None)
train_batches = provided.batches_of(dataset.x_train, 16, SEED)[:89]
activation = torch.cat([provided.inputs_of(net, batch)[1].flatten() for batch in train_batches])
print(f"{dataset.name}: fp32 {100 * fp32:.1f} % of the test images; {len(train_batches)} batches of 16 to calibrate with; {activation.numel():,} activations, largest {activation.max():.2f}")

# %% id="two-errors" tags=["demo"]
thresholds = torch.linspace(0.05, 1, 60) * activation.max()
plots.clipping_and_rounding(activation, thresholds, bitwidth=4)

# %% [markdown] id="percentile-text"
r"""
The range that the picture asks for is narrower than MinMax: a smaller step for the many values inside, at the price of clipping a few outside. With 8 bits the best
threshold is near the largest value, with 4 bits far from it. Three rules find one.

**Percentile**: keep 99.9 % of the values, say, and leave as many out below as above.
<!-- given: an example of a share -->

**A worked example.** The numbers -20, -19, …, 80 are 101 values. Keeping 90 % leaves 5 % out on each side: low = -15, high = 75.

### Q5 · A percentile
*difficulty 2/5 · importance 3/5 · 10 minutes · 5 points*

`x` any shape, float32; `percentile` in (0, 100]. Return low and high, single numbers. Between two neighbouring values any interpolation is accepted.

<details><summary>Hint 1: a question</summary>Keeping 99 % leaves 1 % out in all: which share lies below low?</details>
<details><summary>Hint 2: the equation</summary>low is the quantile at (1 - p / 100) / 2, high the one as far from the other end.</details>
<details><summary>Hint 3: the shape of the code</summary>torch.quantile(x, share) twice.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q5", "locked": false, "schema_version": 3, "solution": true, "task": false}
def percentile_range(x, percentile):
    x = x.flatten().double()
    ### BEGIN SOLUTION
    #| share = __
    #| low = torch.quantile(x, __ )
    #| high = torch.quantile(x, __ )
    share = (1 - percentile / 100) / 2
    low = torch.quantile(x, share)
    high = torch.quantile(x, 1 - share)
    ### END SOLUTION
    return low, high


# %% nbgrader={"grade": true, "grade_id": "q5-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q5: visible cases; hidden ones remain.
from checks import q5

### BEGIN HIDDEN TESTS
from checks.q5 import tails

from qlab.check import case, normal

q5.also(
    case("half of it", normal(999), 50),
    case("98 %", tails(3001), 98),
)
### END HIDDEN TESTS
q5.check(percentile_range)

# %% id="q5-provided"
by_percentile = q5.yours_or_provided()

# %% [markdown] id="mse-text"
r"""
**Mean squared error**: quantize the tensor with each of some thresholds, and keep the one whose result is nearest to the tensor. With a threshold a the codes are
-q_max to q_max (narrow), the scale is a / q_max:

$$ a^* = \arg\min_a \; \text{mean}\left( (x - S_a\, q_a(x))^2 \right), \qquad q_a(x) = \text{clamp}(\text{round}(x / S_a), -q_{max}, q_{max}) $$

**A worked example.** x = (0.2, -0.6, 1.0, -0.9, 0.5, 0.4, -0.3, 2.9), thresholds 1, 2 and 3, q_max = 3. The errors are 0.459, 0.151 and 0.090: 3 is the best.

### Q6 · The threshold with the smallest error
*difficulty 3/5 · importance 4/5 · 20 minutes · 10 points*

`x` any shape, float32; `thresholds` (candidates,), above 0, in any order; `q_max` an integer. Return the best threshold, a single number.

<details><summary>Hint 1: a question</summary>What happens to a value of 2.9 with the threshold 1? Does your code know?</details>
<details><summary>Hint 2: the equation</summary>It is the one above: round, clamp, back to reals, mean of squares.</details>
<details><summary>Hint 3: the shape of the code</summary>A loop over thresholds that collects errors; argmin of them at the end.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q6", "locked": false, "schema_version": 3, "solution": true, "task": false}
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        ### BEGIN SOLUTION
        #| scale = __
        #| q = torch.clamp(torch.round( __ / __ ), __ , __ )
        #| errors.append((( __ - __ ) ** 2).mean())
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append(((x - scale * q) ** 2).mean())
        ### END SOLUTION
    return thresholds[torch.argmin(torch.stack(errors))]


# %% nbgrader={"grade": true, "grade_id": "q6-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q6: visible cases; hidden ones remain.
from checks import q6

### BEGIN HIDDEN TESTS
from checks.q6 import SHUFFLED, THRESHOLDS, clear

from qlab.check import case, normal

q6.also(
    case("a bell, 6 bits", normal(3000), THRESHOLDS, 31, such_that=clear),
    case("a wide bell, 4 bits, shuffled", normal(2500, std=1.5), SHUFFLED, 7, such_that=clear),
)
### END HIDDEN TESTS
q6.check(best_threshold)

# %% id="q6-provided"
by_error = q6.yours_or_provided()

# %% [markdown] id="entropy-text"
r"""
**Relative entropy**, the rule of TensorRT's first calibrator (S. Migacz, GTC 2017), compares distributions instead of values. From a histogram of absolute values it keeps
the first bins, up to a threshold:

- **P** is what the kept bins look like after clipping: their counts, with all that lies beyond added to the **last** one.
- **Q** is what is left of the kept bins after quantization to some levels: neighbouring bins merge into a level, and each level's count is spread evenly over
  those of its bins that are not empty. What lies beyond is **not** in Q.

Both are normalized to add up to 1, and the loss is

$$ KL(P \,\|\, Q) = \sum_{P_b > 0} P_b \,\ln \frac{P_b}{Q_b} $$

The threshold with the smallest loss wins. With few bins kept, merging loses little but much lies beyond; with many bins it is the other way round.

![P with what lies beyond in its last bin, Q merged into levels and spread](figures/entropy.png)

**A worked example.** Counts (4, 2, 0, 3, 1, 1), 4 bins kept, 2 levels. P = (4, 2, 0, 3 + 2) / 11. The levels are (4, 2) and (0, 3): 6 spread over two bins, 3 over one, so
Q = (3, 3, 0, 3) / 9. KL = 0.0624.

### Q7 · Relative entropy of a threshold
*difficulty 4/5 · importance 3/5 · 25 minutes · 10 points*

`counts` (bins,), `kept` and `levels` integers. The given lines find the level of each kept bin, the levels' sums, and how many bins of each level are not empty. Return the loss, in nats;
the last kept bin is never empty here.

<details><summary>Hint 1: a question</summary>If what lies beyond were in Q too, what would clipping cost?</details>
<details><summary>Hint 2: the equation</summary>It is the one above, over the bins where P is not 0.</details>
<details><summary>Hint 3: the shape of the code</summary>Add beyond.sum() to the last entry of P; (a / b)[level] gives each bin the share of its level; divide each by its sum.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q7", "locked": false, "schema_version": 3, "solution": true, "task": false}
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    sums = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, inside)
    bins = torch.zeros(levels, dtype=torch.float64).index_add_(0, level, filled)
    ### BEGIN SOLUTION
    #| P = inside.clone()
    #| P[ __ ] += __
    #| Q = filled * ( __ / torch.clamp( __ , min=1))[level]
    #| P, Q = P / __ , Q / __
    #| there = P > 0
    #| loss = ( __ * torch.log( __ / __ ))[there].sum()
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    loss = (P * torch.log(P / Q))[there].sum()
    ### END SOLUTION
    return loss


# %% nbgrader={"grade": true, "grade_id": "q7-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q7: visible cases; hidden ones remain.
from checks import q7

### BEGIN HIDDEN TESTS
from checks.q7 import histogram_of

from qlab.check import case

q7.also(
    case("as many levels as bins", histogram_of(16, 16), 16, 16, group="all"),
    case("96 of 128 bins, 32 levels", histogram_of(128, 96), 96, 32, group="beyond"),
)
### END HIDDEN TESTS
q7.check(relative_entropy)

# %% id="q7-provided"
entropy_of = q7.yours_or_provided()

# %% [markdown] id="compared-text"
r"""
Now all rules on the same activations, with your functions. **Before you run it:** which rule will keep the widest range? Which one will have the smallest mean squared
error at 3 bits?
"""

# %% id="compared" tags=["demo"]
counts, end = torch.zeros(512, dtype=torch.int64), float(activation.max()) / 3
for batch in train_batches:
    values = provided.inputs_of(net, batch)[1].flatten()
    counts, end = with_batch(counts, end, values[values > 0])  # zeros are exact in every range
kept = min(range(128, 513), key=lambda kept: float(entropy_of(counts, kept, 128)) if counts[kept - 1] else float("inf"))


def threshold(rule, bitwidth):
    if rule == "MSE":
        return float(by_error(activation[::5], torch.linspace(0.1, 1, 46) * activation.max(), 2**bitwidth - 1))
    # 99.8 % of both ends together: 0.1 % left out above, and below nothing but zeros.
    ends = {"MinMax": activation.max(), "percentile": by_percentile(activation, 99.8)[1], "entropy": (kept + 0.5) / 512 * end}
    return float(ends[rule])


print(f"{'':10} {'high':>6} {'MSE, 8 bits':>12} {'4 bits':>9} {'3 bits':>9}")
for rule in ("MinMax", "percentile", "MSE", "entropy"):
    errors = [clipping.mean_squared_error(activation, torch.tensor(0.0), torch.tensor(threshold(rule, bits)), 0, 2**bits - 1) for bits in (8, 4, 3)]
    print(f"{rule:10} {threshold(rule, 4):6.2f} {errors[0]:12.2g} {errors[1]:9.2g} {errors[2]:9.2g}")

# %% [markdown] id="qconfig-text"
r"""
## 6 · The same in PyTorch: observers and qconfigs

In PyTorch a **QConfig** says which observer watches the activations and which the weights of a layer. `with_args` makes a recipe: the observer itself is made anew for each layer.

```python
QConfig(
    activation=HistogramObserver.with_args(dtype=tq.quint8, qscheme=tq.per_tensor_affine),
    weight=MinMaxObserver.with_args(dtype=tq.qint8, qscheme=tq.per_tensor_symmetric),
)
```

They stand in `torch.ao.quantization`, which PyTorch has announced to remove. `qlab.torch_flow`, imported as `tq`, hands on PyTorch's own as long as they are there, and qlab's under the same names afterwards.

`dtype` says which codes: quint8 is 0 to 255, qint8 -128 to 127. `qscheme` says how the range is used: `per_tensor_affine`, `per_tensor_symmetric`, `per_channel_affine`,
`per_channel_symmetric`. A dtype is no scheme: `qscheme=tq.qint8` raises an error, though only when the observer is made.

### Q8 · Write a qconfig and use its observers
*difficulty 2/5 · importance 4/5 · 15 minutes · 10 points*

Activations: a moving average, quint8, affine, per tensor. Weights: minimum and maximum, qint8, symmetric, a scale for each output channel. Show the activation's observer every batch of `batches`, one after
the other (`batches[i]` is a batch), and the weight's observer `weights` (output channels first). Return the activation's scale and zero-point, then the weights'.

<details><summary>Hint 1: a question</summary>Which of the observers that this cell imports has a moving average? Which looks at channels?</details>
<details><summary>Hint 2: the recipe</summary>Observer.with_args(dtype=…, qscheme=…), as in the example above.</details>
<details><summary>Hint 3: the shape of the code</summary>qconfig.activation() makes an observer; call it with each batch in a loop; calculate_qparams() at the end.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q8", "locked": false, "schema_version": 3, "solution": true, "task": false}
from qlab import torch_flow as tq
from qlab.torch_flow import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PerChannelMinMaxObserver,
    QConfig,
)


def observe_with_torch(batches, weights):
    ### BEGIN SOLUTION
    #| of_activations = __ .with_args(dtype= __ , qscheme= __ )
    #| of_weights = __ .with_args(dtype= __ , qscheme= __ )
    of_activations = MovingAverageMinMaxObserver.with_args(dtype=tq.quint8, qscheme=tq.per_tensor_affine)
    of_weights = PerChannelMinMaxObserver.with_args(dtype=tq.qint8, qscheme=tq.per_channel_symmetric)
    ### END SOLUTION
    qconfig = QConfig(activation=of_activations, weight=of_weights)
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% nbgrader={"grade": true, "grade_id": "q8-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q8: visible cases; hidden ones remain.
from checks import q8

### BEGIN HIDDEN TESTS
from checks.q8 import activations_of

from qlab.check import case, normal

q8.also(
    case("one batch", activations_of(1, 5, 12), normal(4, 2, 3, 3)),
    case("fifty batches, one channel", activations_of(50, 3, 8), normal(1, 24)),
)
### END HIDDEN TESTS
q8.check(observe_with_torch)

# %% [markdown] id="engines-text"
r"""
Each engine has a qconfig of its own, which PyTorch gives by `get_default_qconfig` for post-training quantization (PTQ) and by `get_default_qat_qconfig` for quantization-aware training (QAT). The
table below is read from the PyTorch that is installed here. `reduce_range` gives the activations 7 bits: without VNNI, fbgemm and x86 add two products of bytes in 16 bits, which can
saturate (Lab 2, Q9); codes up to 127 cannot.
"""

# %% id="engines" tags=["demo"]
print(provided.qconfig_table())

# %% [markdown] id="q9-text"
r"""
### Q9 · Read the table
*difficulty 1/5 · importance 3/5 · 5 minutes · 5 points*

A convolution has 32 output channels. With the PTQ qconfigs of fbgemm and of qnnpack: how many different codes can one of its activations have, and how many scales do its weights have?

<details><summary>Hint 1: a question</summary>How many codes are there from 0 to 127?</details>
<details><summary>Hint 2: where to look</summary>The columns “codes” and “scheme” in the rows fbgemm PTQ and qnnpack PTQ.</details>
<details><summary>Hint 3: the shape of the code</summary>Four integers.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q9", "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
#| fbgemm_codes, qnnpack_codes = __ , __
#| fbgemm_scales, qnnpack_scales = __ , __
fbgemm_codes, qnnpack_codes = 128, 256
fbgemm_scales, qnnpack_scales = 32, 1
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "q9-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q9.
from checks import q9

q9.check(fbgemm_codes, qnnpack_codes, fbgemm_scales, qnnpack_scales)

# %% [markdown] id="calibrate-text"
r"""
## 7 · Calibrating a network

Which images does an observer see? The test set stands for images that nobody has seen yet: an accuracy measured on images that the ranges were fitted to says nothing about new ones. So calibration
takes **training** images, and only a few batches of them.

### Q10 · The batches to calibrate with
*difficulty 1/5 · importance 5/5 · 5 minutes · 5 points*

`train` and `test` are (batches, channels, values), `count` an integer. Return low and high, each (channels,), by your `min_max`, from the first `count` batches that calibration may look at.

<details><summary>Hint 1: a question</summary>Which of the two sets will the accuracy be measured on?</details>
<details><summary>Hint 2: the rule</summary>The first count training batches, nothing else.</details>
<details><summary>Hint 3: the shape of the code</summary>A slice, given to min_max.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q10", "locked": false, "schema_version": 3, "solution": true, "task": false}
def calibration_range(train, test, count):
    ### BEGIN SOLUTION
    #| return min_max( __ )
    return min_max(train[:count])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q10-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q10: visible cases; hidden ones remain.
from checks import q10

### BEGIN HIDDEN TESTS
from checks.q10 import batches_of

from qlab.check import case

q10.also(
    case("2 of 6 batches", batches_of(6, 5, 9), batches_of(6, 5, 9, spread=3.0), 2),
    case("3 of 4 batches", batches_of(4, 2, 9), batches_of(4, 2, 9, spread=3.0), 3),
)
### END HIDDEN TESTS
q10.check(calibration_range)

# %% id="q10-provided"
calibrate = q10.yours_or_provided()


def ranges_of(batches, count=None):
    """Each layer's input range by calibrate, from the first count batches of images."""
    seen = [provided.inputs_of(net, batch) for batch in batches[:count]]
    stacked = [torch.stack([inputs[layer].reshape(1, -1) for inputs in seen]) for layer in range(len(seen[0]))]
    return [tuple(end[0] for end in calibrate(x, x[:0], len(x))) for x in stacked]


# %% [markdown] id="experiments-text"
r"""
**Three predictions.** (a) How many batches does it take: 1, 10, 100? (b) Would random images do, since only the range matters? (c) The camera is replaced, and every image becomes brighter by 0.4: what
helps, new weights or new ranges?

Weights have 8 bits here, per channel, and activations 8 or 3 bits.
"""

# %% id="experiments" tags=["demo"]
noise = torch.randn(len(train_batches) * 16, *dataset.x_test.shape[1:], generator=torch.Generator().manual_seed(SEED)).split(16)
brighter = dataset.x_test + 0.4
real_ranges, noise_ranges = ranges_of(train_batches), ranges_of(noise)
new_ranges = ranges_of([batch + 0.4 for batch in train_batches])


def measured(ranges, bits, images=None):
    return provided.accuracy(net, dataset, ranges, 8, bits, images=images)


print(f"{'test images classified rightly':34} {'8 bits':>8} {'3 bits':>8}")
for count in (1, 2, 5, 10, 30, len(train_batches)):
    few = ranges_of(train_batches, count)
    print(f"  (a) {count:3} batch{'es' if count > 1 else '  '} of 16 images      {100 * measured(few, 8):6.1f} % {100 * measured(few, 3):6.1f} %")
print(f"  (b) calibrated on random images  {100 * measured(noise_ranges, 8):6.1f} % {100 * measured(noise_ranges, 3):6.1f} %")
print(f"  (c) brighter images, fp32        {100 * provided.accuracy(net, dataset, weight_bits=None, images=brighter):6.1f} %")
print(f"      brighter images, old ranges  {100 * measured(real_ranges, 8, brighter):6.1f} % {100 * measured(real_ranges, 3, brighter):6.1f} %")
print(f"      brighter images, new ranges  {100 * measured(new_ranges, 8, brighter):6.1f} % {100 * measured(new_ranges, 3, brighter):6.1f} %")

real_8, real_3, noise_3 = measured(real_ranges, 8), measured(real_ranges, 3), measured(noise_ranges, 3)
one_3 = measured(ranges_of(train_batches, 1), 3)
old_8, new_8 = measured(real_ranges, 8, brighter), measured(new_ranges, 8, brighter)

# %% [markdown] id="found-text"
r"""
What we found with {{ digits.seeds }} seeds on digits: fp32 {{ digits.fp32 }}; calibrated on all batches {{ digits.real_8 }} with 8 bits and {{ digits.real_3 }} with 3; on a single batch {{ digits.one_3 }} with 3 bits; on random
images {{ digits.noise_3 }} with 3 bits. Brighter images: {{ digits.old_8 }} with the old ranges, {{ digits.new_8 }} with new ones, both with 8 bits.

So on a network this small one batch does nearly as well as 89: the range of many activations is soon seen. Random images have other ranges, too wide by far, and with few codes that costs accuracy. And a
shift of the input needs new ranges, not new weights: calibration takes seconds.

## 8 · Why a scale for each channel

A batch norm behind a convolution multiplies each channel by a number of its own. Folded into the weights (Lab 4 derives it), these numbers make some channels' weights much larger than others', and one scale for
all has to serve the largest.
"""

# %% id="channels" tags=["demo"]
plots.channel_ranges([layer.weight for layer in provided.layers(net)], ["conv 1", "conv 2", "conv 3", "linear"])

# %% id="per-channel" tags=["demo"]
print(f"{'bits of a weight':18} {'per tensor':>11} {'per channel':>12}")
for bits in (8, 4, 3, 2):
    per_tensor, per_channel = (provided.accuracy(net, dataset, real_ranges, bits, 8, per_channel=c) for c in (False, True))
    print(f"{bits:18} {100 * per_tensor:9.1f} % {100 * per_channel:10.1f} %")
tensor_2, channel_2 = per_tensor, per_channel

# %% [markdown] id="essay-text"
r"""
With {{ digits.seeds }} seeds on digits, 2 bits: {{ digits.tensor_2 }} per tensor, {{ digits.channel_2 }} per channel; with 8 and 4 bits there is nothing to see. A scale for each channel costs one float a channel and no time, since
the multiplier M of Lab 2 becomes a number for each output channel: this is why the engines do it for weights. Activations stay per tensor: their channels are summed up inside of one accumulator, which can have one scale only.

### Q11 · Essay: defend a calibration
*20 points, read by hand · 30 minutes · 250 to 400 words*

A hospital runs an X-ray classifier, 8 bits, on CPUs of several kinds. You have the trained network, 50,000 training images, and one afternoon. Choose: the images to calibrate with and how many; the rule for activations and for weights; per tensor
or per channel; full or narrow range; and what you check before the network goes into use. A scanner is replaced each year: what then?

| rubric | points |
|---|---|
| images: from training, enough and varied, never the test set, with the reason | 4 |
| activations: a rule for one-sided values with outliers, weighed against another | 5 |
| weights: per channel, symmetric, and why | 4 |
| what differs between engines, and how the choice allows for it | 3 |
| what is measured before use, and what happens when the scanner changes | 4 |
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q11", "locked": false, "points": 20, "schema_version": 3, "solution": true, "task": false}
"""
### BEGIN SOLUTION
#| *Your essay here.*
What a full answer mentions. Images: some hundred training images that cover scanners, body parts and exposures; more change little, as the experiment with 1 to 89 batches shows; the test images are left alone, or the measured accuracy is no forecast.
Activations: behind ReLU they are one-sided, so affine, unsigned; MinMax is safe with 8 bits and clips nothing, a percentile or MSE is better where a few outliers widen the range (implants, markers), and loses them; the choice is measured on held-out
training images, by accuracy and by the SQNR of each layer. Weights: symmetric, so that no term with Z_w is computed in each sum, per channel because folded batch norms make channels differ; MinMax, since weights are known completely. Engines: fbgemm and x86 without VNNI may saturate
with 8-bit activations, hence reduce_range and 7 bits there; qnnpack's default has one scale for all weights; rounding differs by one code. So the ranges are set once and the network is checked on each kind of CPU. Before use: accuracy against fp32 on a
validation set, agreement image by image, the share of clipped values. A new scanner: watch that share and the ranges; calibrate again with its images, which takes minutes and needs no labels; if fp32 suffers too, the network has to be trained again.
### END SOLUTION
"""

# %% [markdown] id="end"
"""
## What success looks like

All cards above are green, your observers equal PyTorch's to the last bit, and you can say for each rule what it sacrifices. These were visible checks only; hidden ones remain.

**Stretch goals.** (1) Use `by_error` at every layer instead of MinMax, with 2 bits: how much of the accuracy comes back? (2) Write PyTorch's HistogramObserver: its search moves the two ends inward from the outer quantiles
while the error sinks. (3) Set `DATA = "fashion_mnist"`: does one batch still do?

**The next lab** uses these ranges in earnest: it folds batch norms, lets PyTorch observe and convert a whole network, and measures what it gains.
"""

# %% [markdown] id="hand-in-text"
"""
## Handing in

1. Run all cells (*Run → Restart Kernel and Run All Cells*), look at the cards, and save.
2. In a terminal (*File → New → Terminal*), run `qlab submit lab3`: it says what is missing, offers a PDF for your report, and writes `Lab3_StudentID_Name.zip`.
3. Upload that file to your course's page. You can hand in an incomplete lab, and you can hand in again.
"""
