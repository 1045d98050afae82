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
# Lab 1 · Linear quantization

A neural network computes with 32-bit floats. In this lab you replace them by 8-bit integers, with three functions of a
few lines each, and a trained network that runs on them loses next to nothing.

**You will be able to**
- map a range of real numbers onto integer codes with a *scale* and a *zero-point*, and say what the error is;
- run a fully connected layer on codes alone, and find the multiplier M that brings its sum back to 8 bits;
- measure what quantization costs: accuracy, loss, agreement with the fp32 network;
- split M into M0 and n, the form in which hardware applies it.

| question | what | points |
|---|---|---|
| Q1 | `get_scale_and_zero_point` | 15 |
| Q2 | `linear_quantize` | 15 |
| Q3 | `quantized_linear` | 20 |
| Q3b | real logits | (no points) |
| Q4 | 50 MB in int8: the number, the calculation | 5 + 10 |
| Q5 | M = 0.2 | 10 |
| Q6 | essay: theory, hardware, software | 20 |
| Q7 | your thoughts on the lab | 5 |
| | 65 by checks, 35 read by hand | 100 |
<!-- given: the size of Q4's model -->

**How it works.** A blank looks like `__`: replace every one. Below each answer stands a check; it tells what holds, what
fails, and the likely mistake. It shows the visible cases: **hidden ones remain**, and they are tried when the lab is
graded. Every question can be answered whether or not the one before is right. After each change run the answer, then its check; a
cell with a syntax error has not run at all, and the check still sees what was there before. You need Python and a little PyTorch,
nothing about quantization. About two and a half hours, the essay's reading included.
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
    print("Upload the course's zip of this lab, then run in a cell of its own:\n!unzip -q -o lab1_linear_quantization*.zip\n%cd lab1_linear_quantization")
    print("%pip uninstall -y qlab\n%pip install ../quantization_lab-*.whl\nThen restart the session and run %cd lab1_linear_quantization again.")
elif missing:
    print(f"Missing or too old: {', '.join(missing)}. Run in a cell of its own:")
    print(f"%pip uninstall -y qlab\n%pip install \"{wheels[-1] if wheels else Path('../..').resolve()}\"\nThen restart the kernel.")
elif not Path("checks").exists():
    print("Missing: the folder checks. It comes with the lab: put it back beside this notebook.")
else:
    import torch
    import torch.nn.functional as F

    import qlab
    from qlab import data, models, plots, training

    print(f"Ready: qlab {qlab.__version__}, torch {torch.__version__}.")

# %% [markdown] id="why-text"
r"""
## 1 · What quantization is, and what it buys

Quantization stores and computes with few bits what was trained with many. A real number $r$ becomes an integer code $q$:

$$ r \approx S\,(q - Z) $$

The *scale* $S$ is a positive real number, the width of one step. The *zero-point* $Z$ is the code that stands for 0.0.

What it buys, going from fp32 to int8:
- **memory**: a parameter takes one byte instead of four. AlexNet takes over 200 MB, VGG-16 over 500 MB: far more
  than any cache holds, and much for a download to a phone;
- **bandwidth**: a quarter of the bytes moved, and moving is what many networks wait for;
- **energy**: an 8-bit integer multiplication takes 0.2 pJ, a 32-bit float one 3.7 pJ; reading 64 bits from DRAM 1.3 to 2.6 nJ,
  thousands of times as much (Horowitz, *Computing's Energy Problem*, ISSCC 2014, 45 nm).

FP16 is the mild form: half the bytes, still floats. Fewer than 8 bits are possible too; Labs 5 and 6 go there. Other ways
to make networks small are pruning and distillation (a small network learns from a large one's outputs); tools such as
TensorFlow Lite's converter, torchao and PyTorch's older torch.ao.quantization do what you do here by hand.

**Uniform or not.** In linear (*uniform*) quantization all steps are equally wide, so that arithmetic on codes is integer
arithmetic. *Non-uniform* codes (a codebook, powers of two) spend their steps where the values are, and need other hardware.

**Two roads.** *Post-training quantization* (PTQ) takes a trained network as it is: this lab. *Quantization-aware training*
(QAT) trains with quantization in the loop: Lab 5.
"""

# %% id="sizes"
PARAMETERS = {"AlexNet": 61_100_840, "VGG-16": 138_357_544}
for name, count in PARAMETERS.items():
    sizes = ", ".join(f"{bits} bits {qlab.model_size(count, bits) / 1e6:5.0f} MB" for bits in (32, 16, 8, 4))
    print(f"{name:8} {count / 1e6:5.1f} M parameters: {sizes}")

# %% [markdown] id="paper-text"
r"""
## 2 · Scale and zero-point on paper

Map the reals from $-1$ to $1$ onto the codes 0 to 128 (129 of them: round numbers for paper, not a bit width). The map is the straight line through $(-1, 0)$ and $(1, 128)$.

![The line through (-1, 0) and (1, 128); it passes (0, 64)](figures/mapping.png)

Its slope is codes per unit, $128 / 2 = 64$. The scale is units per code, **1 / slope** $= 1/64$. The code of 0.0 is the
zero-point, which older texts call the offset: **64**.

**Decide before you read on.** Two lecture notes on the web treat this example. One gives the offset as 63.5. The other says:
"to get the real number back, multiply with the scale and subtract the offset". What is wrong with each?

<details><summary>Then open this</summary>

- 63.5 is the middle of 0..127, not of 0..128: the line through $(-1, 0)$ and $(1, 127)$ has scale $2/127$ and passes
  $x = 0$ at 63.5. No code is 63.5, so there 0.0 cannot be represented at all until it is rounded.
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

From here on codes are signed: with $b$ bits, from $q_{min} = -2^{b-1}$ to $q_{max} = 2^{b-1} - 1$, so $-128$ to $127$ for 8.
The tensor's smallest value $r_{min}$ goes to $q_{min}$, its largest $r_{max}$ to $q_{max}$:

$$ S = \frac{r_{max} - r_{min}}{q_{max} - q_{min}} \qquad Z = q_{min} - \frac{r_{min}}{S}, \text{ rounded to the nearest integer and clipped to } [q_{min}, q_{max}] $$

**A worked example.** $[-0.5, 1.1]$ at 4 bits, codes $-8$ to $7$: $S = 1.6 / 15 = 0.10667$, $-r_{min} / S = 4.69$,
$Z = \text{round}(-8 + 4.69) = \text{round}(-3.31) = -3$.

Before you write it, see it fail. The next cell takes the range as it is, for the values 1 to 6.
**Predict:** $Z$ should be the code of 0.0. Where does it lie for a tensor whose smallest value is 1?
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
The zero-point fell outside of the codes and was clipped; the range moved with it, and everything above 5 was lost. The repair is
to **extend the range to hold 0**: $r_{min} \le 0 \le r_{max}$. Then $Z$ is always a code and 0.0 is exact, which matters because padding and ReLU
produce many zeros. The price is a larger step: slightly larger for most tensors, much larger for values like 100 to 101.

### Q1 · Scale and zero-point
*difficulty 2/5 · importance 5/5 · 15 minutes · 15 points*

`fp32_tensor` is a float32 tensor of any shape, finite, not empty, its values of ordinary size (no denormals); `bitwidth` is 2 to
16. Return `scale` (above 0) and `zero_point` (an integer from q_min to q_max, rounded to the nearest; at a tie, or so close to one
that float32 cannot tell, either neighbour is right). Python numbers, numpy numbers and 0-d tensors all count.
The lines above the blanks extend the range and guard the all-zero tensor, which has no width to divide.

<details><summary>Hint 1: a question</summary>Which distance in reals corresponds to which distance in codes?</details>
<details><summary>Hint 2: the equation</summary>r_min = S (q_min - Z). Solve it for Z.</details>
<details><summary>Hint 3: the shape of the code</summary>The first line has the width of the real range over the number of
steps between codes; the second starts at q_min; the third needs the name of Python's function for the nearest integer.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def get_scale_and_zero_point(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    r_min = min(fp32_tensor.min().item(), 0.0)  # the range has to hold 0
    r_max = max(fp32_tensor.max().item(), 0.0)
    if r_min == r_max:  # all zeros: any scale represents them
        return 1.0, 0
    ### BEGIN SOLUTION
    #| scale = ( __ - __ ) / ( __ - __ )
    #| zero_point = __ - __ / __
    #| zero_point = __ (zero_point)
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - r_min / scale
    zero_point = round(zero_point)
    ### END SOLUTION
    return scale, min(max(zero_point, q_min), q_max)


# %% nbgrader={"grade": true, "grade_id": "q1-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q1: visible cases; hidden ones remain.
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
print(f"scale {S:.5f}, zero-point {Z}; 1 to 6 come back as {[round(v, 2) for v in (S * (q - Z)).tolist()]}")

# %% [markdown] id="q2-text"
r"""
### Q2 · Quantize a tensor
*difficulty 2/5 · importance 5/5 · 10 minutes · 15 points*

A float becomes an integer in three steps: divide by the scale, round to the nearest, shift by the zero-point.

`fp32_tensor` and `bitwidth` as before. Return the codes (a tensor of integer values, in any dtype, in the shape of `fp32_tensor`),
the scale and the zero-point. At a tie either neighbour is right; `torch.round` takes the even one. You may call your own
`get_scale_and_zero_point`: if it is not right yet, this check uses the reference in its place.

<details><summary>Hint 1: a question</summary>What has to become of the real 0.0?</details>
<details><summary>Hint 2: the equation</summary>r = S (q - Z). Solve it for q.</details>
<details><summary>Hint 3: the shape of the code</summary>The function that rounds a tensor is torch.round; the bitwidth is
needed in the first line too.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def linear_quantize(fp32_tensor, bitwidth=8):
    q_min, q_max = -(2 ** (bitwidth - 1)), 2 ** (bitwidth - 1) - 1
    ### BEGIN SOLUTION
    #| scale, zero_point = get_scale_and_zero_point( __ , __ )
    #| q_tensor = __ ( __ / __ ) + __
    scale, zero_point = get_scale_and_zero_point(fp32_tensor, bitwidth)
    q_tensor = torch.round(fp32_tensor / scale) + zero_point
    ### END SOLUTION
    return torch.clamp(q_tensor, q_min, q_max), scale, zero_point


# %% nbgrader={"grade": true, "grade_id": "q2-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q2: visible cases; hidden ones remain.
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
    print(f"{bits} bits: scale {S:.4f}, largest error {error:.4f} = {error / S:.2f} scales")

# %% [markdown] id="staircase-text"
"""
Inside the range the error is at most half a scale: that is the promise of rounding to the nearest. Beyond the outermost codes
it grows without bound: that is clipping. **Predict** the picture for 3 bits, then run the cell.
"""

# %% id="staircase" tags=["demo"]
plots.staircase_and_error(-1.0, 1.0, bitwidth=3)

# %% [markdown] id="q3-text"
r"""
## 4 · A layer on codes

A fully connected layer without bias computes $y_o = \sum_k x_k w_{ok}$. Put codes in for the reals:

$$ S_{out}\,(q_{out} - Z_{out}) = \sum_k S_{in}(q_x - Z_{in})\; S_w (q_w - Z_w) $$

The scales move out of the sum, and what remains in it are integers, the *accumulator*:

$$ q_{out} = Z_{out} + M \cdot acc, \qquad acc = \sum_k (q_x - Z_{in})(q_w - Z_w), \qquad M = \frac{S_{in} S_w}{S_{out}} $$

$M \cdot acc$ is rounded to the nearest integer, and the result clamped to the output's codes: a sum of products can land
anywhere.

![From codes to accumulator to output code](figures/layer.png)

**A worked example.** One input row $q_x = (10, -4)$ with $Z_{in} = 2$, $S_{in} = 0.5$; weights $(3, -7)$ with $Z_w = 1$,
$S_w = 0.1$; output $S_{out} = 0.1$, $Z_{out} = -3$. Then $acc = 8 \cdot 2 + (-6)(-8) = 64$, $M = 0.5$, and the output is
$-3 + 32 = 29$, which stands for $0.1 \cdot 32 = 3.2$. In reals: $4 \cdot 0.2 + (-3)(-0.8) = 3.2$.

**Two traps.** In int8, $100 - (-100)$ wraps around to $-56$: widen first. And 128 cast to int8 is $-128$: clamp first.

### Q3 · A quantized linear layer
*difficulty 3/5 · importance 5/5 · 20 minutes · 20 points*

`input` (rows, in) and `weights` (out, in) hold integer codes of at most 8 bits, signed or unsigned, in any dtype; the scales are
floats, the zero-points integers. `device` says where to compute; `bitwidth` is the weights' and your lines do not need it. Return the
output codes (rows, out), integer values in any dtype, rounded to the nearest (either neighbour at a tie) and clamped to the codes
of `activation_bitwidth`. The given lines widen the codes to float64, which holds every integer up
to $2^{53}$ exactly: the sum is the integer that an int32 accumulator would hold.

<details><summary>Hint 1: a question</summary>Which real number does each code stand for, without its scale?</details>
<details><summary>Hint 2: the equation</summary>q_out = Z_out + round(M acc), clamped.</details>
<details><summary>Hint 3: the shape of the code</summary>Two subtractions, F.linear on the results, three scales in M, then
round, shift, clamp to q_min and q_max.</details>
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
    #| accumulator = F.linear( __ - __ , __ - __ )
    #| M = __ * __ / __
    #| output = __ ( __ * __ ) + __
    #| output = torch.clamp( __ , __ , __ )
    accumulator = F.linear(x - input_zero_point, w - weight_zero_point)
    M = input_scale * weight_scale / output_scale
    output = torch.round(M * accumulator) + output_zero_point
    output = torch.clamp(output, q_min, q_max)
    ### END SOLUTION
    return output


# %% nbgrader={"grade": true, "grade_id": "q3-check", "locked": true, "points": 20, "schema_version": 3, "solution": false, "task": false}
# Check of Q3: visible cases; hidden ones remain.
from checks import q3

### BEGIN HIDDEN TESTS
from checks.q3 import int8, layer_case

from qlab.check import uniform

q3.also(
    layer_case("a tie", int8([[3, 0], [5, 0], [1, 1]]), int8([[1, 0], [0, 7]]), 0.2, z=(0, 0, 1), s=(0.5, 0.2)),
    layer_case("zero-points at the ends", uniform(-128, 127, 5, 32), uniform(-128, 127, 3, 32), 2.2, z=(-128, 127, 127)),
    layer_case("unsigned input", uniform(0, 255, 4, 20, dtype=__import__("torch").uint8), uniform(-128, 127, 4, 20), 0.7, z=(131, -3, 6)),
    layer_case("far beyond the range", int8([[127] * 8, [-128] * 8, [1, 0, 0, 0, 0, 0, 0, 0]]), uniform(60, 127, 4, 8), 0.05, z=(0, 1, -7), group="saturating", beyond=True),
    layer_case("2-bit weights, 6-bit outputs", uniform(-128, 127, 6, 40), uniform(-2, 1, 5, 40), 0.13, z=(25, -1, 4), bits=(2, 6), group="bits"),
)
### END HIDDEN TESTS
q3.check(quantized_linear)

# %% id="q3-provided"
linear_on_codes = q3.yours_or_provided()

# %% [markdown] id="golden-text"
"""
**Decide before you run the cell.** A layer's fp32 outputs are the first row below. Its quantized form (scale 0.1001,
zero-point -18) gave the codes in the second. Is a code always the one that rounding the fp32 output itself would give?
"""

# %% id="golden"
fp32 = torch.tensor([1.3742, -2.7129, 2.9312, -1.1382, 3.8776, -1.1048, 4.1834, -6.2159, 4.9783, -6.4220])
codes = torch.tensor([-4, -45, 11, -30, 21, -29, 24, -80, 32, -82])
rounded = qlab.quantize(fp32, 0.1001, -18, -128, 127)
back = qlab.dequantize(codes, 0.1001, -18)
print("fp32 output ", [f"{v:.4f}" for v in fp32.tolist()])
print("layer's code", codes.tolist())
print("fp32 rounded", rounded.tolist())
print("back to real", [f"{v:.4f}" for v in back.tolist()])

# %% [markdown] id="golden-answer"
"""
They differ in the fourth: -30 from the layer, -29 from rounding. The layer's input and weights had been rounded already,
so its sum was not quite the fp32 one: errors of earlier roundings arrive too.

## 5 · A trained network on your functions

Now all of it on a real network: an MLP without biases, trained on the data set named at the top. `digits` is embedded in
scikit-learn and trains in seconds. For Fashion-MNIST change one line of the first code cell to `DATA = "fashion_mnist"` and run from
there; it is read from the folder that the environment variable QLAB_DATA names, or, with `DOWNLOAD = True`, fetched (30 MB).
<!-- given: what the four files of the download take together -->
"""

# %% id="train" tags=["demo"]
dataset = data.load(DATA, download=DOWNLOAD)
model = models.mlp_for(dataset, seed=SEED)
recipe = {"digits": {"epochs": 30, "learning_rate": 0.1, "batch_size": 32}}.get(DATA, {"epochs": 9, "learning_rate": 0.01})
training.train(model, dataset, seed=SEED, **recipe)
with torch.no_grad():
    fp32_logits = model(dataset.x_test)
fp32_accuracy, fp32_loss = training.accuracy_and_loss(fp32_logits, dataset.y_test)
print(f"{'-'.join(map(str, model.sizes))}: test accuracy {fp32_accuracy:.1%}, loss {fp32_loss:.4f}")

# %% [markdown] id="network-text"
"""
Weights are quantized over their own range. For the activations a range is needed before any test image is seen: take
1,000 **training** images and look at what comes out of each layer (this is *calibration*; Lab 3 is about it).

ReLU costs nothing here. The range is taken **after** ReLU, so its low end is 0, the zero-point is the lowest code, -128, and
the clamp that you wrote is the ReLU: what would be negative is clamped to the code of 0.0.
"""

# %% id="network" tags=["demo"]
def quantize_network(model, calibration_images):
    """For each layer: codes of its weights with their parameters, then scale and zero-point of its output."""
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
    q, S, Z = qlab.quantize(images.flatten(1), input_scale, input_zero_point, -128, 127), input_scale, input_zero_point
    for weight, S_w, Z_w, S_out, Z_out in layers:
        q = linear_on_codes(q, weight, S, S_w, S_out, Z, Z_w, Z_out, "cpu")
        S, Z = S_out, Z_out
    return q, S, Z


calibration = dataset.x_train[:1000]
layers = quantize_network(model, calibration)
q_logits, S_logits, Z_logits = run_on_codes(layers, dataset.x_test, *scale_and_zero_point(calibration))
for number, (_, S_w, Z_w, S_out, Z_out) in enumerate(layers):
    print(f"layer {number}: weights S {S_w:.5f}, Z {Z_w:4d}; output S {S_out:.5f}, Z {Z_out:4d}")

# %% [markdown] id="q3b-text"
r"""
### Q3b · From codes to logits
*difficulty 1/5 · importance 4/5 · 3 minutes · no points*

`q_logits` holds codes. Before they go into a loss they have to become real numbers again. Write the map back, for a tensor of
codes, a scale and a zero-point.

<details><summary>Hint 1: a question</summary>What has to come out for q = Z?</details>
<details><summary>Hint 2: the equation</summary>It is the first one of this lab.</details>
<details><summary>Hint 3: the shape of the code</summary>One subtraction in parentheses, one multiplication.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q3b", "locked": false, "schema_version": 3, "solution": true, "task": false}
def real_logits(q_logits, scale, zero_point):
    q_logits = q_logits.double()  # widen: int8 would wrap
    ### BEGIN SOLUTION
    #| logits = __ * ( __ - __ )
    logits = scale * (q_logits - zero_point)
    ### END SOLUTION
    return logits


# %% nbgrader={"grade": true, "grade_id": "q3b-check", "locked": true, "points": 0, "schema_version": 3, "solution": false, "task": false}
# Check of Q3b, without points.
from checks import q3b

q3b.check(real_logits)

# %% [markdown] id="compare-text"
"""
**Predict**, then run: how far will accuracy move? And the loss, if someone forgets the map back and feeds the codes to it?
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
print(f"int8 and fp32 choose the same class for {agreement:.2%} of the images; mean logit error {logit_error:.4f}")

# %% [markdown] id="compare-answer"
"""
**What success looks like.** On digits, over {{ digits.seeds }} seeds: fp32 {{ digits.fp32_accuracy }}, int8
{{ digits.int8_accuracy }}; the two agree on {{ digits.agreement }} of the images. On Fashion-MNIST after 9 epochs, over
{{ fashion_mnist.seeds }} seeds: fp32 {{ fashion_mnist.fp32_accuracy }}, int8 {{ fashion_mnist.int8_accuracy }}, agreement
{{ fashion_mnist.agreement }}. A difference of a few tenths of a percent either way is noise: agreement and logit error
say more than accuracy does.

**Why can the loss grow fivefold while accuracy stays?** A published notebook prints accuracy 83.9 % and 83.9 %, loss 0.000875 and
0.004596 (divided by the number of images once too often, which does not matter for the ratio), before and after quantization, as
if this were the price of int8. It is not: its logits were left as integers. Mapping codes back to reals keeps their order, so the
accuracy is the same with or without it; but cross-entropy takes exponentials, and codes are logits divided by the scale, so that
every wrong answer is wrong with great confidence. On digits the same slip takes the loss from {{ digits.int8_loss }}
to {{ digits.codes_loss }} (Fashion-MNIST: {{ fashion_mnist.int8_loss }} to {{ fashion_mnist.codes_loss }}).

## 6 · Affine or symmetric

You mapped $[r_{min}, r_{max}]$ onto all codes: *affine*. The alternative is *symmetric*: the range $[-a, a]$, $a$ the largest
absolute value, so that $Z = 0$ and the subtractions in the accumulator fall away.

**Predict** for each of the two tensors below which of the two wastes codes, and how many percent of them:
an activation, all values at least 1, fewer and fewer to the right (a Pareto distribution, scale 1, shape 10), and a weight (normal,
mean 0, standard deviation 0.12). Mind that the affine range has to hold 0.
"""

# %% id="ranges" tags=["demo"]
plots.clipping_ranges()

# %% [markdown] id="ranges-answer"
"""
The dotted lines are the data's own ends (raw), the dashed ones the range that is represented, from α to β. The weights lie around
0: symmetric leaves 2 % of their codes unused, affine none, and $Z_w = 0$ saves work in every layer. The activations lie on one side:
symmetric leaves 64 % of their codes unused, more than a bit's worth; affine still 28 %, because its range has to hold 0 and no value
lies between 0 and 1. So many engines take symmetric weights and affine activations.
<!-- computed: ranges -->

## 7 · The model's size

### Q4 · 50 MB
*difficulty 1/5 · importance 3/5 · 5 minutes · 5 points, and 10 for the calculation*

A model takes 50 MB in fp32. How many MB do its parameters take in int8? Give the number here (a plain number, with a decimal point and without the
unit), the calculation below.
<!-- given: the size of the question's model -->

<details><summary>Hint 1: a question</summary>What stays the same, the number of parameters or the bytes of each?</details>
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
"""
**The calculation (10 points, read by hand).** Write it down with its units: how many parameters, how many bytes each before and
after. Then: the file of a quantized model is a little larger than your number; name one thing that is stored besides the codes.
Rubric: parameters 4, bytes before and after 4, what else is stored 2.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q4-calculation", "locked": false, "points": 10, "schema_version": 3, "solution": true, "task": false}
"""
### BEGIN SOLUTION
#| *Your calculation here.*
50 MB of fp32 at 4 bytes a parameter are 12.5 million parameters. In int8 each takes 1 byte: 12.5 MB. Besides the codes a
file holds a scale and a zero-point a tensor (or a channel), the biases in 32 bits, and the container's own headers.
### END SOLUTION
"""

# %% [markdown] id="q5-text"
r"""
## 8 · M without a float

Your layer still multiplies by a float, M. Hardware that has only integers writes

$$ M = M_0 \cdot 2^{-n}, \qquad 0.5 \le M_0 < 1 $$

$M_0$ is stored as the integer $\text{round}(2^{31} M_0)$, so that multiplying by it is an integer multiplication whose result is
$2^{31}$ times too large; a shift to the right by $31 + n$ bits makes up for that and for $2^{-n}$ (Lab 2 builds it). For example $M = 0.3$: doubled once it is 0.6, so $M_0 = 0.6$ and $n = 1$.

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
"""
The next cell splits the multipliers of your network. They are below 1 because a step of a layer's output is wider than a step of
its accumulator, $S_{out} > S_{in} S_w$. Is that a law? No: Lab 2 meets an M above 1.
"""

# %% id="multipliers" tags=["demo"]
scales = [scale_and_zero_point(calibration)[0], *(S_out for *_, S_out, _ in layers)]
for number, (_, S_w, _, S_out, _) in enumerate(layers):
    M = scales[number] * S_w / S_out
    split_M0, split_n = qlab.decompose_multiplier(M)
    print(f"layer {number}: M = {M:.6f} = {split_M0:.6f} * 2**-{split_n}")

# %% [markdown] id="q6-text"
"""
## 9 · Essay

### Q6 · From theory to hardware and software
*difficulty 3/5 · importance 4/5 · 60 minutes with the reading · 20 points, read by hand*

Read sections 2 and 3 of Jacob et al. 2018, [*Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference*](https://arxiv.org/abs/1712.05877), which explain folding batch norm into a convolution and fusing layers into one kernel.
Then, in 300 to 500 words of your own: how does the theory of integer-only inference go into hardware and software? Where does the
multiplication by M stand beside the other post-processing of an accumulator (bias, rounding, clamping, the activation)? What do
folding batch norm and fusing layers do for it?

| rubric | points |
|---|---|
| hardware: where accumulators, M0 and the shift live, how wide each is, and why | 7 |
| software: folding batch norm, fusing layers, what a converter and a kernel do | 7 |
| theory is used to explain the two; **theory alone earns nothing** | 4 |
| own words and own example (a copied text earns nothing) | 2 |
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q6", "locked": false, "points": 20, "schema_version": 3, "solution": true, "task": false}
"""
### BEGIN SOLUTION
#| *Your essay here.*
What a full answer mentions. Hardware: int8 multipliers feed an int32 accumulator (a product has 16 bits, a thousand of them 10
more); the output stage behind it adds the int32 bias of scale S_in * S_w, multiplies by the 32-bit M0 keeping the high half,
shifts right by n with rounding, adds Z_out, saturates to int8; one such stage serves many multipliers since it runs once a
sum, not once a product. Software: batch norm is folded into weights and bias before quantization, so that it costs nothing and its
range does not need codes of its own; convolution, bias and ReLU are fused into one kernel so that the accumulator never goes to
memory; ReLU is the clamp at Z_out; a converter computes M0 and n for each layer (or channel) and the int32 biases. Theory
connects them: r = S (q - Z) moves the scales out of the sum, and S_in * S_w / S_out is the only real number left.
### END SOLUTION
"""

# %% [markdown] id="q7-text"
"""
### Q7 · Your thoughts on this lab
*5 points, read by hand; any sincere answer gets all of them*

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
"""
## If you want to go on

Quantize the network's weights with 4, 3 and 2 bits (`quantize(layer.weight, bits)` in `quantize_network`, and `bitwidth=bits` for
`linear_on_codes`) and plot accuracy against bits. Where does it break, and which layer breaks first?

**Next.** Lab 2 takes the last floats out: the int32 bias, M0 and n in integers, and whole networks that are
compared bit by bit with PyTorch's own int8 engines.
"""

# %% [markdown] id="hand-in-text"
"""
## Handing in

1. Run all cells (*Run → Restart Kernel and Run All Cells*), look at the cards, and save.
2. In a terminal (*File → New → Terminal*), run `qlab submit lab1`: it says what is missing, offers a PDF for your report, and writes `Lab1_StudentID_Name.zip`.
3. Upload that file to your course's page. You can hand in an incomplete lab, and you can hand in again.
"""
