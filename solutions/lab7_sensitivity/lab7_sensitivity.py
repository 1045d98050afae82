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
# Lab 7 · Sensitivity analysis and repair

A network was quantized, and its accuracy collapsed. Most of its layers are innocent: usually a few of them cause nearly all of the loss. This lab finds them in three ways and then repairs them: by keeping a few layers in higher precision, by spending bits where they help most, by correcting biases, by moving ranges from one layer into the next, by
learning how to round. It ends with the other question that one asks of every layer: which of them takes the time?

**Before you start.** You need Lab 3 (scales, per tensor and per channel) and Lab 4 (batch-norm folding, post-training quantization). The predictions and the essay included, the lab takes about four hours.

**You will be able to**
- measure noise in decibels, and compare two networks layer by layer;
- find the layers that cause the loss, one at a time, and say why two measurements may disagree;
- keep as few layers as possible in fp32, and show which trades between size and accuracy are worth making;
- correct a bias, equalize ranges across layers, depthwise ones included, and learn the rounding of a layer;
- read a profile: which layer is the bottleneck, and how much its speed can win at most;
- defend a workflow: what to try first, what next, when to stop.

| question | what | points |
|---|---|---|
| Q1 | `sqnr_and_mse` | 10 |
| Q2 | `compare`: layer by layer | 15 |
| Q3 | `one_at_a_time`: one only, all but one | 10 |
| Q4 | `keep_worst`: a greedy search | 15 |
| Q5 | `not_beaten`: size and accuracy | 5 |
| Q6 | `correct_bias` | 8 |
| Q7 | `equalize`: across layers | 15 |
| Q8 | `amdahl`: reading a profile | 5 |
| Q9 | essay: the workflow | 10 |
| Q10 | `spend_bytes`: bits per layer within a budget, open exercise (Section 5) | 4 |
| Q11 | `soft_rounding`: AdaRound on one layer (Section 7) | 3 |
| | 90 by checks, 10 read by hand | 100 |

**How it works** is as in the labs before: a blank looks like `__`; the check below each answer runs the visible tests, and **grading also runs hidden ones**. Questions are independent: if Q1 is wrong, Q2 is checked with a correct Q1.
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
    print("Upload the course's zip of this lab, then run in a cell of its own:\n!unzip -q -o lab7_sensitivity*.zip\n%cd lab7_sensitivity")
    print("%pip uninstall -y qlab\n%pip install ../quantization_lab-*.whl\nThen restart the session and run %cd lab7_sensitivity again.")
elif missing:
    print(f"Missing or too old: {', '.join(missing)}. Run in a cell of its own:")
    print(f"%pip uninstall -y qlab\n%pip install \"{wheels[-1] if wheels else Path('../..').resolve()}\"\nThen restart the kernel.")
elif not Path("checks").exists():
    print("Missing: the folder checks. It comes with the lab: put it back beside this notebook.")
else:
    import tempfile
    import time
    from dataclasses import replace

    import torch

    import qlab
    from provided import annealed, chain, on_grid
    from qlab import bias_correction, comparison, data, depthwise, engines, equalization, fusion, models, plots, sensitivity, training
    from qlab.sensitivity import Precision
    from qlab.sweep import sweep
    from qlab import torch_flow as tq
    from qlab.torch_flow import numeric_suite

    print(f"Ready: qlab {qlab.__version__}, torch {torch.__version__}.")

# %% [markdown] id="patient-text"
"""
## 1 · The patient

A small MobileNet: a stem, then three pairs of a depthwise 3x3 convolution (each output channel reads one input channel) and a pointwise 1x1 convolution (which mixes the channels). Each is followed by batch norm and ReLU, and the last layer is linear: eight layers in all. The network is trained in fp32 and its batch norm is folded
(Lab 4). Then all layers are quantized after training: symmetric weights, 8-bit affine inputs.

Large MobileNets lose a lot of accuracy with one scale per layer, because the folded weights of their depthwise layers have very different ranges from channel to channel (Nagel et al. 2019, [arXiv 1906.04721](https://arxiv.org/abs/1906.04721), section 3.1). One way to get such ranges: a channel becomes nearly silent because batch norm
gives it a factor close to 0, and the batch norm after the next depthwise layer divides by the tiny standard deviation again.

A network as small as ours does not get such ranges by itself, so we **plant** them: in the stem and in the first two pointwise layers, a quarter of the channels start training with a batch-norm factor of 0.01. Everything else is measured as it comes. Beside the planted network we train the same network **without the fault**. Whatever we measure
on one is measured on the other: only the difference between the two columns is due to what we planted.

One sixth of the training images is held out. We *choose* layers by their accuracy on these images and use the test images only to report the result.

**Predict:** how much accuracy is lost with 8-bit weights and one scale per layer? With one scale per output channel? With 6 bits? And without the planted fault?
"""

# %% id="patient" tags=["demo"]
dataset = data.load(DATA, download=DOWNLOAD).first(5000, 1000)
held_out = torch.arange(len(dataset.x_train)) % 6 == 5
x_held, y_held = dataset.x_train[held_out], dataset.y_train[held_out]
trained_on = replace(dataset, x_train=dataset.x_train[~held_out], y_train=dataset.y_train[~held_out])
calibration = trained_on.x_train[:500]
test_images = len(dataset.x_test)


def trained(silent):
    """A network trained in fp32, its batch norm folded, and the ranges of its inputs."""
    net = depthwise.depthwise_net_for(dataset, SEED, silent=silent)
    training.train(
        net, trained_on, epochs=10, batch_size=64, seed=SEED, progress=False, schedule=annealed(0.4)
    )
    folded = fusion.folded(net)
    return folded, sensitivity.input_ranges(folded, calibration)


network, ranges = trained(silent=0.25)
sound, sound_ranges = trained(silent=0.0)  # the same network without the planted fault
layers = list(sensitivity.layers_of(network))
short = [name.removesuffix(".0") for name in layers]


def accuracy_of(model, images=dataset.x_test, labels=dataset.y_test):
    with torch.no_grad():
        return training.accuracy_and_loss(model(images), labels)[0]


def quantized(which, bits, per_channel=False, base=network, of=ranges):
    """The network with these layers quantized: weights with so many bits, inputs with 8."""
    plan = {name: Precision(bits, 8, per_channel) for name in which}
    return sensitivity.quantized(base, plan, of)


fp32, sound_fp32 = accuracy_of(network), accuracy_of(sound)
patients = ((network, ranges), (sound, sound_ranges))
print(f"{'':28}{'planted':>9}{'not planted':>14}")
print(f"{'fp32':28}{fp32:9.1%}{sound_fp32:14.1%}")
found = []
for bits in (8, 6):
    for per_channel in (False, True):
        row = [accuracy_of(quantized(layers, bits, per_channel, *patient)) for patient in patients]
        print(f"{bits} bits, one scale per {'channel' if per_channel else 'layer':9}{row[0]:9.1%}{row[1]:14.1%}")
        found += row
tensor8, sound_tensor8, channel8, sound_channel8 = found[:4]
tensor6, sound_tensor6, channel6, sound_channel6 = found[4:]

# %% [markdown] id="patient-answer"
r"""
On digits, with {{ digits.seeds }} values of `SEED`, test accuracy:

| | planted | not planted |
|---|---|---|
| fp32 | {{ digits.fp32 }} | {{ digits.sound_fp32 }} |
| 8 bits, one scale per layer | {{ digits.tensor8 }} | {{ digits.sound_tensor8 }} |
| 8 bits, one scale per channel | {{ digits.channel8 }} | {{ digits.sound_channel8 }} |
| 6 bits, one scale per layer | {{ digits.tensor6 }} | {{ digits.sound_tensor6 }} |
| 6 bits, one scale per channel | {{ digits.channel6 }} | {{ digits.sound_channel6 }} |

One scale per channel would end the story here. But not every engine supports per-channel weights, and none of the common ones supports per-channel *activations*. So we look for the layers that cause the loss, with one scale per layer.

## 2 · How much noise?

The error that quantization makes in a tensor $x$ can be expressed in two ways. Let $y$ be the tensor after quantization, and let the sums run over all $n$ values:

$$ \text{MSE} = \frac{1}{n} \sum (x - y)^2, \qquad \text{SQNR} = 10 \log_{10} \frac{\sum x^2}{\sum (x - y)^2} \;\text{decibels (dB)} $$

The mean squared error has the unit of the tensor, squared, so it cannot be compared between layers. The signal-to-quantization-noise ratio can: at 0 dB the noise is as strong as the signal, every 10 dB more means ten times less noise power, and one more bit is worth about 6 dB.
<!-- given: the definition of a decibel; 20 log10(2) is 6.02 -->

**A worked example.** $x = (3, 4)$ and $y = (3, 3.5)$: the signal is $25$, the noise $0.25$, the ratio $100$: 20 dB. The mean squared error is $0.125$.

### Q1 · Noise in two units
*difficulty 1/5 · importance 5/5 · 10 minutes · 10 points*

`x` (the signal) and `y` are float tensors of the same shape, which can be any; they differ in at least one value, and x is not all zeros. Return two 0-d tensors, `sqnr` first: the next questions stack them. You may use torch's own function for the mean squared error.

<details><summary>Hint 1: a question</summary>Which of the two tensors is the signal? And does a constant error count as noise?</details>
<details><summary>Hint 2: a step by hand</summary>x = (1, 2, 2) and y = (1, 2, 3): the signal is 1 + 4 + 4 = 9, the noise 0 + 0 + 1 = 1. The SQNR is 10 log10(9), about 9.54 dB; the mean squared error is 1/3.</details>
<details><summary>Hint 3: the shape of the code</summary>A difference, squared; a sum of squares over a sum of squares in torch.log10; a mean.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sqnr_and_mse(x, y):
    ### BEGIN SOLUTION
    #| error = __
    #| sqnr = __
    #| mse = __
    error = x - y
    sqnr = 10 * torch.log10((x**2).sum() / (error**2).sum())
    mse = (error**2).mean()
    ### END SOLUTION
    return sqnr, mse


# %% nbgrader={"grade": true, "grade_id": "q1-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q1: visible cases; hidden ones remain.
from checks import q1

### BEGIN HIDDEN TESTS
from checks.q1 import noisy

from qlab.check import case, normal

q1.also(
    case("a small signal with a large mean", normal(40, mean=2.0, std=0.3), normal(40, mean=2.2, std=0.3), such_that=noisy),
    case("images", normal(2, 3, 4, 4, std=2.0), normal(2, 3, 4, 4, mean=0.3), such_that=noisy),
)
### END HIDDEN TESTS
q1.check(sqnr_and_mse)

# %% [markdown] id="compare-text"
r"""
## 3 · Layer by layer

Now two networks side by side: fp32, and quantized. PyTorch's numeric suite compares them in three ways, and you write all three, for a chain of linear layers with ReLU between them:

- **weights**: SQNR of each weight against its quantized form;
- **outputs**: each network runs on its own from the input on; SQNR of each layer's output. The noise of all the layers before is in it;
- **alone**: both layers, fp32 and quantized, get **the input that reaches the layer in the quantized network**. What differs now is this layer's own doing. (PyTorch calls the fp32 layer that runs along a *shadow*.)

![Two rows of layers, and a third, the shadow, which gets the quantized row's input](figures/three_comparisons.png)

**A worked example.** Weights $W_1 = (1,\; 0.6)$ and $W_2 = (1.8,\; -2)^T$, input $(1, 2)$, 3 bits: codes -3 to 3. $W_1$ has the scale $1/3$ and becomes $(1,\; 0.6667)$: $10 \log_{10}(1.36 / 0.00444) = 24.86$ dB. The first outputs are $2.2$ and $2.3333$: $24.35$ dB, alone too.
$W_2$ has the scale $2/3$ and becomes $(2, -2)$: $22.58$ dB. The second outputs are $(3.96, -4.4)$ and $(4.6667, -4.6667)$: $17.88$ dB. Alone: $(4.2, -4.6667)$ against $(4.6667, -4.6667)$, $22.58$ dB.

### Q2 · Two networks, layer by layer
*difficulty 3/5 · importance 5/5 · 25 minutes · 15 points*

`weights` is a list of tensors (out, in), `x` is (rows, in). `on_grid(weight, bits)` is given: a weight as its codes have it, in real numbers. Only weights are quantized here. Compare outputs **before** ReLU; the next layer gets them after it. Return three tensors or lists, one number in dB for each layer. `sqnr_and_mse` is your Q1.

<details><summary>Hint 1: a question</summary>Which two inputs does a layer have, and which of the four combinations of input and weight do you need for outputs, which for alone?</details>
<details><summary>Hint 2: the equation</summary>Outputs: W a against W_q a_q. Alone: W a_q against W_q a_q.</details>
<details><summary>Hint 3: the shape of the code</summary>Two activations that go through the loop; x @ weight.T is a layer; three appends; torch.relu twice at the end of each round.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q2", "locked": false, "schema_version": 3, "solution": true, "task": false}
from provided import on_grid


def compare(weights, x, bits):
    a = a_q = x  # what reaches a layer: in the fp32 network, in the quantized one
    weight_db, output_db, alone_db = [], [], []
    for weight in weights:
        ### BEGIN SOLUTION
        #| weight_q = __
        #| out, out_q = __ , __
        #| weight_db.append( __ )
        #| output_db.append( __ )
        #| alone_db.append( __ )
        #| a, a_q = __ , __
        weight_q = on_grid(weight, bits)
        out, out_q = a @ weight.T, a_q @ weight_q.T
        weight_db.append(sqnr_and_mse(weight, weight_q)[0])
        output_db.append(sqnr_and_mse(out, out_q)[0])
        alone_db.append(sqnr_and_mse(a_q @ weight.T, out_q)[0])
        a, a_q = torch.relu(out), torch.relu(out_q)
        ### END SOLUTION
    return torch.tensor(weight_db), torch.tensor(output_db), torch.tensor(alone_db)


# %% nbgrader={"grade": true, "grade_id": "q2-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q2: visible cases; hidden ones remain.
from checks import q2

### BEGIN HIDDEN TESTS
from checks.q2 import audible, random_layers

from qlab.check import case, normal

q2.also(
    case("five layers, 5 bits", random_layers(4, 8, 8, 8, 8, 6), normal(14, 4), 5, such_that=audible),
    case("rows of different sizes", random_layers(6, 7, 9, 5, spread=4.0), normal(12, 6), 4, such_that=audible),
)
### END HIDDEN TESTS
q2.check(compare)

# %% [markdown] id="real-text"
"""
The same for the convolutional network, with 6 bits, on images that it was not calibrated on. (The next cell uses `qlab.comparison`, which does for whole networks what you wrote for a chain; inputs are quantized there too.)

**Predict:** will you see in the weights which layer hurts? And in the outputs?
"""

# %% id="real" tags=["demo"]
compared = comparison.compare(network, quantized(layers, 6), x_held)
compared_sound = comparison.compare(sound, quantized(layers, 6, False, sound, sound_ranges), x_held)
print(f"{'':12}{'planted':>27}{'not planted':>30}")
print(f"{'layer':12}{'weight':>9}{'output':>9}{'alone':>9}   {'weight':>9}{'output':>9}{'alone':>9}   dB")
for name, row, other in zip(short, compared, compared_sound):
    values = f"{row.weight:9.1f}{row.output:9.1f}{row.alone:9.1f}"
    print(f"{name:12}{values}   {other.weight:9.1f}{other.output:9.1f}{other.alone:9.1f}")
weight_least, sound_weight_least = (min(r.weight for r in rows) for rows in (compared, compared_sound))
sound_output_least, sound_alone_least = (
    min(getattr(row, kind) for row in compared_sound) for kind in ("output", "alone")
)
output_excess = -min(row.output for row in compared)  # noise above signal
alone_excess = -min(row.alone for row in compared)
plots.layers_compared(
    short,
    [row.weight for row in compared],
    [row.output for row in compared],
    title="6 bits, one scale per layer, planted: SQNR of weights and outputs",
)

# %% id="spread" tags=["demo"]
chosen = [place for place, name in enumerate(short) if "depthwise" in name or name == "stem"]
plots.channel_ranges([network.get_submodule(layers[place]).weight for place in chosen], [short[place] for place in chosen])

# %% [markdown] id="real-answer"
"""
On digits, the smallest SQNR of any layer, in dB:

| | planted | not planted |
|---|---|---|
| weights | {{ digits.weight_least }} | {{ digits.sound_weight_least }} |
| outputs | {{ digits.output_excess }} below 0 | {{ digits.sound_output_least }} |
| alone | {{ digits.alone_excess }} below 0 | {{ digits.sound_alone_least }} |

The **weights** of the planted network look harmless in every layer. The largest channels dominate the sum over the whole tensor, and those are quantized well. But in a depthwise layer a small channel is the *only input* of its output channel, so no large channel can drown out its error. The step is chosen for channels that are a hundred times larger,
and all weights of the small channel become 0. The **outputs** show it: after the first broken layer the noise is stronger than the signal (a negative SQNR), and it stays strong up to the last layer. **Alone** separates cause and effect: an innocent layer after a broken one has bad outputs, but a good SQNR alone.

So "find the layer by its SQNR" is good advice only if it means the SQNR of the **output**, with the layer alone.

PyTorch's numeric suite makes the same comparison for a network that was converted to integers. The next cell converts our network for an engine with 8 bits (as in Lab 4; engines have no other bit width) and prints PyTorch's numbers beside ours for 8 bits.
"""

# %% id="suite" tags=["demo"]
engine = next((name for name in ("qnnpack", "onednn", "x86", "fbgemm") if name in tq.engine_names()), None)
if engine is None:
    print("PyTorch has no engine for int8 here.")
else:
    theirs = numeric_suite.compare(network, calibration, x_held, engine)
    ours = comparison.compare(network, quantized(layers, 8, per_channel=engine != "qnnpack"), x_held)
    print(f"{engine:12}  torch: weight, output    ours: weight, output   dB")
    for name, row in zip(short, ours):
        print(f"{name:12}{theirs[row.name][0]:15.1f}{theirs[row.name][1]:8.1f}{row.weight:16.1f}{row.output:8.1f}")

# %% [markdown] id="one-text"
"""
Small differences are expected: an engine quantizes each layer's output, we quantize each layer's input, and torch's weights use -128 too.

## 4 · One at a time

SQNR measures numbers, but what counts in the end is the task. So quantize **one layer only**, and measure; then quantize **all but one**, and measure. The first tells how much a layer costs by itself, the second how much keeping it in fp32 would win.

**A worked example.** The chain of Q2, and the noise of its last output: with only the first layer quantized $(4.2, -4.6667)$ against $(3.96, -4.4)$, $24.35$ dB; with only the second $(4.4, -4.4)$: $22.58$ dB. With two layers, all but the first is only the second.

### Q3 · One only, all but one
*difficulty 2/5 · importance 5/5 · 15 minutes · 10 points*

`weights`, `x` and `bits` are as in Q2; there are at least two layers. Measure by the SQNR in dB of the chain's last output against the fp32 chain's. `chain(weights, x)` is given, it runs all layers with ReLU between them. Return two tensors or lists with a number for each layer: `only` (this layer alone is quantized) and `all_but` (all layers are, except this one).
Do not change the list that you get. `sqnr_and_mse` is your Q1.

<details><summary>Hint 1: a question</summary>With which weights does each round of the loop have to begin?</details>
<details><summary>Hint 2: a step by hand</summary>Three layers with the weights A, B and C, and their quantized forms a, b and c. In the round for B, only one is A, b, C, and all but one is a, B, c.</details>
<details><summary>Hint 3: the shape of the code</summary>A list comprehension over enumerate(weights) with `if place == chosen else`, twice.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q3", "locked": false, "schema_version": 3, "solution": true, "task": false}
from provided import chain, on_grid


def one_at_a_time(weights, x, bits):
    wanted = chain(weights, x)
    only, all_but = [], []
    for chosen in range(len(weights)):
        ### BEGIN SOLUTION
        #| one_quantized = [ __ for place, w in enumerate(weights)]
        #| one_spared = [ __ for place, w in enumerate(weights)]
        #| only.append( __ )
        #| all_but.append( __ )
        one_quantized = [on_grid(w, bits) if place == chosen else w for place, w in enumerate(weights)]
        one_spared = [w if place == chosen else on_grid(w, bits) for place, w in enumerate(weights)]
        only.append(sqnr_and_mse(wanted, chain(one_quantized, x))[0])
        all_but.append(sqnr_and_mse(wanted, chain(one_spared, x))[0])
        ### END SOLUTION
    return torch.tensor(only), torch.tensor(all_but)


# %% nbgrader={"grade": true, "grade_id": "q3-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q3: visible cases; hidden ones remain.
from checks import q3

### BEGIN HIDDEN TESTS
from checks.q3 import audible, random_layers

from qlab.check import case, normal

q3.also(
    case("five layers, 5 bits", random_layers(4, 8, 8, 8, 8, 6), normal(14, 4), 5, such_that=audible),
    case("rows of different sizes", random_layers(6, 7, 9, 5, spread=4.0), normal(12, 6), 4, such_that=audible),
)
### END HIDDEN TESTS
q3.check(one_at_a_time)

# %% [markdown] id="sweep-text"
"""
On a real network each measurement takes a pass over the held-out images, and there are two for each layer. Large networks take hours for it. So a sweep must **show where it is, stop when it is told to, and go on where it stopped**: `qlab.sweep.sweep` writes each result to a file as soon as it has it.
The next cell stops it on purpose after five settings, as Ctrl-C or the stop button would, and starts it again.

What is held and computed where? The cell prints that first. **Predict** from it which layers are sensitive: those with many weights, with many activations, with many multiplications?
"""

# %% id="sweep" tags=["demo"]
print(f"{'layer':12}{'weights':>9}{'outputs':>9}{'products':>10}   for one image")
counts = sensitivity.layer_counts(network, x_held[:1])
for name, count in zip(short, counts.values()):
    print(f"{name:12}{count.weights:9,}{count.activations:9,}{count.products:10,}")
print(f"{'all':12}{sum(c.weights for c in counts.values()):9,}{sum(c.activations for c in counts.values()):9,}{sum(c.products for c in counts.values()):10,}\n")

settings = {f"only {name}": which for name, which in sensitivity.one_only(layers).items()}
settings |= {f"all but {name}": which for name, which in sensitivity.all_but_one(layers).items()}
folder = Path(tempfile.mkdtemp())  # a folder of your own keeps the results for longer


def run_sweep(bits, stop_after=None):
    measured = []

    def measure(which):
        if len(measured) == stop_after:
            raise KeyboardInterrupt
        measured.append(which)
        return accuracy_of(quantized(which, bits), x_held, y_held)

    return sweep(settings, measure, folder / f"{bits}_bits.json", of=f"{DATA}, seed {SEED}, {bits} bits"), len(measured)


try:
    run_sweep(8, stop_after=5)
except KeyboardInterrupt:
    print("stopped after five settings")
found, measured_now = run_sweep(8)
print(f"went on: {measured_now} settings were measured now, {len(found)} are there")
swept = {8: found, 6: run_sweep(6)[0]}

# %% id="bars" tags=["demo"]
held_fp32 = accuracy_of(network, x_held, y_held)


def bars(bits):
    lost = {kind: [held_fp32 - swept[bits][f"{key} {name}"] for name in layers] for kind, key in (("only it is quantized", "only"), ("all but it", "all but"))}
    all_lost = held_fp32 - accuracy_of(quantized(layers, bits), x_held, y_held)
    return plots.layer_bars(short, lost, value_name="accuracy lost, held-out images", title=f"One layer at a time, {bits}-bit weights", level=("all quantized", all_lost))


bars(8)

# %% id="bars6" tags=["demo"]
bars(6)

# %% [markdown] id="search-text"
"""
A layer or two stand out in the first colour, and they are depthwise: not the largest layers, not those with the most multiplications. Now the second colour. Wherever *two* layers are broken, saving one of them wins little, since the other still breaks the network. **One only** names them both; **all but one** may name neither. Where a single layer is broken, both agree.
And look for a layer that alone costs *more* than all together: errors of different layers may cancel, so losses do not add up.

## 5 · Keep the worst

A published example keeps 2 of MobileNet v1's 28 layers in higher precision, and the rest of the network in 8 bits comes close to fp32 (Wu et al. 2020, [arXiv 2004.09602](https://arxiv.org/abs/2004.09602), section 5.1). Which ones? With $n$ layers there are $2^n$ choices. A **greedy** search takes a step at a time: try each of the remaining layers, keep the one with which the network is best,
and measure again before the next step, until the target is reached. It is not sure to find the fewest layers, but it takes at most $n (n + 1) / 2$ measurements and one to begin with.

**A worked example.** The chain of Q2 with the target 20 dB. Nothing kept: $17.88$. The first layer kept: $22.58$; the second: $24.35$. So the second is kept, and $24.35$ dB is reached.

### Q4 · A greedy search
*difficulty 4/5 · importance 4/5 · 30 minutes · 15 points*

Arguments as in Q3; `target` is in dB, of the chain's last output; with fewer than all layers kept it can always be reached (that is, equalled or passed). If it is reached with nothing kept, keep nothing. The given `measure(kept)` returns the SQNR with the layers in the list `kept` left in fp32 and all others quantized. Return `kept_mask`, 1 for each layer that is kept and 0 for the others, and `reached`, the SQNR with them.

<details><summary>Hint 1: a question</summary>When do you look at the target: before a step or after it? Which layers are still to be tried?</details>
<details><summary>Hint 2: a step by hand</summary>Three layers; nothing kept gives 10 dB, the target is 15. Each layer tried alone gives 12, 13 and 11: keep number 1. Now only numbers 0 and 2 are left; together with number 1 they give 14 and 16: keep number 2, and 16 is at least 15, so stop. The mask is 0, 1, 1.</details>
<details><summary>Hint 3: the shape of the code</summary>A while loop; inside, a list of the layers that are left; max(left, key=lambda layer: ...); kept.append.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q4", "locked": false, "schema_version": 3, "solution": true, "task": false}
from provided import chain, on_grid


def keep_worst(weights, x, bits, target):
    wanted = chain(weights, x)

    def measure(kept):
        if len(kept) == len(weights):
            return 99.0  # nothing is quantized, there is no noise
        mixed = [w if place in kept else on_grid(w, bits) for place, w in enumerate(weights)]
        return float(sqnr_and_mse(wanted, chain(mixed, x))[0])

    kept = []
    ### BEGIN SOLUTION
    #| while __ :
    #|     left = __
    #|     best = __
    #|     kept.append(best)
    #| reached = __
    while measure(kept) < target:
        left = [layer for layer in range(len(weights)) if layer not in kept]
        best = max(left, key=lambda layer: measure(kept + [layer]))
        kept.append(best)
    reached = measure(kept)
    ### END SOLUTION
    kept_mask = [1 if layer in kept else 0 for layer in range(len(weights))]
    return kept_mask, reached


# %% nbgrader={"grade": true, "grade_id": "q4-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q4: visible cases; hidden ones remain.
from checks import q4

### BEGIN HIDDEN TESTS
from checks.q4 import chain_of

from qlab.check import case

q4.also(
    case("three are needed", *chain_of(162, 5, 8, 8, 8, 8, 4), 3, 11.9),
    case("three of five, 4 bits", *chain_of(382, 4, 6, 8, 6, 6, 5), 4, 11.7),
    case("worse before it gets better, again", *chain_of(81, 5, 7, 7, 7, 6, 4), 3, 15.8),
    case("another low target", *chain_of(176, 4, 6, 8, 6, 6, 5), 4, 8.0, group="none"),
)
### END HIDDEN TESTS
q4.check(keep_worst)

# %% [markdown] id="keep-text"
"""
Now for the network itself, and for the one without the planted fault. The target: at most one percentage point below fp32 on the held-out images. Layers that are kept stay in fp32. **Predict** how many layers have to be kept with 8 bits, and with 6.
"""

# %% id="keep" tags=["demo"]
steps, kept_accuracy, sound_kept = {}, {}, {}


def search(bits, base, of):
    """The steps of the greedy search, and the accuracy on the test images after it."""
    target = accuracy_of(base, x_held, y_held) - 0.01
    found = sensitivity.keep_worst(
        layers,
        lambda which: accuracy_of(quantized(which, bits, False, base, of), x_held, y_held),
        target,
    )
    rest = [name for name in layers if name not in found[-1].kept]
    return found, accuracy_of(quantized(rest, bits, False, base, of))


for bits in (8, 6):
    steps[bits], kept_accuracy[bits] = search(bits, network, ranges)
    sound_kept[bits] = search(bits, sound, sound_ranges)
    print(f"{bits} bits, held-out images: {steps[bits][0].value:.1%} with nothing kept")
    for step in steps[bits][1:]:
        print(f"   {step.value:.1%} with {step.kept[-1].removesuffix('.0')} kept too")
    kept, sound_count = len(steps[bits][-1].kept), len(sound_kept[bits][0][-1].kept)
    print(f"   test images: {kept_accuracy[bits]:.1%}, {kept} of {len(layers)} layers kept, fp32 {fp32:.1%}")
    print(f"   not planted: {sound_kept[bits][1]:.1%}, {sound_count} kept, fp32 {sound_fp32:.1%}")
kept8, kept6 = (kept_accuracy[bits] for bits in (8, 6))
kept_layers8, kept_layers6 = (len(steps[bits][-1].kept) for bits in (8, 6))
sound_kept8, sound_kept6 = (sound_kept[bits][1] for bits in (8, 6))
sound_kept_layers8, sound_kept_layers6 = (len(sound_kept[bits][0][-1].kept) for bits in (8, 6))

# %% [markdown] id="ranked-text"
"""
Look at the steps with 6 bits. As long as a second broken layer keeps the network at chance, accuracy tells nothing: the search picks, step after step, whichever layer gains a few images by chance. **Predict:** what if the layers are ranked *once*, by how much each hurts alone, and kept in that order?
"""

# %% id="ranked" tags=["demo"]
for bits in (8, 6):
    order = sorted(layers, key=lambda name: swept[bits][f"only {name}"])
    ranked = sensitivity.keep_in_order(order, lambda which: accuracy_of(quantized(which, bits), x_held, y_held), held_fp32 - 0.01)
    in_order = accuracy_of(quantized([name for name in layers if name not in ranked[-1].kept], bits))
    print(f"{bits} bits, ranked by one only: {', '.join(name.removesuffix('.0') for name in ranked[-1].kept)} kept, {in_order:.1%} on the test images")

sound_order = sorted(
    layers,
    key=lambda name: accuracy_of(quantized([name], 6, False, sound, sound_ranges), x_held, y_held),
)
sound_ranked = sensitivity.keep_in_order(
    sound_order,
    lambda which: accuracy_of(quantized(which, 6, False, sound, sound_ranges), x_held, y_held),
    accuracy_of(sound, x_held, y_held) - 0.01,
)
sound_rest = [name for name in layers if name not in sound_ranked[-1].kept]
sound_ranked6 = accuracy_of(quantized(sound_rest, 6, False, sound, sound_ranges))
sound_ranked_layers6 = len(sound_ranked[-1].kept)
print(f"6 bits, not planted: {sound_ranked_layers6} kept, {sound_ranked6:.1%} on the test images")

ranked6, ranked_layers6, steps["ranked"] = in_order, len(ranked[-1].kept), ranked
kept_depthwise = sum("depthwise" in name for name in ranked[-1].kept) / max(1, ranked_layers6)
weights_kept6 = sum(counts[name].weights for name in ranked[-1].kept) / sum(count.weights for count in counts.values())
print(f"of these {kept_depthwise:.0%} are depthwise; they hold {weights_kept6:.1%} of the weights")

# %% [markdown] id="pareto-text"
r"""
On digits, with {{ digits.seeds }} values of `SEED` (of 8 layers; accuracy on the test images):

| | planted: layers kept | accuracy | not planted: layers kept | accuracy |
|---|---|---|---|---|
| fp32 | | {{ digits.fp32 }} | | {{ digits.sound_fp32 }} |
| 8 bits, greedy | {{ digits.kept_layers8 }} | {{ digits.kept8 }} | {{ digits.sound_kept_layers8 }} | {{ digits.sound_kept8 }} |
| 6 bits, greedy | {{ digits.kept_layers6 }} | {{ digits.kept6 }} | {{ digits.sound_kept_layers6 }} | {{ digits.sound_kept6 }} |
| 6 bits, ranked once by "one only" | {{ digits.ranked_layers6 }} | {{ digits.ranked6 }} | {{ digits.sound_ranked_layers6 }} | {{ digits.sound_ranked6 }} |

Of the layers kept by the ranking in the planted network, {{ digits.kept_depthwise }} are depthwise, and they hold {{ digits.weights_kept6 }} of the weights. So the published finding holds here too: keep a few layers, and the accuracy is close to fp32's. But a greedy search is only as good as what it measures. Where two layers each break the network, you need a
metric that still discriminates between choices, such as the SQNR of the output, or a ranking that measures one layer at a time.

Each choice of bits and kept layers is a point with a size and an accuracy. Most of them are not worth a look: another network is as small and more accurate, or smaller and as accurate. The others are called **Pareto-optimal**: whoever wants more accuracy has to pay with size.

**A worked example.** Sizes $4, 1, 2, 3$ with accuracies $0.95,\; 0.85,\; 0.94,\; 0.90$: the last one is beaten by the third, which is smaller and better. The other three are not beaten: $1, 1, 1, 0$.

### Q5 · Which trades are worth making
*difficulty 2/5 · importance 3/5 · 10 minutes · 5 points*

`sizes` and `accuracies` are tensors (points,). A point is **beaten** if another one is no larger and no less accurate, and better in at least one of the two. Two equal points do not beat each other. Return 1 for each point that is not beaten and 0 for each that is: numbers, not True and False.

<details><summary>Hint 1: a question</summary>Does a point beat itself in your comparison?</details>
<details><summary>Hint 2: the equation</summary>$s \le size$ and $a \ge accuracy$, and at least one of the two without the equal sign.</details>
<details><summary>Hint 3: the shape of the code</summary>any(... for s, a in points) in a loop over points; int(not ...).</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q5", "locked": false, "schema_version": 3, "solution": true, "task": false}
def not_beaten(sizes, accuracies):
    points = list(zip(sizes.tolist(), accuracies.tolist()))
    best = []
    for size, accuracy in points:
        ### BEGIN SOLUTION
        #| beaten = any( __ for s, a in points)
        #| best.append( __ )
        beaten = any(s <= size and a >= accuracy and (s < size or a > accuracy) for s, a in points)
        best.append(int(not beaten))
        ### END SOLUTION
    return best


# %% nbgrader={"grade": true, "grade_id": "q5-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q5: visible cases; hidden ones remain.
from checks import q5

### BEGIN HIDDEN TESTS
from qlab.check import case

q5.also(
    case("a longer list", [5.0, 4.0, 4.5, 1.0, 2.5, 6.0, 2.0], [0.9, 0.7, 0.75, 0.3, 0.65, 0.85, 0.5]),
    case("sizes close to each other", [1.002, 1.001, 1.003, 1.0], [0.7, 0.75, 0.72, 0.6]),
    case(
        "two of three equal points beaten",
        [3.0, 3.0, 3.0, 3.0, 1.0, 1.0],
        [0.8, 0.8, 0.8, 0.9, 0.5, 0.5],
        group="equal",
    ),
    case("equal in one, beaten in the other", [3.0, 3.0, 3.0, 2.0, 2.0], [0.8, 0.9, 0.9, 0.6, 0.5], group="equal"),
)
### END HIDDEN TESTS
q5.check(not_beaten)

# %% id="pareto" tags=["demo"]
trades = {"fp32": {}} | {f"{bits} bits{', per channel' * per_channel}": dict.fromkeys(layers, (bits, per_channel)) for bits in (8, 6, 4) for per_channel in (False, True)}
for bits, search in ((8, steps[8]), (6, steps["ranked"])):
    for step in search[1:]:
        trades[f"{bits} bits, {len(step.kept)} kept"] = {name: (bits, False) for name in layers if name not in step.kept}


def size_and_accuracy(plan):
    model = sensitivity.quantized(network, {name: Precision(bits, 8, per_channel) for name, (bits, per_channel) in plan.items()}, ranges)
    scales = sum(len(network.get_submodule(name).weight) if per_channel else 1 for name, (_, per_channel) in plan.items())
    return sensitivity.weight_bytes(network, {name: bits for name, (bits, _) in plan.items()}) + 4 * scales, accuracy_of(model)


of_trades = [size_and_accuracy(plan) for plan in trades.values()]
mask = q5.yours_or_provided()(torch.tensor([size for size, _ in of_trades]), torch.tensor([accuracy for _, accuracy in of_trades]))
plots.pareto_plot([plots.Point(name, *values, bool(best)) for name, values, best in zip(trades, of_trades, mask)], title="Bytes of weights, biases and scales, against accuracy on the test images", lowest=fp32 - 0.2)

# %% [markdown] id="budget-text"
r"""
Test accuracies differ by half a point for no reason but chance: with {{ digits.test_images }} test images a point of the plot may well be beaten on others.

**Bits instead of layers.** So far a layer had few bits or was kept in fp32. With a choice of bits per layer there are too many plans to measure each by the accuracy: 3 choices for 8 layers are 6,561 plans. So one *estimates* what a plan costs. Near a trained network's weights the gradient is about 0, and the loss grows with the **second-order** term
of its Taylor series. With the layer's mean curvature $c_l$ (the mean of the Hessian's diagonal over its weights, measured once) that is

$$ \text{measure} = \sum_l \tfrac{1}{2}\, c_l \sum_i (W_{l,i} - Q_{b_l}(W_l)_i)^2 $$

with $b_l$ bits in layer $l$. (HAWQ-V2, Dong et al. 2020, [arXiv 1911.03852](https://arxiv.org/abs/1911.03852), ranks layers in this way. It takes errors of different layers as independent, which they are not quite.) Then the best plan within a budget of bytes is found by arithmetic alone.

**A worked example.** The chain of Q2 with the curvatures $1$ and $4$, the choices 3 and 4 bits, and a budget of $1.75$ bytes. The squared errors are $0.00444$ and $0.04$ with 3 bits, $0.00082$ and $0.00735$ with 4. Four bits in both layers take $(2 \cdot 4 + 2 \cdot 4) / 8 = 2$ bytes, too many. Bits $(3, 4)$ take $1.75$ bytes and cost
$\frac12 (0.00444 + 4 \cdot 0.00735) = 0.0169$; bits $(4, 3)$ cost $0.0804$; bits $(3, 3)$ cost $0.0822$. The best plan is $(3, 4)$.

### Q10 · Spend a budget of bytes (open exercise)
*difficulty 4/5 · importance 4/5 · 25 minutes · 4 points*

Write the function from its description; any method counts. `weights` is a list of tensors (out, in), `curvatures` a tensor (layers,), `choices` a tuple of bits, `budget` a number of bytes. A layer with b bits takes b/8 bytes per weight; scales are not counted. `on_grid(weight, bits)` is given. Of all plans that take at most the budget, find the one with the smallest
measure. Return its bits per layer, a list or a tensor, and its measure. There are never more than 300 plans, and the smallest choice for all layers always fits into the budget.

```python
spend_bytes([torch.tensor([[1.0, 0.6]]), torch.tensor([[1.8], [-2.0]])],
            torch.tensor([1.0, 4.0]), (3, 4), 1.75)
# -> [3, 4], 0.0169
```

<details><summary>Hint 1: a question</summary>Does the next byte always belong where it helps most, or may two small layers together use it better?</details>
<details><summary>Hint 2: a step by hand</summary>Two layers of 8 weights, choices 2 and 4, budget 6 bytes: the plans (2, 2), (2, 4), (4, 2) and (4, 4) take 4, 6, 6 and 8 bytes. Three of them are affordable, and only their measures have to be compared.</details>
<details><summary>Hint 3: the shape of the code</summary>itertools.product(choices, repeat=len(weights)) gives all plans; a sum for the bytes, a sum for the measure; the smallest of the affordable ones.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q10", "locked": false, "schema_version": 3, "solution": true, "task": false}
import itertools

from provided import on_grid


def spend_bytes(weights, curvatures, choices, budget):
    ### BEGIN SOLUTION
    #| return __  # your own lines, as many as you like
    best, least = None, float("inf")
    for plan in itertools.product(choices, repeat=len(weights)):
        size = sum(w.numel() * bits for w, bits in zip(weights, plan)) / 8
        errors = [((w - on_grid(w, bits)) ** 2).sum() for w, bits in zip(weights, plan)]
        measure = sum(0.5 * float(c) * float(error) for c, error in zip(curvatures, errors))
        if size <= budget and measure < least:
            best, least = plan, measure
    return list(best), least
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q10-check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
# Check of Q10: visible cases; hidden ones remain.
from checks import q10

### BEGIN HIDDEN TESTS
from checks.q10 import picked

from qlab.check import case

q10.also(
    case("two choices", *picked(24, 5, 6, 9, 4, 7), (3, 5), 72.0),
    case("two choices, other weights", *picked(131, 5, 6, 9, 4, 7), (3, 5), 73.0),
)
### END HIDDEN TESTS
q10.check(spend_bytes)

# %% [markdown] id="mixed-text"
"""
On the network without the planted fault, one scale per layer: a budget of 5 bits per weight, the choices 4, 6 and 8 bits. The curvatures are estimated by Hutchinson's method: the mean of $v^T H v$ over random signs $v$ is the trace of the Hessian $H$. **Predict** which layers get more than four bits, and whether the plan beats four bits everywhere by more than chance.
"""

# %% id="mixed" tags=["demo"]
from provided import spend_bytes as every_plan


def curvatures_of(model, images, labels, probes=16):
    """The mean of the Hessian's diagonal over each layer's weights, never below 0."""
    weights = [model.get_submodule(name).weight.requires_grad_() for name in layers]
    loss = torch.nn.functional.cross_entropy(model(images), labels)
    slopes = torch.autograd.grad(loss, weights, create_graph=True)
    generator, traces = torch.Generator().manual_seed(SEED), torch.zeros(len(weights))
    for _ in range(probes):
        signs = [torch.randint(0, 2, w.shape, generator=generator) * 2.0 - 1 for w in weights]
        curved = torch.autograd.grad(slopes, weights, signs, retain_graph=True)
        traces += torch.stack([(s * c).sum() for s, c in zip(signs, curved)]).detach() / probes
    return (traces / torch.tensor([float(w.numel()) for w in weights])).clamp(min=0)


def accuracy_with(plan):
    precisions = {name: Precision(bits, 8) for name, bits in zip(layers, plan)}
    return accuracy_of(sensitivity.quantized(sound, precisions, sound_ranges))


curvatures = curvatures_of(sound, calibration, trained_on.y_train[:500])
sound_weights = [sound.get_submodule(name).weight.detach().flatten(1) for name in layers]
budget = sum(weight.numel() for weight in sound_weights) * 5 / 8
plans = {
    "second order": every_plan(sound_weights, curvatures, (4, 6, 8), budget)[0],
    "without curvatures": every_plan(sound_weights, torch.ones(8), (4, 6, 8), budget)[0],
    "4 bits everywhere": [4] * len(layers),
}
print(f"{'':20}", *(f"{name:>11}" for name in short))
print(f"{'mean curvature':20}", *(f"{float(value):11.3f}" for value in curvatures))
for name, plan in plans.items():
    print(f"{name:20}", *(f"{bits:11}" for bits in plan), f"   {accuracy_with(plan):.1%}")
mixed, mixed_flat, all_four = (accuracy_with(plan) for plan in plans.values())

# %% [markdown] id="mixed-answer"
"""
On digits, for {{ digits.seeds }} values of `SEED`: {{ digits.mixed }} with the plan by the second-order measure, {{ digits.mixed_flat }} with a plan of as many bytes by squared errors alone, {{ digits.all_four }} with four bits everywhere, {{ digits.sound_fp32 }} in fp32.
"""

# %% [markdown] id="bias-text"
r"""
## 6 · Bias correction

Rounding moves each weight a little up or down. Over a whole channel that seldom cancels, and inputs behind a ReLU are never negative: so the channel's output is **shifted** by about the same amount for every image. A shift is what a bias is for. Measure it on calibration images and take it out (Nagel et al. 2019, section 4.2, do it without data):

$$ error = \text{mean}(W_q\, x_q + b) - \text{mean}(W x + b), \qquad b \leftarrow b - error $$

where $x$ is the layer's input in the fp32 network and $x_q$ in the quantized one, so that shifts from the layers before go as well. It costs no training, no labels and nothing at inference.

**A worked example.** $W = (0.4, -0.2)$, $W_q = (0.5, -0.25)$, $b = 0.1$. Two images: $x = (1, 2)$ and $(3, 0)$, $x_q = (1, 2)$ and $(3.2, 0)$. Without the bias fp32 gives $0$ and $1.2$, mean $0.6$; quantized $0$ and $1.6$, mean $0.8$. The error is $0.2$, the new bias $-0.1$.

### Q6 · Take the shift out
*difficulty 2/5 · importance 4/5 · 15 minutes · 8 points*

`weight` and `weight_q` are (out, in), `bias` is (out,), `x` and `x_q` are (rows, in). Return the mean `error` of each output channel (out,), quantized minus fp32, and the corrected bias (out,).

<details><summary>Hint 1: a question</summary>Which weight meets which input, and over which dimension does the mean go?</details>
<details><summary>Hint 2: a step by hand</summary>One channel, W = 2, quantized 2.5; x = 1 and 3, x_q = 1 and 3.2. The fp32 mean is (2 + 6) / 2 = 4, the quantized one (2.5 + 8) / 2 = 5.25: the error is 1.25, and the bias becomes 1.25 smaller. The old bias cancels in the error.</details>
<details><summary>Hint 3: the shape of the code</summary>Two matrix products, each with .mean(dim=...); a difference; another one.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q6", "locked": false, "schema_version": 3, "solution": true, "task": false}
def correct_bias(weight, weight_q, bias, x, x_q):
    ### BEGIN SOLUTION
    #| error = __
    #| corrected = __
    error = (x_q @ weight_q.T).mean(dim=0) - (x @ weight.T).mean(dim=0)
    corrected = bias - error
    ### END SOLUTION
    return error, corrected


# %% nbgrader={"grade": true, "grade_id": "q6-check", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
# Check of Q6: visible cases; hidden ones remain.
from checks import q6

### BEGIN HIDDEN TESTS
from checks.q6 import lopsided, shifts

from qlab.check import case, normal

q6.also(
    case("one image", normal(3, 4), normal(3, 4), normal(3), lopsided(1, 4), lopsided(1, 4, 0.9), such_that=shifts),
    case("many images", normal(2, 7), normal(2, 7), normal(2), lopsided(50, 7), lopsided(50, 7, 0.9), such_that=shifts),
)
### END HIDDEN TESTS
q6.check(correct_bias)

# %% [markdown] id="correct-text"
"""
**Predict:** bias correction takes the mean error out of every channel of every layer. Will that bring the accuracy back, with 8 bits, and with 6?
"""

# %% id="correct" tags=["demo"]
corrected, sound_corrected = {}, {}


def largest_shift(model, base=network):
    errors = bias_correction.mean_errors(base, model, calibration).values()
    return max(error.abs().max().item() for error in errors)


for bits in (8, 6):
    before = quantized(layers, bits)
    after = bias_correction.correct_biases(network, before, calibration)
    corrected[bits] = accuracy_of(after)
    sound_before = quantized(layers, bits, False, sound, sound_ranges)
    sound_corrected[bits] = accuracy_of(
        bias_correction.correct_biases(sound, sound_before, calibration)
    )
    print(f"{bits} bits: {accuracy_of(before):.1%} before, {corrected[bits]:.1%} after", end="; ")
    print(f"not planted {accuracy_of(sound_before):.1%} and {sound_corrected[bits]:.1%}")
    print(f"   largest mean error of a channel: {largest_shift(before):.3g} before,", end=" ")
    print(f"{largest_shift(after):.1g} after")
corrected8, corrected6 = corrected[8], corrected[6]
sound_corrected8, sound_corrected6 = sound_corrected[8], sound_corrected[6]

# %% [markdown] id="equalize-text"
r"""
On digits, one scale per layer, test accuracy:

| | planted | bias corrected | not planted | bias corrected |
|---|---|---|---|---|
| 8 bits | {{ digits.tensor8 }} | {{ digits.corrected8 }} | {{ digits.sound_tensor8 }} | {{ digits.sound_corrected8 }} |
| 6 bits | {{ digits.tensor6 }} | {{ digits.corrected6 }} | {{ digits.sound_tensor6 }} | {{ digits.sound_corrected6 }} |

The mean errors are gone in every row. In the planted network with 8 bits that wins back much of the loss. With 6 bits it wins next to nothing where the network is at chance: a channel whose weights have all become 0 has lost more than its mean.

## 7 · Equalization across layers

ReLU lets positive factors through: $\text{relu}(s\, z) = s\, \text{relu}(z)$. So a channel may be divided by $s$ in one layer and multiplied by $s$ again in the next: **the function is the same, number for number, and the weights have other ranges**. Choose for each channel $i$ the factor that gives both layers the same range,
with $r_1$ the largest absolute weight that makes channel $i$ and $r_2$ the largest one that takes it:

$$ s_i = \sqrt{\frac{r_{1,i}}{r_{2,i}}}, \qquad W_1[i] \leftarrow W_1[i] / s_i, \quad b_1[i] \leftarrow b_1[i] / s_i, \quad W_2[:, i] \leftarrow W_2[:, i] \cdot s_i $$

![Ranges of four channels in two layers, before and after](figures/equalization.png)

**A worked example.** Two channels. $W_1 = (8, -0.5)$, $b_1 = (4, 1)$, and one output takes them with $W_2 = (0.5, 2)$. Ranges $8$ and $0.5$ against $0.5$ and $2$: $s = (4,\; 0.5)$. $W_1$ becomes $(2, -1)$, $b_1$ becomes $(1, 2)$, $W_2$ becomes $(2, 1)$.

### Q7 · Equalize a pair of layers
*difficulty 4/5 · importance 4/5 · 30 minutes · 15 points*

`first` (channels, in, k, k), `bias` (channels,) and `second` are the weights of two convolutions with ReLU between them. A dense `second` is (out, channels, k, k). If `depthwise` is True it is (channels, 1, k, k): its channel i takes the first layer's channel i and no other. A channel with $r_1 = 0$ or $r_2 = 0$ stays as it is in both layers. Return the new first weight, bias and second weight.

<details><summary>Hint 1: a question</summary>Which dimension of `second` numbers the channels that come in: in the dense case, in the depthwise case?</details>
<details><summary>Hint 2: a step by hand</summary>A channel with r1 = 9 and r2 = 1: s = 3. Its weights and its bias in the first layer are divided by 3, the weights that take it are multiplied by 3; both ranges are 3 then. A dead channel has s = 1.</details>
<details><summary>Hint 3: the shape of the code</summary>abs().amax(dim=(three dimensions)) twice; torch.where for the dead; s[:, None, None, None] or s[None, :, None, None] to meet a weight.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q7", "locked": false, "schema_version": 3, "solution": true, "task": false}
def equalize(first, bias, second, depthwise):
    ### BEGIN SOLUTION
    #| r1 = __
    #| r2 = __
    #| s = __
    #| into_second = __  # s in the shape that meets second
    #| return __ , __ , __
    r1 = first.abs().amax(dim=(1, 2, 3))
    r2 = second.abs().amax(dim=(1, 2, 3) if depthwise else (0, 2, 3))
    s = torch.where((r1 > 0) & (r2 > 0), torch.sqrt(r1 / r2), 1.0)
    into_second = s[:, None, None, None] if depthwise else s[None, :, None, None]
    return first / s[:, None, None, None], bias / s, second * into_second
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q7-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q7: visible cases; hidden ones remain.
from checks import q7

### BEGIN HIDDEN TESTS
from checks.q7 import ranges_differ, uneven, with_dead_channels

from qlab.check import case, normal

q7.also(
    case("a wide pair", uneven(8, 2, 3, 3), normal(8), uneven(3, 8, 3, 3), False, such_that=ranges_differ),
    case("depthwise behind a 3 x 3", uneven(4, 2, 3, 3), normal(4), uneven(4, 1, 3, 3), True, group="depthwise", such_that=ranges_differ),
    case("dead in a depthwise layer", with_dead_channels(uneven(6, 2, 1, 1), 0), normal(6), with_dead_channels(uneven(6, 1, 3, 3), 4), True, group="dead", such_that=ranges_differ),
)
### END HIDDEN TESTS
q7.check(equalize)

# %% [markdown] id="cross-text"
"""
A layer in the middle belongs to two pairs, so whoever equalizes one pair disturbs the next: it takes a few rounds. **Predict:** what becomes of the fp32 accuracy, of 8 bits and of 6, and is bias correction still worth anything?
"""

# %% id="cross" tags=["demo"]
equalized = equalization.equalize(network, equalization.consecutive(network))
equalized_ranges = sensitivity.input_ranges(equalized, calibration)
sound_even = equalization.equalize(sound, equalization.consecutive(sound))
sound_even_ranges = sensitivity.input_ranges(sound_even, calibration)
with torch.no_grad():
    logits = [model(dataset.x_test) for model in (network, equalized)]
difference = (logits[0] - logits[1]).abs().max()
print(f"fp32: {accuracy_of(network):.1%} and {accuracy_of(equalized):.1%}", end="; ")
print(f"largest difference of an output {difference:.1g} of {logits[0].abs().max():.0f}")


def four_ways(bits, base, of, even_base, even_of):
    """Accuracy as it is, bias corrected, equalized, and with both."""
    found = []
    for model, model_ranges in ((base, of), (even_base, even_of)):
        plain = quantized(layers, bits, False, model, model_ranges)
        found.append(accuracy_of(plain))
        found.append(accuracy_of(bias_correction.correct_biases(model, plain, calibration)))
    return found


four, sound_four = {}, {}
for bits in (8, 6, 4):
    four[bits] = four_ways(bits, network, ranges, equalized, equalized_ranges)
    sound_four[bits] = four_ways(bits, sound, sound_ranges, sound_even, sound_even_ranges)
for name, found in (("planted", four), ("not planted", sound_four)):
    print(f"\n{name:13}{'as it is':>9}{'bias corrected':>16}{'equalized':>11}{'both':>7}")
    for bits, (plain, fixed, even, both) in found.items():
        print(f"{bits} bits {plain:15.1%}{fixed:16.1%}{even:11.1%}{both:7.1%}")
(tensor4, _, crossed4, both4), (_, _, crossed6, both6), (_, _, crossed8, both8) = four[4], four[6], four[8]
sound_tensor4, _, sound_crossed4, sound_both4 = sound_four[4]
(_, _, sound_crossed6, sound_both6), (_, _, sound_crossed8, sound_both8) = sound_four[6], sound_four[8]

# %% id="spread-after" tags=["demo"]
plots.channel_ranges([equalized.get_submodule(layers[place]).weight for place in chosen], [short[place] for place in chosen])

# %% [markdown] id="adaround-text"
r"""
On digits, one scale per layer, test accuracy:

| | planted | equalized | and bias corrected | not planted | equalized | and bias corrected |
|---|---|---|---|---|---|---|
| 8 bits | {{ digits.tensor8 }} | {{ digits.crossed8 }} | {{ digits.both8 }} | {{ digits.sound_tensor8 }} | {{ digits.sound_crossed8 }} | {{ digits.sound_both8 }} |
| 6 bits | {{ digits.tensor6 }} | {{ digits.crossed6 }} | {{ digits.both6 }} | {{ digits.sound_tensor6 }} | {{ digits.sound_crossed6 }} | {{ digits.sound_both6 }} |
| 4 bits | {{ digits.tensor4 }} | {{ digits.crossed4 }} | {{ digits.both4 }} | {{ digits.sound_tensor4 }} | {{ digits.sound_crossed4 }} | {{ digits.sound_both4 }} |

Equalization repairs here almost all of what we planted, without data and without training. A network whose ranges are even gains nothing from it with 8 and 6 bits, as the columns on the right show. It needs ReLU: ReLU6 has an upper limit that does not scale with the channel. And it moves ranges into the activations: where $s_i < 1$, the channel's bias and its output become larger by $1 / s_i$, and one large channel widens the range of the whole activation. Nagel et al.
(2019, section 4.1.3) remove part of that by **high-bias absorption**. If a channel's output before ReLU is practically never below $c$ (they take $c = \max(0, \beta - 3\gamma)$, batch norm's shift less three of its factors), then $c$ can be subtracted from the bias, $b_1 \leftarrow b_1 - c$, and the next layer's bias makes up for it:
$b_2 \leftarrow b_2 + W_2\, c$. ReLU lets the constant through as long as nothing is cut off. We do not use it here.

### Learned rounding: AdaRound

One more repair needs no labels. Rounding each weight to the *nearest* code is best for the weights, not for the layer's output: the errors of many weights add up, and some of them are better rounded the other way. **AdaRound** (Nagel et al. 2020, [arXiv 2004.10568](https://arxiv.org/abs/2004.10568), sections 3 and 4) *learns* the direction. Each weight gets a number
$v$, and between the code below it and the code above it stands

$$ h = \text{clip}(1.2\, \sigma(v) - 0.1,\; 0,\; 1), \qquad W_{soft} = s \cdot (\lfloor W / s \rfloor + h) $$

($\sigma$ is the sigmoid; stretched by 1.2, it reaches 0 and 1.) The numbers $v$ learn from the error of the layer's output, and a regularizer drives each $h$ to 0 or to 1:

$$ loss = \text{mean}\big((x W_{soft}^T - x W^T)^2\big) + strength \cdot \sum \big(1 - |2h - 1|^{\beta}\big) $$

**A worked example.** $W = (0.7, -0.3)$, $s = 0.5$, $v = (0, 9)$, $x = (1, 2)$, $\beta = 2$, strength $0.1$. In steps the weights are $1.4$ and $-0.6$, so the lower codes are $1$ and $-1$. $h$ is $0.5$ and $1$ (cut off). The soft weight is $0.5 \cdot (1.5, 0) = (0.75, 0)$. The outputs are $0.1$ and $0.75$, the squared difference $0.4225$; the regularizer is $1 + 0$,
so the loss is $0.5225$.

### Q11 · Soft rounding and its loss
*difficulty 3/5 · importance 3/5 · 15 minutes · 3 points*

`weight` and `v` are (out, in), `x` is (rows, in), `scale`, `beta` and `strength` are floats. Return the soft weight (out, in) and the loss, a 0-d tensor. The mean goes over all rows and outputs, the sum over all weights. Write it in torch: the next cell takes the gradient with respect to v. No code is clamped here.

<details><summary>Hint 1: a question</summary>For a negative weight, which code lies below it: the one nearer to 0 or the one farther away?</details>
<details><summary>Hint 2: a step by hand</summary>W = 0.9, s = 0.5, v = -9: 1.8 steps, the lower code is 1; 1.2 sigmoid(-9) - 0.1 is below 0, so h = 0 and the soft weight is 0.5, though 1.0 is nearer. The regularizer is 1 - |2 * 0 - 1|^beta = 0.</details>
<details><summary>Hint 3: the shape of the code</summary>torch.clamp of 1.2 * torch.sigmoid(v) - 0.1; torch.floor; two matrix products, a mean of squares; a sum with abs and **.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q11", "locked": false, "schema_version": 3, "solution": true, "task": false}
def soft_rounding(weight, scale, v, x, beta, strength):
    ### BEGIN SOLUTION
    #| h = __
    #| soft = __
    #| error = __
    #| regularizer = __
    h = torch.clamp(1.2 * torch.sigmoid(v) - 0.1, 0, 1)
    soft = scale * (torch.floor(weight / scale) + h)
    error = ((x @ soft.T - x @ weight.T) ** 2).mean()
    regularizer = (1 - (2 * h - 1).abs() ** beta).sum()
    ### END SOLUTION
    return soft, error + strength * regularizer


# %% nbgrader={"grade": true, "grade_id": "q11-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
# Check of Q11: visible cases; hidden ones remain.
from checks import q11

### BEGIN HIDDEN TESTS
from checks.q11 import tells

from qlab.check import case, normal

q11.also(
    case(
        "a wide layer",
        normal(2, 12),
        0.125,
        normal(2, 12, std=3.0),
        normal(20, 12),
        3.0,
        0.2,
        such_that=tells,
    ),
)
### END HIDDEN TESTS
q11.check(soft_rounding)

# %% [markdown] id="learned-text"
"""
The last pointwise layer of the network without the planted fault, with 3-bit weights: rounded to the nearest code, and by AdaRound, which learns on calibration images. Both are compared on held-out images. **Predict:** by how many decibels does the output improve, and what becomes of the SQNR of the weight?
"""

# %% id="learned" tags=["demo"]
import provided

one_layer, largest_code = "pointwise3.0", 3


def rows_into(images):
    inputs, _ = sensitivity.record(sound, images)[one_layer]
    return inputs.permute(0, 2, 3, 1).flatten(0, 2)  # a pointwise layer sees each pixel by itself


w = sound.get_submodule(one_layer).weight.detach().flatten(1)
step = (w.abs().max() / largest_code).item()
x_learn, x_other = rows_into(calibration[:200]), rows_into(x_held)
fraction = w / step - torch.floor(w / step)
v = torch.log((fraction + 0.1) / (1.1 - fraction)).requires_grad_()  # h begins at the weight itself
learn = q11.yours_or_provided()
if not getattr(learn(w, step, v, x_learn, 2.0, 0.0)[1], "requires_grad", False):
    learn = provided.soft_rounding  # yours is right, but has no gradient
optimizer, turns = torch.optim.Adam([v], lr=0.05), 400
power = (x_learn @ w.T).square().mean().item()
for turn in range(turns):
    beta = 20 - 18 * turn / turns
    _, loss = learn(w, step, v, x_learn, beta, 1e-4 * power * (turn > turns // 5))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    up = (1.2 * torch.sigmoid(v) - 0.1 > 0.5).float()
    codes = {"nearest": torch.round(w / step), "learned": torch.floor(w / step) + up}
    for name, code in codes.items():
        on_codes = step * code.clamp(-largest_code, largest_code)
        in_db = [float(q1.provided(*pair)[0]) for pair in ((w, on_codes), (x_other @ w.T, x_other @ on_codes.T))]
        print(f"{name}: weight {in_db[0]:.1f} dB, output on held-out images {in_db[1]:.1f} dB")
        if name == "nearest":
            nearest_weight, nearest_output = in_db
learned_weight, learned_output = in_db
print(f"rounded the other way: {(codes['nearest'] != codes['learned']).float().mean():.1%} of the weights")

# %% [markdown] id="learned-answer"
"""
On digits, for {{ digits.seeds }} values of `SEED`, 3 bits in this layer:

| | SQNR of the weight, dB | SQNR of the output, dB |
|---|---|---|
| rounded to the nearest code | {{ digits.nearest_weight }} | {{ digits.nearest_output }} |
| AdaRound | {{ digits.learned_weight }} | {{ digits.learned_output }} |

The weight becomes worse, the output better, here by a few tenths of a decibel: a layer with 16 inputs has few errors that could balance each other. Once more the SQNR of the weights points the wrong way.
"""

# %% [markdown] id="profile-text"
r"""
## 8 · Where the time goes

Accuracy is one price, time the other. A **profile** measures each layer. The layer with the largest share of the time is the **bottleneck**: whatever is done to the others, its time remains. And if it becomes $k$ times as fast, the whole does not: with its share $p$,

$$ overall = \frac{1}{(1 - p) + p / k}, \qquad bound = \frac{1}{1 - p} \quad (k \to \infty) $$

(Amdahl 1967.) Times add up, speeds do not.

**A worked example.** Layers of $1$, $6$ and $3$ ms: shares $0.1$, $0.6$, $0.3$; the bottleneck is number 1, counted from 0. Three times as fast it takes $2$ ms, the whole $6$ instead of $10$: $1.667$ times as fast. This layer alone can never make the whole more than $2.5$ times as fast.

### Q8 · Read a profile
*difficulty 2/5 · importance 3/5 · 10 minutes · 5 points*

`milliseconds` (layers,) are measured times of two layers or more, no two alike; leave them as they are; `faster` is $k$, a number above 1. Return the `shares` (layers,), which add up to 1; the number of the slowest layer, counted from 0; how many times faster the whole becomes if that layer becomes `faster` times as fast; and the bound.

<details><summary>Hint 1: a question</summary>What is the new time of the whole?</details>
<details><summary>Hint 2: a step by hand</summary>Layers of 2 and 8 ms: p = 0.8. Four times as fast, the slow one takes 2 ms, the whole 4 instead of 10: 2.5 times as fast. If it took no time, 2 ms would be left: the bound is 5.</details>
<details><summary>Hint 3: the shape of the code</summary>A quotient; argmax; two lines of arithmetic with the share of the slowest.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q8", "locked": false, "schema_version": 3, "solution": true, "task": false}
def amdahl(milliseconds, faster):
    ### BEGIN SOLUTION
    #| shares = __
    #| slowest = __
    #| overall = __
    #| bound = __
    shares = milliseconds / milliseconds.sum()
    slowest = int(shares.argmax())
    overall = 1 / (1 - shares[slowest] + shares[slowest] / faster)
    bound = 1 / (1 - shares[slowest])
    ### END SOLUTION
    return shares, slowest, overall, bound


# %% nbgrader={"grade": true, "grade_id": "q8-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q8: visible cases; hidden ones remain.
from checks import q8

### BEGIN HIDDEN TESTS
from checks.q8 import one_is_slowest, times

from qlab.check import case

q8.also(
    case("twelve layers", times(12), 2.5, such_that=one_is_slowest),
    case("one that rules", [0.4, 0.9, 11.0, 1.3, 0.2], 8.0),
)
### END HIDDEN TESTS
q8.check(amdahl)

# %% [markdown] id="time-text"
"""
The next cell times each layer of our network for a batch of images, in fp32, on one thread. **Predict:** is the slowest layer the one with the most multiplications? Do depthwise layers, with so few of them, cost next to nothing?
"""

# %% id="time" tags=["demo"]
def milliseconds_of(model, images, rounds=15):
    """The fastest of several runs of each layer, on the input that reaches it."""
    fastest = []
    with training.one_thread(), torch.no_grad():
        for name, (inputs, _) in sensitivity.record(model, images).items():
            layer, times = model.get_submodule(name), []
            for _ in range(rounds):
                started = time.perf_counter()
                layer(inputs)
                times.append(time.perf_counter() - started)
            fastest.append(1000 * min(times))
    return torch.tensor(fastest)


took = milliseconds_of(network, dataset.x_test[:256])
shares, slowest, overall, bound = q8.yours_or_provided()(took, 2.0)
products = torch.tensor([float(count.products) for count in counts.values()])
for name, ms, share, part in zip(short, took, shares, products / products.sum()):
    print(f"{name:12}{ms:8.3f} ms{share:8.1%} of the time{part:8.1%} of the multiplications")
print(f"bottleneck: {short[slowest]}; twice as fast, the whole is {overall:.2f} times as fast; at most {bound:.2f} times")
is_depthwise = torch.tensor(["depthwise" in name for name in short])
time_depthwise, products_depthwise = (float(values[is_depthwise].sum() / values.sum()) for values in (took, products))
time_slowest, bound_slowest = float(shares[slowest]), float(bound)
print(f"depthwise layers: {products_depthwise:.1%} of the multiplications, {time_depthwise:.1%} of the time")

# %% [markdown] id="width-text"
"""
On digits, on the machine that measured: the depthwise layers make {{ digits.products_depthwise }} of the multiplications and take {{ digits.time_depthwise }} of the time; the slowest layer takes {{ digits.time_slowest }}, so the bound is {{ digits.bound_slowest }}. Multiplications are no clock: what a layer reads and writes counts as well, and how well its loops fit the machine. Measure on the machine that will run it.

## 9 · Does width help?

One often reads that large networks, those with ten million parameters and more, lose less to quantization; Krishnamoorthi (2018, [arXiv 1806.08342](https://arxiv.org/abs/1806.08342), section 3) reports it for ResNets and Inception-v3 beside MobileNets. Networks of that size are out of reach of this notebook, so it **cannot test that claim**, neither
confirm nor refute it. It asks a smaller question: do wider versions of one small network lose less than narrow ones? We take the convolutional network of Lab 5 in three widths, {{ digits.narrow_thousands }} to {{ digits.wide_thousands }} thousand parameters, with three seeds each, and quantize its weights after training with few bits and one scale per channel.
**Predict** for 3 and for 2 bits: does the loss fall with the width?
"""

# %% id="width" tags=["demo"]
widths, seeds = {"narrow": (4, 8, 16), "middle": (8, 16, 32), "wide": (16, 32, 64)}, (SEED, SEED + 1, SEED + 2)
by_width = {name: {"fp32": [], 3: [], 2: []} for name in widths}
parameters = {}
channels, side = dataset.x_train.shape[1:3]
for name, sizes in widths.items():
    for seed in seeds:
        torch.manual_seed(seed)
        convnet = models.ConvNet(channels, side, len(dataset.classes), sizes)
        training.train(convnet, dataset, epochs=12 if DATA == "digits" else 4, batch_size=128, seed=seed, progress=False, schedule=annealed(0.4 if DATA == "digits" else 0.1))
        parameters[name] = sum(p.numel() for p in convnet.parameters())
        by_width[name]["fp32"].append(accuracy_of(convnet))
        at = sensitivity.input_ranges(convnet, dataset.x_train[:500])
        for bits in (3, 2):
            plan = dict.fromkeys(sensitivity.layers_of(convnet), Precision(bits, 8, per_channel=True))
            by_width[name][bits].append(accuracy_of(sensitivity.quantized(convnet, plan, at)))


def mean(values):
    return sum(values) / len(values)


print("points of accuracy lost: mean over three seeds, from least to most")
for name, found in by_width.items():
    lost = {bits: [100 * (before - after) for before, after in zip(found["fp32"], found[bits])] for bits in (3, 2)}
    print(f"{name:8} {parameters[name]:6,} parameters   fp32 {mean(found['fp32']):.1%}", *(f"{bits} bits {mean(values):5.1f} ({min(values):.1f} to {max(values):.1f})" for bits, values in lost.items()), sep="   ")
narrow_thousands, wide_thousands = (parameters[name] / 1000 for name in ("narrow", "wide"))
narrow_fp32, middle_fp32, wide_fp32 = (mean(by_width[name]["fp32"]) for name in widths)
narrow3, middle3, wide3, narrow2, middle2, wide2 = (
    mean(found["fp32"]) - mean(found[bits]) for bits in (3, 2) for found in by_width.values()
)

# %% id="width-curves" tags=["demo"]
plots.curves(
    [sizes[0] for sizes in widths.values()],
    {kind if kind == "fp32" else f"{kind} bits": torch.tensor([by_width[name][kind] for name in widths]).T for kind in ("fp32", 3, 2)},
    x_name="channels of the first layer",
    y_name="accuracy",
    title="Width and few-bit weights: mean and band over three seeds",
)

# %% [markdown] id="width-answer"
"""
On digits, each number the mean over three seeds, with {{ digits.seeds }} values of `SEED`; behind fp32 the points of accuracy that are lost:

| | fp32 | lost: 3 bits | 2 bits |
|---|---|---|---|
| narrow | {{ digits.narrow_fp32 }} | {{ digits.narrow3 }} | {{ digits.narrow2 }} |
| middle | {{ digits.middle_fp32 }} | {{ digits.middle3 }} | {{ digits.middle2 }} |
| wide | {{ digits.wide_fp32 }} | {{ digits.wide3 }} | {{ digits.wide2 }} |

In this family of small networks the loss falls from narrow to wide, at 3 and at 2 bits. From middle to wide the ranges overlap: with three seeds that is a hint, not a finding. It says nothing about networks a hundred times larger. And width is not free: the wide network has about sixteen times the weights of the narrow one in its convolutions, so that with 2 bits it is as large as the narrow one with 32. Which of these two would you ship?

## 10 · Essay

A workflow, as teams recommend it. Its first box was Lab 4, training was Lab 5; the boxes between you have tried here.

![The workflow as a chart of decisions](figures/workflow.png)

### Q9 · Defend the workflow
*difficulty 4/5 · importance 5/5 · 40 minutes · 10 points, read by hand*

A colleague wants to skip most of the chart: "We use quantization-aware training for everything, then nothing has to be searched." Another one wants to stop after the first box. In 250 to 400 words of your own, defend the chart or change it: take at least four of its decisions, say for each what it costs, what it wins, and which measurement leads you on to the next box or lets you stop. Use your own numbers from this lab
(with the number of test images or seeds behind them), say which number would have misled you, and say where the chart does not fit (which layers, which engines, which sizes of network).

| rubric | points |
|---|---|
| four decisions in order, each with its cost, its gain, and the measurement that ends it | 4 |
| own numbers, with what they rest on; chosen on held-out images, reported on others | 2 |
| a measurement that misleads (weights' SQNR, all but one, one seed, multiplications), and why | 2 |
| where the chart does not fit, and what you would do there | 2 |
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q9", "locked": false, "points": 10, "schema_version": 3, "solution": true, "task": false}
"""
### BEGIN SOLUTION
#| *Your essay here.*
What a full answer mentions. Dynamic first: no calibration data, a line of code, wins size and, where matrix products of large weights rule, time; it does nothing for convolutions, so a convolutional network goes on at once. Static: per-channel symmetric weights by minimum and maximum, per-tensor affine activations by a moving average, some hundred calibration images; measure against fp32 over seeds; here per channel lost
nothing even with 6 bits, so one stops. If the engine has one scale a layer: SQNR of outputs, alone, finds the layer; the weights' SQNR does not, it was near 30 dB for the broken layers too. One only against all but one: with two broken layers all but one sees neither. Keep the worst few: two or three depthwise layers, some percent of the weights, chosen on held-out images, reported on
test images. Bias correction and equalization cost no training and no labels; equalization brought nearly all back, bias correction some of it. Only then training, about a tenth of the schedule: it needs labels, a pipeline and frozen statistics, and at 8 bits there is nothing left to win. Speed: by profile; Amdahl's bound before any work; depthwise layers take more time than their multiplications say. Where it does
not fit: transformers (dynamic is enough, outliers in activations), ReLU6 and residual connections for equalization, two bits (training first), tiny networks, engines without per-channel scales. Test sets of a few hundred images tell no half points.
### END SOLUTION
"""

# %% [markdown] id="end-text"
r"""
## If you want to go on

**Do it without planting.** `depthwise.depthwise_net_for(dataset, SEED, silent=0.0)` trains the same network from an ordinary start. Run the lab with it: what is left of the loss, at 8, 6 and 4 bits, and what is left for equalization to do?

**Search better.** A greedy search keeps one more layer per step. Try all pairs, or begin with everything kept and give up one layer a step (backward). Do they find fewer layers? Count the measurements.

**Change the data.** One line at the top: `DATA = "fashion_mnist"`. Are the same layers the worst?

## The formulas of this lab

| what | formula |
|---|---|
| signal-to-quantization-noise ratio | $10 \log_{10} \big(\sum x^2 / \sum (x - y)^2\big)$ dB |
| compared alone | $a_q W^T$ against $a_q W_q^T$ |
| greedy search | keep the layer with the largest measure, until the target is equalled or passed |
| second-order measure of a plan | $\sum_l \frac12 c_l \sum_i (W_{l,i} - Q_{b_l}(W_l)_i)^2$ |
| bias correction | $b \leftarrow b - \big(\text{mean}(W_q x_q) - \text{mean}(W x)\big)$ |
| equalization | $s_i = \sqrt{r_{1,i} / r_{2,i}}$; divide in the first layer, multiply in the second |
| AdaRound | $W_{soft} = s\,(\lfloor W / s \rfloor + h)$, $h = \text{clip}(1.2\,\sigma(v) - 0.1, 0, 1)$ |
| Amdahl's law | $1 / \big((1 - p) + p / k\big)$, at most $1 / (1 - p)$ |

**Next.** Comparing two networks layer by layer is the tool for every port to another engine, number format or compiler: find the first layer whose own noise is not what you expect.
"""

# %% [markdown] id="hand-in-text"
"""
## Handing in

1. Run all cells (*Run → Restart Kernel and Run All Cells*), look at the cards, and save.
2. In a terminal (*File → New → Terminal*), run `qlab submit lab7`: it says what is missing, offers a PDF for your report, and writes `Lab7_StudentID_Name.zip`.
3. Upload that file to your course's page. You can hand in an incomplete lab, and you can hand in again.
"""
