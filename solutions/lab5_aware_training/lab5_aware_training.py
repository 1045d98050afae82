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
# Lab 5 · Training that knows its codes

So far a network was trained first and quantized afterwards. With 8 bits that costs next to nothing; with 2 bits it costs much of what was learned. Here the
network is trained **while it sees what the codes make of it**: quantization-aware training. At the end you know where it helps, where it does not, and why
the model that was trained and the model that is shipped give the same codes, or else by which rule they part.

**You will be able to**
- write a fake quantizer with a gradient, equal to PyTorch's, forward and backward;
- say what moves and what is frozen in such a training: ranges, batch norm's statistics, the rate;
- run PyTorch's flow (fuse, prepare, train, freeze, convert) and notice when it trains plain fp32 instead;
- compare training after and before quantization fairly: bits, seeds, steps;
- explain each code in which the converted model differs from the one that was trained.

| question | what | points |
|---|---|---|
| Q1 | `fake_quantize` | 10 |
| Q2 | its gradient: the straight-through estimator | 15 |
| Q3 | `moving_average`: ranges that follow, then stay | 10 |
| Q4 | batch norm, folded while it trains | 10 |
| Q5 | `schedule`: how long, at which rate | 5 |
| Q6 | one weight learns | 10 |
| Q7 | PyTorch's flow | 15 |
| Q8 | two rules, one accumulator | 10 |
| Q9 | essay: is it worth it? | 15 |
| | 85 by checks, 15 read by hand | 100 |

**How it works** is as in the labs before: a blank looks like `__`; below each answer stands a check, which shows the visible cases;
**hidden ones remain**. Every question can be answered whether or not the one before is right. Three to four hours in all, the predictions and the essay included.
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
    print("Upload the course's zip of this lab, then run in a cell of its own:\n!unzip -q -o lab5_aware_training*.zip\n%cd lab5_aware_training")
    print("%pip uninstall -y qlab\n%pip install ../quantization_lab-*.whl\nThen restart the session and run %cd lab5_aware_training again.")
elif missing:
    print(f"Missing or too old: {', '.join(missing)}. Run in a cell of its own:")
    print(f"%pip uninstall -y qlab\n%pip install \"{wheels[-1] if wheels else Path('../..').resolve()}\"\nThen restart the kernel.")
elif not Path("checks").exists():
    print("Missing: the folder checks. It comes with the lab: put it back beside this notebook.")
else:
    import torch
    import torch.nn.functional as F

    import qlab
    from qlab import data, engines, models, plots, torch_flow, training
    from qlab.fake_quantize import fake_quantized
    from qlab.torch_flow import layer_by_layer, qat
    from qlab import torch_flow as quantization

    print(f"Ready: qlab {qlab.__version__}, torch {torch.__version__}; engines here: {', '.join(engines.available()) or 'none'}; quantized by {torch_flow.flow}.")

# %% [markdown] id="fake-text"
r"""
## 1 · Rounding has no slope

A network can only learn what its loss shows. To show it what quantization does, each weight and each activation is quantized and turned back into a real
number on the spot:

$$ y = S\,\big(\text{clamp}(\text{round}(x / S) + Z,\; q_{min},\; q_{max}) - Z\big) $$

All numbers stay floats, but only those that a code stands for come out. This is called **fake quantization**.

**A worked example.** $S = 0.25$, $Z = 3$, codes 0 to 7. $0.26$ has the code $1 + 3 = 4$ and comes back as $0.25$. $-0.4$ has the code $-2 + 3 = 1$ and comes back as $-0.5$.
$1.1$ would have the code $4 + 3 = 7$, the largest, and comes back as $1.0$.

### Q1 · Fake quantization
*difficulty 1/5 · importance 5/5 · 10 minutes · 10 points*

`x` is a float tensor of any shape, `scale` a float above 0, `zero_point`, `q_min`, `q_max` integers. Return real numbers in the shape of x, rounded to the nearest code (either neighbour at a
tie), limited to the codes from `q_min` to `q_max`, both included.

<details><summary>Hint 1: a question</summary>Which two functions of Lab 1, one after the other, are this?</details>
<details><summary>Hint 2: the equation</summary>It is the one above.</details>
<details><summary>Hint 3: the shape of the code</summary>A division inside of torch.round, plus an integer; torch.clamp; a subtraction and a product.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fake_quantize(x, scale, zero_point, q_min, q_max):
    ### BEGIN SOLUTION
    #| q = torch.clamp( __ , q_min, q_max)
    #| return __
    q = torch.clamp(torch.round(x / scale) + zero_point, q_min, q_max)
    return (q - zero_point) * scale
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q1-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q1: visible cases; hidden ones remain.
from checks import q1

### BEGIN HIDDEN TESTS
from checks.q1 import beyond, inside

from qlab.check import case, normal

q1.also(
    case("all of it negative", [-0.31, -0.02, -0.77], 0.1, 15, 0, 15),
    case("a zero-point at the end of the codes", normal(12, mean=1.0, std=0.2), 0.02, -128, -128, 127, such_that=inside),
    case("two bits", [0.3, -0.8, 5.0, -6.0], 0.5, 0, -2, 1, group="beyond"),
    case("a table of images", normal(2, 3, 4), 0.02, 130, 0, 255, such_that=inside),
    case("narrow codes, 3 bits", normal(40, std=3.0), 0.4, 0, -3, 3, group="beyond", such_that=beyond),
)
### END HIDDEN TESTS
q1.check(fake_quantize)

# %% [markdown] id="slope-text"
r"""
**Predict** before you run the next cell: it asks autograd for the slope of `torch.round` at five places. Which numbers come out, and what does gradient descent do with them?
"""

# %% id="slope" tags=["demo"]
x = torch.tensor([-0.6, -0.1, 0.2, 0.7, 1.3], requires_grad=True)
torch.round(x).sum().backward()
print("slopes of torch.round:", x.grad.tolist())

# %% [markdown] id="through-text"
r"""
A staircase is flat wherever it has a slope at all. With this gradient no weight would ever move. The **straight-through estimator** (Bengio et al. 2013,
[arXiv 1308.3432](https://arxiv.org/abs/1308.3432)) puts another slope in its place, on the way back only: rounding is taken for the identity, the clamp for what it is.

![The staircase, and the slope that is used in its place: 1 where the code is one of the codes, 0 beyond](figures/straight_through.png)

$$ \frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} \cdot \begin{cases} 1 & q_{min} \le \text{round}(x / S) + Z \le q_{max} \\ 0 & \text{otherwise} \end{cases} $$

Mind what is compared: the **rounded code before the clamp**. A value less than half a step beyond the largest real number still has the largest code, and its gradient passes. PyTorch does it
so; the picture shows those two half steps. It is an *estimator*, not the derivative of anything: what justifies it is that it works.

**A worked example.** $S = 0.5$, $Z = 0$, codes -3 to 3. $1.6$ has the code 3 ($3.2$ rounded): its gradient passes. $1.8$ would have the code 4: its gradient is 0.

### Q2 · A gradient for fake quantization
*difficulty 3/5 · importance 5/5 · 20 minutes · 15 points*

`torch.autograd.Function` is PyTorch's place for a gradient of your own: `forward` computes and may remember a tensor in `ctx`; `backward` gets $\partial L / \partial y$, called `upstream`, and returns
$\partial L / \partial x$, with `None` for each argument that needs no gradient. Fill in what is remembered and what is returned. The given function below calls it and returns the output and the gradient.
`fake_quantize` is your Q1.

<details><summary>Hint 1: a question</summary>After the clamp every code is from q_min to q_max. So where do you have to look?</details>
<details><summary>Hint 2: the equation</summary>It is the one with the brace above.</details>
<details><summary>Hint 3: the shape of the code</summary>A rounded quotient plus an integer; two comparisons joined by &; a product of two tensors.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q2", "locked": false, "schema_version": 3, "solution": true, "task": false}
class FakeQuantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, q_min, q_max):
        ### BEGIN SOLUTION
        #| code = __
        #| passes = __  # a tensor of True and False
        code = torch.round(x / scale) + zero_point
        passes = (code >= q_min) & (code <= q_max)
        ### END SOLUTION
        ctx.save_for_backward(passes)
        return fake_quantize(x, scale, zero_point, q_min, q_max)

    @staticmethod
    def backward(ctx, upstream):
        (passes,) = ctx.saved_tensors
        ### BEGIN SOLUTION
        #| gradient = __
        gradient = upstream * passes
        ### END SOLUTION
        return gradient, None, None, None, None


def forward_and_gradient(x, scale, zero_point, q_min, q_max, upstream):
    x = x.detach().clone().requires_grad_()
    y = FakeQuantize.apply(x, scale, zero_point, q_min, q_max)
    y.backward(upstream)
    return y.detach(), x.grad


# %% nbgrader={"grade": true, "grade_id": "q2-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q2: visible cases; hidden ones remain.
from checks import q2

### BEGIN HIDDEN TESTS
from checks.q2 import at_the_edges, both_ends, inside

from qlab.check import case, normal

q2.also(
    case("a table of values", normal(3, 4), 0.04, -3, -128, 127, normal(3, 4), such_that=inside),
    case("narrow codes, 3 bits", normal(50, std=3.0), 0.6, 0, -3, 3, normal(50), group="beyond", such_that=both_ends),
    case("many values near the ends", normal(60, std=1.2), 0.5, 1, -2, 4, normal(60), group="edge", such_that=at_the_edges),
)
### END HIDDEN TESTS
q2.check(forward_and_gradient)

# %% id="torchs-own" tags=["demo"]
with_gradient = q2.yours_or_provided()

values = torch.linspace(-2, 2, 9) + 0.03
upstream = torch.ones(9)
theirs_in = values.clone().requires_grad_()
theirs = torch.fake_quantize_per_tensor_affine(theirs_in, 0.5, 0, -3, 3)
theirs.backward(upstream)
mine, my_gradient = with_gradient(values, 0.5, 0, -3, 3, upstream)
print("x             ", *(f"{v:6.2f}" for v in values.tolist()))
print("yours         ", *(f"{v:6.2f}" for v in mine.tolist()))
print("torch's       ", *(f"{v:6.2f}" for v in theirs.tolist()))
print("yours, slope  ", *(f"{v:6.2f}" for v in my_gradient.tolist()))
print("torch's, slope", *(f"{v:6.2f}" for v in theirs_in.grad.tolist()))
ties = torch.tensor([0.5, 1.5])
with torch_flow.quiet():
    engines_codes = torch_flow.quantize_per_tensor(ties, 1.0, 3).int_repr()
print("a tie with the odd zero-point 3: fake_quantize gives the codes", (torch.fake_quantize_per_tensor_affine(ties, 1.0, 3, 0, 255) + 3).tolist(), "and quantize_per_tensor", engines_codes.tolist())

# %% [markdown] id="range-text"
r"""
The last line shows a detail that returns in Section 8: PyTorch's fake quantizer rounds and then adds Z. In PyTorch 2.13 its real quantizer adds Z and then rounds, so at an exact tie with an odd Z they part; in 2.14 both round first.

## 2 · Ranges that follow, then stay

A weight's range can be read off the weight. An activation's changes with every batch, and while the network trains it drifts as well. So an **observer** keeps a moving average of both
ends: the first batch sets them, and each further batch moves them by a share $c$, the averaging constant (0.01 in PyTorch), of the difference:

$$ low \leftarrow low + c\,(\min x - low), \qquad high \leftarrow high + c\,(\max x - high) $$

Near the end of the training it is **frozen**: no batch moves the range any more, and the last steps train with exactly the scale that the shipped model will have.

**A worked example.** $c = 0.1$, three batches with minima -1, -3, -2: low is $-1$, then $-1 + 0.1 \cdot (-2) = -1.2$, then $-1.2 + 0.1 \cdot (-0.8) = -1.28$. Frozen after two batches it stays at $-1.2$.

### Q3 · A moving average that can be frozen
*difficulty 2/5 · importance 4/5 · 10 minutes · 10 points*

`batches` is a tensor (batches, values), one batch a row; `averaging_constant` is $c$; only the first `observed` batches, at least 1, move the range. Return `low` and `high`, two numbers.

<details><summary>Hint 1: a question</summary>What is the range before the first batch? Is 0 a good answer?</details>
<details><summary>Hint 2: the equation</summary>They are the two above.</details>
<details><summary>Hint 3: the shape of the code</summary>The ends of batches[0]; a loop over batches[1:observed]; two lines in it.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def moving_average(batches, averaging_constant, observed):
    ### BEGIN SOLUTION
    #| low, high = __ , __
    #| for batch in batches[ __ : __ ]:
    #|     low = __
    #|     high = __
    low, high = batches[0].min(), batches[0].max()
    for batch in batches[1:observed]:
        low = low + averaging_constant * (batch.min() - low)
        high = high + averaging_constant * (batch.max() - high)
    ### END SOLUTION
    return low, high


# %% nbgrader={"grade": true, "grade_id": "q3-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q3: visible cases; hidden ones remain.
from checks import q3

### BEGIN HIDDEN TESTS
from checks.q3 import unlike

from qlab.check import case, normal

q3.also(
    case("ten batches", normal(10, 30), 0.05, 10, such_that=unlike),
    case("an average that forgets fast", normal(3, 8, std=2.0), 0.9, 3, such_that=unlike),
    case("frozen after 2 of 8 batches", normal(8, 10), 0.15, 2, group="frozen", such_that=unlike),
)
### END HIDDEN TESTS
q3.check(moving_average)

# %% [markdown] id="norm-text"
r"""
## 3 · Batch norm, folded while it trains

In the shipped model batch norm is gone: it was folded into the convolution before it, and it is the **folded** weight, $w \gamma / \sqrt{var + \varepsilon}$, that has codes. A training that
fake-quantizes $w$ itself learns to live with the wrong codes. But folded with which variance? That of the batch jumps from batch to batch, and with it would jump every scale; the running one is what the shipped model
will use. Yet batch norm trains on the statistics of the batch. PyTorch's way does both: fold with the running variance, fake-quantize, compute, **undo the factor**, and then let batch norm do its work on the batch.

![The way of one batch: fold, fake-quantize, multiply, unfold, batch norm](figures/folding.png)

$$ f = \frac{\gamma}{\sqrt{var_{run} + \varepsilon}}, \qquad z = \frac{x \, \text{fq}(w f)^T}{f}, \qquad y = \gamma \frac{z - \text{mean}(z)}{\sqrt{\text{var}(z) + \varepsilon}} + \beta $$

Without the codes, $z$ is just $x w^T$: the factor cancels. The mean and the variance of $z$ go into the running statistics (into the running variance PyTorch puts the one that divides by one row less).

**A worked example.** One weight $0.52$, $var_{run} = 0.21$, $\varepsilon = 0.04$, $\gamma = 2$: $f = 2 / 0.5 = 4$, and $w f = 2.08$, with the scale $0.25$ the code 8, the number $2$.
For $x = 1$ and $3$: $z = 2 / 4 = 0.5$ and $6 / 4 = 1.5$; mean $1$, variance $0.25$.

### Q4 · One batch through the folded layer
*difficulty 4/5 · importance 3/5 · 20 minutes · 10 points*

`x` (rows, in), `weight` (out, in), `running_var`, `gamma` (never 0), `beta` (out,) are float tensors, `scale` is the one scale of the folded weight (codes -127 to 127, zero-point 0), `eps` a float. Return `y` (rows, out), and the
`mean` and `var` (out,) of the batch; var divides by the number of rows. `fake_quantize` is your Q1.

<details><summary>Hint 1: a question</summary>Which of the two variances will the shipped model use to fold?</details>
<details><summary>Hint 2: the equation</summary>They are the three above.</details>
<details><summary>Hint 3: the shape of the code</summary>A quotient; a product with factor[:, None], fake-quantized; a matrix product over the factor; two statistics over dim=0; one line of batch norm.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q4", "locked": false, "schema_version": 3, "solution": true, "task": false}
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    ### BEGIN SOLUTION
    #| factor = __
    #| folded = fake_quantize( __ , scale, 0, -127, 127)
    #| z = __
    #| mean, var = z.mean(dim= __ ), z.var(dim= __ , unbiased= __ )
    #| y = __
    factor = gamma / torch.sqrt(running_var + eps)
    folded = fake_quantize(weight * factor[:, None], scale, 0, -127, 127)
    z = (x @ folded.T) / factor
    mean, var = z.mean(dim=0), z.var(dim=0, unbiased=False)
    y = gamma * (z - mean) / torch.sqrt(var + eps) + beta
    ### END SOLUTION
    return y, mean, var


# %% nbgrader={"grade": true, "grade_id": "q4-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q4: visible cases; hidden ones remain.
from checks import q4

### BEGIN HIDDEN TESTS
from checks.q4 import positive, signed, well_scaled

from qlab.check import case, normal

q4.also(
    case("five channels", normal(12, 6), normal(5, 6), positive(5), signed(5), normal(5), 0.17, 0.04, such_that=well_scaled),
    case("a small eps", normal(9, 3), normal(2, 3), positive(2), signed(2), normal(2), 0.3, 0.03, such_that=well_scaled),
)
### END HIDDEN TESTS
q4.check(folded_batch_norm)

# %% [markdown] id="schedule-text"
r"""
## 4 · How long, at which rate

The weights of a trained network need a nudge, not a new training. The rule of thumb (Wu et al. 2020, [arXiv 2004.09602](https://arxiv.org/abs/2004.09602)): **a tenth** of the steps of the training, beginning with
**1 %** of its rate, annealed along half a wave of a cosine. With $T$ steps, numbered $t = 0 \dots T - 1$:

$$ r_t = 0.01 \, r \cdot \frac{1 + \cos(\pi t / T)}{2} $$

**A worked example.** 40 steps at rate 0.1: $T = 4$, and the rates are $0.001$, $0.000854$, $0.0005$, $0.000146$.

### Q5 · The schedule
*difficulty 1/5 · importance 3/5 · 5 minutes · 5 points*

`fp32_steps`, a multiple of 10, and `fp32_rate` are those of the training. Return the rates of all steps of the quantization-aware training, a tensor or a list.

<details><summary>Hint 1: a question</summary>Which rate has the first step, and which the step in the middle?</details>
<details><summary>Hint 2: the equation</summary>It is the one above.</details>
<details><summary>Hint 3: the shape of the code</summary>An integer division; a list over range(steps) with math.cos.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q5", "locked": false, "schema_version": 3, "solution": true, "task": false}
import math


def schedule(fp32_steps, fp32_rate):
    ### BEGIN SOLUTION
    #| steps = __
    #| return torch.tensor([ __ for t in range(steps)])
    steps = fp32_steps // 10
    return torch.tensor([0.01 * fp32_rate * (1 + math.cos(math.pi * t / steps)) / 2 for t in range(steps)])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q5-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q5: visible cases; hidden ones remain.
from checks import q5

### BEGIN HIDDEN TESTS
from qlab.check import case

q5.also(case("450 steps", 450, 0.1), case("two steps", 20, 0.4))
### END HIDDEN TESTS
q5.check(schedule)

# %% [markdown] id="one-text"
r"""
## 5 · One weight learns

The smallest network there is: one weight, one input, the loss $(x \, \text{fq}(w) - target)^2 / 2$. There are now **two** weights: the one in float, which the optimizer keeps and moves, and the one on the grid, which
the loss sees. A step of the optimizer is far smaller than a code: on the grid nothing moves for many steps, until the float weight has crossed the middle between two codes.

$$ w \leftarrow w - rate \cdot (x \, w_q - target) \, x \cdot \text{slope}(w), \qquad w_q = \text{fq}(w) $$

**A worked example.** $w = 0.1$, $x = 2$, target $1.2$, scale $0.25$, rate $0.05$. First $w_q = 0$: the error is $-1.2$, so $w$ moves by $+0.12$ to $0.22$. Now $w_q = 0.25$, the error $-0.7$, and $w$ moves to $0.29$.
After two steps: $w = 0.29$, $w_q = 0.25$.

### Q6 · A few steps of training
*difficulty 3/5 · importance 5/5 · 15 minutes · 10 points*

All arguments are numbers, and the cases keep away from the middle between two codes; the zero-point is 0, the codes go from `q_min` to `q_max`. Return `w` after so many `steps`, and what the codes make of that w. `forward_and_gradient` is your Q2: with the upstream
gradient 1 it returns $w_q$ and the slope.

<details><summary>Hint 1: a question</summary>Which of the two weights meets x, and which is moved?</details>
<details><summary>Hint 2: the equation</summary>It is the one above.</details>
<details><summary>Hint 3: the shape of the code</summary>In the loop: one call, one subtraction of a product of four factors. After it: one more call, of either function.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q6", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_weight(w, x, target, scale, q_min, q_max, rate, steps):
    w, one = torch.tensor([float(w)]), torch.ones(1)
    for step in range(steps):
        ### BEGIN SOLUTION
        #| w_q, slope = forward_and_gradient( __ , scale, 0, q_min, q_max, one)
        #| w = w - rate * __
        w_q, slope = forward_and_gradient(w, scale, 0, q_min, q_max, one)
        w = w - rate * (x * w_q - target) * x * slope
        ### END SOLUTION
    ### BEGIN SOLUTION
    #| w_q = __
    w_q = fake_quantize(w, scale, 0, q_min, q_max)
    ### END SOLUTION
    return w.item(), w_q.item()


# %% nbgrader={"grade": true, "grade_id": "q6-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q6: visible cases; hidden ones remain.
from checks import q6

### BEGIN HIDDEN TESTS
from qlab.check import case

q6.also(
    case("nine steps", 0.87, 1.2, 0.1, 0.3, -7, 7, 0.13, 9),
    case("a negative input", -0.23, -1.4, 1.0, 0.22, -7, 7, 0.09, 6),
    case("below the range", -2.4, 0.7, 0.3, 0.25, -3, 3, 0.2, 3, group="beyond"),
)
### END HIDDEN TESTS
q6.check(train_weight)

# %% [markdown] id="trace-text"
"""
**Predict:** the target is 1.2, the input 2, so the best weight is 0.6; the codes offer 0.5 and 0.75. Where does the float weight go in 60 steps, and what does the weight on the grid do?
"""

# %% id="trace" tags=["demo"]
train_one = q6.yours_or_provided()

steps = range(61)
trace = torch.tensor([train_one(0.1, 2.0, 1.2, 0.25, -7, 7, 0.02, n) for n in steps])
plots.curves(steps, {"in float": trace[:, 0], "on the grid": trace[:, 1]}, x_name="step", y_name="weight", title="One weight: best would be 0.6, codes are 0.25 apart", level=("best", 0.6))

# %% [markdown] id="trace-answer"
"""
It goes to the middle between the two codes, 0.625, and stays there, jumping from side to side: below it the loss pulls up, above it down. The mean of the jumping weight is the best one. This is how a weight that cannot be
0.6 spends its training, and a reason to let the rate fall at the end.

## 6 · Before and after, side by side

A small convolutional network, trained in fp32, then quantized: activations with 8 bits, weights with 8, 4, 3 or 2, symmetric, a scale for each output channel. With 2 bits a weight is -1, 0 or 1 times its scale. Three ways:

- **after training** (PTQ): the trained network's weights go on the grid, nothing is trained;
- **a tenth**: quantization-aware training by your schedule, two epochs after a training of twenty;
- **longer**: four epochs that begin with a tenth of the training's rate instead of a hundredth.

**Predict** for each number of bits: how much is lost after training, and how much of it comes back?
"""

# %% id="train" tags=["demo"]
from provided import annealed  # half a wave of a cosine, from a first rate down

dataset = data.load(DATA, download=DOWNLOAD).first(5000, 1000)  # of a bigger set this many: the cell trains 27 times
recipe = {"digits": {"epochs": 20, "learning_rate": 0.4}}.get(DATA, {"epochs": 10, "learning_rate": 0.1})
batch_size, seeds, bits_tried, longer = 128, (SEED, SEED + 1, SEED + 2), (8, 4, 3, 2), 4
fp32_steps = recipe["epochs"] * math.ceil(len(dataset.x_train) / batch_size)
calibration = dataset.x_train[:1000]
tenth_rates = q5.yours_or_provided()(fp32_steps, recipe["learning_rate"])


def accuracy_of(network):
    with torch.no_grad():
        return training.accuracy_and_loss(network(dataset.x_test), dataset.y_test)[0]


def train_on(network, epochs, rate, seed):
    """Accuracies after 0, 1, ... epochs at an annealed rate."""
    found = [accuracy_of(network)]
    training.train(network, dataset, epochs=epochs, batch_size=batch_size, seed=seed, progress=False, schedule=rate, after_epoch=lambda _: found.append(accuracy_of(network)))
    return found


networks, aware_networks, fp32, tenth, curves = [], {}, [], {bits: [] for bits in bits_tried}, {bits: [] for bits in bits_tried}
for seed in seeds:
    network = models.convnet_for(dataset, seed=seed)
    fp32.append(train_on(network, recipe["epochs"], annealed(recipe["learning_rate"]), seed)[-1])
    networks.append(network)
    for bits in bits_tried:
        tenth[bits].append(train_on(fake_quantized(network, bits, 8, calibration), recipe["epochs"] // 10, lambda step, _: float(tenth_rates[step]), seed)[-1])
        aware_networks[seed, bits] = fake_quantized(network, bits, 8, calibration)
        curves[bits].append(train_on(aware_networks[seed, bits], longer, annealed(recipe["learning_rate"] / 10), seed))
    print(f"seed {seed}: fp32 {fp32[-1]:.1%}")


def mean_and_ends(values):
    return f"{sum(values) / len(values):6.1%} ({min(values):.1%} to {max(values):.1%})"


print(f"\nfp32 {mean_and_ends(fp32)}; mean and ends over {len(seeds)} seeds")
print("bits   after training             a tenth                    longer")
for bits in bits_tried:
    columns = [[curve[0] for curve in curves[bits]], tenth[bits], [curve[-1] for curve in curves[bits]]]
    print(f"{bits:4}   " + "   ".join(f"{mean_and_ends(column):24}" for column in columns))
fp32_accuracy = sum(fp32) / len(fp32)
ptq8, ptq4, ptq3, ptq2 = (sum(curve[0] for curve in curves[bits]) / len(seeds) for bits in bits_tried)
tenth8, tenth4, tenth3, tenth2 = (sum(tenth[bits]) / len(seeds) for bits in bits_tried)
first8, first4, first3, first2 = (sum(curve[1] for curve in curves[bits]) / len(seeds) for bits in bits_tried)
longer8, longer4, longer3, longer2 = (sum(curve[-1] for curve in curves[bits]) / len(seeds) for bits in bits_tried)

# %% id="curves" tags=["demo"]
plots.curves(
    range(longer + 1),
    {f"{bits} bits": torch.tensor(curves[bits]) for bits in bits_tried},
    x_name="epochs of quantization-aware training (0: quantized after training)",
    y_name="accuracy",
    title=f"Weights with few bits, {len(seeds)} seeds: mean and band",
    level=("fp32", fp32_accuracy),
)

# %% [markdown] id="curves-answer"
"""
**What success looks like.** On digits, each number the mean over three seeds, with {{ digits.seeds }} values of `SEED` at the top:

| weights | after training | a tenth, by the rule | longer |
|---|---|---|---|
| fp32 | {{ digits.fp32_accuracy }} | | |
| 8 bits | {{ digits.ptq8 }} | {{ digits.tenth8 }} | {{ digits.longer8 }} |
| 4 bits | {{ digits.ptq4 }} | {{ digits.tenth4 }} | {{ digits.longer4 }} |
| 3 bits | {{ digits.ptq3 }} | {{ digits.tenth3 }} | {{ digits.longer3 }} |
| 2 bits | {{ digits.ptq2 }} | {{ digits.tenth2 }} | {{ digits.longer2 }} |

**At 8 bits there is no gap**: nothing was lost, and nothing can be won back. **At 2 bits the gap is real**: much of the accuracy is gone after training, how much differs widely from seed to seed, and most of it comes back. At 3 bits a point is lost and found again, at 4 next to nothing; compare the bands before you call a difference one.

**Is one epoch enough?** At 8 and 4 bits none would do. At 2 bits the rule of thumb (two epochs from 1 % of the rate) leaves {{ digits.tenth2 }}: its steps are too small for weights that have to change their code. One epoch from ten times that rate gives {{ digits.first2 }}, four give {{ digits.longer2 }}: one epoch is not enough there,
and the rate counts as much as the number of epochs. The rule was found for 8 bits, where there is little to repair.
<!-- given: the rule of thumb's own rate -->

**From a checkpoint or from scratch?** The next cell trains the same network with 2-bit weights from its random start, with as many epochs as checkpoint and repair had together. **Predict** which is better, then change the numbers and test both claims: `scratch_bits`, `scratch_epochs`, `scratch_rate`.
"""

# %% id="scratch" tags=["demo"]
scratch_bits, scratch_epochs, scratch_rate = 2, recipe["epochs"] + longer, recipe["learning_rate"]
scratch = fake_quantized(models.convnet_for(dataset, seed=SEED), scratch_bits, 8, calibration, averaging_constant=0.1)
scratch_curve = train_on(scratch, scratch_epochs, annealed(scratch_rate), SEED)
scratch_accuracy, checkpoint_accuracy = scratch_curve[-1], curves[2][0][-1]
print("from scratch, after each epoch:", *(f"{value:.0%}" for value in scratch_curve[1:]))
print(f"{scratch_bits} bits from scratch {scratch_accuracy:.1%}; from the checkpoint of the same seed, 2 bits, {checkpoint_accuracy:.1%}")

# %% [markdown] id="scratch-answer"
r"""
For {{ digits.seeds }} values of `SEED` on digits: from scratch {{ digits.scratch_accuracy }}, from the checkpoint {{ digits.checkpoint_accuracy }}. On a task this small a training from scratch, with all of its epochs aware of the codes and at the full rate, is no worse, rather better: that it needs a checkpoint is not true here. What speaks for the checkpoint is cost: it exists already and serves every number of bits, in
a sixth of the epochs; the training from scratch has to be done again for each. Give both the same number of aware epochs before you decide.

## 7 · What the loss looks like there

Go from a trained network's float weights ($\alpha = 0$) straight to what 2-bit codes make of them ($\alpha = 1$), and beyond. **Predict** both curves: one for the network that was trained in fp32, one for the network that was trained with its codes.
"""

# %% id="landscape" tags=["demo"]
def along(aware, alphas, direction=None):
    """The loss on the test images with weights moved by alpha along a direction, without a code in sight."""
    plain = models.convnet_for(dataset, seed=SEED)
    layers = lambda network: [*network.convolutions, network.linear]
    start = [layer.parametrizations.weight.original.detach() for layer in layers(aware)]
    toward = [layer.weight.detach() - weight for layer, weight in zip(layers(aware), start)]
    if direction is not None:
        noise = [torch.randn(weight.shape, generator=direction) for weight in start]
        toward = [step / step.norm() * way.norm() for step, way in zip(noise, toward)]
    losses = []
    with torch.no_grad():
        for alpha in alphas:
            for layer, source, weight, way in zip(layers(plain), layers(aware), start, toward):
                layer.weight.copy_(weight + alpha * way)
                layer.bias.copy_(source.bias)
            losses.append(training.accuracy_and_loss(plain(dataset.x_test), dataset.y_test)[1])
    return torch.tensor(losses)


alphas = [step / 10 for step in range(-5, 16)]
after_training = {seed: fake_quantized(network, 2, 8, calibration) for seed, network in zip(seeds, networks)}
toward_codes = {
    "trained in fp32": torch.stack([along(after_training[seed], alphas) for seed in seeds]),
    "trained aware": torch.stack([along(aware_networks[seed, 2], alphas) for seed in seeds]),
}
at_codes_fp32, at_codes_aware = (losses[:, alphas.index(1.0)].mean().item() for losses in toward_codes.values())
at_float_fp32, at_float_aware = (losses[:, alphas.index(0.0)].mean().item() for losses in toward_codes.values())
print(f"loss at the float weights: {at_float_fp32:.2f} (fp32), {at_float_aware:.2f} (aware); on the codes: {at_codes_fp32:.2f} (fp32), {at_codes_aware:.2f} (aware)")
plots.curves(alphas, toward_codes, x_name="0: float weights, 1: their 2-bit codes", y_name="loss on the test images", title="From the float weights to the codes", lowest=0.0)

# %% id="random-direction" tags=["demo"]
random_way = {
    "trained in fp32": torch.stack([along(after_training[seed], alphas, torch.Generator().manual_seed(seed)) for seed in seeds]),
    "trained aware": torch.stack([along(aware_networks[seed, 2], alphas, torch.Generator().manual_seed(seed)) for seed in seeds]),
}
random_fp32, random_aware = (losses[:, alphas.index(1.0)].mean().item() for losses in random_way.values())
plots.curves(alphas, random_way, x_name="steps along a random direction, as long as the way to the codes", y_name="loss on the test images", title="A random direction of the same length", lowest=0.0)

# %% [markdown] id="landscape-answer"
r"""
On digits, mean over three seeds, for {{ digits.seeds }} values of `SEED`: at the float weights the loss is {{ digits.at_float_fp32 }} (fp32) and {{ digits.at_float_aware }} (aware), on the codes {{ digits.at_codes_fp32 }} and {{ digits.at_codes_aware }}. The fp32 training put its minimum at $\alpha = 0$, and the codes lie outside of it: **too narrow for a step that long**.
The aware training never saw the loss of its float weights; its valley lies on the way and **reaches the codes**. One often reads that such training finds wide minima. Look at the second picture before you repeat it: one step along a random direction of the same length, the loss is {{ digits.random_fp32 }} (fp32) and {{ digits.random_aware }} (aware). Around its float weights the aware network
is not the flatter one: it found the direction that matters, not width in every direction.

## 8 · PyTorch's flow

The same with PyTorch's own tools, in five steps:

1. `fuse_modules_qat(model, [[...]])`, in training mode: convolution, batch norm and ReLU become one module, which does what you did in Q4;
2. `qconfig = get_default_qat_qconfig(engine, version=0)`: which fake quantizers, for which engine;
3. `prepare_qat(model)`: puts them in;
4. train; then **freeze** the observers (`disable_observer`) and batch norm's statistics (`freeze_bn_stats`), and train the last steps with what the shipped model will have;
5. `eval()` and `convert(model)`: from here on integers.

**The mistake that nothing reports.** `get_default_qconfig`, without `qat`, is the one for quantization after training. `prepare_qat` takes it without a word: its observers watch, nothing is fake-quantized, and the network **trains plain fp32**. Nothing looks wrong, and with 8 bits hardly anything is: the training was for nothing. So look before you
train: does the prepared model hold fake quantizers?

### Q7 · Fuse, prepare, train, freeze, convert
*difficulty 3/5 · importance 5/5 · 20 minutes · 15 points*

The given line makes a small model in training mode, with modules `conv`, `bn` and `relu`; `qat.train_steps` is the training. The qconfig is that of the engine `"x86"` (activations with 7 bits, a scale for each output channel). Freeze both after the first training and before the second one, in either order.
The last line returns the codes and scales of the weight and the scale of the output.

<details><summary>Hint 1: a question</summary>Which of the functions named above have qat in their name? Which two have to be stopped?</details>
<details><summary>Hint 2: the equation</summary>There is none; the five steps above are the order.</details>
<details><summary>Hint 3: the shape of the code</summary>quantization.name(...) for all but one; apply takes a function, not a call; a list in a list names the three modules.</details>
<details><summary>If you see an error</summary>"'list' object has no attribute 'split'": one pair of brackets too many around the names. "has no attribute 'bias'" in convert: prepared by prepare, not by prepare_qat. "dimensions of scale and zero-point are not consistent": frozen before a batch has set the ranges.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q7", "locked": false, "schema_version": 3, "solution": true, "task": false}
from qlab import torch_flow as quantization
from qlab.torch_flow import freeze_bn_stats, qat


def aware_training(weight, images, targets):
    model = qat.OneBlock(weight).train()
    ### BEGIN SOLUTION
    #| fused = __
    #| fused.qconfig = __
    #| prepared = __
    fused = quantization.fuse_modules_qat(model, [["conv", "bn", "relu"]])
    fused.qconfig = quantization.get_default_qat_qconfig("x86", version=0)
    prepared = quantization.prepare_qat(fused)
    ### END SOLUTION
    qat.train_steps(prepared, images, targets, steps=6)
    ### BEGIN SOLUTION
    #| prepared.apply( __ )
    #| prepared.apply( __ )
    prepared.apply(quantization.disable_observer)
    prepared.apply(freeze_bn_stats)
    ### END SOLUTION
    qat.train_steps(prepared, images, targets, steps=3)
    ### BEGIN SOLUTION
    #| converted = __
    converted = quantization.convert(prepared.eval())
    ### END SOLUTION
    return qat.codes_and_scales(converted)


# %% nbgrader={"grade": true, "grade_id": "q7-check", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# Check of Q7: visible cases; hidden ones remain.
from checks import q7

### BEGIN HIDDEN TESTS
from checks.q7 import block

q7.also(block("one channel in, four out", 5, 1, 4))
### END HIDDEN TESTS
q7.check(aware_training)

# %% [markdown] id="flow-text"
"""
Now a whole network: three blocks of convolution, batch norm and ReLU, and a linear layer, on your data. `qat.prepared`, `freeze` and `converted` are the steps that you wrote. The engine is qnnpack, which runs on x86 and on Arm alike. **Predict:** how
many of its outputs will the converted model compute differently from the fake-quantized one?
"""

# %% id="flow" tags=["demo"]
engine = next((name for name in ("qnnpack", "x86", "fbgemm", "onednn") if name in torch_flow.engine_names()), None)
normed = models.normed_convnet_for(dataset, seed=SEED)
training.train(normed, dataset, epochs=recipe["epochs"] // 2, schedule=annealed(recipe["learning_rate"]), batch_size=batch_size, seed=SEED, progress=False)
looked_at = dataset.x_test[:400]  # images whose codes are compared below


def train_aware(engine, **how):
    """The flow: an epoch with ranges that follow, then one with all of it frozen."""
    aware = qat.prepared(normed, engine, **how)
    print(f"{engine}, {how or 'as it should be'}: {qat.fake_quantizers(aware)} fake quantizers")
    with torch_flow.quiet():
        training.train(aware, dataset, epochs=1, learning_rate=recipe["learning_rate"] / 10, batch_size=64, seed=SEED, progress=False)
        qat.freeze(aware)
        training.train(aware, dataset, epochs=1, learning_rate=recipe["learning_rate"] / 100, batch_size=64, seed=SEED, progress=False)
    return aware.eval(), qat.converted(aware, engine)


unexplained = differing = 0
if engine is None:
    print("PyTorch has no engine for int8 here: read on at the answer below.")
else:
    print(engines.standing(engine) if engine in engines.available() else f"{engine}: {engines.missing()[engine]}")
    print("prepared with the qconfig of post-training quantization:", qat.fake_quantizers(qat.prepared(normed, engine, after_training=True)), "fake quantizers")
    aware, int8 = train_aware(engine)
    with torch.no_grad():
        logits = {"fp32": normed(dataset.x_test), "fake-quantized": aware(dataset.x_test), "converted": qat.run(int8, dataset.x_test, engine)}
    for name, values in logits.items():
        print(f"{name:15} accuracy {training.accuracy_and_loss(values, dataset.y_test)[0]:.2%}")
    flow_agreement = (logits["converted"].argmax(1) == logits["fake-quantized"].argmax(1)).float().mean().item()
    print(f"the same class for {flow_agreement:.2%} of the images")

# %% [markdown] id="rules-text"
r"""
## 9 · The converted model, code by code

The two models hold the same weights' codes and the same scales, and yet some outputs differ. Each layer computes $y = S_{acc}\, acc + b$, with $S_{acc} = S_x S_w$, and makes a code of it; but not by one rule:

- the **fake-quantized** layer computes in floats, and its bias is a real number;
- the **engine** adds integers; qnnpack first rounds the bias to whole steps of the accumulator, $\text{round}(b / S_{acc})$ (Lab 2 has the rules of the others).

$$ exact = \frac{S_{acc}\, acc + b}{S_{out}} + Z_{out}, \qquad fake = \text{round}\Big(\frac{S_{acc}\, acc + b}{S_{out}}\Big) + Z_{out}, \qquad engine = \text{round}\Big(\frac{S_{acc}\,(acc + \text{round}(b / S_{acc}))}{S_{out}}\Big) + Z_{out} $$

both clamped to 0..255. Where the exact value lies close to the middle between two codes, half a step of the accumulator decides.

![An exact value just above the middle; the rounded bias moves it below](figures/two_rules.png)

**A worked example.** $S_{acc} = 0.02$, $S_{out} = 0.05$, $Z_{out} = 3$, $b = 0.1475$, $acc = 54$. Exactly: $1.2275 / 0.05 + 3 = 27.55$, so fake is 28. The bias is $7.375$ steps, rounded 7: $61 \cdot 0.02 / 0.05 = 24.4$, and engine is $24 + 3 = 27$.

### Q8 · Two rules, one accumulator
*difficulty 3/5 · importance 4/5 · 15 minutes · 10 points*

`acc` (n,) is an int32 tensor, `bias` (n,) a float tensor, one entry for each accumulator; `S_acc`, `S_out` are floats, `Z_out` an integer. Return `exact`, real numbers without a clamp, and the codes `fake` and `engine`, integer values in any dtype, from 0 to 255 (either neighbour at a tie).

<details><summary>Hint 1: a question</summary>In which line does a second round appear?</details>
<details><summary>Hint 2: the equation</summary>They are the three above.</details>
<details><summary>Hint 3: the shape of the code</summary>Each code is torch.clamp(torch.round(...) + Z_out, 0, 255); they differ in what stands in the place of the bias.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q8", "locked": false, "schema_version": 3, "solution": true, "task": false}
def two_rules(acc, bias, S_acc, S_out, Z_out):
    ### BEGIN SOLUTION
    #| exact = __
    #| fake = torch.clamp( __ , 0, 255)
    #| bias_steps = __
    #| engine = torch.clamp( __ , 0, 255)
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round((acc * S_acc + bias) / S_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    engine = torch.clamp(torch.round((acc + bias_steps) * S_acc / S_out) + Z_out, 0, 255)
    ### END SOLUTION
    return exact, fake, engine


# %% nbgrader={"grade": true, "grade_id": "q8-check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# Check of Q8: visible cases; hidden ones remain.
from checks import q8

### BEGIN HIDDEN TESTS
from checks.q8 import accumulators, they_differ

from qlab.check import case, normal

q8.also(
    case("a coarse accumulator", accumulators(-40, 40, 60), normal(60), 0.21, 0.33, 97, such_that=they_differ(False)),
    case("zero-point 0 and a wide range", accumulators(-2000, 4000, 80), normal(80, std=2.0), 0.03, 0.19, 0, such_that=they_differ(True)),
)
### END HIDDEN TESTS
q8.check(two_rules)

# %% [markdown] id="layers-text"
"""
Now each layer of the real network. Both models' layer gets **the same integer input**, the one that reaches it in the converted model. For each code in which the two differ, the program asks: does each code follow from its own rule, and does the same sum in exact fractions give one code with the real bias and the other with the rounded one ("bias")? If not, are they neighbours, and does the exact value lie so close to the middle that a rounding of float32
decides ("float32")? What finds its reason is explained; the rest is counted.
"""

# %% id="layers" tags=["demo"]
rows = [] if engine is None else layer_by_layer.compare_layers(aware, int8, looked_at, engine)
for row in rows:
    reasons = {why: sum(one.why == why for one in row.differences) for why in sorted({one.why for one in row.differences})}
    print(f"{row.name}: {row.outputs:,} outputs, weights' codes that differ {row.weights_differing}, outputs that differ {len(row.differences)}, of them by {reasons}, unexplained {row.unexplained}")
    for one in row.differences[:2]:
        print(f"   output {one.place}: exactly {one.exact:.6f}; in float32 {one.real:.7g}, so the fake-quantized code is {one.fake}; the engine's is {one.engine}: {one.why}")
differing, unexplained = sum(len(row.differences) for row in rows), sum(row.unexplained for row in rows)
in_100_000 = 100_000 * differing / max(1, sum(row.outputs for row in rows))
print(f"{differing} codes differ ({in_100_000:.1f} of 100,000); largest difference {max((abs(one.fake - one.engine) for row in rows for one in row.differences), default=0)}; left unexplained: {unexplained}")

# %% [markdown] id="layers-answer"
r"""
On digits, over {{ digits.seeds }} runs, {{ digits.in_100_000 }} of 100,000 codes differ, each by one, and {{ digits.unexplained }} are left unexplained. Two traps turn this picture upside down, and the next cell steps into both. **Predict** what each does to the number of differing codes.

- *The newer qconfig* (`version=1`, the default): its fake quantizers are fused with their observers. For symmetric weights the fused one trains with the scale $\max(-min / 128,\; max / 127)$, but `convert` asks the observer, which says $\max(-min,\; max) / 127.5$.
- *x86's or fbgemm's qconfig* leaves activations 7 bits, codes 0 to 127, so that pairs of products fit into 16 bits. The fake quantizer ends at 127; the converted layer's output is a byte and goes on to 255.
"""

# %% id="traps" tags=["demo"]
for name, how in ((engine, {"fused_observers": True}), ("x86", {})):
    if name not in torch_flow.engine_names():
        continue
    trap_rows = layer_by_layer.compare_layers(*train_aware(name, **how), looked_at[:40], name)
    reasons = [one.why or "unexplained" for row in trap_rows for one in row.differences]
    print(f"   weights' codes that differ {sum(row.weights_differing for row in trap_rows)}, outputs that differ {len(reasons)}:", {why: reasons.count(why) for why in sorted(set(reasons))})
    print(f"   largest difference {max((abs(one.fake - one.engine) for row in trap_rows for one in row.differences), default=0)}")

# %% [markdown] id="traps-answer"
"""
With the fused observers some of the weights themselves have other codes, and the differences of the outputs have no reason that a rule of rounding could give: the model that was trained is not the model that is shipped. With x86's qconfig few codes differ, on some seeds none; those that do are mostly values beyond the range, which the training clipped
and the engine does not ("range"), and they may be off by more than one. On a CPU that adds pairs of products in 16 bits, the engine onednn shows a third kind, "saturation", if you try it.

## 10 · Essay

### Q9 · Is it worth it?
*difficulty 3/5 · importance 4/5 · 40 minutes · 15 points, read by hand*

Your team ships a network for a camera at 8 bits, quantized after training. A colleague proposes quantization-aware training for it, another one 2-bit weights with it. In 250 to 400 words of your own: what would you answer to each, and which measurement would you ask for first? Use your own numbers from this lab, with their spread over seeds. Name what
quantization-aware training costs (time, data, what has to be frozen when, what can go wrong without being noticed), why its gradient is not the derivative of the loss and why it works all the same, and how you would make sure that the shipped model is the one that was trained.

| rubric | points |
|---|---|
| own numbers: where the gap is real and where it is none, with spread | 4 |
| costs and risks: at least two that nothing reports by itself, and how each is noticed | 4 |
| the straight-through estimator: what is wrong about it, and why weights still find their codes | 4 |
| shipped against trained: what is compared, what may differ and by how much | 3 |
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q9", "locked": false, "points": 15, "schema_version": 3, "solution": true, "task": false}
"""
### BEGIN SOLUTION
#| *Your essay here.*
What a full answer mentions. At 8 bits: after training the accuracy is within the spread over seeds of fp32's, so there is nothing to win; first ask for that measurement on the camera's own data, with several seeds. At 2 bits: most is lost after training, most comes back, but a few points remain lost; one epoch by the rule of thumb is too little there, the rate matters more than
the number of epochs. Costs: the training set and its pipeline, a tenth of the training or more, a schedule, ranges and batch norm statistics to freeze before the last steps. Unnoticed: the PTQ qconfig (count fake quantizers), fused observers whose scale is not the converted one (compare the weights' codes), a gradient that is
zero or not clipped (compare with torch's), observers never frozen. The estimator: rounding is flat, its derivative zero; the identity in its place points the float weight to where the loss of the quantized weight falls; it accumulates small steps until a code changes, and then jumps around the middle, which is why the rate has to fall. Shipped against
trained: layer by layer on the same integer input; the weights' codes have to be equal, outputs may differ by one code where the exact value lies near the middle (bias rounding, float32), and each such difference has its reason; a share of one in some thousands is usual.
### END SOLUTION
"""

# %% [markdown] id="end-text"
r"""
## If you want to go on

**Learn the step size** (LSQ, Esser et al. 2020, [arXiv 1902.08153](https://arxiv.org/abs/1902.08153)). So far the scale follows the weights. It can be a parameter like them: with $v = x / S$ and $Z = 0$ the same straight-through rule gives

$$ \frac{\partial y}{\partial S} = \begin{cases} \text{round}(v) - v & q_{min} \le v \le q_{max} \\ q_{min} \text{ or } q_{max} & \text{beyond} \end{cases} $$

and it is scaled by $1 / \sqrt{n \, q_{max}}$ for a tensor of n weights, so that it learns as fast as they do. Let your `FakeQuantize.backward` return it in place of the second `None`, and see whether 2 bits come nearer to fp32. What should the first S be?

**Change the data.** One line at the top: `DATA = "fashion_mnist"`. Do 3 bits hold there as they do on digits? How many epochs does 2 bits take? (On 5,000 of its images, one seed: fp32 {{ fashion_mnist.fp32_accuracy }}; 3 bits {{ fashion_mnist.ptq3 }} after training; 2 bits {{ fashion_mnist.ptq2 }} after training, {{ fashion_mnist.longer2 }} after four epochs.)

**Next.** The later labs take what you have now: a fake quantizer with a gradient trains any grid of numbers, not only evenly spaced codes, and the comparison code by code is the test that every converted model has to pass.
"""

# %% [markdown] id="hand-in-text"
"""
## Handing in

1. Run all cells (*Run → Restart Kernel and Run All Cells*), look at the cards, and save.
2. In a terminal (*File → New → Terminal*), run `qlab submit lab5`: it says what is missing, offers a PDF for your report, and writes `Lab5_StudentID_Name.zip`.
3. Upload that file to your course's page. You can hand in an incomplete lab, and you can hand in again.
"""
