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
# Lab 4 · Post-training quantization

A trained network becomes an int8 network without any further training. It takes five steps, which you do by hand and then let PyTorch do. You look
into the result, recompute a layer of it, and measure what it gains in bytes and in time, beside dynamic quantization, weight-only
quantization and FP16.

**You will be able to**
- fold batch norm into the convolution before it, and say which layers fuse;
- take a model through fuse, qconfig, prepare, calibrate and convert, and say what each step is for;
- explain why a skip connection needs a module of its own;
- read scales, zero-points and codes out of a converted model and recompute its outputs;
- do all five steps for a layer without PyTorch's flow;
- choose between static, dynamic and weight-only quantization by what limits the layer.

| question | what | points |
|---|---|---|
| Q1 | `fold_batch_norm` | 15 |
| Q2 | `fused_into`: which layers become one | 10 |
| Q3 | `five_steps` | 15 |
| Q4 | `add_codes`: a sum of two scales | 10 |
| Q5 | `residual_outputs`: a block that survives convert | 10 |
| Q6 | `converted_linear`: what a layer holds | 10 |
| Q7 | `held_bytes` | 5 |
| Q8 | `dynamic_linear` | 10 |
| Q9 | essay: which form where | 8 |
| Q10 | `from_scratch`: the five steps without PyTorch, an open exercise (Section 7) | 5 |
| Q11 | `unpacked`: what the engine has packed (Section 7) | 2 |
| | 92 by checks, 8 graded by hand | 100 |

## Before you start

**What you need to know.** Labs 1 and 2: scale, zero-point, accumulator, and how an output is rounded. Lab 3: how an observer chooses a range, and
scales per tensor and per channel. From deep learning: convolution, batch norm, ReLU, residual block. The course's glossary (`docs/glossary.md`, in the repository
[here](../../docs/glossary.md)) explains all terms.

**Time.** About four hours, including the predictions and the essay.

**How it works.** As in the labs before: replace every blank `__` with an expression. An *open* exercise has no blanks: write the function your own way. Below each answer is a check.
It runs the visible tests only; grading also runs **hidden ones**. Questions are independent: later cells use your function if its check passed, and a reference otherwise.

**Three names that you will meet everywhere.** A PyTorch *engine* is the library that computes layers on codes. **fbgemm** is Facebook's, for x86 servers. **qnnpack** is the one for Arm phones; it
also runs on x86. **oneDNN** is Intel's; PyTorch's engine `x86` combines it with fbgemm. They hold weights and activations in slightly different codes, and they round differently (Lab 2).

PyTorch's functions are in `torch.ao.quantization`. It is deprecated in favour of torchao, and it works in torch 2.13. Here they are called
through `qlab.torch_flow`, imported as `tq`: the same functions, without their warnings. Where a newer torch has removed them, `tq` has qlab's own under the same names, which compute the same codes in plain
integers; the cell below says which are in use.
"""

# %% id="setup"
import importlib.util
import sys
from pathlib import Path

# Or "fashion_mnist" or "cifar10": set QLAB_DATA to a folder that contains it, or allow
# the download.
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
        "!unzip -q -o lab4_post_training*.zip\n"
        "%cd lab4_post_training\n"
        "%pip uninstall -y qlab\n"
        "%pip install ../quantization_lab-*.whl\n"
        "Then restart the session and run %cd lab4_post_training again."
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
    import copy
    import time

    import torch
    import torch.nn.functional as F
    from torch import nn

    import qlab
    from qlab import data, engines, models, plots, recorded, training
    from qlab import torch_flow as tq
    from qlab.torch_flow.layer_by_layer import as_layer

    here = ", ".join(engines.available()) or "none"
    print(f"Ready: qlab {qlab.__version__}, torch {torch.__version__}.")
    print(f"Engines here: {here}; quantized by {tq.flow}.")

# %% [markdown] id="model-text"
"""
## 1 · The model

The model is a small ResNet: four 3x3 convolutions of 8, 12, 20 and 32 channels, two max-pools, a residual block of two convolutions with 32 channels, and a linear head. Each
convolution is followed by batch norm, and all but the last by ReLU; the last one's output is first added to the block's input. `quant`, `dequant` and `skip` have no effect yet: they
mark where codes begin, where they end, and where something is added.
"""

# %% id="train" tags=["demo"]
dataset = data.load(DATA, download=DOWNLOAD)
recipe = {"epochs": 2, "learning_rate": 0.05}
if DATA == "digits":
    recipe = {"epochs": 8, "learning_rate": 0.05, "batch_size": 32}
resnet = models.small_resnet_for(dataset, seed=SEED)
training.train(resnet, dataset, seed=SEED, **recipe)
print(resnet)
with torch.no_grad():
    fp32_logits = resnet(dataset.x_test)
fp32_accuracy = training.accuracy_and_loss(fp32_logits, dataset.y_test)[0]
parameter_count = sum(p.numel() for p in resnet.parameters())
print(f"{parameter_count:,} parameters, fp32 accuracy {fp32_accuracy:.2%}")

# %% [markdown] id="fold-text"
r"""
## 2 · Folding batch norm into the convolution

In training, batch norm takes mean and variance from the batch. In use it takes the running ones, which are constants. So after a convolution with output $y$ it is one
multiplication and one addition per channel:

$$ \gamma \, \frac{y - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta $$

![A convolution w x + b followed by batch norm equals one convolution w' x + b'; the picture asks which w' and b'](figures/folding.png)

A convolution is linear, so its weights can absorb the multiplication, once, before the model is used. **Predict** before you go on: the ResNet has 6 batch norms with
272 parameters. Does it have fewer parameters after folding, as many, or more?

**A worked example**, one channel with one weight: $w = 2$, $b = 1$, $\mu = 3$, $\sigma^2 = 4$, $\gamma = 6$, $\beta = 5$, $\epsilon = 0$. The output for $x$ is
$6 (2x + 1 - 3) / 2 + 5 = 6x - 1$: the folded weight is 6, the folded bias $-1$.

### Q1 · Fold batch norm
*difficulty 2/5 · importance 5/5 · 15 minutes · 15 points*

`weight` is (out, in / groups, height, width); `bias` is (out,), or `None` where the convolution has none; `mean`, `var`, `gamma`, `beta` are (out,), `eps` is a float. Return the weight and the
bias of the one convolution that equals the two layers, with the given shapes. Float32 and float64 are right; each entry is compared to a part in 100,000.

<details><summary>Hint 1: a question</summary>Write w x + b for y in batch norm's formula. What stands before x, and what is left over?</details>
<details><summary>Hint 2: a worked step</summary>In the worked example the factor is 6 / sqrt(4 + 0) = 3. The weight 2 becomes 3 * 2 = 6, and the bias becomes 5 + (1 - 3) * 3 = -1.</details>
<details><summary>Hint 3: the shape of the code</summary>One factor per channel, gamma over the root of var + eps; reshape it to (out, 1, 1, 1) so that it meets the output channels; the bias is beta plus the
factor times a difference.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    ### BEGIN SOLUTION
    #| factor = __  # one per output channel
    #| folded_weight = __
    #| folded_bias = __
    factor = gamma / torch.sqrt(var + eps)
    folded_weight = weight * factor.reshape(-1, 1, 1, 1)
    folded_bias = beta + (bias - mean) * factor
    ### END SOLUTION
    return folded_weight, folded_bias


# %% nbgrader={"grade": true, "grade_id": "q1-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q1: visible cases; grading also runs hidden ones.
from checks import q1

### BEGIN HIDDEN TESTS
from checks.q1 import norm_of

from qlab.check import case, normal

q1.also(
    case("a large eps", normal(2, 3, 3, 3), normal(2), *norm_of(2), 0.5),
    case("1x1 kernels", normal(5, 2, 1, 1), normal(5), *norm_of(5), 1e-5),
    case("an oblong kernel without bias", normal(2, 2, 1, 3), None, *norm_of(2), 1e-3, group="no bias"),
)
### END HIDDEN TESTS
q1.check(fold_batch_norm)

# %% [markdown] id="folded-text"
"""
**What success looks like.** The next cell folds the whole ResNet with your function and compares it with PyTorch's `fuse_modules`, which also fuses the ReLUs: the outputs agree within 1e-5.
"""

# %% id="folded" tags=["demo"]
fold = q1.yours_or_provided()


def as_parameter(numbers):
    return nn.Parameter(torch.as_tensor(numbers).float())


def folded_by_hand(model):
    model = copy.deepcopy(model)
    sequences = [m for m in model.modules() if isinstance(m, nn.Sequential)]
    for block in [m for m in sequences if isinstance(m[0], nn.Conv2d)]:
        conv, norm = block[0], block[1]
        kept = conv.weight, norm.running_mean, norm.running_var, norm.weight, norm.bias
        weight, *statistics = (tensor.detach() for tensor in kept)
        weight, bias = fold(weight, None, *statistics, norm.eps)  # no bias of its own
        conv.weight, conv.bias = as_parameter(weight), as_parameter(bias)
        block[1] = nn.Identity()
    return model


by_hand, fused = folded_by_hand(resnet), tq.fuse_modules(resnet, resnet.fusable)
with torch.no_grad():
    fused_logits = fused(dataset.x_test)
    hand_off = (by_hand(dataset.x_test) - fused_logits).abs().max().item()
    fused_off = (fused_logits - fp32_logits).abs().max().item()
fused_parameters = sum(p.numel() for p in fused.parameters())
print("largest difference of the logits:")
print(f"  yours and fuse_modules             {hand_off:.1e}")
print(f"  fuse_modules and the model before  {fused_off:.1e}")
print(f"parameters: {parameter_count:,} before, {fused_parameters:,} after")

# %% [markdown] id="groups-text"
"""
Fewer, by 136: each channel has lost a gamma and a beta, and its convolution has a bias now.

## 3 · Which layers fuse

To fuse layers means that one kernel does what several layers did. What lay between them is never written to memory and never rounded to codes. ReLU costs nothing there: it is the clamp at the end, as in
Lab 2. An engine can fuse what it has a kernel for:

| group | becomes |
|---|---|
| conv, bn | a convolution |
| conv, bn, relu | a convolution with ReLU |
| conv, relu | a convolution with ReLU |
| linear, relu | a linear layer with ReLU |
| bn, relu | a batch norm with ReLU |

Nothing else fuses in this lab. (torch 2.13 also folds a `BatchNorm1d` into the Linear before it. ReLU6, a ReLU that stops at 6, is not in its list.)

**A worked example.** Of conv, bn, relu, pool, conv, bn the first three become one layer, pool stays, the last two become one. Named by the position of each group's first layer: 0, 0, 0, 3, 4, 4.

### Q2 · Fused into what
*difficulty 2/5 · importance 3/5 · 15 minutes · 10 points*

`kinds` is a tuple of names in the order in which the layers run. Names that the table does not have, such as pool, add or relu6, join no group. Return one integer per layer: the position, from 0, of the first layer of its group, or its own if it stays alone. Go from
the front to the back; where several groups fit, take the longest.

<details><summary>Hint 1: a question</summary>conv, bn, relu: which two groups of the table fit at this place, and which one leaves nothing over?</details>
<details><summary>Hint 2: a worked step</summary>In conv, bn, relu, pool: at place 0 try conv, bn, relu first. It fits, so append 0 three times and go on at place 3. There no group fits: append 3 once and go on at place 4.</details>
<details><summary>Hint 3: the shape of the code</summary>`kinds[place : place + len(group)] == group` compares a stretch of layers with a group; a for loop that ends with break, and length 1 where none fits.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fused_into(kinds):
    ### BEGIN SOLUTION
    #| groups = __  # a list, the longest first; each is a tuple, like ("linear", "relu")
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu")]
    groups += [("linear", "relu"), ("bn", "relu")]
    ### END SOLUTION
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            ### BEGIN SOLUTION
            #| if __ :  # the layers from here on are this group
            #|     length = __
            #|     break
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
            ### END SOLUTION
        ### BEGIN SOLUTION
        #| heads += __
        heads += [place] * length
        ### END SOLUTION
        place += length
    return heads


# %% nbgrader={"grade": true, "grade_id": "q2-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q2: visible cases; grading also runs hidden ones.
from checks import q2

### BEGIN HIDDEN TESTS
from checks.q2 import KINDS, neighbours

from qlab.check import case

q2.also(
    case("two blocks", ("conv", "bn", "relu", "conv", "bn", "relu", "conv", "bn")),
    case("relu before bn", ("conv", "relu", "bn", "conv", "bn", "relu")),
    case("all kinds", ("linear", "relu", "bn", "relu", "pool", "linear"), group="others"),
    case("relu again", ("conv", "bn", "relu", "relu", "pool", "relu"), group="alone"),
    case("every three that begin with a convolution", neighbours("conv")),
    case("every three with a linear layer that fuses", neighbours("linear"), group="others"),
    case("every three with a batch norm that fuses", neighbours("bn"), group="others"),
    *(case(f"every three that stay alone, from {kind}", neighbours("", (kind,)), group="alone") for kind in KINDS),
)
### END HIDDEN TESTS
q2.check(fused_into)

# %% id="groups" tags=["demo"]
heads_of = q2.yours_or_provided()
KINDS = {
    nn.Conv2d: "conv",
    nn.BatchNorm2d: "bn",
    nn.ReLU: "relu",
    nn.Linear: "linear",
    nn.MaxPool2d: "pool",
    nn.AdaptiveAvgPool2d: "pool",
}
layers = [(name, m) for name, m in resnet.named_modules() if type(m) in KINDS]
kinds = tuple(KINDS[type(layer)] for _, layer in layers)
heads = [int(head) for head in heads_of(kinds)]
for head in dict.fromkeys(heads):
    group = [place for place in range(len(kinds)) if heads[place] == head]
    print(" and ".join(f"{layers[place][0]} ({kinds[place]})" for place in group))
print(f"{len(kinds)} layers become {len(set(heads))}")

# %% [markdown] id="five-text"
"""
(The cell lists the layers in the order in which they were made: pool and the head follow the block, whose sum has no layer of its own.)

## 4 · The five steps

![Five boxes in a row: fuse, qconfig, prepare, calibrate, convert. The weights stay float32 through steps 1 to 4; only convert rounds them.](figures/five_steps.png)

1. **Fuse**, in eval mode: batch norm's statistics must stand still.
2. **qconfig** says which observer watches activations and which watches weights, and so which codes they get. Each engine has its own. fbgemm's and x86's activations get 7 bits, 0 to 127 (Lab 2 showed why),
   qnnpack's get 8; fbgemm's weights get one scale per channel, qnnpack's one per layer.
3. **prepare** puts an observer behind each layer. The model still computes in fp32.
4. **Calibrate**: run batches of typical inputs. The outputs are ignored; the observers record the ranges.
5. **convert** asks the observers for scales and zero-points, rounds the weights to codes, and replaces the float layers by int8 layers.

`QuantStub` becomes the first arrow, float to codes; `DeQuantStub` the last one, codes to float. This way of working is called **eager mode**: the model stays ordinary Python that runs line by line, so *you* name the groups, place the
stubs and write the additions. (Section 9 shows the modes in which a tool does that on a graph of the model.)

PyTorch's default observer is a histogram; `tq.minmax_qconfig(engine)` is the engine's qconfig with the smallest
and the largest value instead, so that results can be recomputed by hand.

**Predict:** what scale does a layer get that was never calibrated?

### Q3 · The five steps
*difficulty 3/5 · importance 5/5 · 20 minutes · 15 points*

`small_model` gives a model with the layers `quant`, `conv`, `bn` and `relu`, as training leaves it, in train mode (`statistics` holds batch norm's mean, variance, gamma and beta, one row each). Take it through the five steps with the engine's `minmax_qconfig`; `batches` is a tensor (batches, images, channels, height, width).
The given lines run the converted model on `x` and return the codes of its output and their scale. Each `tq` function leaves its model as it is and returns a copy to go on with: `tq.fuse_modules(model, [[names of one group]])`, `tq.prepare(model)`, `tq.convert(model)`. (Folding with your `fold_batch_norm` is right too; then conv and relu are left to fuse.)

<details><summary>Hint 1: a question</summary>Which of the steps reads what the observers have seen, and which line has to come before it?</details>
<details><summary>Hint 2: a worked step</summary>For a model with the layers `conv` and `relu` only, fusing is `tq.fuse_modules(model, [["conv", "relu"]])`, and the next line sets `qconfig` on what it returned, since `prepare` looks for it there.</details>
<details><summary>Hint 3: the shape of the code</summary>model.eval() comes first; a group is a list of three names in quotes; calibration is a loop over the batches with a call of the observed model in it.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q3", "locked": false, "schema_version": 3, "solution": true, "task": false}
from provided import small_model
from qlab import torch_flow as tq


def five_steps(weight, bias, statistics, batches, x, engine):
    model = small_model(weight, bias, statistics)
    ### BEGIN SOLUTION
    #| __  # the mode in which batch norm stands still
    #| fused = __
    #| fused.qconfig = __
    #| observed = __
    #| for batch in __ :
    #|     __
    #| converted = __
    model.eval()
    fused = tq.fuse_modules(model, [["conv", "bn", "relu"]])
    fused.qconfig = tq.minmax_qconfig(engine)
    observed = tq.prepare(fused)
    for batch in batches:
        observed(batch)
    converted = tq.convert(observed)
    ### END SOLUTION
    y = converted(x)  # a quantized tensor: this model has no DeQuantStub
    return y.int_repr(), y.q_scale()


# %% nbgrader={"grade": true, "grade_id": "q3-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q3: visible cases; grading also runs hidden ones.
from checks import q3

### BEGIN HIDDEN TESTS
from checks.q3 import flow_case

q3.also(
    flow_case("five batches", 5, (3, 2, 3, 3), "fbgemm", (0.9, 1.7, 2.6, 1.2, 0.8)),
    flow_case("qnnpack, 2x2", 6, (3, 2, 2, 2), "qnnpack", (1.3, 2.5, 0.9)),
)
### END HIDDEN TESTS
q3.check(five_steps)

# %% id="uncalibrated" tags=["demo"]
torch.manual_seed(SEED)
plain_norm = torch.tensor([0.0, 1.0, 1.0, 0.0]).reshape(4, 1).expand(4, 4)
uncalibrated = small_model(torch.randn(4, 1, 3, 3), torch.zeros(4), plain_norm).eval()
group = [["conv", "bn", "relu"]]
uncalibrated = tq.static(uncalibrated, group, [], tq.minmax_qconfig("fbgemm"))
conv = uncalibrated.conv
print(f"never calibrated: scale {conv.scale}, zero-point {conv.zero_point}")
codes = uncalibrated(torch.rand(2, 1, 8, 8)).int_repr()
print(f"codes in use for images from 0 to 1: {codes.unique().tolist()}")

# %% [markdown] id="skip-text"
r"""
PyTorch warns and goes on: without a range the scale is 1, and a network whose values are small uses hardly any codes.

## 5 · A sum of two scales

The residual block adds its input to what its convolutions made of it. Both are codes by then, each with a scale and a zero-point of its own.

![Three rulers, one above the other. Code 110 on a's is 5, code 40 on b's is -2, and their sum, 3, is code 26 on the third.](figures/two_rulers.png)

**Predict:** the codes 110 and 40 are added. What is the code of the sum? What else do you have to know?

**A worked example**, the one in the picture: $a$ has code 110 with $S = 0.5$, $Z = 100$: it is 5. $b$ has code 40 with $S = 0.25$, $Z = 48$: it is $-2$. The sum, 3, has code $3 / 0.5 + 20 = 26$ in an output with $S = 0.5$, $Z = 20$.

### Q4 · Add codes
*difficulty 2/5 · importance 4/5 · 10 minutes · 10 points*

`q_a` and `q_b` are uint8 tensors of one shape, `S_a`, `Z_a`, `S_b`, `Z_b` their scales and zero-points, `S_out`, `Z_out` the output's. Return the codes of the sum, integers from 0 to 255 in any dtype, rounded once, to the nearest. If a value is halfway between two integers, either is accepted.

<details><summary>Hint 1: a question</summary>Which real numbers are the two codes?</details>
<details><summary>Hint 2: a worked step</summary>a is 0.5 * (110 - 100) = 5 and b is 0.25 * (40 - 48) = -2. If the sum were 300, its code would be 300 / 0.5 + 20 = 620: what is the largest code of a byte?</details>
<details><summary>Hint 3: the shape of the code</summary>Widen both with .double(), two reals, one rounding of their sum's steps, plus Z_out, one clamp.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q4", "locked": false, "schema_version": 3, "solution": true, "task": false}
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    ### BEGIN SOLUTION
    #| a = __
    #| b = __
    #| q_out = __
    #| return __
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    q_out = torch.round((a + b) / S_out) + Z_out
    return torch.clamp(q_out, 0, 255)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q4-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q4: visible cases; grading also runs hidden ones.
from checks import q4

### BEGIN HIDDEN TESTS
from checks.q4 import add_case, codes

q4.also(
    add_case("a large zero-point", codes(5, 5), 0.013, 251, codes(5, 5), 0.03, 5, 0.045, 60),
    add_case("many codes", codes(200), 0.02, 100, codes(200), 0.05, 140, 0.08, 121),
    add_case("beyond both ends", codes(60), 0.03, 100, codes(60), 0.07, 160, 0.03, 140, group="saturating"),
)
### END HIDDEN TESTS
q4.check(add_codes)

# %% [markdown] id="float-functional-text"
"""
A plain `+` knows nothing of an output scale, and PyTorch has no kernel for it between quantized tensors. `nn.quantized.FloatFunctional`, here `tq.FloatFunctional`, is a module with the methods `add`, `mul`, `add_relu`, `cat`. As a module it
gets an observer in prepare, and convert makes it a `QFunctional` with a scale and a zero-point, which does what you did in Q4.

### Q5 · A block that survives convert
*difficulty 2/5 · importance 4/5 · 15 minutes · 10 points*

Complete the block: codes begin at `quant`, the convolution's output is added to the convolution's input, both as quantized tensors, and `dequant` turns the sum into floats at the end. There is no ReLU. Keep the names `quant`, `conv` and `dequant`. The given function runs the block in fp32, or prepared, calibrated and converted where `quantized` is true. Where torch has no
kernel for what you wrote, it prints torch's words and returns zeros.

<details><summary>Hint 1: a question</summary>Which line turns floats into codes, and which tensors come after it?</details>
<details><summary>Hint 2: a worked step</summary>A block that multiplies two quantized tensors instead has `self.product = tq.FloatFunctional()` in `__init__` and `self.product.mul(a, b)` in `forward`.</details>
<details><summary>Hint 3: the shape of the code</summary>One module made in __init__; in forward x passes quant, one method of your module takes two tensors, dequant takes its result.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q5", "locked": false, "schema_version": 3, "solution": true, "task": false}
from provided import outputs_of, same_size_conv
from qlab import torch_flow as tq


class Residual(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.quant, self.conv, self.dequant = tq.QuantStub(), conv, tq.DeQuantStub()
        ### BEGIN SOLUTION
        #| self.skip = __
        self.skip = tq.FloatFunctional()
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        #| x = __
        #| y = __
        #| return __
        x = self.quant(x)
        y = self.skip.add(x, self.conv(x))
        return self.dequant(y)
        ### END SOLUTION


def residual_outputs(weight, bias, batches, x, quantized):
    block = Residual(same_size_conv(weight, bias))
    return outputs_of(block, batches, x, quantized)


# %% nbgrader={"grade": true, "grade_id": "q5-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q5: visible cases; grading also runs hidden ones.
from checks import q5

### BEGIN HIDDEN TESTS
from checks.q5 import skip_case

q5.also(
    skip_case("fp32, one channel", 15, (1, 1, 3, 3), False),
    skip_case("int8, one channel", 16, (1, 1, 3, 3), True),
)
### END HIDDEN TESTS
q5.check(residual_outputs)

# %% [markdown] id="static-text"
"""
## 6 · The whole ResNet

Now the five steps for the ResNet, with 256 training images for calibration, by both engines that your machine may have. **Predict** the accuracy lost, and the int8 file's share of the fp32 file.
"""

# %% id="static" tags=["demo"]
calibration = dataset.x_train[:256].split(64)
# Yours has shown that it can; the ResNet goes through tq.static, the same five steps
# for any model.
run_five_steps = q3.yours_or_provided()


def accuracy_and_agreement(logits, reference):
    accuracy = training.accuracy_and_loss(logits, dataset.y_test)[0]
    same = logits.argmax(1) == reference.argmax(1)
    return accuracy, same.float().mean().item()


converted, accuracy, agreement = {}, {}, {}
for engine in ("fbgemm", "qnnpack"):
    if engine not in tq.engine_names():
        print(f"{engine} does not run here: {engines.missing()[engine]}.")
        print("The lab goes on without it.")
        continue
    qconfig = tq.minmax_qconfig(engine)
    with tq.selected(engine), torch.no_grad():
        converted[engine] = tq.static(resnet, resnet.fusable, calibration, qconfig)
        logits = converted[engine](dataset.x_test)
    accuracy[engine], agreement[engine] = accuracy_and_agreement(logits, fp32_logits)
    print(
        f"{engine:8} int8 accuracy {accuracy[engine]:.2%} (fp32 {fp32_accuracy:.2%}), "
        f"the same class for {agreement[engine]:.2%} of the images"
    )
main_engine = next(iter(converted))
int8 = converted[main_engine]
print(int8)
int8_accuracy, int8_agreement = accuracy[main_engine], agreement[main_engine]

# %% [markdown] id="static-answer"
"""
**What success looks like.** On digits, over {{ digits.seeds }} seeds: fp32 {{ digits.fp32_accuracy }}, int8 {{ digits.int8_accuracy }}, agreement {{ digits.int8_agreement }}.

Compare the two printed models: conv, batch norm and ReLU are one `QuantizedConvReLU2d`, and where batch norm and ReLU were there is `Identity`; `quant` and `skip` have a scale and a zero-point; pool has none: max-pool picks among its input's codes, and an average
keeps their scale.

## 7 · What a converted layer holds

`tq.converted_layers(model)` gives a model's int8 layers by name; `tq.held(layer)` gives one layer's `weight` (a quantized tensor), `bias`, and the `scale` and `zero_point` of its output.
"""

# %% id="held" tags=["demo"]
titles = f"{'layer':12} {'weight codes':>15} {'from..to':>9} {'scales':>17}"
print(titles, f"{'S_out':>8} Z_out")
for name, layer in tq.converted_layers(int8).items():
    found = tq.held(layer)
    codes, scales = found.weight.int_repr(), found.scales
    shape, ends = str(tuple(codes.shape)), f"{codes.min()}..{codes.max()}"
    span = f"{scales.min():.5f}..{scales.max():.5f}"
    print(
        f"{name:12} {shape:>15} {ends:>9} {span:>17} "
        f"{found.scale:8.5f} {found.zero_point:5d}"
    )
first = tq.held(next(iter(tq.converted_layers(int8).values())))
print(f"\nthe first layer's weight: scheme {first.weight.qscheme()},")
print(f"  scales of {first.scales.dtype}, bias of {first.bias.dtype}", end="")
if len(first.scales) > 1:
    points = first.weight.q_per_channel_zero_points()
    print(f", zero-points of {points.dtype}: {set(points.tolist())}", end="")
print("\n  the codes of its first kernel:", first.weight.int_repr()[0, 0].tolist())
observer = tq.minmax_qconfig(main_engine).weight()
print(f"the scheme of the observer that chose these scales: {observer.qscheme}")
print("packed for the engine:", tq.packed(int8.head), "of the head")

# %% [markdown] id="q6-text"
r"""
**Why `per_channel_affine`, when the weights are symmetric?** The two schemes answer different questions. The *observer's* scheme, `per_channel_symmetric`, says how a range becomes a scale: make it symmetric around 0, so that the zero-point is 0. The *tensor's* scheme says
how codes become numbers, and for that PyTorch knows one formula only, the affine one: $r = S (q - Z)$ with a scale and a zero-point per channel. A symmetric weight is an affine one whose zero-points are all 0. The engine knows nothing of the symmetry; it reads the zeros. (With `per_tensor_affine` it is the same.)

A quantized tensor is codes with their meaning: `q.int_repr()` gives the codes, `q.q_scale()` and `q.q_zero_point()` the two numbers; per channel it is `q.q_per_channel_scales()`. The bias is **not** quantized in the model: it stays float32, and it is never rounded by itself.

**A worked example.** Codes 110 and 90 with $S_x = 0.1$, $Z_x = 100$; weight codes 20 and $-10$ with scale 0.05; bias 0.3. The accumulator is $10 \cdot 20 + (-10)(-10) = 300$, in reals $300 \cdot 0.005 + 0.3 = 1.8$. With $S_{out} = 0.1$, $Z_{out} = 60$ the output's code is 78.

### Q6 · A converted layer by hand
*difficulty 3/5 · importance 5/5 · 15 minutes · 10 points*

`q_x` (rows, in) is a quint8 tensor with one scale, `q_w` (out, in) a qint8 tensor with one scale per output channel and zero-points 0, `bias` (out,) is float32 and in reals. Return the output's codes (rows, out), integers from 0 to 255 in any dtype, rounded to the nearest (either neighbour
at a tie), and rounded once. With `relu=True` no output stands for a negative number.

<details><summary>Hint 1: a question</summary>In which unit does the accumulator count, and in which unit is the bias?</details>
<details><summary>Hint 2: a worked step</summary>In the worked example a step of the accumulator is worth 0.1 * 0.05 = 0.005. With bias -3.3 the output would be 1.5 - 3.3 = -1.8, whose code is 60 - 18 = 42; with ReLU it is 60.</details>
<details><summary>Hint 3: the shape of the code</summary>Two int_repr() widened to double, one matrix product; the scales multiply entry by entry without a loop; a clamp whose lower end depends on relu.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q6", "locked": false, "schema_version": 3, "solution": true, "task": false}
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    ### BEGIN SOLUTION
    #| acc = __
    #| step = __  # what one unit of acc is worth, for each output channel
    #| q_out = __
    #| return __
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q6-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q6: visible cases; grading also runs hidden ones.
from checks import q6

### BEGIN HIDDEN TESTS
from checks.q6 import coarse_case, linear_case, qint8, quint8

from qlab.check import normal

q6.also(
    linear_case("10 channels", quint8(4, 9, 0.04, 60), qint8(10, 9), normal(10, std=3), 0.4, 120),
    coarse_case("coarse steps again", quint8(6, 3, 0.8, 90, within=5), qint8(4, 3, 0.3, 0.6, most=4), normal(4, std=3), 0.2, 124),
    linear_case("ReLU, 3 channels", quint8(6, 4, 0.03, 128), qint8(3, 4), normal(3), 0.2, 60, relu=True, group="relu"),
    linear_case("far out again", quint8(6, 16, 0.05, 120), qint8(3, 16), normal(3), 0.07, 110, group="saturating"),
)
### END HIDDEN TESTS
q6.check(converted_linear)

# %% [markdown] id="q11-text"
r"""
`tq.held` has shown you weights and biases. Look for yourself: an engine does not keep the weight as a plain tensor. It **packs** it, together with the bias, in the order in which its kernels read the codes, so in a printed model
you see neither. The layer's methods `weight()` and `bias()` unpack them again, and `torch.save` unpacks them too.

### Q11 · Unpack a layer
*difficulty 1/5 · importance 3/5 · 10 minutes · 2 points*

`converted_layer` gives a converted linear layer. Take weight and bias out of its packed parameters with a line of your own, without `tq.held`, and return the weight's codes (out, in), its scales (out,) and the bias (out,). Add a cell below and try it on `int8.head` too: `print(int8.head)`, then the same with
`.weight()`.

<details><summary>Hint 1: a question</summary>`layer.weight()` returns one object. Which of its methods gives integers, and which gives one number per output channel?</details>
<details><summary>Hint 2: a worked step</summary>For a weight with one scale, `w = layer.weight()` would be followed by `w.int_repr()` and `w.q_scale()`. This one has a scale per channel, so the second name is longer (see above Q6).</details>
<details><summary>Hint 3: the shape of the code</summary>Two calls of the layer's methods; of the first result two methods; the bias as it comes.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q11", "locked": false, "schema_version": 3, "solution": true, "task": false}
from provided import converted_layer


def unpacked(weight, bias, batches):
    layer = converted_layer(weight, bias, batches)
    ### BEGIN SOLUTION
    #| packed_weight, packed_bias = __
    #| return __  # codes, scales, bias
    packed_weight, packed_bias = layer.weight(), layer.bias()
    codes, scales = packed_weight.int_repr(), packed_weight.q_per_channel_scales()
    return codes, scales, packed_bias
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q11-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# Check of Q11: visible cases; grading also runs hidden ones.
from checks import q11

### BEGIN HIDDEN TESTS
from checks.q11 import layer_case

q11.also(
    layer_case("one output", 4, (1, 6)),
    layer_case("many outputs", 5, (12, 3)),
)
### END HIDDEN TESTS
q11.check(unpacked)

# %% id="state" tags=["demo"]
unpack = q11.yours_or_provided()
torch.manual_seed(SEED)
codes, scales, bias = unpack(torch.randn(3, 4), torch.randn(3), torch.randn(2, 5, 4))
print("codes", torch.as_tensor(codes).tolist())
print("scales", [round(float(scale), 5) for scale in scales])
print("What torch.save writes of the ResNet's head:")
for name, entry in int8.state_dict().items():
    if name.startswith("head"):
        parts = entry if isinstance(entry, tuple) else (entry,)
        kinds_of = [getattr(part, "dtype", type(part).__name__) for part in parts]
        print(f"  {name}: {', '.join(map(str, kinds_of))}")

# %% [markdown] id="engines-text"
"""
**Now the model itself.** The cell catches what goes into each layer and what comes out, recomputes the output in qlab's integers by the engine's rule (Lab 2), and recomputes the head with your `converted_linear` too.
"""

# %% id="engines" tags=["demo"]
layer_by_hand = q6.yours_or_provided()


def caught(model, images):
    """What went into each converted layer, and what came out."""
    seen, hooks = {}, []
    for name, layer in tq.converted_layers(model).items():

        def catch(layer, inputs, output, name=name):
            seen[name] = layer, inputs[0], output

        hooks.append(layer.register_forward_hook(catch))
    with torch.no_grad():
        model(images)
    for hook in hooks:
        hook.remove()
    return seen


def differing(codes, others):
    """How many codes differ, in whatever type they come."""
    return int((torch.as_tensor(codes).long() != others.long()).sum())


exact, images = {}, dataset.x_test[:256]
for engine, model in converted.items():
    with tq.selected(engine):
        seen = caught(model, images)
    outputs = differ = 0
    for name, (layer, q_x, q_out) in seen.items():
        ours = engines.reference(engine, as_layer(layer, q_x), q_x.dequantize())
        theirs = q_out.int_repr()
        if q_out.dim() == 4:
            theirs = theirs.permute(0, 2, 3, 1)
        outputs, differ = outputs + theirs.numel(), differ + differing(ours, theirs)
    exact[engine] = differ
    print(
        f"{engine:8} {len(seen)} layers, {outputs:,} outputs: "
        f"{differ} differ from qlab's integers with the engine's rule"
    )
    layer, q_x, q_out = seen["head"]
    found = tq.held(layer)
    if len(found.scales) > 1:
        rest = found.scale, found.zero_point
        yours = layer_by_hand(q_x, found.weight, found.bias, *rest)
        count = differing(yours, q_out.int_repr())
        print(f"{'':8} the head by your function: {count} of {q_out.numel():,} differ")

add_by_hand = q4.yours_or_provided()
with tq.selected(main_engine), torch.no_grad():
    q_a = int8.stem(int8.quant(images))
    q_b = int8.block(q_a)
    # Its zero-point is 0, so the clamp at code 0 is the ReLU.
    q_sum = int8.skip.add_relu(q_a, q_b)
yours = add_by_hand(
    *(q_a.int_repr(), q_a.q_scale(), q_a.q_zero_point()),
    *(q_b.int_repr(), q_b.q_scale(), q_b.q_zero_point()),
    *(int8.skip.scale, int8.skip.zero_point),
)
count = differing(yours, q_sum.int_repr())
print(f"the skip addition by your add_codes: {count} of {q_sum.numel():,} differ")

# %% [markdown] id="whole-text"
"""
### The whole network by your arithmetic

Between the two stubs there are only codes, so the converted ResNet is a list of steps, each from codes to codes. `tq.integer_network(model, engine)` reads it into such a list, each step with the engine's rule. Any step can be replaced: the cell puts your `converted_linear` into
all seven layers (a convolution is a linear layer on the patch that each output pixel sees, with a border of the code of 0), and your `add_codes` into the skip connection. Quantizing the image, the pools and the last arrow stay as they are.

**Predict:** how many of the test images get another class than from the engine? Then follow one image down the table: which step has the widest accumulators, and where are fewer codes in use?
"""

# %% id="whole" tags=["demo"]
from qlab.arithmetic.network import way, way_table
from qlab.arithmetic.quantized_tensor import QuantizedTensor


def patches_of(x, layer):
    """The patch of each output pixel as a row of codes; the border is the code of 0."""
    height, width = layer.padding
    border = (width, width, height, height)
    image = F.pad(x.codes.float(), border, value=float(x.zero_point))
    patches = F.unfold(image, layer.kernel_size, stride=layer.stride)
    rows = patches.transpose(1, 2).flatten(0, 1).to(torch.uint8)
    return QuantizedTensor(rows, x.scale, x.zero_point)


def layer_by_yours(layer):
    """A step that computes a converted layer by your converted_linear."""
    found, relu = tq.held(layer), "ReLU" in type(layer).__name__
    scale, zero_point = found.scale, found.zero_point

    def step(x):
        rows = patches_of(x, layer) if x.codes.dim() == 4 else x
        weight = found.weight.flatten(1)
        out = layer_by_hand(rows, weight, found.bias, scale, zero_point, relu)
        codes = torch.as_tensor(out).to(torch.uint8)
        if x.codes.dim() == 4:  # stride 1 and a border: as large as the input
            shape = len(x.codes), *x.codes.shape[2:], -1
            codes = codes.reshape(shape).permute(0, 3, 1, 2)
        return QuantizedTensor(codes, scale, zero_point)

    return step


def skip_by_yours(a, b):
    """The skip addition by your add_codes; its ReLU is the clamp at code 0."""
    S, Z = int8.skip.scale, int8.skip.zero_point
    summands = a.codes, a.scale, a.zero_point, b.codes, b.scale, b.zero_point
    codes = torch.as_tensor(add_by_hand(*summands, S, Z)).to(torch.uint8)
    return QuantizedTensor(codes, S, Z)


by_rules = tq.integer_network(int8, main_engine)
steps = {
    name: layer_by_yours(layer)
    for name, layer in tq.converted_layers(int8).items()
    if len(tq.held(layer).scales) > 1  # as Q6 takes them
}
by_yours = by_rules.with_operations({**steps, "skip": skip_by_yours})
tried = dataset.x_test[:360]
with tq.selected(main_engine), torch.no_grad():
    engines_logits = int8(tried)
networks = {
    "qlab's integers with the engine's rules": by_rules,
    f"your arithmetic in {len(steps)} layers and the addition": by_yours,
}
for who, network in networks.items():
    logits = network.run(tried)
    unlike = int((logits != engines_logits).sum())
    same_class = int((logits.argmax(1) == engines_logits.argmax(1)).sum())
    print(f"{who}: {unlike} of {logits.numel():,} logits differ from {main_engine}'s;")
    print(f"  the same class for {same_class} of {len(logits)} images")
print(f"\nthe way of one image, a {dataset.classes[dataset.y_test[0]]}:")
print(way_table(way(by_rules, dataset.x_test[:1])))

# %% [markdown] id="q10-text"
r"""
Yours rounds in float64, fbgemm in float32: at a near-tie the two may differ by one code (Lab 2).

### Q10 · The five steps without PyTorch
*difficulty 4/5 · importance 4/5 · 30 minutes · 5 points · open: no blanks, any method*

You have done each step by itself. Now do all of them for one linear layer with ReLU, without a flow that does it for you. **Predict** before you write: of what are the input's and the output's range taken, and when?

Write `from_scratch(weight, bias, batches, x)`. `weight` is (out, in) and `bias` (out,), float32; `batches` is a list of calibration inputs (rows, in), with different numbers of rows; `x` (rows, in) is the input to try. Return the codes of the layer's output for `x`, (rows, out), and the output's scale.

- **Calibrate in fp32.** Two ranges, each over all batches: of the inputs, and of the outputs behind the ReLU. A range goes from the smallest to the largest value and includes 0.
- **Activations** get the codes 0 to 255: $S = (max - min) / 255$, $Z = \text{round}(-min / S)$.
- **Weights** get one scale per output channel, $S_w = \max |w| / 127$, and zero-point 0. No channel is all zeros.
- **Run** `x` as the converted layer would: its codes, clamped; the accumulator; the bias in reals; ReLU; one rounding; the output's codes, clamped.

**A worked example.** `weight` is (1.27, $-0.4$), `bias` 0.1815, the only batch has the rows (1.55, $-1$) and ($-1$, 1.55). Inputs go from $-1$ to 1.55: $S_x = 0.01$, $Z_x = 100$. The outputs are 2.55 and, by the ReLU, 0, so $S_{out} = 0.01$. $S_w = 0.01$, the weight's codes are 127 and $-40$. For $x = (1, 0.5)$ the codes are 200 and 150,
the accumulator is $100 \cdot 127 - 50 \cdot 40 = 10700$, in reals $1.07 + 0.1815 = 1.2515$: the output's code is 125.

| call | returns |
|---|---|
| `from_scratch(W, b, [batch], torch.tensor([[1.0, 0.5]]))` | `[[125]]`, 0.01 |
| `from_scratch(W, b, [batch], torch.tensor([[9.0, 0.5]]))`: clamped at the input | `[[195]]`, 0.01 |
| `from_scratch(W, b, [batch], torch.tensor([[-1.0, 1.5]]))`: the ReLU | `[[0]]`, 0.01 |

Compute in float64 (`.double()`) where numbers are large. No test depends on the last bits of a float, and none on a tie.

<details><summary>Hint 1: a question</summary>Which of the quantities are known before x arrives? Compute those first, in a block of their own.</details>
<details><summary>Hint 2: a worked step</summary>Two batches with inputs from 2 to 5 and from 3 to 7.65 have the range 0 to 7.65: 0 belongs to it, and both batches count. So S = 7.65 / 255 = 0.03 and Z = 0.</details>
<details><summary>Hint 3: the shape of the code</summary>A small function that makes scale and zero-point of a tensor, called twice: for torch.cat(batches), and for its outputs behind the ReLU. Then scales and codes of the weights, with keepdim or [:, None]. Then the three
lines of Q6, with x rounded and clamped before them.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q10", "locked": false, "schema_version": 3, "solution": true, "task": false}
def from_scratch(weight, bias, batches, x):
    ### BEGIN SOLUTION
    #| raise NotImplementedError("Q10: write your own function here")
    inputs = torch.cat(list(batches)).double()
    low, high = min(inputs.min().item(), 0.0), max(inputs.max().item(), 0.0)
    S_x = (high - low) / 255
    Z_x = round(-low / S_x)
    S_out = torch.relu(inputs @ weight.double().T + bias).max().item() / 255
    S_w = weight.double().abs().amax(1) / 127
    q_w = torch.round(weight.double() / S_w[:, None])
    q_x = torch.clamp(torch.round(x.double() / S_x) + Z_x, 0, 255)
    real = ((q_x - Z_x) @ q_w.T) * (S_x * S_w) + bias
    return torch.clamp(torch.round(torch.relu(real) / S_out), 0, 255), S_out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q10-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q10: visible cases; grading also runs hidden ones.
from checks import q10

### BEGIN HIDDEN TESTS
from checks.q10 import scratch_case

q10.also(
    scratch_case("five batches, five outputs", 26, (5, 7), (1.0, 2.0, 0.5, 3.0, 1.5)),
    scratch_case("mostly beyond the range", 27, (3, 4), (0.5, 0.9), at_test=4.0, group="beyond"),
)
### END HIDDEN TESTS
q10.check(from_scratch)

# %% id="scratch" tags=["demo"]
by_scratch = q10.yours_or_provided()
torch.manual_seed(SEED)
layer = nn.Linear(dataset.features, 32)
flat = [batch.flatten(1) for batch in calibration]
x = dataset.x_test.flatten(1)
with torch.no_grad():
    weight, bias = layer.weight.detach(), layer.bias.detach()
    codes, scale = by_scratch(weight, bias, flat, x)
    real = torch.relu(layer(x))
back = torch.as_tensor(codes).double() * float(scale)
beyond = real > 255 * float(scale)
off = ((back - real).abs() / float(scale))[~beyond].max().item()
print(f"{x.shape[0]} images through a layer of {tuple(layer.weight.shape)} weights:")
print(f"the codes are off by {off:.2f} steps at most, where the output is in range;")
print(f"{int(beyond.sum())} of {beyond.numel():,} outputs are beyond it")

# %% [markdown] id="sizes-text"
"""
Half a step is the output's own rounding; the rest comes from the codes of inputs and weights. (PyTorch's weights get $S_w = \\max |w| / 127.5$, since its observer counts the code -128 too. That is why your codes would not equal its own.)

## 8 · What is in the file

Quantization does not change how many weights there are, only how many bytes each takes: one instead of four. It is easy to forget what is stored besides the weights. The first cell of Section 7 printed the dtypes of biases, scales and zero-points.

**A worked example.** A convolution with 8 output channels of 27 weights each, per channel: 216 bytes of weights, 32 of biases, 64 of scales, 64 of zero-points. In fp32 it was 864 and 32.

### Q7 · The bytes of a layer
*difficulty 1/5 · importance 4/5 · 10 minutes · 5 points*

`outputs` is the number of output channels, `per_output` the number of weights of each, `per_channel` says whether each channel has a weight scale and a zero-point of its own; per tensor there is one of each, in the same dtypes. Return four integers, in bytes: `weights`, `biases`, `scales`, `zero_points` (of the weights).

<details><summary>Hint 1: a question</summary>How many bytes do a float32, a float64 and an int64 have?</details>
<details><summary>Hint 2: a worked step</summary>Two output channels of 9 weights each, per tensor: 2 * 9 * 1 = 18 bytes of weights, 2 * 4 = 8 of biases, 8 of scales, 8 of zero-points.</details>
<details><summary>Hint 3: the shape of the code</summary>One count that depends on per_channel, and four products.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q7", "locked": false, "schema_version": 3, "solution": true, "task": false}
def held_bytes(outputs, per_output, per_channel):
    ### BEGIN SOLUTION
    #| count = __  # of scales
    #| weights = __
    #| biases = __
    #| scales = __
    #| zero_points = __
    count = outputs if per_channel else 1
    weights = outputs * per_output
    biases = 4 * outputs
    scales = 8 * count
    zero_points = 8 * count
    ### END SOLUTION
    return weights, biases, scales, zero_points


# %% nbgrader={"grade": true, "grade_id": "q7-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q7: visible cases; grading also runs hidden ones.
from checks import q7

### BEGIN HIDDEN TESTS
from qlab.check import case

q7.also(
    case("depthwise", 64, 9, True),
    case("depthwise, per tensor", 64, 9, False, group="tensor"),
)
### END HIDDEN TESTS
q7.check(held_bytes)

# %% id="sizes" tags=["demo"]
bytes_held = q7.yours_or_provided()


def bytes_of_layers(model):
    """Bytes of weights, biases, scales and zero-points of all converted layers."""
    total = torch.zeros(4, dtype=torch.int64)
    for layer in tq.converted_layers(model).values():
        found = tq.held(layer)
        codes = found.weight.int_repr()
        four = bytes_held(len(codes), codes[0].numel(), len(found.scales) > 1)
        total += torch.tensor([int(number) for number in four])
    return total.tolist()


weights, biases, scales, zero_points = bytes_of_layers(int8)
matrices = [m for m in fused.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
weight_count = sum(m.weight.numel() for m in matrices)
bias_count = fused_parameters - weight_count
held = [tq.held(layer) for layer in tq.converted_layers(int8).values()]
int8_parameters = sum(found.weight.numel() + len(found.bias) for found in held)
print(f"parameters: fp32, fused {fused_parameters:,}; int8 {int8_parameters:,}")
print(f"weights    {4 * weight_count:8,} bytes -> {weights:7,}")
print(f"biases     {4 * bias_count:8,} bytes -> {biases:7,}")
print(f"scales, zero-points          {scales + zero_points:7,}")
fp32_file = tq.file_bytes(fused)
files = {engine: tq.file_bytes(model) for engine, model in converted.items()}
for engine, size in files.items():
    share = size / fp32_file
    print(f"file: fp32 {fp32_file:,} bytes, {engine} {size:,}: a share of {share:.3f}")
file_share = files[main_engine] / fp32_file
empty = tq.file_bytes(nn.Module())
print(f"A file with nothing in it has {empty:,} bytes; each tensor adds its name, its")
print("shape and an entry in the container.")

# %% [markdown] id="sizes-answer"
"""
**"A quarter of the parameters"** is what one can read about int8 models. It is wrong: their number is that of the fused fp32 model. A quarter is what remains of the weights' *bytes*; biases stay as they were; scales and zero-points are new. On digits the file is {{ digits.file_share }} of the fp32 file, more than a quarter: in a small
model, what surrounds the weights counts. In a large one it does not.

## 9 · FX: the graph is found for you

In eager mode you named the groups, placed the stubs and replaced the `+`. **FX graph mode** traces the model: it runs `forward` once with stand-ins for tensors and records each operation. Then it fuses by pattern and puts observers where codes will flow; a plain `+` is no
problem, for it sees it. `prepare_fx` wants `example_inputs`, a tuple of inputs of the right shape.

| | eager mode | FX | PT2E (below) |
|---|---|---|---|
| the graph | you know it | traced | exported |
| groups to fuse | you name them | patterns | patterns |
| where codes begin and end | stubs | found | a quantizer says it |
| `+` | FloatFunctional | plain | plain |
| result | int8 modules | int8 modules in a graph | reference form, for a compiler |

Below is a small residual network with a plain `+`, as three graphs: fp32, observed, int8. A line goes from each box to the boxes that use its result; the bent line is the skip connection. Dashed boxes are observers; codes flow out of filled ones. **Predict** before you run the cell: how many observers does the middle graph have, and
where are batch norm and ReLU in the right one?
"""

# %% id="fx" tags=["demo"]
class PlainResidual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.relu = nn.ReLU()
        self.conv2, self.head = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 10)

    def forward(self, x):
        x = self.relu(self.bn(self.conv1(x)))
        x = x + self.conv2(x)
        return self.head(x.mean((2, 3)))


def boxes(graph):
    """The graph's nodes as boxes; scales and zero-points are left out."""
    found, places, kind = [], {}, "float"
    layers = dict(graph.named_modules(remove_duplicate=False))
    for node in graph.graph.nodes:
        if node.op in ("get_attr", "output"):
            continue
        name = node.target if isinstance(node.target, str) else node.target.__name__
        text = layers[name]._get_name() if node.op == "call_module" else name
        kind = {"quantize_per_tensor": "int8", "dequantize": "float"}.get(text, kind)
        shown = "observed" if "Observer" in text else kind
        inputs = [places[n] for n in node.all_input_nodes if n in places]
        places[node] = len(found)
        found.append(plots.Node(text, shown, tuple(inputs)))
    return found


torch.manual_seed(SEED)
example_inputs = (torch.rand(4, 1, 8, 8),)
plain = PlainResidual().eval()
mapping = tq.QConfigMapping().set_global(tq.minmax_qconfig(main_engine))
with tq.selected(main_engine):
    observed_fx = tq.prepare_fx(plain, mapping, example_inputs)
    observed_fx(*example_inputs)
    graphs = {
        "fp32": boxes(torch.fx.symbolic_trace(plain)),
        "observed": boxes(observed_fx),
    }
    int8_fx = tq.convert_fx(observed_fx)
    graphs["int8"] = boxes(int8_fx)
    fx_off = (int8_fx(*example_inputs) - plain(*example_inputs)).abs().max().item()
print(f"largest difference of the outputs, int8 and fp32: {fx_off:.4f}")
plots.graphs_side_by_side(graphs)

# %% [markdown] id="if-text"
"""
In torch 2.13 FX fuses a convolution with the module `nn.ReLU`, but not with the function `torch.relu`. Change the line in `forward` and look again.

Tracing has a price: the stand-ins have no values, so a model whose path depends on them cannot be traced. This one inverts dark images. Read `forward`, then the exception.
"""

# %% id="if" tags=["demo"]
class Inverting(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = PlainResidual()

    def forward(self, x):
        if x.mean() < 0.5:
            x = 1 - x
        return self.net(x)


class WithoutIf(Inverting):
    def forward(self, x):
        # Both are computed, one is chosen.
        return self.net(torch.where(x.mean() < 0.5, 1 - x, x))


class IfOutside(Inverting):
    """The part with the if stays Python; only the net is traced and quantized."""

    def quantize(self):
        observed = tq.prepare_fx(self.net, mapping, example_inputs)
        observed(*example_inputs)
        self.net = tq.convert_fx(observed)
        return self


try:
    tq.prepare_fx(Inverting().eval(), mapping, example_inputs)
except torch.fx.proxy.TraceError as error:
    print(f"TraceError: {error}")
with tq.selected(main_engine):
    observed_where = tq.prepare_fx(WithoutIf().eval(), mapping, example_inputs)
    observed_where(*example_inputs)
    traced = tq.convert_fx(observed_where)(*example_inputs)
    outside = IfOutside().eval().quantize()(*example_inputs)
print("torch.where instead of if: traced and converted,", tuple(traced.shape))
print("the if outside, the net quantized:", tuple(outside.shape))

# %% [markdown] id="pt2e-text"
"""
### The same by PT2E

FX's successor is **PT2E**, in torchao; it is PyTorch's present way. `torch.export` takes the graph (an `if` on values fails there too; write it with `torch.cond`). A *quantizer* annotates which tensors to quantize, here the one for x86 CPUs. Prepare, calibrate and convert are as before. The result is in **reference form**: each layer computes in
floats on dequantized codes, and its result is quantized again. A compiler can turn that into int8 kernels; nothing here needs one. `qlab.torch_flow.pt2e` has the steps. It needs torchao (tried with 0.18.0); without it the cell prints one sentence, and the lab goes on.

The residual network goes through both flows with the same calibration images, and minimum and maximum are the range. Then both converted networks run on new images, and their codes are compared. **Predict**: will scales and zero-points be the same? Will all codes?
"""

# %% id="pt2e" tags=["demo"]
from qlab.torch_flow import pt2e

qmax = 127 if main_engine == "fbgemm" else 255
try:
    observed_pt2e = pt2e.prepare(plain, example_inputs, qmax=qmax)
except ImportError as error:
    print(error)
else:
    int8_pt2e = pt2e.convert(pt2e.calibrate(observed_pt2e, example_inputs))
    fresh = torch.rand(256, 1, 8, 8)
    with torch.no_grad():
        pt2e_off = (pt2e.run(int8_pt2e, fresh) - plain(fresh)).abs().max().item()
    print(f"largest difference of the outputs, PT2E and fp32: {pt2e_off:.4f}")
    with tq.selected(main_engine):
        for found in pt2e.compare(int8_fx, int8_pt2e, fresh):
            if not found.same_scale:
                print(f"{found.name:6} another scale: its codes mean other numbers")
                continue
            print(
                f"{found.name:6} the same scale; of {found.outputs:,} codes "
                f"{found.beyond:,} lie beyond the calibrated range,\n{'':6} "
                f"{found.differ:,} others differ, by {found.largest} at most"
            )
        of_fx, of_pt2e = pt2e.codes(int8_fx, fresh), pt2e.codes(int8_pt2e, fresh)
        only = ", ".join(sorted(of_fx.keys() - of_pt2e.keys()))
        print("quantized by FX only:", only)

# %% [markdown] id="pt2e-answer"
"""
Both saw the same floats in calibration, so the input and the first layer's output have the same scales, and the input's codes are the same. After a layer, codes may differ for three reasons. On new images a value may lie beyond the calibrated range: PT2E stops at the largest code that it calibrated for, FX's engine goes on to 255.
The engine multiplies an exact integer by M, and the reference form rounds a sum of floats: next to a tie they may disagree, by one code. And PT2E gives weights one scale per channel here, while qnnpack, if that is your engine, has one per tensor. In PT2E the sum stays in floats, which a compiler may change, so its mean is quantized with a scale
of its own, where FX keeps the scale of the sum.
"""

# %% [markdown] id="dynamic-text"
r"""
## 10 · Dynamic quantization

Static quantization fixes the activations' ranges beforehand. **Dynamic** quantization rounds weights beforehand and looks at the activations in each call: range, scale and zero-point of this batch, then the product of codes, then a float output at once. There is nothing to calibrate, and no codes pass between layers.

How many bits the activations get is up to the engine. With fbgemm or x86, PyTorch's dynamic Linear takes 7: codes 0 to 127 (qnnpack takes 8). Their range, extended to 0, is that of the **whole batch**:

$$ S_x = \frac{max - min}{127}, \quad Z_x = \text{round}\left(-\frac{min}{S_x}\right), \quad y = S_x S_w \, (q_x - Z_x)\, q_w^T + b $$

**A worked example.** $x = (-1, 0.28, 1.54)$: $S_x = 2.54 / 127 = 0.02$, $Z_x = 50$, codes 0, 64, 127. With $q_w = (10, -5, 2)$, $S_w = 0.1$, $b = 0.5$ the accumulator is $-416$ and the output $-0.332$.

### Q8 · A dynamic layer
*difficulty 3/5 · importance 4/5 · 15 minutes · 10 points*

Write the layer as fbgemm runs it, with 7 bits. `x` (rows, in) is float32 and not all zeros, `q_w` (out, in) are int8 codes with scale `S_w` and zero-point 0, `bias` (out,) is float32. Return the real outputs (rows, out), to a part in 100,000. No test is at a tie.

<details><summary>Hint 1: a question</summary>All values of a batch lie between 3 and 5. Which range do the codes have to cover?</details>
<details><summary>Hint 2: a worked step</summary>That batch has the range 0 to 5: S_x = 5 / 127 and Z_x = 0. A batch between -5 and -3 has the range -5 to 0: the same scale, and Z_x = 127.</details>
<details><summary>Hint 3: the shape of the code</summary>Two ends of the range, a scale, a rounded zero-point, rounded and clamped codes; one matrix product, scaled, plus the bias.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q8", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dynamic_linear(x, q_w, S_w, bias):
    ### BEGIN SOLUTION
    #| low, high = __
    #| S_x = __
    #| Z_x = __
    #| q_x = __  # codes of 7 bits
    #| return __
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q8-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q8: visible cases; grading also runs hidden ones.
from checks import q8

### BEGIN HIDDEN TESTS
from checks.q8 import batch_case

from qlab.check import normal

q8.also(
    batch_case("one neuron", normal(5, 7), 1, 7, 0.015),
    batch_case("small values", normal(3, 4, std=0.01), 3, 4, 0.02),
    batch_case("all positive, small", normal(3, 6, mean=2, std=0.2), 2, 6, 0.01, "one-sided"),
)
### END HIDDEN TESTS
q8.check(dynamic_linear)

# %% [markdown] id="recurrent-text"
"""
The next cell compares it with PyTorch's own, and turns to what dynamic quantization is most used for: recurrent layers, whose activations have another range at each step. **Predict:** how much smaller does an LSTM become, and is it faster?
"""

# %% id="recurrent" tags=["demo"]
def seconds(run, at_least=0.1):
    """The fastest of several runs, on one thread."""
    with training.one_thread(), torch.no_grad():
        run()
        fastest, begun = float("inf"), time.perf_counter()
        while time.perf_counter() - begun < at_least:
            started = time.perf_counter()
            run()
            fastest = min(fastest, time.perf_counter() - started)
    return fastest


dynamic_by_hand = q8.yours_or_provided()
torch.manual_seed(SEED)
with tq.selected(main_engine):
    linear = nn.Sequential(nn.Linear(64, 32)).eval()
    layer = tq.quantize_dynamic(linear, {nn.Linear}, dtype=tq.qint8)[0]
    batch = torch.randn(16, 64)
    weight, bias = layer.weight(), layer.bias().detach()
    with torch.no_grad():
        theirs = layer(batch)
        mine = dynamic_by_hand(batch, weight.int_repr(), weight.q_scale(), bias)
    off = (torch.as_tensor(mine) - theirs).abs().max()
    bits = f" ({main_engine} takes 8 bits, your layer 7)"
    bits = "" if main_engine == "fbgemm" else bits
    print(f"Linear: yours and torch's dynamic layer differ by {off:.1e} at most{bits}")
    for kind in (nn.LSTM, nn.GRU):
        recurrent = nn.Sequential()
        recurrent.add_module("layer", kind(128, 256, batch_first=True))
        recurrent.eval()
        try:
            dynamic = tq.quantize_dynamic(recurrent, {kind}, dtype=tq.qint8)
        except NotImplementedError as error:
            print(error)
            recorded.show("recurrent")
            break
        steps = torch.randn(1, 20, 128)
        with torch.no_grad():
            off = (dynamic(steps)[0] - recurrent(steps)[0]).abs().max().item()
        sizes = [tq.file_bytes(m) for m in (recurrent, dynamic)]
        times = [1000 * seconds(lambda: m(steps)) for m in (recurrent, dynamic)]
        print(
            f"{kind.__name__:6} {sizes[0]:,} -> {sizes[1]:,} bytes; "
            f"20 steps in {times[0]:.2f} -> {times[1]:.2f} ms; "
            f"outputs differ by {off:.4f} at most"
        )

# %% [markdown] id="mobilenet-text"
"""
### What dynamic quantization leaves out: MobileNetV2

PyTorch's dynamic quantization covers **linear and recurrent layers only** (and embeddings). A convolution in the list of layers is passed over without a word. So a convolutional network needs the static form. The example is the network that was made for phones: MobileNetV2, with its 1x1 and
depthwise convolutions (a depthwise convolution has 9 weights per channel, and each channel has its own), at a quarter of its width and with ReLU instead of ReLU6, so that its layers fuse.

The cell trains it briefly on the lab's data, then converts it dynamically, and statically with one weight scale per channel and with one per layer. **Predict:** which of the two static files is smaller, and by how much? (Q7 has the numbers: what does a depthwise channel hold?)
"""

# %% id="mobilenet" tags=["demo"]
import math

from qlab.experiments.mobilenet import mobilenet_for


def falling(step, steps):
    """A learning rate that falls from 0.1 to 0 along half a cosine."""
    return 0.05 * (1 + math.cos(math.pi * step / steps))


mobile = mobilenet_for(dataset, seed=SEED)
training.train(
    mobile,
    dataset,
    epochs=3 if DATA == "digits" else 10,
    schedule=falling,
    batch_size=32,
    seed=SEED,
)
with torch.no_grad():
    mobile_logits = mobile(dataset.x_test)
mobile_fp32 = training.accuracy_and_loss(mobile_logits, dataset.y_test)[0]
mobile_parameters = sum(p.numel() for p in mobile.parameters())
print(f"fp32: {mobile_parameters:,} parameters, accuracy {mobile_fp32:.2%}")

asked = {nn.Conv2d, nn.Linear}
with tq.selected(main_engine):
    try:
        mobile_dynamic = tq.quantize_dynamic(mobile, asked, dtype=tq.qint8)
    except NotImplementedError as error:  # qlab's own flow says so
        print(error)
        mobile_dynamic = tq.quantize_dynamic(mobile, {nn.Linear}, dtype=tq.qint8)
before = dict(mobile.named_modules())
changed = [
    name
    for name, layer in mobile_dynamic.named_modules()
    if name in before and type(layer) is not type(before[name])
]
layer_count = sum(type(layer) in asked for layer in before.values())
mobile_dynamic_share = tq.file_bytes(mobile_dynamic) / tq.file_bytes(mobile)
print(f"dynamic: {len(changed)} of {layer_count} layers: {', '.join(changed)};")
print(f"  a share of {mobile_dynamic_share:.3f} of the file")

folded_mobile = copy.deepcopy(mobile)
folded_mobile.fuse_model()
depthwise = [m for m in folded_mobile.modules() if getattr(m, "groups", 1) > 1]
ranges = [m.weight.detach().abs().amax((1, 2, 3)) for m in depthwise]
widest = max((found.max() / found.median()).item() for found in ranges)
print(f"{len(depthwise)} depthwise layers: the widest channel of one has")
print(f"  {widest:.1f} times the range of that layer's median channel")
observers = {
    "channel": tq.default_per_channel_weight_observer,
    "layer": tq.default_weight_observer,
}
mobile_accuracy, mobile_agreement, mobile_share = {}, {}, {}
for per, weight in observers.items():
    activation = tq.minmax_qconfig(main_engine).activation
    qconfig = tq.QConfig(activation=activation, weight=weight)
    model = copy.deepcopy(folded_mobile)
    with tq.selected(main_engine), torch.no_grad():
        model = tq.static(model, [], calibration, qconfig)
        logits = model(dataset.x_test)
    right, same = accuracy_and_agreement(logits, mobile_logits)
    mobile_accuracy[per], mobile_agreement[per] = right, same
    mobile_share[per] = tq.file_bytes(model) / tq.file_bytes(folded_mobile)
    four = [f"{number:,}" for number in bytes_of_layers(model)]
    print(f"static, one weight scale per {per}: accuracy {right:.2%},")
    print(f"  the same class for {same:.2%}, {mobile_share[per]:.3f} of the file;")
    print("  bytes of weights, biases, scales, zero-points:", ", ".join(four))
# For the benchmark, which reads numbers by name.
mobile_channel, mobile_layer = mobile_accuracy["channel"], mobile_accuracy["layer"]
same_channel, same_layer = mobile_agreement["channel"], mobile_agreement["layer"]
share_channel, share_layer = mobile_share["channel"], mobile_share["layer"]

# %% [markdown] id="mobilenet-answer"
"""
Dynamic quantization changed the classifier alone. Static quantization changed everything, and yet with one scale per channel the file is {{ digits.share_channel }} of the fp32 file: a depthwise channel holds 9 bytes of codes, and 16 bytes of scale and zero-point. Per layer it is {{ digits.share_layer }}.

The same cell on real images, with `DATA = "cifar10"` and longer training (seed 0; a part of CIFAR-10 with 3,805 training and 761 test images, so no accuracy here is MobileNetV2's best; the epochs and the falling rate were chosen by the fp32 network's accuracy on these test images, so compare rows, not papers):

| MobileNetV2 of a quarter of the width, CIFAR-10's part | accuracy | the same class as fp32 | share of the file |
|---|---|---|---|
| fp32 | {{ cifar10.mobile_fp32 }} | | 1 |
| static int8, one weight scale per channel | {{ cifar10.mobile_channel }} | {{ cifar10.same_channel }} | {{ cifar10.share_channel }} |
| static int8, one weight scale per layer | {{ cifar10.mobile_layer }} | {{ cifar10.same_layer }} | {{ cifar10.share_layer }} |
| dynamic int8 | as fp32, but for the classifier | | {{ cifar10.mobile_dynamic_share }} |

MobileNetV2 has a name for being ruined by one scale per layer: with ImageNet weights, the ranges of the channels in a depthwise layer differ so much that the narrow ones get hardly any codes (Nagel et al. 2019, arXiv 1906.04721, figure 2). That is no property of the architecture. In the network of the table,
the widest channel of all depthwise layers has {{ cifar10.widest }} times the range of its layer's median channel (on digits {{ digits.widest }}), so with one scale per layer the median channel still has plenty of codes; and the two rows differ by less than 761 images can tell. So look at the ranges before you pay for a scale per channel. What does change is which images are right: the classes agree less than the accuracies suggest.
Lab 7 has a network whose ranges differ, and repairs it.
"""

# %% [markdown] id="forms-text"
"""
## 11 · Five forms of one model

An MLP with two hidden layers of 512, in five forms: fp32; **FP16**, every number in 16 bits; **weight-only**, int8 weights that are made float again in each call; **dynamic**; **static**, by FX. Batches of 64 images, one thread, the fastest of many runs. **Predict** the order of the bars in each panel.
"""

# %% id="forms" tags=["demo"]
class WeightOnly(nn.Module):
    """A linear layer with int8 weights, one scale per channel, and float arithmetic."""

    def __init__(self, linear):
        super().__init__()
        q, scale, _ = qlab.linear_quantize(
            linear.weight.detach(), symmetric=True, narrow=True, channel_dim=0
        )
        scale = torch.as_tensor(scale, dtype=torch.float32).reshape(-1, 1)
        self.register_buffer("q", q)
        self.register_buffer("scale", scale)
        self.register_buffer("bias", linear.bias.detach())

    def forward(self, x):
        return F.linear(x, self.q * self.scale, self.bias)


with torch.random.fork_rng(devices=[]):
    torch.manual_seed(SEED)
    first, last = nn.Linear(dataset.features, 512), nn.Linear(512, len(dataset.classes))
    hidden = [first, nn.ReLU(), nn.Linear(512, 512), nn.ReLU()]
    mlp = nn.Sequential(nn.Flatten(), *hidden, last)
training.train(
    mlp,
    dataset,
    epochs=8 if DATA == "digits" else 2,
    learning_rate=0.1,
    batch_size=32,
    seed=SEED,
)
half = copy.deepcopy(mlp).half()
weight_only = nn.Sequential(
    *(WeightOnly(layer) if isinstance(layer, nn.Linear) else layer for layer in mlp)
)
with tq.selected(main_engine):
    dynamic = tq.quantize_dynamic(mlp, {nn.Linear}, dtype=tq.qint8)
    observed_mlp = tq.prepare_fx(mlp, mapping, (dataset.x_train[:1],))
    for batch in calibration:
        observed_mlp(batch)
    static = tq.convert_fx(observed_mlp)
    x = dataset.x_test[:64]
    five = {
        "fp32": (mlp, x),
        "FP16": (half, x.half()),
        "weight-only int8": (weight_only, x),
        "dynamic int8": (dynamic, x),
        "static int8": (static, x),
    }
    forms = []
    for name, (model, batch) in five.items():
        with torch.no_grad():
            logits = model(dataset.x_test.to(batch.dtype)).float()
        right = training.accuracy_and_loss(logits, dataset.y_test)[0]
        took = seconds(lambda: model(batch))
        forms.append(plots.Form(name, tq.file_bytes(model), took, right))
titles = f"{'':17}{'file, bytes':>12}{'share':>7}{'ms/batch':>10}"
print(f"{titles}{'speedup':>9}{'accuracy':>10}")
fp32 = forms[0]
for form in forms:
    print(
        f"{form.name:17}{form.size:12,}{form.size / fp32.size:7.3f}"
        f"{1000 * form.seconds:10.3f}{fp32.seconds / form.seconds:9.2f}"
        f"{form.accuracy:10.2%}"
    )
accuracies = [form.accuracy for form in forms]
mlp_fp32, mlp_half, mlp_weight_only, mlp_dynamic, mlp_static = accuracies
dynamic_share = forms[3].size / fp32.size
plots.size_latency_accuracy(forms)

# %% [markdown] id="forms-answer"
"""
On digits, over {{ digits.seeds }} seeds: fp32 {{ digits.mlp_fp32 }}, FP16 {{ digits.mlp_half }}, weight-only {{ digits.mlp_weight_only }}, dynamic {{ digits.mlp_dynamic }}, static {{ digits.mlp_static }}; the dynamic file is {{ digits.dynamic_share }} of the fp32 file. Times are your machine's, so none is quoted here.

**"Int8 is 2x to 4x faster"** is said of all of these. When is it true? A layer of N by N weights does $N^2$ multiplications for each row of a batch, but reads its $N^2$ weights once for the whole batch. With few rows it waits for memory: four times fewer bytes are up to four times faster, whatever the arithmetic. With many rows it waits for arithmetic,
and there it depends on the CPU's int8 instructions; a dynamic layer also pays for looking at the activations. The next cell measures one layer of 2048 by 2048 for growing batches. **Predict** the row in which the speedup is largest.
<!-- given: the claim that the next cell tests -->
"""

# %% id="claim" tags=["demo"]
torch.manual_seed(SEED)
wide = nn.Sequential(nn.Linear(2048, 2048)).eval()
rows = torch.randn(128, 2048)
with tq.selected(main_engine):
    wide_dynamic = tq.quantize_dynamic(wide, {nn.Linear}, dtype=tq.qint8)
    observed_wide = tq.prepare_fx(wide, mapping, (rows,))
    observed_wide(rows)
    wide_static = tq.convert_fx(observed_wide)
    print(f"one thread on {engines.Cpu.here()}; times in ms")
    print("rows     fp32   dynamic speedup   static speedup   products per byte, fp32")
    speedups = {}
    for count in (1, 4, 16, 128):
        some, three = rows[:count], (wide, wide_dynamic, wide_static)
        took = [seconds(lambda: model(some)) * 1000 for model in three]
        speedups[count] = took[0] / took[1], took[0] / took[2]
        print(
            f"{count:4d} {took[0]:8.3f} {took[1]:9.3f} {speedups[count][0]:7.2f} "
            f"{took[2]:8.3f} {speedups[count][1]:7.2f} {count / 4:12.2f}"
        )
inside = sum(2 <= s <= 4 for pair in speedups.values() for s in pair)
print(f"between 2 and 4: {inside} of {2 * len(speedups)} speedups measured here")

# %% [markdown] id="claim-answer"
"""
Nearly every machine gives another table, and the claim holds for some of its rows. Where few rows wait for the weights, a quarter of the bytes helps most; a speedup above 4 means that the fp32 kernel used the hardware less efficiently. Where many rows keep the arithmetic busy, the int8 instructions decide. Dynamic and static
are nearly equal in one layer of this width: looking at the activations costs little beside 4 million multiplications per row. If the LSTM above gained no time, its weights fit into the cache and nothing waited for memory; if FP16 was slower than fp32, the CPU computes halves by converting them.

## 12 · Essay

### Q9 · Which form where
*difficulty 3/5 · importance 5/5 · 40 minutes · 8 points, read by hand*

Three teams ask for your advice: one runs a convolutional network on every frame of a camera, on a phone; one an LSTM that answers one user at a time, on a server's CPU; one a language model whose weights fill the memory, and which writes one word after the other. In 250 to 400 words of your own: which of
static, dynamic, weight-only and FP16 do you recommend to each, and why? Which step of the five is likeliest to go wrong in each, and how would they notice? Use numbers that you measured in this lab, and name the machine that they come from.

| rubric | points |
|---|---|
| for each team a form, with the reason: what limits the layer, memory or arithmetic, and whether ranges are known beforehand | 3 |
| what can go wrong (calibration data, batch norm in train mode, a + without a scale, engine and qconfig that do not fit, ...) and how to notice it | 2 |
| at least three measured numbers, used as reasons; what they do not show | 2 |
| own words | 1 |
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q9", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
"""
### BEGIN SOLUTION
#| *Your essay here.*
What a full answer mentions. Camera: static int8; convolutions are limited by arithmetic, since each weight is used at every pixel; inputs are alike, so ranges can be calibrated; codes pass from layer to layer; dynamic quantization would leave the convolutions in fp32; qnnpack or the phone's own engine, with its qconfig. Danger: calibration images that are not
what the camera sees (night), batch norm left in train mode or unfused, a plain + in the residual blocks; noticed by agreement with fp32 on real frames and by the share of saturated codes. LSTM: dynamic int8; one row at a time waits for the weights, which become a quarter, and the ranges change from step to step.
Danger: the same model in large batches gains little or loses; noticed by measuring at the batch size in use. Language model: weight-only (int8, or fewer bits with a scale for each group); one row, weights far beyond the cache, activations with outliers that a range for the batch spoils. Our weight-only layer was slow because it wrote
the float weights to memory in each call; a fused kernel does not. FP16 halves the file and asks nothing; on a CPU without half arithmetic it is slow. Numbers: file shares, speedups at 1 and at 128 rows, accuracies, with the CPU and the one thread they were measured on; they say nothing about a phone.
### END SOLUTION
"""

# %% [markdown] id="end-text"
r"""
## If you want to go on

Break the ResNet on purpose and find the cause from the outside: calibrate on zeros, on ten images, on images with twice the contrast; leave one block unfused; give one layer its fp32 form back (`model.block.qconfig = None` before prepare, with a DeQuantStub before it and a QuantStub behind it) and see how much of the
difference came from that layer. Or set an engine for which the model was not converted, and read what torch says.

## The formulas of this lab

| what | formula |
|---|---|
| folded weight | $w' = w\,f$ with $f = \gamma / \sqrt{\sigma^2 + \epsilon}$, one factor per output channel |
| folded bias | $b' = \beta + (b - \mu)\,f$ |
| a code in reals | $r = S\,(q - Z)$, symmetric or not |
| activations, static | $S = (max - min) / 255$, or 127 with fbgemm; $Z = \text{round}(-min / S)$; the range includes 0 |
| weights, per channel | $S_w = \max \lvert w \rvert / 127$, or 127.5 by PyTorch's observer; $Z_w = 0$ |
| sum of codes | $q_{out} = \text{clamp}\big(Z_{out} + \text{round}((r_a + r_b) / S_{out}),\; 0,\; 255\big)$ |
| converted layer | $q_{out} = \text{clamp}\big(Z_{out} + \text{round}((S_x S_w\,acc + b) / S_{out}),\; lowest,\; 255\big)$ |
| lowest code | $Z_{out}$ with ReLU, otherwise 0 |
| multiplier | $M = S_x S_w / S_{out} = M_0 \cdot 2^{-n}$ with $0.5 \le M_0 < 1$ (Lab 2 stores it as `M0_int`; fbgemm keeps M in float32) |
| dynamic layer | $y = S_x S_w\,(q_x - Z_x)\,q_w^T + b$, with $S_x$ and $Z_x$ of each batch |
| bytes, per channel | weights 1, bias 4 per channel, scale 8 per channel, zero-point 8 per channel |

**Next.** Lab 5 trains with quantization in the loop, for the cases in which post-training quantization loses too much. It uses the folding and the five steps of this lab, with `prepare_qat` in place of `prepare`.
"""

# %% [markdown] id="hand-in-text"
"""
## Handing in

1. Run all cells (*Run → Restart Kernel and Run All Cells*), look at the cards, and save.
2. In a terminal (*File → New → Terminal*), run `qlab submit lab4`: it says what is missing, offers a PDF for your report, and writes `Lab4_StudentID_Name.zip`.
3. Upload that file to your course's page. You can hand in an incomplete lab, and you can hand in again.
"""
