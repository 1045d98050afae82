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

A trained network becomes an int8 network without training again: in five steps, which you do by hand and then let PyTorch do. You look
into what comes out, recompute a layer of it, and measure what it buys in bytes and in time, beside dynamic quantization, weight-only
quantization and FP16.

**You will be able to**
- fold batch norm into the convolution before it, and say which layers fuse;
- take a model through fuse, qconfig, prepare, calibrate and convert, and say what each step is for;
- explain why a skip connection needs a module of its own;
- read scales, zero-points and codes out of a converted model and recompute its outputs;
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
| Q9 | essay: which form where | 15 |
| | 85 by checks, 15 read by hand | 100 |

**How it works** is as in Lab 1: a blank looks like `__`; below each answer stands a check, which shows the visible cases; **hidden ones
remain**. Every question can be answered whether or not the one before is right: later cells use your function where its check holds, else a
reference. About three hours, the predictions and the essay included.

PyTorch's functions stand in `torch.ao.quantization`, which is deprecated in favour of torchao and works in torch 2.13. Here they are called
through `qlab.torch_flow`, imported as `tq`: the same functions, without their warnings. Where a newer torch has removed them, `tq` has qlab's own under the same names, which compute the same codes in plain integers; the cell
below says which are in use.
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
    print("Upload the course's zip of this lab, then run in a cell of its own:\n!unzip -q -o lab4_post_training*.zip\n%cd lab4_post_training")
    print("%pip uninstall -y qlab\n%pip install ../quantization_lab-*.whl\nThen restart the session and run %cd lab4_post_training again.")
elif missing:
    print(f"Missing or too old: {', '.join(missing)}. Run in a cell of its own:")
    print(f"%pip uninstall -y qlab\n%pip install \"{wheels[-1] if wheels else Path('../..').resolve()}\"\nThen restart the kernel.")
elif not Path("checks").exists():
    print("Missing: the folder checks. It comes with the lab: put it back beside this notebook.")
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

    print(f"Ready: qlab {qlab.__version__}, torch {torch.__version__}; engines here: {', '.join(engines.available()) or 'none'}; quantized by {tq.flow}.")

# %% [markdown] id="model-text"
"""
## 1 · The model

A small ResNet: four 3x3 convolutions of 8, 12, 20 and 32 channels, two max-pools, a residual block of two convolutions with 32 channels, a linear head. Batch norm
stands behind each convolution and ReLU behind all but the last, whose output is first added to the block's input. `quant`, `dequant` and `skip` do nothing yet; they
mark where codes begin, where they end, and where something is added.
"""

# %% id="train" tags=["demo"]
dataset = data.load(DATA, download=DOWNLOAD)
recipe = {"digits": {"epochs": 8, "learning_rate": 0.05, "batch_size": 32}}.get(DATA, {"epochs": 2, "learning_rate": 0.05})
resnet = models.small_resnet_for(dataset, seed=SEED)
training.train(resnet, dataset, seed=SEED, **recipe)
print(resnet)
with torch.no_grad():
    fp32_logits = resnet(dataset.x_test)
fp32_accuracy = training.accuracy_and_loss(fp32_logits, dataset.y_test)[0]
print(f"{sum(p.numel() for p in resnet.parameters()):,} parameters, fp32 accuracy {fp32_accuracy:.2%}")

# %% [markdown] id="fold-text"
r"""
## 2 · Batch norm goes into the convolution

In training, batch norm takes mean and variance from the batch. In use it takes the running ones, which are constants. So behind a convolution with output $y$ it is one
multiplication and one addition for each channel:

$$ \gamma \, \frac{y - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta $$

![Convolution and batch norm are one convolution with other weights](figures/folding.png)

A convolution is linear, so the multiplication can be done to its weights, once, before the model is used. **Predict** before you go on: the ResNet has 6 batch norms with
272 parameters. How many parameters has it after folding: fewer, as many, or more?

**A worked example**, one channel with one weight: $w = 2$, $b = 1$, $\mu = 3$, $\sigma^2 = 4$, $\gamma = 6$, $\beta = 5$, $\epsilon = 0$. The output for $x$ is
$6 (2x + 1 - 3) / 2 + 5 = 6x - 1$: the folded weight is 6, the folded bias $-1$.

### Q1 · Fold batch norm
*difficulty 2/5 · importance 5/5 · 15 minutes · 15 points*

`weight` is (out, in / groups, height, width); `bias` (out,), or `None` where the convolution has none; `mean`, `var`, `gamma`, `beta` are (out,), `eps` is a float. Return the weight and the
bias of the one convolution that equals the two layers, shapes as given. Float32 and float64 are right; each entry is compared to a part in 100,000.

<details><summary>Hint 1: a question</summary>What stands before x, and what is left over, when you put y = w x + b into batch norm's formula?</details>
<details><summary>Hint 2: the equation</summary>f (w x + b - mean) + beta, with f = gamma / sqrt(var + eps)</details>
<details><summary>Hint 3: the shape of the code</summary>One factor a channel; reshape it to (out, 1, 1, 1) so that it meets the output channels; the bias is beta and the factor
times a difference.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps=1e-5):
    if bias is None:
        bias = torch.zeros_like(mean)
    ### BEGIN SOLUTION
    #| factor = __ / __
    #| folded_weight = weight * factor.reshape( __ )
    #| folded_bias = __ + ( __ - __ ) * __
    factor = gamma / torch.sqrt(var + eps)
    folded_weight = weight * factor.reshape(-1, 1, 1, 1)
    folded_bias = beta + (bias - mean) * factor
    ### END SOLUTION
    return folded_weight, folded_bias


# %% nbgrader={"grade": true, "grade_id": "q1-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q1: visible cases; hidden ones remain.
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
**What success looks like.** The next cell folds the whole ResNet with your function and compares it with PyTorch's `fuse_modules`, which also fuses the ReLUs: outputs within 1e-5.
"""

# %% id="folded" tags=["demo"]
fold = q1.yours_or_provided()


def folded_by_hand(model):
    model = copy.deepcopy(model)
    for block in [m for m in model.modules() if isinstance(m, nn.Sequential) and isinstance(m[0], nn.Conv2d)]:
        conv, norm = block[0], block[1]
        with torch.no_grad():
            weight, bias = fold(conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.weight, norm.bias, norm.eps)
        conv.weight, conv.bias, block[1] = nn.Parameter(torch.as_tensor(weight).float()), nn.Parameter(torch.as_tensor(bias).float()), nn.Identity()
    return model


by_hand, fused = folded_by_hand(resnet), tq.fuse_modules(resnet, resnet.fusable)
with torch.no_grad():
    hand_off = (by_hand(dataset.x_test) - fused(dataset.x_test)).abs().max().item()
    fused_off = (fused(dataset.x_test) - fp32_logits).abs().max().item()
fused_parameters = sum(p.numel() for p in fused.parameters())
print(f"largest difference of the logits: yours and fuse_modules {hand_off:.1e}, fuse_modules and the model of before {fused_off:.1e}")
print(f"parameters: {sum(p.numel() for p in resnet.parameters()):,} before, {fused_parameters:,} after")

# %% [markdown] id="groups-text"
"""
Each convolution has a bias now and lost a gamma and a beta: fewer by 136.

## 3 · Which layers fuse

Fusing means: one kernel does what several layers did, and what lay between them is never written to memory, never rounded to codes. ReLU costs nothing there: it is the clamp at the end, as in
Lab 2. An engine can fuse what it has a kernel for:

| group | becomes |
|---|---|
| conv, bn | a convolution |
| conv, bn, relu | a convolution with ReLU |
| conv, relu | a convolution with ReLU |
| linear, relu | a linear layer with ReLU |
| bn, relu | a batch norm with ReLU |

Nothing else in this lab. (torch 2.13 also folds a `BatchNorm1d` into the Linear before it. ReLU6 is not in its list.)

**A worked example.** Of conv, bn, relu, pool, conv, bn the first three become one layer, pool stays, the last two become one. Named by the position of each group's first layer: 0, 0, 0, 3, 4, 4.

### Q2 · Fused into what
*difficulty 2/5 · importance 3/5 · 15 minutes · 10 points*

`kinds` is a tuple of names in the order in which the layers run. Names that the table does not have, such as pool, add or relu6, join no group. Return one integer for each layer: the position, from 0, of the first layer of its group, or its own if it stays alone. Go from the
front to the back; where several groups fit, the longest is taken.

<details><summary>Hint 1: a question</summary>conv, bn, relu: which two groups of the table fit at its place, and which one leaves nothing over?</details>
<details><summary>Hint 2: the rule</summary>At a place try the groups from long to short; then go on behind the one that fits, or by one layer.</details>
<details><summary>Hint 3: the shape of the code</summary>`kinds[place : place + len(group)] == group` compares a stretch of layers with a group; a for loop that ends by break, and length 1 where none fits.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fused_into(kinds):
    ### BEGIN SOLUTION
    #| groups = __  # a list, the longest first, each a tuple such as ("linear", "relu")
    groups = [("conv", "bn", "relu"), ("conv", "bn"), ("conv", "relu"), ("linear", "relu"), ("bn", "relu")]
    ### END SOLUTION
    heads, place = [], 0
    while place < len(kinds):
        length = 1
        for group in groups:
            ### BEGIN SOLUTION
            #| if tuple(kinds[place : __ ]) == __ :
            #|     length = __
            #|     break
            if tuple(kinds[place : place + len(group)]) == group:
                length = len(group)
                break
            ### END SOLUTION
        ### BEGIN SOLUTION
        #| heads += [ __ ] * __
        heads += [place] * length
        ### END SOLUTION
        place += length
    return heads


# %% nbgrader={"grade": true, "grade_id": "q2-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q2: visible cases; hidden ones remain.
from checks import q2

### BEGIN HIDDEN TESTS
from qlab.check import case

q2.also(
    case("two blocks", ("conv", "bn", "relu", "conv", "bn", "relu", "conv", "bn")),
    case("relu before bn", ("conv", "relu", "bn", "conv", "bn", "relu")),
    case("all kinds", ("linear", "relu", "bn", "relu", "pool", "linear"), group="others"),
    case("relu again", ("conv", "bn", "relu", "relu", "pool", "relu"), group="alone"),
)
### END HIDDEN TESTS
q2.check(fused_into)

# %% id="groups" tags=["demo"]
heads_of = q2.yours_or_provided()
KINDS = {nn.Conv2d: "conv", nn.BatchNorm2d: "bn", nn.ReLU: "relu", nn.Linear: "linear", nn.MaxPool2d: "pool", nn.AdaptiveAvgPool2d: "pool"}
names, kinds = zip(*[(name, KINDS[type(m)]) for name, m in resnet.named_modules() if type(m) in KINDS])
for head in dict.fromkeys(heads := heads_of(kinds)):
    print(" and ".join(f"{name} ({kind})" for name, kind, its in zip(names, kinds, heads) if its == head))
print(f"{len(kinds)} layers become {len(set(heads))}")

# %% [markdown] id="five-text"
"""
(The cell lists the layers as they were made: pool and the head follow the block, whose sum has no layer of its own.)

## 4 · The five steps

![Fuse, qconfig, prepare, calibrate, convert](figures/five_steps.png)

1. **Fuse**, in eval mode: batch norm's statistics must stand still.
2. **qconfig** says which observer looks at activations and which at weights, and so which codes they get. Each engine has its own: fbgemm's and x86's activations get 7 bits, 0 to 127 (Lab 2 showed why),
   qnnpack's 8; fbgemm's weights a scale for each channel, qnnpack's one a layer.
3. **prepare** puts an observer behind each layer. The model still computes in fp32.
4. **Calibrate**: run batches of typical inputs. Nothing is returned that anyone wants; the observers take down the ranges.
5. **convert** asks the observers for scales and zero-points, rounds the weights to codes, and puts int8 layers in place of the float ones.

`QuantStub` becomes the first arrow, float to codes; `DeQuantStub` the last one, codes to float. PyTorch's default observer is a histogram; `tq.minmax_qconfig(engine)` is the engine's qconfig with the smallest
and the largest value instead, so that results can be recomputed by hand.

**Predict:** what scale has a layer that was never calibrated?

### Q3 · The five steps
*difficulty 3/5 · importance 5/5 · 20 minutes · 15 points*

`small_model` gives a model with the layers `quant`, `conv`, `bn` and `relu`, as training leaves it, in train mode (`statistics` holds batch norm's mean, variance, gamma and beta, one row each). Take it through the five steps with the engine's `minmax_qconfig`; `batches` is a tensor (batches, images, channels, height, width).
The given lines run the converted model for `x` and return the codes of its output and their scale. Each `tq` function leaves its model as it is and returns a copy to go on with: `tq.fuse_modules(model, [[names of one group]])`, `tq.prepare(model)`, `tq.convert(model)`. (To fold with your `fold_batch_norm` is right too; then conv and relu are left to fuse.)

<details><summary>Hint 1: a question</summary>Which of the steps reads what the observers have seen, and which line has to come before it?</details>
<details><summary>Hint 2: the order</summary>eval mode; fuse conv, bn and relu; set qconfig; prepare; call the observed model with each batch; convert.</details>
<details><summary>Hint 3: the shape of the code</summary>model.eval() comes first; a group is a list of three names in quotes; calibration is a loop over the batches with a call in it.</details>
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
# Check of Q3: visible cases; hidden ones remain.
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
uncalibrated = small_model(torch.randn(4, 1, 3, 3), torch.zeros(4), torch.tensor([0.0, 1.0, 1.0, 0.0]).reshape(4, 1).expand(4, 4)).eval()
uncalibrated = tq.static(uncalibrated, [["conv", "bn", "relu"]], [], tq.minmax_qconfig("fbgemm"))
print(f"never calibrated: scale {uncalibrated.conv.scale}, zero-point {uncalibrated.conv.zero_point}")
codes = uncalibrated(torch.rand(2, 1, 8, 8)).int_repr()
print(f"codes in use for images from 0 to 1: {codes.unique().tolist()}")

# %% [markdown] id="skip-text"
r"""
PyTorch warns there and goes on: without a range the scale is 1, and a network whose values are small has hardly a code to use.

## 5 · A sum of two scales

The residual block adds its input to what its convolutions made of it. Both are codes by then, each with a scale and a zero-point of its own.

![Three grids: the same real numbers have other codes on each](figures/two_rulers.png)

**Predict:** a code 110 and a code 40 are added. What is the code of the sum? What would you have to be told?

**A worked example**, the one in the picture: $a$ has code 110 with $S = 0.5$, $Z = 100$: it is 5. $b$ has code 40 with $S = 0.25$, $Z = 48$: it is $-2$. The sum, 3, has code $3 / 0.5 + 20 = 26$ in an output with $S = 0.5$, $Z = 20$.

### Q4 · Add codes
*difficulty 2/5 · importance 4/5 · 10 minutes · 10 points*

`q_a` and `q_b` are uint8 tensors of one shape, `S_a`, `Z_a`, `S_b`, `Z_b` their scales and zero-points, `S_out`, `Z_out` the output's. Return the codes of the sum, integers from 0 to 255 in any dtype, rounded once, to the nearest (either neighbour at a tie).

<details><summary>Hint 1: a question</summary>What are the two codes in reals?</details>
<details><summary>Hint 2: the equation</summary>r = S (q - Z), for a, for b and for the sum</details>
<details><summary>Hint 3: the shape of the code</summary>Widen both, two reals, one rounding of their sum's steps plus Z_out, one clamp.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q4", "locked": false, "schema_version": 3, "solution": true, "task": false}
def add_codes(q_a, S_a, Z_a, q_b, S_b, Z_b, S_out, Z_out):
    ### BEGIN SOLUTION
    #| a = __
    #| b = __
    #| q_out = torch.round( __ ) + __
    #| return torch.clamp( __ , __ , __ )
    a = S_a * (q_a.double() - Z_a)
    b = S_b * (q_b.double() - Z_b)
    q_out = torch.round((a + b) / S_out) + Z_out
    return torch.clamp(q_out, 0, 255)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q4-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q4: visible cases; hidden ones remain.
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
A plain `+` knows nothing of an output scale, and PyTorch has no kernel for it between quantized tensors. `nn.quantized.FloatFunctional`, here `tq.FloatFunctional`, is a module with the methods `add`, `mul`, `add_relu`, `cat`: as a module it
gets an observer in prepare, and convert makes it a `QFunctional` with a scale and a zero-point, which does what you did in Q4.

### Q5 · A block that survives convert
*difficulty 2/5 · importance 4/5 · 15 minutes · 10 points*

Complete the block: codes begin at `quant`, the convolution's output is added to what went into it, both as quantized tensors, and `dequant` ends. There is no ReLU. Keep the names `quant`, `conv` and `dequant`. The given function runs the block in fp32, or prepared, calibrated and converted where `quantized` is true. Where torch has no
kernel for what you wrote, it prints torch's words and returns zeros.

<details><summary>Hint 1: a question</summary>Which line turns floats into codes, and which tensors come after it?</details>
<details><summary>Hint 2: the equation</summary>y = x + conv(x), each of the three a quantized tensor</details>
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
    return outputs_of(Residual(same_size_conv(weight, bias)), batches, x, quantized)


# %% nbgrader={"grade": true, "grade_id": "q5-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q5: visible cases; hidden ones remain.
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

Now the five steps for the ResNet, with 256 training images for calibration, by both engines that your machine may have. **Predict** the accuracy lost, and what share of the fp32 file the int8 file is.
"""

# %% id="static" tags=["demo"]
calibration = dataset.x_train[:256].split(64)
run_five_steps = q3.yours_or_provided()  # yours has shown that it can; the ResNet goes through tq.static, the same five steps for any model
converted, accuracy, agreement = {}, {}, {}
for engine in ("fbgemm", "qnnpack"):
    if engine not in tq.engine_names():
        print(f"{engine} does not run here: {engines.missing()[engine]}. The lab goes on without it.")
        continue
    with tq.selected(engine), torch.no_grad():
        converted[engine] = tq.static(resnet, resnet.fusable, calibration, tq.minmax_qconfig(engine))
        logits = converted[engine](dataset.x_test)
    accuracy[engine] = training.accuracy_and_loss(logits, dataset.y_test)[0]
    agreement[engine] = (logits.argmax(1) == fp32_logits.argmax(1)).float().mean().item()
    print(f"{engine:8} int8 accuracy {accuracy[engine]:.2%} (fp32 {fp32_accuracy:.2%}), the same class for {agreement[engine]:.2%} of the images")
main_engine = next(iter(converted))
int8 = converted[main_engine]
print(int8)
int8_accuracy, int8_agreement = accuracy[main_engine], agreement[main_engine]

# %% [markdown] id="static-answer"
"""
**What success looks like.** On digits, over {{ digits.seeds }} seeds: fp32 {{ digits.fp32_accuracy }}, int8 {{ digits.int8_accuracy }}, agreement {{ digits.int8_agreement }}.

Compare the two printed models: conv, batch norm and ReLU are one `QuantizedConvReLU2d`, and where batch norm and ReLU stood there is `Identity`; `quant` and `skip` have a scale and a zero-point; pool has none: max-pool picks among its input's codes, and an average
keeps their scale.

## 7 · What a converted layer holds

`tq.converted_layers(model)` are a model's int8 layers by name; `tq.held(layer)` gives one's `weight` (a quantized tensor), `bias`, and `scale` and `zero_point` of its output.
"""

# %% id="held" tags=["demo"]
print(f"{'layer':12} {'weight codes':>16} {'from..to':>10} {'scales':>22} {'bias':>14} {'S_out':>9} Z_out")
for name, layer in tq.converted_layers(int8).items():
    found = tq.held(layer)
    codes, scales = found.weight.int_repr(), found.scales
    span = f"{scales.min():.5f}..{scales.max():.5f}"
    print(f"{name:12} {str(tuple(codes.shape)):>16} {codes.min():5d}..{codes.max():3d} {span:>22} {found.bias.dtype} {found.scale:9.5f} {found.zero_point:5d}")
first = tq.held(next(iter(tq.converted_layers(int8).values())))
print("the first layer's weight: scheme", first.weight.qscheme(), "with scales of", first.scales.dtype, end="")
if len(first.scales) > 1:
    print(" and zero-points of", first.weight.q_per_channel_zero_points().dtype, set(first.weight.q_per_channel_zero_points().tolist()))
print("\nits first kernel's codes:", first.weight.int_repr()[0, 0].tolist())
print("packed for the engine:", tq.packed(int8.head), "of the head")

# %% [markdown] id="q6-text"
r"""
A quantized tensor is codes with their meaning: `q.int_repr()` gives the codes, `q.q_scale()` and `q.q_zero_point()` the two numbers; per channel it is `q.q_per_channel_scales()`. The bias is **not** quantized in the model: it stays float32.

**A worked example.** Codes 110 and 90 with $S_x = 0.1$, $Z_x = 100$; weight codes 20 and $-10$ with scale 0.05; bias 0.3. The accumulator is $10 \cdot 20 + (-10)(-10) = 300$, in reals $300 \cdot 0.005 + 0.3 = 1.8$. With $S_{out} = 0.1$, $Z_{out} = 60$ the output's code is 78.

### Q6 · A converted layer by hand
*difficulty 3/5 · importance 5/5 · 15 minutes · 10 points*

`q_x` (rows, in) is a quint8 tensor with one scale, `q_w` (out, in) a qint8 tensor with one scale for each output channel and zero-points 0, `bias` (out,) is float32 and in reals. Return the output's codes (rows, out), integers from 0 to 255 in any dtype, rounded to the nearest (either neighbour
at a tie). With `relu=True` no output stands for a negative number.

<details><summary>Hint 1: a question</summary>In which unit is the accumulator counted, in which one the bias?</details>
<details><summary>Hint 2: the equation</summary>q_out = Z_out + round((S_x S_w acc + b) / S_out), clamped</details>
<details><summary>Hint 3: the shape of the code</summary>Two int_repr() widened to double, one matrix product; scales multiply entry by entry by themselves; a clamp whose lower end depends on relu.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q6", "locked": false, "schema_version": 3, "solution": true, "task": false}
def converted_linear(q_x, q_w, bias, S_out, Z_out, relu=False):
    ### BEGIN SOLUTION
    #| acc = (q_x.int_repr().double() - __ ) @ __
    #| step = __ * __  # what one unit of acc is worth, for each output channel
    #| q_out = torch.round( __ ) + __
    #| return torch.clamp(q_out, __ , __ )
    acc = (q_x.int_repr().double() - q_x.q_zero_point()) @ q_w.int_repr().double().T
    step = q_x.q_scale() * q_w.q_per_channel_scales()
    q_out = torch.round((acc * step + bias) / S_out) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q6-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q6: visible cases; hidden ones remain.
from checks import q6

### BEGIN HIDDEN TESTS
from checks.q6 import linear_case, qint8, quint8

from qlab.check import normal

q6.also(
    linear_case("10 channels", quint8(4, 9, 0.04, 60), qint8(10, 9), normal(10, std=3), 0.4, 120),
    linear_case("ReLU, 3 channels", quint8(6, 4, 0.03, 128), qint8(3, 4), normal(3), 0.2, 60, relu=True, group="relu"),
    linear_case("far out again", quint8(6, 16, 0.05, 120), qint8(3, 16), normal(3), 0.07, 110, group="saturating"),
)
### END HIDDEN TESTS
q6.check(converted_linear)

# %% [markdown] id="engines-text"
"""
Now on the model itself: the cell catches what goes into each layer and what comes out, recomputes the output in qlab's integers by the engine's rule (Lab 2), and the head with your function too.
"""

# %% id="engines" tags=["demo"]
layer_by_hand = q6.yours_or_provided()


def caught(model, images):
    """What went into each converted layer, and what came out."""
    seen, hooks = {}, []
    for name, layer in tq.converted_layers(model).items():
        hooks.append(layer.register_forward_hook(lambda layer, inputs, output, name=name: seen.update({name: (layer, inputs[0], output)})))
    with torch.no_grad():
        model(images)
    for hook in hooks:
        hook.remove()
    return seen


exact, images = {}, dataset.x_test[:256]
for engine, model in converted.items():
    with tq.selected(engine):
        seen = caught(model, images)
    outputs = differing = 0
    for name, (layer, q_x, q_out) in seen.items():
        ours = engines.reference(engine, as_layer(layer, q_x), q_x.dequantize())
        theirs = q_out.int_repr() if q_out.dim() == 2 else q_out.int_repr().permute(0, 2, 3, 1)
        outputs, differing = outputs + theirs.numel(), differing + int((ours.long() != theirs.long()).sum())
    exact[engine] = differing
    print(f"{engine:8} {len(seen)} layers, {outputs:,} outputs: {differing} differ from qlab's integers with the engine's rule")
    layer, q_x, q_out = seen["head"]
    if len(tq.held(layer).scales) > 1:
        found = tq.held(layer)
        yours = layer_by_hand(q_x, found.weight, found.bias, found.scale, found.zero_point)
        print(f"{'':8} the head by your function: {int((torch.as_tensor(yours).long() != q_out.int_repr().long()).sum())} of {q_out.numel():,} outputs differ")

add_by_hand = q4.yours_or_provided()
with tq.selected(main_engine), torch.no_grad():
    q_a = int8.stem(int8.quant(images))
    q_b = int8.block(q_a)
    q_sum = int8.skip.add_relu(q_a, q_b)  # its zero-point is 0, so the clamp at code 0 is the ReLU
yours = add_by_hand(q_a.int_repr(), q_a.q_scale(), q_a.q_zero_point(), q_b.int_repr(), q_b.q_scale(), q_b.q_zero_point(), int8.skip.scale, int8.skip.zero_point)
print(f"the skip addition by your add_codes: {int((torch.as_tensor(yours).long() != q_sum.int_repr().long()).sum())} of {q_sum.numel():,} outputs differ")

# %% [markdown] id="whole-text"
"""
### The whole network by your arithmetic

Between the two stubs there are only codes, so the converted ResNet is a list of steps, each from codes to codes. `tq.integer_network(model, engine)` reads it into such a list, each step with the engine's rule. Any step can be replaced: the cell puts your `converted_linear` into
all seven layers (a convolution is a linear layer on the patch that each output pixel sees, with a border of the code of 0), and your `add_codes` into the skip connection. Quantizing the image, the pools and the last arrow stay as they are.

**Predict:** how many of the test images get another class than from the engine? Then follow one image down the table: which step has the widest accumulators, and where do codes become fewer?
"""

# %% id="whole" tags=["demo"]
from qlab.arithmetic.network import way, way_table
from qlab.arithmetic.quantized_tensor import QuantizedTensor


def layer_by_yours(layer):
    """A step that computes a converted layer by your converted_linear."""
    found, relu = tq.held(layer), "ReLU" in type(layer).__name__

    def step(x):
        rows = x
        if x.codes.dim() == 4:
            height, width = layer.padding
            image = F.pad(x.codes.float(), (width, width, height, height), value=float(x.zero_point))
            patches = F.unfold(image, layer.kernel_size, stride=layer.stride)  # (images, pixels of a patch, patches)
            rows = QuantizedTensor(patches.transpose(1, 2).flatten(0, 1).to(torch.uint8), x.scale, x.zero_point)
        out = layer_by_hand(rows, found.weight.flatten(1), found.bias, found.scale, found.zero_point, relu)
        codes = torch.as_tensor(out).to(torch.uint8)
        if x.codes.dim() == 4:  # stride 1 and a border: an output is as large as its input
            codes = codes.reshape(len(x.codes), *x.codes.shape[2:], -1).permute(0, 3, 1, 2)
        return QuantizedTensor(codes, found.scale, found.zero_point)

    return step


def skip_by_yours(a, b):
    """The skip addition by your add_codes; its ReLU is the clamp at code 0, its zero-point."""
    S, Z = int8.skip.scale, int8.skip.zero_point
    codes = add_by_hand(a.codes, a.scale, a.zero_point, b.codes, b.scale, b.zero_point, S, Z)
    return QuantizedTensor(torch.as_tensor(codes).to(torch.uint8), S, Z)


by_rules = tq.integer_network(int8, main_engine)
per_channel = {name: layer for name, layer in tq.converted_layers(int8).items() if len(tq.held(layer).scales) > 1}  # as Q6 takes them
by_yours = by_rules.with_operations({**{name: layer_by_yours(layer) for name, layer in per_channel.items()}, "skip": skip_by_yours})
with tq.selected(main_engine), torch.no_grad():
    engines_logits = int8(dataset.x_test)
for who, network in (("qlab's integers with the engine's rules", by_rules), (f"your arithmetic in {len(per_channel)} layers and the addition", by_yours)):
    logits = network.run(dataset.x_test)
    unlike, same_class = int((logits != engines_logits).sum()), int((logits.argmax(1) == engines_logits.argmax(1)).sum())
    print(f"{who}: {unlike} of {logits.numel():,} logits differ from {main_engine}'s; the same class for {same_class} of {len(logits)} images")
print(f"\nthe way of one image, a {dataset.classes[dataset.y_test[0]]}:")
print(way_table(way(by_rules, dataset.x_test[:1])))

# %% [markdown] id="sizes-text"
"""
Yours rounds in float64, fbgemm in float32: at a near-tie the two may differ by one code (Lab 2).

## 8 · What is in the file

Quantization does not change how many weights there are, only how many bytes each takes: one instead of four. What comes with them is easily forgotten. The first cell of Section 7 printed the dtypes of biases, scales and zero-points.

**A worked example.** A convolution with 8 output channels of 27 weights each, per channel: 216 bytes of weights, 32 of biases, 64 of scales, 64 of zero-points. In fp32 it was 864 and 32.

### Q7 · The bytes of a layer
*difficulty 1/5 · importance 4/5 · 10 minutes · 5 points*

`outputs` is the number of output channels, `per_output` the number of weights of each, `per_channel` whether each has a weight scale and zero-point of its own; per tensor there is one of each, in the same dtypes. Return four integers, in bytes: `weights`, `biases`, `scales`, `zero_points` (of the weights).

<details><summary>Hint 1: a question</summary>How many bytes has a float32, a float64, an int64?</details>
<details><summary>Hint 2: the equation</summary>bytes = how many times how wide</details>
<details><summary>Hint 3: the shape of the code</summary>One count that depends on per_channel, and four products.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q7", "locked": false, "schema_version": 3, "solution": true, "task": false}
def held_bytes(outputs, per_output, per_channel):
    ### BEGIN SOLUTION
    #| count = __ if per_channel else __
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
# Check of Q7: visible cases; hidden ones remain.
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
total = torch.zeros(4, dtype=torch.int64)
for layer in tq.converted_layers(int8).values():
    found = tq.held(layer)
    codes = found.weight.int_repr()
    total += torch.tensor(bytes_held(len(codes), codes[0].numel(), len(found.scales) > 1))
weight_count = sum(m.weight.numel() for m in fused.modules() if isinstance(m, (nn.Conv2d, nn.Linear)))
bias_count = fused_parameters - weight_count
int8_parameters = sum(tq.held(layer).weight.numel() + len(tq.held(layer).bias) for layer in tq.converted_layers(int8).values())
weights, biases, scales, zero_points = total.tolist()
print(f"parameters: fp32, fused {fused_parameters:,}; int8 {int8_parameters:,}")
print(f"weights    {4 * weight_count:8,} bytes -> {weights:7,}")
print(f"biases     {4 * bias_count:8,} bytes -> {biases:7,}")
print(f"scales, zero-points          {scales + zero_points:7,}")
fp32_file, files = tq.file_bytes(fused), {engine: tq.file_bytes(model) for engine, model in converted.items()}
for engine, size in files.items():
    print(f"file: fp32 {fp32_file:,} bytes, {engine} {size:,}: a share of {size / fp32_file:.3f}")
file_share = files[main_engine] / fp32_file
empty = tq.file_bytes(nn.Module())
print(f"a file with nothing in it has {empty:,} bytes; each tensor adds its name, its shape and an entry in the container")

# %% [markdown] id="sizes-answer"
"""
The count of parameters is that of the fused fp32 model. Weights are a quarter exactly; biases stay as they were; scales and zero-points came in. On digits the file is {{ digits.file_share }} of the fp32 file, more than a quarter: in a small
model what surrounds the weights counts. In a large one it does not.

## 9 · FX: the graph is found for you

In eager mode you named the groups, placed the stubs and replaced the `+`. **FX graph mode** traces the model: it runs `forward` once with stand-ins for tensors and takes down each operation. Then it fuses by pattern, puts observers where codes will flow, and a plain `+` is no
problem, for it sees it. `prepare_fx` wants `example_inputs`, a tuple of inputs of the right shape.

Below is a small residual network with a plain `+`, as three graphs: fp32, observed, int8. Each is drawn as a list; `add` takes two of the boxes above it. Dashed boxes are observers; codes flow out of filled ones. **Predict** before you run the cell: how many observers does the middle graph have, and
where do batch norm and ReLU stand in the right one?
"""

# %% id="fx" tags=["demo"]
class PlainResidual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn, self.relu = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()
        self.conv2, self.head = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 10)

    def forward(self, x):
        x = self.relu(self.bn(self.conv1(x)))
        x = x + self.conv2(x)
        return self.head(x.mean((2, 3)))


def boxes(graph):
    """The graph's nodes as boxes; scales and zero-points that are only looked up are left out."""
    found, layers, kind = [], dict(graph.named_modules(remove_duplicate=False)), "float"
    for node in graph.graph.nodes:
        if node.op in ("get_attr", "output"):
            continue
        name = node.target if isinstance(node.target, str) else node.target.__name__
        text = layers[name]._get_name() if node.op == "call_module" else name
        kind = {"quantize_per_tensor": "int8", "dequantize": "float"}.get(text, kind)
        found.append(plots.Node(text, "observed" if "Observer" in text else kind))
    return found


torch.manual_seed(SEED)
example_inputs = (torch.rand(4, 1, 8, 8),)
plain = PlainResidual().eval()
mapping = tq.QConfigMapping().set_global(tq.minmax_qconfig(main_engine))
with tq.selected(main_engine):
    observed_fx = tq.prepare_fx(plain, mapping, example_inputs)
    observed_fx(*example_inputs)
    graphs = {"fp32": boxes(torch.fx.symbolic_trace(plain)), "observed": boxes(observed_fx)}
    int8_fx = tq.convert_fx(observed_fx)
    graphs["int8"] = boxes(int8_fx)
    fx_off = (int8_fx(*example_inputs) - plain(*example_inputs)).abs().max().item()
print(f"largest difference of the outputs, int8 and fp32: {fx_off:.4f}")
plots.graphs_side_by_side(graphs)

# %% [markdown] id="if-text"
"""
FX fuses the patterns that are on its list: in torch 2.13 the module `nn.ReLU` behind a convolution is, the function `torch.relu` is not. Change the line in `forward` and look again.

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
        return self.net(torch.where(x.mean() < 0.5, 1 - x, x))  # both are computed, one is chosen


class IfOutside(Inverting):
    """The part with the if stays Python; the net alone is traced and quantized."""

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
    print("torch.where in place of if: traced and converted,", tuple(tq.convert_fx(observed_where)(*example_inputs).shape))
    print("the if outside, the net quantized:", tuple(IfOutside().eval().quantize()(*example_inputs).shape))

# %% [markdown] id="pt2e-text"
"""
### The same by PT2E

FX's successor is **PT2E**, in torchao. `torch.export` takes the graph (an `if` on values fails there too; write it with `torch.cond`). A *quantizer* says where codes flow, here the one for x86 CPUs. Prepare, calibrate and convert are as before. What comes out is in **reference form**: each layer computes in
floats on dequantized codes, and its result is quantized again. A compiler can turn that into int8 kernels; nothing here needs one. `qlab.torch_flow.pt2e` has the steps. It needs torchao (tried with 0.18.0); without it the cell prints one sentence, and the lab goes on.

Below, the residual network goes through both flows with the same calibration images, and minimum and maximum are the range. Then both converted networks run on new images, and their codes are compared. **Predict**: will scales and zero-points be the same? Will all codes?
"""

# %% id="pt2e" tags=["demo"]
from qlab.torch_flow import pt2e

try:
    observed_pt2e = pt2e.prepare(plain, example_inputs, qmax=127 if main_engine == "fbgemm" else 255)
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
            if found.same_scale:
                beyond = f"{found.beyond:,} lie beyond the calibrated range"
                print(f"{found.name:6} the same scale; of {found.outputs:,} codes {beyond}, {found.differ:,} others differ, by {found.largest} at most")
            else:
                print(f"{found.name:6} another scale: its codes mean other numbers")
        print("quantized by FX only:", ", ".join(sorted(pt2e.codes(int8_fx, fresh).keys() - pt2e.codes(int8_pt2e, fresh).keys())))

# %% [markdown] id="pt2e-answer"
"""
Both saw the same floats in calibration, so the input and the first layer's output have the same scales, and the input's codes are the same. After a layer, codes may differ for three reasons. On new images a value may lie beyond the calibrated range: PT2E stops at the largest code that it calibrated for, FX's engine goes on to 255.
The engine multiplies an exact integer by M and the reference form rounds a sum of floats: next to a tie they may disagree, by one code. And PT2E gives weights one scale per channel here, while qnnpack, if that is your engine, has one per tensor. In PT2E the sum stays in floats, which is for a compiler to change, so its mean is quantized with a scale
of its own, where FX keeps the scale of the sum.
"""

# %% [markdown] id="dynamic-text"
r"""
## 10 · Dynamic quantization

Static quantization fixes the activations' ranges beforehand. **Dynamic** quantization rounds weights beforehand and looks at the activations in each call: range, scale and zero-point of this batch, then the product of codes, then a float output at once. There is nothing to calibrate, and no codes pass between layers.

How many bits the activations get is the engine's affair. With fbgemm or x86, PyTorch's dynamic Linear takes 7: codes 0 to 127 (qnnpack takes 8). Their range, extended to 0, is that of the **whole batch**:

$$ S_x = \frac{max - min}{127}, \quad Z_x = \text{round}\left(-\frac{min}{S_x}\right), \quad y = S_x S_w \, (q_x - Z_x)\, q_w^T + b $$

**A worked example.** $x = (-1, 0.28, 1.54)$: $S_x = 2.54 / 127 = 0.02$, $Z_x = 50$, codes 0, 64, 127. With $q_w = (10, -5, 2)$, $S_w = 0.1$, $b = 0.5$ the accumulator is $-416$ and the output $-0.332$.

### Q8 · A dynamic layer
*difficulty 3/5 · importance 4/5 · 15 minutes · 10 points*

Write the layer as fbgemm runs it, with 7 bits. `x` (rows, in) is float32 and not all zeros, `q_w` (out, in) int8 codes with scale `S_w` and zero-point 0, `bias` (out,) is float32. Return the real outputs (rows, out), to a part in 100,000. The cases stay away from ties.

<details><summary>Hint 1: a question</summary>All of a batch lies between 3 and 5. Which range do the codes have to cover?</details>
<details><summary>Hint 2: the equation</summary>It is the one above, with min at most 0 and max at least 0.</details>
<details><summary>Hint 3: the shape of the code</summary>Two ends of the range, a scale, a rounded zero-point, rounded and clamped codes; one matrix product, scaled, plus the bias.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q8", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dynamic_linear(x, q_w, S_w, bias):
    ### BEGIN SOLUTION
    #| low, high = __ , __
    #| S_x = ( __ - __ ) / __
    #| Z_x = round( __ )
    #| q_x = torch.clamp( __ , 0, __ )
    #| return __ * (( q_x - __ ).double() @ q_w.double().T) + __
    low, high = min(x.min().item(), 0.0), max(x.max().item(), 0.0)
    S_x = (high - low) / 127
    Z_x = round(-low / S_x)
    q_x = torch.clamp(torch.round(x / S_x) + Z_x, 0, 127)
    return S_x * S_w * ((q_x - Z_x).double() @ q_w.double().T) + bias
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q8-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q8: visible cases; hidden ones remain.
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
Beside PyTorch's own, and for what dynamic quantization is most used: recurrent layers, whose activations take another range at each step. **Predict:** how much smaller does an LSTM become, and is it faster?
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
    with torch.no_grad():
        theirs = layer(batch)
        mine = dynamic_by_hand(batch, layer.weight().int_repr(), layer.weight().q_scale(), layer.bias().detach())
    bits = "" if main_engine == "fbgemm" else f" ({main_engine} takes 8 bits, your layer 7)"
    print(f"Linear: yours and torch's dynamic layer differ by {(torch.as_tensor(mine) - theirs).abs().max():.1e} at most{bits}")
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
        times = [seconds(lambda: m(steps)) for m in (recurrent, dynamic)]
        print(f"{kind.__name__:6} {sizes[0]:,} -> {sizes[1]:,} bytes; 20 steps in {1000 * times[0]:.2f} -> {1000 * times[1]:.2f} ms; outputs differ by {off:.4f} at most")

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
        q, scale, _ = qlab.linear_quantize(linear.weight.detach(), symmetric=True, narrow=True, channel_dim=0)
        self.register_buffer("q", q)
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float32).reshape(-1, 1))
        self.register_buffer("bias", linear.bias.detach())

    def forward(self, x):
        return F.linear(x, self.q * self.scale, self.bias)


with torch.random.fork_rng(devices=[]):
    torch.manual_seed(SEED)
    hidden = [nn.Linear(dataset.features, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU()]
    mlp = nn.Sequential(nn.Flatten(), *hidden, nn.Linear(512, len(dataset.classes)))
training.train(mlp, dataset, epochs=8 if DATA == "digits" else 2, learning_rate=0.1, batch_size=32, seed=SEED)
half = copy.deepcopy(mlp).half()
weight_only = nn.Sequential(*(WeightOnly(layer) if isinstance(layer, nn.Linear) else layer for layer in mlp))
with tq.selected(main_engine):
    dynamic = tq.quantize_dynamic(mlp, {nn.Linear}, dtype=tq.qint8)
    observed_mlp = tq.prepare_fx(mlp, mapping, (dataset.x_train[:1],))
    for batch in calibration:
        observed_mlp(batch)
    static = tq.convert_fx(observed_mlp)
    x = dataset.x_test[:64]
    forms = []
    for name, model, batch in (("fp32", mlp, x), ("FP16", half, x.half()), ("weight-only int8", weight_only, x), ("dynamic int8", dynamic, x), ("static int8", static, x)):
        with torch.no_grad():
            logits = model(dataset.x_test.to(batch.dtype)).float()
        right = training.accuracy_and_loss(logits, dataset.y_test)[0]
        forms.append(plots.Form(name, tq.file_bytes(model), seconds(lambda: model(batch)), right))
print(f"{'':18}{'file, bytes':>12}{'share':>8}{'ms a batch':>12}{'speedup':>9}{'accuracy':>10}")
for form in forms:
    print(f"{form.name:18}{form.size:12,}{form.size / forms[0].size:8.3f}{1000 * form.seconds:12.3f}{forms[0].seconds / form.seconds:9.2f}{form.accuracy:10.2%}")
mlp_fp32, mlp_half, mlp_weight_only, mlp_dynamic, mlp_static = (form.accuracy for form in forms)
dynamic_share = forms[3].size / forms[0].size
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
    print(f"one thread on {engines.Cpu.here()}")
    print("rows   fp32 ms   dynamic  speedup    static  speedup   multiplications a weight byte read, fp32")
    speedups = {}
    for count in (1, 4, 16, 128):
        took = [seconds(lambda: model(rows[:count])) * 1000 for model in (wide, wide_dynamic, wide_static)]
        speedups[count] = took[0] / took[1], took[0] / took[2]
        print(f"{count:4d} {took[0]:9.3f} {took[1]:9.3f} {speedups[count][0]:8.2f} {took[2]:9.3f} {speedups[count][1]:8.2f} {count / 4:12.2f}")
inside = sum(2 <= s <= 4 for pair in speedups.values() for s in pair)
print(f"between 2 and 4: {inside} of {2 * len(speedups)} speedups measured here")

# %% [markdown] id="claim-answer"
"""
Nearly every machine gives another table, and the claim holds for some of its rows. Where few rows wait for the weights, a quarter of the bytes helps most; a speedup above 4 means that the fp32 kernel was further from its limit than the int8 one. Where many rows keep the arithmetic busy, the int8 instructions decide. Dynamic and static
are nearly equal in one layer of this width: looking at the activations costs little beside 4 million multiplications a row. If the LSTM above gained no time, its weights fit into the cache and nothing waited for memory; if FP16 was slower than fp32, the CPU computes halves by converting them.

## 12 · Essay

### Q9 · Which form where
*difficulty 3/5 · importance 5/5 · 40 minutes · 15 points, read by hand*

Three teams ask you for advice: one runs a convolutional network on every frame of a camera, on a phone; one an LSTM that answers one user at a time, on a server's CPU; one a language model whose weights fill the memory, and which writes one word after the other. In 250 to 400 words of your own: which of
static, dynamic, weight-only and FP16 do you advise to each, and why? Which step of the five is likeliest to go wrong in each, and how would they notice? Use numbers that you measured in this lab, with the machine they come from.

| rubric | points |
|---|---|
| for each team a form, with the reason: what limits the layer, memory or arithmetic, and whether ranges are known beforehand | 6 |
| what can go wrong (calibration data, batch norm in train mode, a + without a scale, engine and qconfig that do not fit, ...) and how to notice it | 4 |
| at least three measured numbers, used as reasons; what they do not show | 4 |
| own words | 1 |
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q9", "locked": false, "points": 15, "schema_version": 3, "solution": true, "task": false}
"""
### BEGIN SOLUTION
#| *Your essay here.*
What a full answer mentions. Camera: static int8; convolutions are bound by arithmetic, since each weight is used at every pixel, inputs are alike so ranges can be calibrated, and codes pass from layer to layer; qnnpack or the phone's own engine, with its qconfig. Danger: calibration images that are not
what the camera sees (night), batch norm left in train mode or unfused, a plain + in the residual blocks; noticed by agreement with fp32 on real frames and by the share of saturated codes. LSTM: dynamic int8; one row at a time waits for the weights, which become a quarter, and the ranges change from step to step.
Danger: the same model in large batches gains little or loses; noticed by measuring at the batch size in use. Language model: weight-only (int8, or fewer bits with a scale for each group); one row, weights far beyond the cache, activations with outliers that a range for the batch spoils. Our weight-only layer was slow because it wrote
the float weights to memory in each call; a fused kernel does not. FP16 halves the file and asks nothing, on a CPU without half arithmetic it is slow. Numbers: file shares, speedups at 1 and at 128 rows, accuracies, with the CPU and the one thread they were measured on; they say nothing about a phone.
### END SOLUTION
"""

# %% [markdown] id="end-text"
"""
## If you want to go on

Break the ResNet on purpose and find the cause from the outside: calibrate on zeros, on ten images, on images with twice the contrast; leave one block unfused; give one layer alone its fp32 form back (`model.block.qconfig = None` before prepare, with a DeQuantStub before it and a QuantStub behind it) and see how much of the
difference was that layer's. Or set an engine for which the model was not converted, and read what torch says.

**Next.** Lab 5 trains with quantization in the loop, where eight bits are not enough: it uses folding and the five steps of this lab, with `prepare_qat` in place of `prepare`.
"""

# %% [markdown] id="hand-in-text"
"""
## Handing in

1. Run all cells (*Run → Restart Kernel and Run All Cells*), look at the cards, and save.
2. In a terminal (*File → New → Terminal*), run `qlab submit lab4`: it says what is missing, offers a PDF for your report, and writes `Lab4_StudentID_Name.zip`.
3. Upload that file to your course's page. You can hand in an incomplete lab, and you can hand in again.
"""
