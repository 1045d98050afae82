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
# Lab 3 · Calibration: choosing the range

Labs 1 and 2 took the range of a tensor from the tensor itself. A network in use sees images that nobody has seen before, so the ranges
of its activations must be found beforehand, on a few batches of examples. This is **calibration**. In this lab you write the rules that
the tools offer, see when each one is right, and check that yours match PyTorch's bit for bit where the rule is the same.

**You will be able to**
- turn a range into a scale and a zero-point: affine or symmetric, full or narrow, per tensor or per channel;
- observe batches by minimum and maximum, by a moving average, by a histogram;
- clip outliers by percentile, by mean squared error, by relative entropy, and say what each rule weighs against what;
- read and write PyTorch's observers and qconfigs;
- calibrate a network without looking at its test set, and say how much data that takes;
- store weights in four bits each, with one scale per group.

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
| Q9 | the engines' qconfigs | 5 |
| Q10 | `calibration_range` | 5 |
| Q10b | `pack_groups`: four bits per weight, an open exercise | 6 |
| Q10c | `unpack_groups`: the way back, an open exercise | 4 |
| Q11 | essay: defend a calibration | 10 |
| | 90 by checks, 10 graded by hand | 100 |

## Before you start

**What you need to know.** Lab 1: scale, zero-point, codes. From Lab 2: why a zero-point of the weights costs time (its first section), and what
the multiplier $M = M_0 \cdot 2^{-n}$ is. What a convolution, a batch norm and a ReLU do; Lab 4 comes back to batch norm. The course's glossary
(`docs/glossary.md`, in the repository [here](../../docs/glossary.md)) explains all terms.

**Time.** About four hours, including the predictions and the essay. All cells together run for less than a minute.

**How it works.** As in Labs 1 and 2: replace every blank `__` with an expression. An *open* exercise has no blanks: write the function your own way.
Below each answer is a check. It runs the visible tests only; grading also runs **hidden ones**. Questions are independent: later cells use your
function if its check passed, and a reference otherwise.
"""

# %% id="setup"
import importlib.util
import sys
from pathlib import Path

# Or "fashion_mnist", "mnist", "cifar10": set QLAB_DATA to a folder that contains it, or
# allow the download.
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
        "!unzip -q -o lab3_calibration*.zip\n"
        "%cd lab3_calibration\n"
        "%pip uninstall -y qlab\n"
        "%pip install ../quantization_lab-*.whl\n"
        "Then restart the session and run %cd lab3_calibration again."
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
    import warnings

    # torch.ao.quantization announces its successor at each import.
    warnings.filterwarnings("ignore", category=DeprecationWarning)

    import torch
    import torch.nn.functional as F

    import provided
    import qlab
    from qlab import clipping, data, observers, plots, training

    print(f"Ready: qlab {qlab.__version__}, torch {torch.__version__}.")

# %% [markdown] id="range-text"
r"""
## 1 · From a range to scale and zero-point

An **observer** watches the values of a tensor and produces a range, from low to high. What follows is the same for all observers, and the same as in
PyTorch:

1. The range is extended to include 0, so that 0 is represented exactly: low = min(low, 0), high = max(high, 0).
2. **Affine**: $S = \dfrac{high - low}{q_{max} - q_{min}}$, and $Z = q_{min} - \text{round}(low / S)$, clamped to the codes.
   **Symmetric**: let $a = \max(-low, high)$. The range is $[-a, a]$, so $S = \dfrac{a}{(q_{max} - q_{min}) / 2}$, and Z is the middle code,
   `(q_min + q_max + 1) // 2`: 0 for signed codes, 128 for 0 to 255.
3. No scale is smaller than eps = 1.1920929e-07, the smallest step of a float32 at 1. A channel whose values are all 0 would otherwise have the scale 0, and quantizing it would divide by 0.

Two sets of signed codes are in use: the **full** range -128 to 127, with 127.5 steps on each side, and the **narrow** range -127 to 127, with 127 steps.
PyTorch's symmetric observers use the full range and divide by 127.5. LiteRT (Google's runtime for phones, once TensorFlow Lite) and TensorRT
(NVIDIA's runtime for GPUs) leave out -128 **for weights**; activations have all 256 codes there
([LiteRT's specification](https://ai.google.dev/edge/litert/models/quantization_spec)).

![Codes on the line from -a to a. Full range with 3.5 steps per side: the code 3 falls short of a by half a step, the code -4 lies beyond -a. Narrow range with 3 steps per side: the codes -3 and 3 lie on -a and a](figures/full_narrow.png)

**Predict:** with the full range, which real number does the code 127 stand for when a = 1?

<details><summary>Then open this</summary>127 / 127.5 = 0.996. The high end itself is half a step out of reach, and the code -128 stands for -1.004, where there are no values.</details>

**A worked example.** low = -1.3974, high = 1.4707, codes 0 to 255. Affine: S = 2.8681 / 255 = 0.011247, Z = round(124.24) = 124. Symmetric:
S = 1.4707 / 127.5 = 0.011535, Z = 128.
"""

# %% [markdown] id="q1-text"
r"""
### Q1 · Scale and zero-point of a range
*difficulty 2/5 · importance 5/5 · 15 minutes · 10 points*

`low` and `high` are float32 tensors, either 0-d or with one entry per channel; `q_min` and `q_max` are integers; `symmetric` is a bool. Return the scale and the
zero-point, each in the shape of `low`, in any dtype. Round to the nearest; if the exact value is halfway between two integers (a *tie*), either is accepted.

<details><summary>Hint 1: a question</summary>How many steps are there between 256 codes? And how many on each side of the middle?</details>
<details><summary>Hint 2: a worked step</summary>low = -2, high = 6, codes -8 to 7. Affine: S = 8 / 15 = 0.5333, low / S = -3.75, so Z = -8 + 4 = -4. Symmetric: a = 6, and 15 / 2 = 7.5 steps
on each side, so S = 0.8 and Z = 0.</details>
<details><summary>Hint 3: the shape of the code</summary>In each branch the scale is one quotient. torch.maximum compares two tensors entry by entry. For the affine Z, subtract a rounded quotient from q_min.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def scale_and_zero_point(low, high, q_min, q_max, symmetric):
    low, high = torch.clamp(low, max=0), torch.clamp(high, min=0)
    eps = torch.finfo(torch.float32).eps
    ### BEGIN SOLUTION
    #| if symmetric:
    #|     scale = torch.clamp( __ , min=eps)
    #|     zero_point = torch.full_like(scale, __ )
    #| else:
    #|     scale = torch.clamp( __ , min=eps)
    #|     zero_point = torch.clamp( __ , q_min, q_max)
    if symmetric:
        a = torch.maximum(-low, high)
        scale = torch.clamp(a / ((q_max - q_min) / 2), min=eps)
        zero_point = torch.full_like(scale, (q_min + q_max + 1) // 2)
    else:
        scale = torch.clamp((high - low) / (q_max - q_min), min=eps)
        zero_point = torch.clamp(q_min - torch.round(low / scale), q_min, q_max)
    ### END SOLUTION
    return scale, zero_point


# %% nbgrader={"grade": true, "grade_id": "q1-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q1: visible cases; grading also runs hidden ones.
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
to_qparams = provided.in_tensors(q1.yours_or_provided(), 2)

# %% [markdown] id="minmax-text"
r"""
## 2 · Observers: minimum and maximum

An observer sits at one place in the network and sees each batch that passes, once. It cannot keep the values; it keeps a few numbers. The simplest
observer, **MinMax**, keeps the smallest and the largest value so far.

The example of this lab consists of two batches of 3 channels with 4 values each, from a lesson on PyTorch's observers:

| | batch 1 | batch 2 |
|---|---|---|
| channel 0 | -0.0590, 1.1674, 0.7119, -1.1270 | -0.0236, -0.7599, 1.0290, 0.8914 |
| channel 1 | -1.3974, 0.5077, -0.5601, 0.0683 | -1.1727, -1.2556, -0.2271, 0.9568 |
| channel 2 | -0.0929, 0.9473, 0.7159, -0.4574 | -0.2500, 1.4579, 1.4707, 0.4043 |

**A worked example.** After both batches MinMax has low = (-1.1270, -1.3974, -0.4574) and high = (1.1674, 0.9568, 1.4707).

### Q2 · MinMax, one range per channel
*difficulty 1/5 · importance 4/5 · 10 minutes · 5 points*

`batches` is (batches, channels, values), float32. Return `low` and `high`, each (channels,).

<details><summary>Hint 1: a question</summary>Which of the three dimensions remains in the answer?</details>
<details><summary>Hint 2: a worked step</summary>One channel, two batches of two values: 3, 5 and 4, 9. low is 3, the smaller of 3 and 4; high is 9.</details>
<details><summary>Hint 3: the shape of the code</summary>batches.amin(dim=…) accepts several dimensions as a tuple.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def min_max(batches):
    ### BEGIN SOLUTION
    #| low = __
    #| high = __
    low = batches.amin(dim=(0, 2))
    high = batches.amax(dim=(0, 2))
    ### END SOLUTION
    return low, high


# %% nbgrader={"grade": true, "grade_id": "q2-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q2: visible cases; grading also runs hidden ones.
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
by_min_max = provided.in_tensors(q2.yours_or_provided(), 2)

# %% [markdown] id="average-text"
r"""
## 3 · Observers: moving averages

MinMax never forgets: one strange image widens the range for good. A **moving average** of each batch's low and high forgets slowly:

$$ low \leftarrow low + c \,(low_{batch} - low), \qquad \text{where the first batch sets } low = low_{batch} $$

and the same for high. PyTorch's default is c = 0.01. While a network trains, the range of its activations changes. For this reason the observers of
quantization-aware training (Lab 5) are moving averages.

**Predict:** one batch has a high of 10; in all others, before and after it, high is 1. How far does that batch move high with
c = 0.01, and how much of that is left 100 batches later?

<details><summary>Then open this</summary>It moves high by 0.01 of the difference of 9, so by 9 %. After 100 more batches 0.99 to the power of 100, 37 %, of that is left.</details>
<!-- given: 9 of the momentum's example, and 0.99 to the power of 100 -->

**A worked example.** Channel 1: low starts at -1.3974, and the second batch's -1.2556 moves it to
-1.3974 + 0.01 (-1.2556 + 1.3974) = -1.3960.
"""

# %% [markdown] id="q3-text"
r"""
### Q3 · Moving averages of low and high
*difficulty 2/5 · importance 4/5 · 15 minutes · 10 points*

`batches` is as in Q2, `c` is in (0, 1]. Return `low` and `high`, each (channels,). You may call your own `min_max`.

<details><summary>Hint 1: a question</summary>What are low and high after the first batch? Which batches remain?</details>
<details><summary>Hint 2: a worked step</summary>Three batches have the lows -1, -2, -1, and c = 0.5. low is -1, then -1 + 0.5 (-2 + 1) = -1.5, then -1.5 + 0.5 (-1 + 1.5) = -1.25.</details>
<details><summary>Hint 3: the shape of the code</summary>Low and high of batches[0], then a loop over the other batches with two lines in it. A batch is (channels, values).</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def moving_average(batches, c=0.01):
    ### BEGIN SOLUTION
    #| low, high = __ , __
    #| for batch in __ :
    #|     low = __
    #|     high = __
    low, high = batches[0].amin(dim=1), batches[0].amax(dim=1)
    for batch in batches[1:]:
        low = low + c * (batch.amin(dim=1) - low)
        high = high + c * (batch.amax(dim=1) - high)
    ### END SOLUTION
    return low, high


# %% nbgrader={"grade": true, "grade_id": "q3-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q3: visible cases; grading also runs hidden ones.
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
by_moving_average = provided.in_tensors(q3.yours_or_provided(), 2)

# %% [markdown] id="meet-torch-text"
r"""
The next cell shows the two batches of the example to your functions and to PyTorch's observers. The last line is PyTorch's default for
activations, a histogram observer: the next section is about histograms.
"""

# %% id="meet-torch" tags=["demo"]
from checks import EXAMPLE
from qlab import torch_flow as tq


def shown(scale, zero_point):
    scales = ", ".join(f"{s:.4f}" for s in scale.reshape(-1).tolist())
    zero_points = ", ".join(f"{z:.0f}" for z in zero_point.reshape(-1).tolist())
    return f"{scales:25} {zero_points}"


def torchs_answer(observer):
    for batch in EXAMPLE:
        observer(batch)
    return observer.calculate_qparams()


def compare(name, low_and_high, symmetric, observer):
    yours = to_qparams(*low_and_high, 0, 255, symmetric)
    theirs = torchs_answer(observer)
    pairs = zip(yours, theirs, strict=True)
    same = all(torch.equal(a.reshape(-1), b.reshape(-1).float()) for a, b in pairs)
    verdict = "equal to the last bit" if same else "different"
    print(f"{name:26} {shown(*yours)}")
    print(f"{'  torch':26} {shown(*theirs)}   {verdict}")


whole = EXAMPLE.reshape(2, 1, -1)  # all values as one channel
unsigned = {"dtype": tq.quint8}
minimum, minimum_c = tq.MinMaxObserver, tq.PerChannelMinMaxObserver
average = tq.MovingAverageMinMaxObserver
average_c = tq.MovingAveragePerChannelMinMaxObserver
mirrored = average(qscheme=tq.per_tensor_symmetric, **unsigned)
print(f"{'':26} {'scale':25} zero-point")
compare("MinMax", by_min_max(whole), False, minimum(**unsigned))
compare("MovingAverage", by_moving_average(whole), False, average(**unsigned))
compare("MovingAverage, symmetric", by_moving_average(whole), True, mirrored)
compare("MinMax per channel", by_min_max(EXAMPLE), False, minimum_c(**unsigned))
compare("MovingAverage per channel", by_moving_average(EXAMPLE), False, average_c(**unsigned))
histogram = shown(*torchs_answer(tq.HistogramObserver(**unsigned)))
print(f"{'torch, HistogramObserver':26} {histogram}   (an older torch: 0.0100, 106)")
print(f"These observers are from {tq.flow}.")

# %% [markdown] id="histogram-text"
r"""
## 4 · A histogram that grows

Minimum and maximum say where the values end, but not how many are out there. A **histogram** does: it counts absolute values in bins of one
width, from 0 to an end. The next batch may have values beyond the end. Then the range **doubles**, and neighbouring bins merge in pairs. No count
is ever split, and the result is as if all batches had been counted at once.

![Three histograms. Counts 1, 2, 1, 2 up to 4; the range doubled to 8 with neighbours merged, 3, 3, 0, 0; then 7.1 counted, 3, 3, 0, 1](figures/doubling.png)

Bins are closed on the right: a value at the border of two bins belongs to the lower one, and 0 to the first. (PyTorch's HistogramObserver extends the range
by any amount and spreads old counts over new bins, which is not exact, but wastes no bins.)

**A worked example.** The counts are (1, 2, 1, 2) up to 4, and a batch has the value -7.1. Since 7.1 > 4, the range doubles to 8, and the counts become (3, 3, 0, 0). Then 7.1 goes
into the last bin: (3, 3, 0, 1).

### Q4 · Add a batch to a histogram
*difficulty 3/5 · importance 3/5 · 20 minutes · 10 points*

`counts` is (bins,), int64, with an even number of bins; `end` is a float above 0; `batch` is float32 of any shape, not empty. Return the new counts and the new end. The last three lines, which
are given, count the batch in the final range.

<details><summary>Hint 1: a question</summary>How often must the range double if the largest value is five times the end?</details>
<details><summary>Hint 2: a worked step</summary>Counts (5, 0, 2, 1, 0, 0, 0, 3) up to 1, doubled once: (5, 3, 0, 3, 0, 0, 0, 0) up to 2. New bin k has the old bins 2k and 2k + 1.</details>
<details><summary>Hint 3: the shape of the code</summary>A while loop. counts.reshape(-1, 2) puts pairs into rows, whose sums are the merged bins; torch.cat appends as many zeros.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q4", "locked": false, "schema_version": 3, "solution": true, "task": false}
def add_batch(counts, end, batch):
    bins = counts.numel()
    sizes = batch.abs().flatten()
    ### BEGIN SOLUTION
    #| while __ :
    #|     pairs = __
    #|     counts = torch.cat([ __ , __ ])
    #|     end = __
    while sizes.max() > end:
        pairs = counts.reshape(-1, 2).sum(dim=1)
        counts = torch.cat([pairs, torch.zeros_like(pairs)])
        end = 2 * end
    ### END SOLUTION
    places = torch.ceil(sizes.double() * bins / end).long() - 1
    places = torch.clamp(places, 0, bins - 1)
    return counts + torch.bincount(places, minlength=bins), end


# %% nbgrader={"grade": true, "grade_id": "q4-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q4: visible cases; grading also runs hidden ones.
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
with_batch = provided.in_tensors(q4.yours_or_provided(), 2)

# %% [markdown] id="network-text"
r"""
## 5 · Outliers: clipping error and rounding error

Now a real tensor: the input activations of the second convolution of a small network that is trained on your data, for 1,424 images (89 batches of 16).
"""

# %% id="network" tags=["demo"]
dataset = data.load(DATA, download=DOWNLOAD).first(5000, 1000)
net = provided.net_for(dataset, SEED)
epochs = 8 if len(dataset.x_train) < 10_000 else 1
training.train(net, dataset, epochs=epochs, learning_rate=0.05, seed=SEED)
net = provided.folded(net)
fp32 = provided.accuracy(net, dataset, weight_bits=None)
train_batches = provided.batches_of(dataset.x_train, 16, SEED)[:89]
inputs = [provided.inputs_of(net, batch)[1].flatten() for batch in train_batches]
activation = torch.cat(inputs)
print(f"{dataset.name}: fp32 is right on {100 * fp32:.1f} % of the test images")
print(f"{len(train_batches)} batches of 16 images to calibrate with")
print(f"{activation.numel():,} activations, the largest is {activation.max():.2f}")

# %% id="two-errors" tags=["demo"]
thresholds = torch.linspace(0.05, 1, 60) * activation.max()
plots.clipping_and_rounding(activation, thresholds, bitwidth=4)

# %% [markdown] id="percentile-text"
r"""
The total error is smallest for a range narrower than MinMax's: the step for the many values inside is smaller, at the price of clipping a few outside. With 8 bits
the best threshold is near the largest value, with 4 bits far from it. There are three rules for finding one.

**Percentile**: keep 99.9 % of the values, say, and leave out as many below as above.
<!-- given: an example of a share -->

**A worked example.** The numbers -20, -19, …, 80 are 101 values. Keeping 90 % leaves out 5 % on each side: low = -15, high = 75.

### Q5 · A percentile
*difficulty 2/5 · importance 3/5 · 10 minutes · 5 points*

`x` is float32 of any shape; `percentile` is in (0, 100]. Return low and high, single numbers. Between two neighbouring values any interpolation is accepted.

<details><summary>Hint 1: a question</summary>Keeping 99 % leaves out 1 % in all: which share of the values is below low?</details>
<details><summary>Hint 2: a worked step</summary>Keep 80 % of the numbers 0 to 10. The share (1 - 0.8) / 2 = 0.1 is left out on each side, and the quantiles at 0.1 and 0.9 are 1 and 9.</details>
<details><summary>Hint 3: the shape of the code</summary>torch.quantile(x, share), twice; the two shares add up to 1.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q5", "locked": false, "schema_version": 3, "solution": true, "task": false}
def percentile_range(x, percentile):
    x = x.flatten().double()
    ### BEGIN SOLUTION
    #| share = __  # of the values, below low
    #| low = __
    #| high = __
    share = (1 - percentile / 100) / 2
    low = torch.quantile(x, share)
    high = torch.quantile(x, 1 - share)
    ### END SOLUTION
    return low, high


# %% nbgrader={"grade": true, "grade_id": "q5-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q5: visible cases; grading also runs hidden ones.
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
by_percentile = provided.in_tensors(q5.yours_or_provided(), 2)

# %% [markdown] id="mse-text"
r"""
**Mean squared error**: quantize the tensor with each of several thresholds, and keep the threshold with the smallest reconstruction error. With a threshold a the codes are
$-q_{max}$ to $q_{max}$ (narrow), and the scale is $a / q_{max}$:

$$ a^* = \arg\min_a \; \text{mean}\left( (x - S_a\, q_a(x))^2 \right), \qquad S_a = a / q_{max}, \qquad q_a(x) = \text{clamp}(\text{round}(x / S_a), -q_{max}, q_{max}) $$

**A worked example.** x = (0.2, -0.6, 1.0, -0.9, 0.5, 0.4, -0.3, 2.9), thresholds 1, 2 and 3, q_max = 3. The errors are 0.459, 0.151 and 0.090: 3 is the best.

### Q6 · The threshold with the smallest error
*difficulty 3/5 · importance 4/5 · 20 minutes · 10 points*

`x` is float32 of any shape; `thresholds` is (candidates,), above 0, in any order; `q_max` is an integer. Return the best threshold, a single number.

<details><summary>Hint 1: a question</summary>What becomes of a value of 2.9 with the threshold 1? Does your code do that?</details>
<details><summary>Hint 2: a worked step</summary>The value 2.9, threshold 1, q_max = 3: the scale is 1/3, 2.9 / (1/3) = 8.7 is rounded to 9 and clamped to 3. Back in real numbers that is 1.0, so the squared error is 1.9 * 1.9 = 3.61.</details>
<details><summary>Hint 3: the shape of the code</summary>The loop and the final choice are given. In the loop: a scale, the codes (rounded, then clamped), and the mean of the squared differences between x and what the codes stand for.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q6", "locked": false, "schema_version": 3, "solution": true, "task": false}
def best_threshold(x, thresholds, q_max):
    errors = []
    for a in thresholds:
        ### BEGIN SOLUTION
        #| scale = __
        #| q = __
        #| errors.append( __ )
        scale = a / q_max
        q = torch.clamp(torch.round(x / scale), -q_max, q_max)
        errors.append(((x - scale * q) ** 2).mean())
        ### END SOLUTION
    return thresholds[torch.argmin(torch.stack(errors))]


# %% nbgrader={"grade": true, "grade_id": "q6-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q6: visible cases; grading also runs hidden ones.
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
by_error = provided.in_tensors(q6.yours_or_provided())

# %% [markdown] id="entropy-text"
r"""
**Relative entropy**, the rule of TensorRT's first calibrator (S. Migacz, GTC 2017), compares distributions instead of values. It is also called the Kullback-Leibler (KL) divergence: it
measures how much one distribution differs from another, and is 0 if they are equal. From a histogram of absolute values the rule keeps
the first bins, up to a threshold:

- **P** is what the kept bins look like after clipping: their counts, with everything beyond added to the **last** kept bin.
- **Q** is what remains of the kept bins after they are quantized to fewer levels: neighbouring bins merge into one level, and each level's count is spread evenly over
  those of its bins that are not empty. What lies beyond is **not** in Q.

Both are normalized, so that each adds up to 1, and the loss is

$$ KL(P \,\|\, Q) = \sum_{P_b > 0} P_b \,\ln \frac{P_b}{Q_b} $$

With the natural logarithm ln, the unit of the loss is called a *nat*. The threshold with the smallest loss wins. With few bins kept, merging loses little but much lies beyond; with many bins
it is the other way round.

![The counts 4, 2, 0, 3, 1, 1 with a threshold after the fourth bin. P, to be divided by 11: 4, 2, 0, 5, since 3 + 2 are in the last kept bin. Q, to be divided by 9: 3, 3, 0, 3, since 6 is spread over two bins and 3 over one](figures/entropy.png)

**A worked example.** Counts (4, 2, 0, 3, 1, 1), 4 bins kept, 2 levels. P = (4, 2, 0, 3 + 2) / 11. The levels are (4, 2) and (0, 3): 6 is spread over two bins, 3 over one, so
Q = (3, 3, 0, 3) / 9. KL = 0.0624.

### Q7 · Relative entropy of a threshold
*difficulty 4/5 · importance 3/5 · 25 minutes · 10 points*

`counts` is (bins,); `kept` and `levels` are integers. The given lines compute, for each kept bin, its level and whether it is not empty (`filled`, 0 or 1), and for each level the sum of its counts (`sums`) and how many of its bins are not empty (`bins`).
Return the loss, in nats. The last kept bin is never empty here.

<details><summary>Hint 1: a question</summary>If what lies beyond were in Q too, what would clipping cost?</details>
<details><summary>Hint 2: a worked step</summary>Counts (3, 1, 2), 2 bins kept, 1 level. P = (3, 1 + 2) / 6 = (0.5, 0.5). The level has the sum 4 in 2 bins: Q = (2, 2) / 4 = (0.5, 0.5). The loss is 0.</details>
<details><summary>Hint 3: the shape of the code</summary>Add beyond.sum() to the last entry of P. For Q, divide the two tensors of the levels; indexing the result with [level] gives each bin its share. Then divide P and Q by their sums.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q7", "locked": false, "schema_version": 3, "solution": true, "task": false}
def relative_entropy(counts, kept, levels):
    inside, beyond = counts[:kept].double(), counts[kept:].double()
    level = ((torch.arange(kept) + 1) * levels - 1) // kept
    filled = (inside > 0).double()
    empty = torch.zeros(levels, dtype=torch.float64)
    sums = empty.index_add(0, level, inside)
    bins = empty.index_add(0, level, filled)
    ### BEGIN SOLUTION
    #| P = inside.clone()
    #| P[-1] += __
    #| Q = filled * __
    #| P, Q = __ , __
    #| there = P > 0
    #| P, Q = P[there], Q[there]
    #| loss = __
    P = inside.clone()
    P[-1] += beyond.sum()
    Q = filled * (sums / torch.clamp(bins, min=1))[level]
    P, Q = P / P.sum(), Q / Q.sum()
    there = P > 0
    P, Q = P[there], Q[there]
    loss = (P * torch.log(P / Q)).sum()
    ### END SOLUTION
    return loss


# %% nbgrader={"grade": true, "grade_id": "q7-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q7: visible cases; grading also runs hidden ones.
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
entropy_of = provided.in_tensors(q7.yours_or_provided())

# %% [markdown] id="compared-text"
r"""
Now all rules on the same activations, with your functions. **Predict:** which rule keeps the widest range? Which one has the smallest mean squared
error at 3 bits?
"""

# %% id="compared" tags=["demo"]
counts, end = torch.zeros(512, dtype=torch.int64), float(activation.max()) / 3
for values in inputs:
    # Every range represents 0 exactly, so zeros are not counted.
    counts, end = with_batch(counts, end, values[values > 0])
    counts, end = counts.long(), float(end)


def loss_of(kept):
    return float(entropy_of(counts, kept, 128)) if counts[kept - 1] else float("inf")


kept = min(range(128, 513), key=loss_of)


def threshold(rule, bitwidth):
    if rule == "MSE":
        candidates = torch.linspace(0.1, 1, 46) * activation.max()
        return float(by_error(activation[::5], candidates, 2**bitwidth - 1))
    ends = {
        "MinMax": activation.max(),
        # 0.1 % above is left out, and as many below, where there are only zeros.
        "percentile": by_percentile(activation, 99.8)[1],
        "entropy": (kept + 0.5) / 512 * end,
    }
    return float(ends[rule])


def error_of(rule, bits):
    low, high = torch.tensor(0.0), torch.tensor(threshold(rule, bits))
    return clipping.mean_squared_error(activation, low, high, 0, 2**bits - 1)


print(f"{'':10} {'high':>6} {'MSE, 8 bits':>12} {'4 bits':>9} {'3 bits':>9}")
for rule in ("MinMax", "percentile", "MSE", "entropy"):
    errors = [error_of(rule, bits) for bits in (8, 4, 3)]
    texts = f"{errors[0]:12.2g} {errors[1]:9.2g} {errors[2]:9.2g}"
    print(f"{rule:10} {threshold(rule, 4):6.2f} {texts}")

# %% [markdown] id="qconfig-text"
r"""
## 6 · Observers and qconfigs in PyTorch

In PyTorch a **QConfig** says which observer watches the activations of a layer and which its weights. `with_args` makes a recipe: the observer itself is made anew for each layer.

```python
QConfig(
    activation=HistogramObserver.with_args(dtype=tq.quint8, qscheme=tq.per_tensor_affine),
    weight=MinMaxObserver.with_args(dtype=tq.qint8, qscheme=tq.per_tensor_symmetric),
)
```

These classes are in `torch.ao.quantization`, which PyTorch has announced to remove. `qlab.torch_flow`, imported as `tq`, gives you PyTorch's own classes as long as they exist, and qlab's under the same names afterwards.

`dtype` says which codes: quint8 is 0 to 255, qint8 is -128 to 127. `qscheme` says how the range is used: `per_tensor_affine`, `per_tensor_symmetric`, `per_channel_affine` or
`per_channel_symmetric`. A dtype is not a scheme: `qscheme=tq.qint8` raises an error, though only when the observer is made.

### Q8 · Write a qconfig and use its observers
*difficulty 2/5 · importance 4/5 · 15 minutes · 10 points*

Activations: a moving average, quint8, affine, per tensor. Weights: minimum and maximum, qint8, symmetric, one scale per output channel. Show every batch of `batches` to the activation's observer, one after
the other (`batches[i]` is a batch), and `weights` (output channels first) to the weight's observer. Return the scale and zero-point of the activations, then those of the weights.

<details><summary>Hint 1: a question</summary>Which of the observers that this cell imports has a moving average? Which one looks at channels?</details>
<details><summary>Hint 2: a worked step</summary>recipe = MinMaxObserver.with_args(dtype=tq.qint8, qscheme=tq.per_tensor_affine) is a recipe for signed codes with a zero-point. recipe() makes an observer; observer(x) shows it a tensor;
observer.calculate_qparams() gives scale and zero-point.</details>
<details><summary>Hint 3: the shape of the code</summary>Both blanks have the form of the two entries of the QConfig above: a class, .with_args, a dtype, a scheme.</details>
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
    #| of_activations = __
    #| of_weights = __
    average, extremes = MovingAverageMinMaxObserver, PerChannelMinMaxObserver
    of_activations = average.with_args(dtype=tq.quint8, qscheme=tq.per_tensor_affine)
    of_weights = extremes.with_args(dtype=tq.qint8, qscheme=tq.per_channel_symmetric)
    ### END SOLUTION
    qconfig = QConfig(activation=of_activations, weight=of_weights)
    activation, weight = qconfig.activation(), qconfig.weight()
    for batch in batches:
        activation(batch)
    weight(weights)
    return *activation.calculate_qparams(), *weight.calculate_qparams()


# %% nbgrader={"grade": true, "grade_id": "q8-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q8: visible cases; grading also runs hidden ones.
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
An **engine** is the library that executes quantized layers. PyTorch has four: fbgemm and onednn for x86 CPUs in servers, x86, which chooses between these two, and qnnpack for phones. Each has its own default
qconfig, which PyTorch returns from `get_default_qconfig` for post-training quantization (PTQ) and from `get_default_qat_qconfig` for quantization-aware training (QAT). The
table below is read from the PyTorch that is installed here; it leaves out the ending “Observer” of the classes' names. `reduce_range` gives the activations 7 bits. The reason: x86 CPUs without VNNI (instructions that add products of bytes in 32 bits) add two products in 16 bits, which can
saturate (Lab 2, Q9). With activation codes up to 127 they cannot.
"""

# %% id="engines" tags=["demo"]
print(provided.qconfig_table())

# %% [markdown] id="q9-text"
r"""
### Q9 · Read the table
*difficulty 1/5 · importance 3/5 · 5 minutes · 5 points*

A convolution has 32 output channels. With the PTQ qconfigs of fbgemm and of qnnpack: how many different codes can one of its activations have, and how many scales do its weights have?

<details><summary>Hint 1: a question</summary>How many codes are there from 0 to 127?</details>
<details><summary>Hint 2: a worked step</summary>If a row said “0 to 15” and “per_tensor_affine”, there would be 16 codes and one scale. The columns are “codes” and “scheme”.</details>
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

Which images may an observer see? The test set stands for images that nobody has seen yet. An accuracy measured on images to which the ranges were fitted says nothing about new ones. So calibration
uses **training** images, and only a few batches of them.

### Q10 · The batches to calibrate with
*difficulty 1/5 · importance 5/5 · 5 minutes · 5 points*

`train` and `test` are (batches, channels, values), `count` is an integer. Return low and high, each (channels,), from the first `count` batches that calibration may use. Call your own `min_max`.

<details><summary>Hint 1: a question</summary>On which of the two sets will the accuracy be measured?</details>
<details><summary>Hint 2: a worked step</summary>If there are 8 training batches and count is 3, the batches 0, 1 and 2 of the training set are used, and none of the test set.</details>
<details><summary>Hint 3: the shape of the code</summary>A slice, passed to min_max.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q10", "locked": false, "schema_version": 3, "solution": true, "task": false}
def calibration_range(train, test, count):
    ### BEGIN SOLUTION
    #| return __
    return min_max(train[:count])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q10-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q10: visible cases; grading also runs hidden ones.
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
calibrate = provided.in_tensors(q10.yours_or_provided(), 2)


def ranges_of(batches, count=None):
    """Each layer's input range by calibrate, from the first count batches of images."""
    seen = [provided.inputs_of(net, batch) for batch in batches[:count]]
    ranges = []
    for layer in range(len(seen[0])):
        x = torch.stack([inputs[layer].reshape(1, -1) for inputs in seen])
        low, high = calibrate(x, x[:0], len(x))
        ranges.append((low[0], high[0]))
    return ranges


# %% [markdown] id="experiments-text"
r"""
**Predict three results.** (a) How many batches does it take: 1, 10, 100? (b) Would random images do, since only the range matters? (c) The camera is replaced, and every image becomes brighter by 0.4: what
helps, new weights or new ranges?

The weights have 8 bits here, with one scale per channel; the activations have 8 or 3 bits.
"""

# %% id="experiments" tags=["demo"]
generator = torch.Generator().manual_seed(SEED)
shape = (len(train_batches) * 16, *dataset.x_test.shape[1:])
noise = torch.randn(shape, generator=generator).split(16)
brighter = dataset.x_test + 0.4
real_ranges, noise_ranges = ranges_of(train_batches), ranges_of(noise)
new_ranges = ranges_of([batch + 0.4 for batch in train_batches])


def measured(ranges, bits, images=None):
    return provided.accuracy(net, dataset, ranges, 8, bits, images=images)


def show(name, ranges, images=None):
    by_bits = [100 * measured(ranges, bits, images) for bits in (8, 3)]
    print(f"{name:34} {by_bits[0]:6.1f} % {by_bits[1]:6.1f} %")


print(f"{'accuracy on the test images':34} {'8 bits':>8} {'3 bits':>8}")
for count in (1, 2, 5, 10, 30, len(train_batches)):
    show(f"  (a) {count:3} batches of 16 images", ranges_of(train_batches, count))
show("  (b) calibrated on random images", noise_ranges)
fp32_brighter = provided.accuracy(net, dataset, weight_bits=None, images=brighter)
print(f"{'  (c) brighter images, fp32':34} {100 * fp32_brighter:6.1f} %")
show("      brighter images, old ranges", real_ranges, brighter)
show("      brighter images, new ranges", new_ranges, brighter)

real_8, real_3 = measured(real_ranges, 8), measured(real_ranges, 3)
noise_3, one_3 = measured(noise_ranges, 3), measured(ranges_of(train_batches, 1), 3)
old_8, new_8 = measured(real_ranges, 8, brighter), measured(new_ranges, 8, brighter)

# %% [markdown] id="found-text"
r"""
With {{ digits.seeds }} seeds on digits we measured: fp32 {{ digits.fp32 }}; calibrated on all batches {{ digits.real_8 }} with 8 bits and {{ digits.real_3 }} with 3; on a single batch {{ digits.one_3 }} with 3 bits; on random
images {{ digits.noise_3 }} with 3 bits. Brighter images: fp32 {{ digits.fp32_brighter }}; with 8 bits {{ digits.old_8 }} with the old ranges and {{ digits.new_8 }} with new ones.

On a network this small one batch does nearly as well as 89: a few images already cover the range. Random images give other ranges, far too wide, and with few codes that costs accuracy. If the
input is shifted, new ranges win back nearly everything that quantization lost, without new weights and in seconds. What fp32 itself loses on the brighter images they cannot win back.

## 8 · One scale per channel

A batch norm after a convolution multiplies each channel by its own factor. Folded into the weights (Lab 4 derives it), these factors make the weights of some channels much larger than those of others. If all
channels share one scale, it must fit the largest.
"""

# %% id="channels" tags=["demo"]
names = ["conv 1", "conv 2", "conv 3", "linear"]
plots.channel_ranges([layer.weight for layer in provided.layers(net)], names)

# %% id="per-channel" tags=["demo"]
print(f"{'bits per weight':18} {'per tensor':>11} {'per channel':>12}")
for bits in (8, 4, 3, 2):
    per_tensor, per_channel = (
        provided.accuracy(net, dataset, real_ranges, bits, 8, per_channel=each)
        for each in (False, True)
    )
    print(f"{bits:18} {100 * per_tensor:9.1f} % {100 * per_channel:10.1f} %")
tensor_2, channel_2 = per_tensor, per_channel

# %% [markdown] id="groups-text"
r"""
With {{ digits.seeds }} seeds on digits and 2 bits: {{ digits.tensor_2 }} per tensor, {{ digits.channel_2 }} per channel. With 8 and 4 bits there is nothing to see.

**What it costs.** In PyTorch a channel takes 16 bytes more: its scale is a float64, and its zero-point an int64, although it is 0 for symmetric weights. For a channel of 288 weights, as in `conv 3`, that is 6 % of the bytes of its codes. It costs
no time: the multiplier $M = M_0 \cdot 2^{-n}$ of Lab 2 becomes one pair of `M0_int` and n per output channel, and there is one multiplication by M per output anyway. Activations stay per tensor: the products of all input channels are added up in one accumulator, which can have one scale only.
<!-- quoted: torch 2.13, q_per_channel_scales() and q_per_channel_zero_points() of a tensor made by torch.quantize_per_channel; 16 of 288 bytes -->

## 9 · One scale per group, four bits per weight

Language models have weight matrices with thousands of columns. When they generate text, they are mostly limited by memory traffic, so their weights are often stored in **4 bits**. One large weight in a row of thousands would spoil the scale of the whole
row. So each row is cut into **groups** of 32 to 128 neighbours, each with its own scale: 128 with GPTQ (Frantar et al. 2022, [arXiv 2210.17323](https://arxiv.org/abs/2210.17323)) and AWQ (Lin et al. 2023,
[arXiv 2306.00978](https://arxiv.org/abs/2306.00978)), 32 in the format Q4_0 of llama.cpp. No computer addresses 4 bits, so two codes share a byte.

![Seven weights in two groups, 0.875, -0.375, 0.125, -0.875 with the scale 0.125 and 1.75, -0.25, 0.75 with the scale 0.25. Their codes 7, -3, 1, -7 and 7, -1, 3. Four bytes of two halves each, the first code in the low half: 215, 145, 247, 3; the high half of the last byte is padding](figures/groups.png)

The two halves of a byte are called *nibbles*. In **two's complement** a nibble of 8 to 15 stands for a negative number, 16 less than it looks: 15 is -1, 13 is -3, 9 is -7, and 8 is -8.

**Predict:** groups of 32 weights, with a scale of 16 bits each. How many bits is that per weight?

<details><summary>Then open this</summary>4 + 16 / 32 = 4.5 bits. With groups of 8 it would be 6 bits.</details>
"""

# %% [markdown] id="q10b-text"
r"""
### Q10b · Pack groups of weights into bytes
*difficulty 3/5 · importance 4/5 · 30 minutes · 6 points · open: no blanks, any method*

Write `pack_groups(weights, size)`. `weights` is (rows, columns), float32; `size` is an even number of at least 4. Each row is cut into groups of `size` neighbours; the last group of a row may be shorter. Each group is quantized symmetrically to the narrow codes -7 to 7: its scale is its largest
absolute value divided by 7, and no scale is smaller than eps = 1.1920929e-07, as in Q1. No weight lies on a tie. Then the codes of each row are packed into bytes: columns 0 and 1 share the first byte, columns 2 and 3 the second, and so on. The even column is in the low
half (bits 0 to 3), the odd one in the high half (bits 4 to 7), both in two's complement. If the number of columns is odd, the high half of a row's last byte is 0.

Return `packed`, of shape (rows, bytes per row) with values from 0 to 255, and `scales`, of shape (rows, groups per row). You may call your own `scale_and_zero_point`.

| call | returns |
|---|---|
| `pack_groups(torch.tensor([[0.875, -0.375, 0.125, -0.875, 1.75, -0.25, 0.75]]), 4)` | `[[215, 145, 247, 3]]`, `[[0.125, 0.25]]` |

<details><summary>Hint 1: a question</summary>Which weights share a scale, and which share a byte? Can you solve the two problems one after the other, with a matrix of codes in between?</details>
<details><summary>Hint 2: a worked step</summary>The codes -1 and 5 share a byte. -1 in four bits is 1111, that is 15, and 5 is 0101. The byte is 0101 1111 = 5 * 16 + 15 = 95. In Python, -1 & 15 is 15.</details>
<details><summary>Hint 3: the shape of the code</summary>F.pad appends zeros until all groups of a row are complete. Then reshape to (rows, groups, size), divide by the scale of each group, round, reshape back and cut to the number of columns. For the bytes,
append a zero if that number is odd; q[:, 0::2] and q[:, 1::2] are the two halves.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q10b", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pack_groups(weights, size):
    ### BEGIN SOLUTION
    #| raise NotImplementedError("Q10b: write your own function here")
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    largest = groups.abs().amax(dim=2)
    scales = torch.clamp(largest / 7, min=torch.finfo(torch.float32).eps)
    codes = torch.round(groups / scales[:, :, None]).long()
    codes = codes.reshape(rows, -1)[:, :columns]
    nibbles = F.pad(codes, (0, columns % 2)) & 15
    packed = nibbles[:, 0::2] | (nibbles[:, 1::2] << 4)
    return packed.to(torch.uint8), scales
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q10b-check", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
# Check of Q10b: visible cases; grading also runs hidden ones.
from checks import q10b

### BEGIN HIDDEN TESTS
from checks.q10b import in_groups

from qlab.check import case

q10b.also(
    case("six rows of 40, groups of 16", in_groups(6, 40, 16), 16, group="even"),
    case("two rows of 11, groups of 4", in_groups(2, 11, 4), 4, group="odd"),
)
### END HIDDEN TESTS
q10b.check(pack_groups)

# %% id="q10b-provided"
pack = provided.in_tensors(q10b.yours_or_provided(), 2)

# %% [markdown] id="q10c-text"
r"""
### Q10c · The way back
*difficulty 2/5 · importance 4/5 · 15 minutes · 4 points · open: no blanks, any method*

Write `unpack_groups(packed, scales, size, columns)`. `packed` is uint8 and `scales` float32, in the shapes of Q10b; `columns` is the number of weights per row. Return the weights that the codes stand for, of shape (rows, columns). Other programs use the code -8 too, so
the nibble 1000 has to become -8. A uint8 tensor cannot hold negative numbers: convert it before you subtract.

| call | returns |
|---|---|
| `unpack_groups(torch.tensor([[215, 145, 247, 3]], dtype=torch.uint8), torch.tensor([[0.125, 0.25]]), 4, 7)` | the seven weights of Q10b's example |

<details><summary>Hint 1: a question</summary>Which two operations give the low and the high half of a byte? Which order do the halves have in a row?</details>
<details><summary>Hint 2: a worked step</summary>The byte 95: 95 % 16 = 15 and 95 // 16 = 5. 15 is above 7, so the first code is 15 - 16 = -1; the second one is 5.</details>
<details><summary>Hint 3: the shape of the code</summary>torch.stack([low, high], dim=2), reshaped to one row per row of bytes, puts the halves in order. scales.repeat_interleave(size, dim=1) gives each column its scale. Cut both to the number of columns.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q10c", "locked": false, "schema_version": 3, "solution": true, "task": false}
def unpack_groups(packed, scales, size, columns):
    ### BEGIN SOLUTION
    #| raise NotImplementedError("Q10c: write your own function here")
    nibbles = torch.stack([packed % 16, packed // 16], dim=2).long()
    nibbles = nibbles.reshape(len(packed), -1)[:, :columns]
    codes = torch.where(nibbles > 7, nibbles - 16, nibbles)
    return codes * scales.repeat_interleave(size, dim=1)[:, :columns]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q10c-check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
# Check of Q10c: visible cases; grading also runs hidden ones.
from checks import q10c

### BEGIN HIDDEN TESTS
from checks.q10c import bytes_of, scales_of

from qlab.check import case

q10c.also(
    case("five rows of 32, groups of 8", bytes_of(5, 32), scales_of(5, 4), 8, 32, group="even"),
    case("two rows of 21, groups of 10", bytes_of(2, 21), scales_of(2, 3), 10, 21, group="odd"),
)
### END HIDDEN TESTS
q10c.check(unpack_groups)

# %% id="q10c-provided"
unpack = provided.in_tensors(q10c.yours_or_provided())

# %% [markdown] id="group-sizes-text"
r"""
The next cell packs the weights of `conv 3` (32 rows of 288 weights) with groups of several sizes, and then all layers with groups of 32. **Predict:** by how much does the error shrink from one scale per row to groups of 8? And what does that cost in bits?
"""

# %% id="group-sizes" tags=["demo"]
def packed_and_back(matrix, size):
    """Bits per weight with scales of 16 bits, and the weights after both ways."""
    packed, scales = pack(matrix, size)
    back = unpack(packed.to(torch.uint8), scales, size, matrix.shape[1])
    return (8 * packed.numel() + 16 * scales.numel()) / matrix.numel(), back


matrix = provided.layers(net)[2].weight.detach().flatten(1)
print(f"{'group size':>12} {'bits per weight':>16} {'RMS error':>10}")
for size in (288, 96, 32, 16, 8):
    bits, back = packed_and_back(matrix, size)
    error = (back - matrix).square().mean().sqrt()
    print(f"{size:12} {bits:16.2f} {error:10.4f}")

weights = [layer.weight for layer in provided.layers(net)]
in_groups_of_32 = []
for weight in weights:
    bits, back = packed_and_back(weight.detach().flatten(1), 32)
    in_groups_of_32.append(back.reshape(weight.shape))
small = provided.with_weights(net, in_groups_of_32)
four_bits = 100 * provided.accuracy(small, dataset, real_ranges, weight_bits=None)
print(f"all layers with groups of 32: accuracy {four_bits:.1f} %, fp32 {100 * fp32:.1f} %")

# %% [markdown] id="essay-text"
r"""
Small groups buy accuracy with bits: compare them with other schemes at the **same number of bits per weight**, the scales included. The layout is a convention, so a packed tensor is useless without its description: torchao puts neighbours into one byte, the first in the low half,
as you did; llama.cpp's Q4_0 puts weights 0 and 16 of its block of 32 into the first byte.

## 10 · Essay

### Q11 · Defend a calibration
*difficulty 3/5 · importance 4/5 · 30 minutes · 10 points, graded by hand*

A hospital runs an X-ray classifier in 8 bits on CPUs of several kinds. You have the trained network, 50,000 training images, and one afternoon. In 250 to 400 words choose: the images to calibrate with, and how many; the rule for activations and the rule for weights; per tensor
or per channel; full or narrow range; and what you check before the network is used. One scanner is replaced each year: how do you handle it?

| rubric | points |
|---|---|
| images: from training, enough and varied, never the test set, with the reason | 2 |
| activations: a rule for one-sided values with outliers, weighed against another | 3 |
| weights: per channel, symmetric, and why | 2 |
| what differs between engines, and how the choice allows for it | 1 |
| what is measured before use, and what happens when a scanner is replaced | 2 |
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q11", "locked": false, "points": 10, "schema_version": 3, "solution": true, "task": false}
"""
### BEGIN SOLUTION
#| *Your essay here.*
What a full answer mentions. Images: some hundred training images that cover scanners, body parts and exposures; more change little, as the experiment with 1 to 89 batches shows; the test images are left alone, or the measured accuracy is no forecast.
Activations: after ReLU they are one-sided, so affine, unsigned; MinMax is safe with 8 bits and clips nothing; a percentile or MSE is better where a few outliers widen the range (implants, markers), and loses them. The choice is made on held-out
training images, by accuracy and by the SQNR of each layer. Weights: symmetric, so that no sum needs a term with Z_w, per channel because folded batch norms make channels differ; MinMax, since weights are known completely; narrow, so that every runtime accepts them. Engines: fbgemm and x86 without VNNI may saturate
with 8-bit activations, hence reduce_range and 7 bits there; qnnpack's default has one scale for all weights; rounding differs by one code. So the ranges are set once, and the network is checked on each kind of CPU. Before use: accuracy against fp32 on a
validation set, agreement image by image, the share of clipped values. A new scanner: watch that share and the ranges; calibrate again with its images, which takes minutes and needs no labels; if fp32 suffers too, the network must be trained again.
### END SOLUTION
"""

# %% [markdown] id="end"
r"""
## What success looks like

All cards above are green, your observers equal PyTorch's to the last bit, and you can say for each rule what it sacrifices. The checks here ran the visible tests; grading also runs hidden ones.

**If you want to go on.** (1) Use `by_error` at every layer instead of MinMax, with 2 bits: how much of the accuracy comes back? (2) Write PyTorch's HistogramObserver: its search moves the two ends inward from the outer quantiles
as long as the error shrinks. (3) Set `DATA = "fashion_mnist"`: is one batch still enough? (4) Store the scales of Q10b in 8 bits, with one float scale per row: how many bits per weight does that save?

## The formulas of this lab

| what | formula |
|---|---|
| range | $low = \min(low, 0)$, $high = \max(high, 0)$ |
| affine | $S = (high - low) / (q_{max} - q_{min})$, $Z = \text{clamp}(q_{min} - \text{round}(low / S),\; q_{min},\; q_{max})$ |
| symmetric | $S = a / ((q_{max} - q_{min}) / 2)$ with $a = \max(-low, high)$, $Z = \lfloor (q_{min} + q_{max} + 1) / 2 \rfloor$ |
| steps per side, 8 bits | full: 127.5; narrow: 127 |
| smallest scale | eps $= 2^{-23}$ |
| MinMax | $low = \min$, $high = \max$ over all batches |
| moving average | $low \leftarrow low + c\,(low_{batch} - low)$; what is left after k batches: $(1 - c)^k$ |
| percentile $p$ | quantiles at $(1 - p/100)/2$ and $1 - (1 - p/100)/2$ |
| mean squared error | $\text{mean}\left((x - S\,q)^2\right)$ with $S = a / q_{max}$, $q = \text{clamp}(\text{round}(x / S), -q_{max}, q_{max})$ |
| relative entropy | $\sum_{P_b > 0} P_b \ln (P_b / Q_b)$ |
| group of 4-bit codes | $S = a / 7$; bits per weight: $4 + (\text{bits of a scale}) / (\text{size of a group})$ |
| two codes per byte | $(q_0 \bmod 16) + 16\,(q_1 \bmod 16)$; a nibble above 7 stands for 16 less |

**Next.** Lab 4 uses these ranges to quantize a whole trained network: it folds batch norms, lets PyTorch observe and convert, and measures what that gains. It uses your scales per channel, and the observers and qconfigs of Section 6.
"""

# %% [markdown] id="hand-in-text"
"""
## Handing in

1. Run all cells (*Run → Restart Kernel and Run All Cells*), look at the cards, and save.
2. In a terminal (*File → New → Terminal*), run `qlab submit lab3`: it says what is missing, offers a PDF for your report, and writes `Lab3_StudentID_Name.zip`.
3. Upload that file to your course's page. You can hand in an incomplete lab, and you can hand in again.
"""
