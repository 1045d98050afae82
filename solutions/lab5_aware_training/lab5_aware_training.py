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
# Lab 5 · Quantization-aware training

So far you trained a network first and quantized it afterwards. With 8 bits that costs next to nothing; with 2 bits the network loses
much of what it learned. In **quantization-aware training** (QAT), quantization is simulated in every forward pass, so the network learns
to tolerate it. At the end you know where this helps and where it does not, and you can explain every code in which the shipped model
differs from the trained one.

**You will be able to**
- write a fake quantizer with a gradient that equals PyTorch's, forward and backward;
- say what moves and what is frozen during such a training: ranges, batch norm's statistics, the learning rate;
- compare training with quantization and quantization after training fairly: same bits, several seeds, the same number of epochs;
- derive the gradient of a learned step size, and say how it differs from the true derivative;
- run PyTorch's flow (fuse, prepare, train, freeze, convert), and notice when it trains plain fp32 instead;
- explain each code in which the converted model differs from the trained one.

| question | what | points |
|---|---|---|
| Q1 | `fake_quantize` | 10 |
| Q2 | its gradient: the straight-through estimator | 15 |
| Q3 | `moving_average`: ranges that follow the batches, then stay | 10 |
| Q4 | batch norm, folded during training | 10 |
| Q5 | `schedule`: how long, and at which learning rate | 5 |
| Q6 | one weight learns | 10 |
| Q7 | PyTorch's flow | 15 |
| Q8 | two rules, one accumulator | 10 |
| Q9 | essay: is it worth it? | 10 |
| Q10 | `learned_step`: a learned step size, open exercise (Section 7) | 5 |
| | 90 by checks, 10 read by hand | 100 |

## Before you start

**What you need to know.** Lab 3: observers, ranges, scales per channel. Lab 4: batch-norm folding, and PyTorch's prepare and convert.
Training a network in PyTorch: a *step* computes the loss of a batch and its gradient, and moves each weight against the gradient by the
*learning rate* times the gradient; an *epoch* is one pass over all training images. The course's glossary (`docs/glossary.md`, in the
repository [here](../../docs/glossary.md)) explains all other terms.

**Time.** About four hours: an hour of reading and predicting, two and a half hours for the questions, half an hour for the essay. All
cells together compute for about a minute.
<!-- given: an estimate; the run time is in results.json -->

**How it works.** A blank looks like `__`: replace every blank, with an expression of any length. An *open* exercise has no blanks: write
the function your own way. The check below each answer runs the visible tests only; grading also runs **hidden ones**. Questions are
independent: if Q1 is wrong, Q2 is checked with a correct Q1.
"""

# %% id="setup"
import importlib.util
import math
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
        "!unzip -q -o lab5_aware_training*.zip\n"
        "%cd lab5_aware_training\n"
        "%pip uninstall -y qlab\n"
        "%pip install ../quantization_lab-*.whl\n"
        "Then restart the session and run %cd lab5_aware_training again."
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
    from qlab import data, engines, models, plots, torch_flow, training
    from qlab.fake_quantize import fake_quantized
    from qlab.torch_flow import layer_by_layer, qat
    from qlab import torch_flow as quantization

    print(f"Ready: qlab {qlab.__version__}, torch {torch.__version__}.")
    print(f"engines here: {', '.join(engines.available()) or 'none'}")
    print(f"quantized by {torch_flow.flow}")

# %% [markdown] id="fake-text"
r"""
## 1 · Fake quantization

A network learns only what its loss shows. To show it what quantization does, every weight and every activation is quantized and turned
back into a real number on the spot:

$$ y = S\,\big(\text{clamp}(\text{round}(x / S) + Z,\; q_{min},\; q_{max}) - Z\big) $$

All numbers stay floats, but y takes only those values that a code stands for. This is called **fake quantization**.

**A worked example.** $S = 0.25$, $Z = 3$, codes 0 to 7. $0.26$ has the code $1 + 3 = 4$ and comes back as $0.25$. $-0.4$ has the code
$-2 + 3 = 1$ and comes back as $-0.5$. $1.1$ has the code $4 + 3 = 7$, the largest, and comes back as $1.0$.

### Q1 · Fake quantization
*difficulty 1/5 · importance 5/5 · 10 minutes · 10 points*

`x` is a float tensor of any shape, `scale` a float above 0, and `zero_point`, `q_min`, `q_max` are integers. Return real numbers in the
shape of x: each value rounded to its code (if it is halfway between two codes, either is accepted), with the code limited to `q_min` to
`q_max`, both included.

<details><summary>Hint 1: a question</summary>Which two functions of Lab 1, one after the other, do this?</details>
<details><summary>Hint 2: a step by hand</summary>S = 0.5, Z = 2, codes 0 to 3, x = 0.8: 0.8 / 0.5 = 1.6, rounded 2, plus Z 4, clamped 3. On the way back, (3 - 2) * 0.5 = 0.5.</details>
<details><summary>Hint 3: the shape of the code</summary>A division inside torch.round, plus an integer; torch.clamp; a subtraction and a product.</details>
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
**Predict** before you run the next cell: it asks autograd for the slope of `torch.round` at five places. Which numbers come out, and what
does gradient descent do with them?
"""

# %% id="slope" tags=["demo"]
x = torch.tensor([-0.6, -0.1, 0.2, 0.7, 1.3], requires_grad=True)
torch.round(x).sum().backward()
print("slopes of torch.round:", x.grad.tolist())

# %% [markdown] id="through-text"
r"""
A staircase is flat everywhere except at its jumps. With this gradient no weight would ever move. The **straight-through estimator**
(Bengio et al. 2013, [arXiv 1308.3432](https://arxiv.org/abs/1308.3432)) replaces the slope in the backward pass only: rounding is treated
as the identity, and the clamp as what it is.

![Left: the staircase, and the line that the backward pass takes it for. Right: the slopes, 1 where the code is one of the codes, 0 beyond](figures/straight_through.png)

$$ \frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} \cdot \begin{cases} 1 & q_{min} \le \text{round}(x / S) + Z \le q_{max} \\ 0 & \text{otherwise} \end{cases} $$

Note what is compared with the ends: the **rounded code before the clamp**. A value less than half a step beyond the largest real number
still has the largest code, so its gradient passes. PyTorch does the same; the picture shows these two half steps. It is an *estimator*,
not the derivative of anything. What justifies it is that it works.

**A worked example.** $S = 0.5$, $Z = 0$, codes -3 to 3. $1.6$ has the code 3 ($3.2$ rounded), so its gradient passes. $1.8$ would have
the code 4, so its gradient is 0.

### Q2 · A gradient for fake quantization
*difficulty 3/5 · importance 5/5 · 20 minutes · 15 points*

In PyTorch you define a gradient of your own in a `torch.autograd.Function`. `forward` computes the result and may keep a tensor in `ctx`;
`backward` gets $\partial L / \partial y$, called `upstream`, and returns $\partial L / \partial x$, with `None` for each argument that needs no gradient.
Fill in what is kept and what is returned. The given function below the class calls it and returns the output and the gradient.
`fake_quantize` is your Q1.

<details><summary>Hint 1: a question</summary>After the clamp, every code is between q_min and q_max. So which code do you have to compare?</details>
<details><summary>Hint 2: a step by hand</summary>S = 0.25, Z = 3, codes 0 to 7, x = 1.2 and upstream 2: 1.2 / 0.25 = 4.8, rounded 5, plus 3 is 8. 8 is above 7: the gradient is 0. For x = 1.1 the code is 4 + 3 = 7, which is still a code: the gradient is 2.</details>
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


def row(name, values):
    print(f"{name:14}", *(f"{float(value):6.2f}" for value in values))


values = torch.linspace(-2, 2, 9) + 0.03
upstream = torch.ones(9)
theirs_in = values.clone().requires_grad_()
theirs = torch.fake_quantize_per_tensor_affine(theirs_in, 0.5, 0, -3, 3)
theirs.backward(upstream)
mine, my_gradient = with_gradient(values, 0.5, 0, -3, 3, upstream)
row("x", values)
row("yours", mine)
row("torch's", theirs.detach())
row("yours, slope", my_gradient)
row("torch's, slope", theirs_in.grad)

ties = torch.tensor([0.5, 1.5])
fake_codes = torch.fake_quantize_per_tensor_affine(ties, 1.0, 3, 0, 255) + 3
with torch_flow.quiet():
    engines_codes = torch_flow.quantize_per_tensor(ties, 1.0, 3).int_repr()
print("halfway between two codes, with the odd zero-point 3:")
print("fake_quantize gives the codes", fake_codes.tolist())
print("quantize_per_tensor gives", engines_codes.tolist())

# %% [markdown] id="range-text"
r"""
The last lines show a detail that returns in Section 10: PyTorch's fake quantizer rounds and then adds Z. In PyTorch 2.13 its real
quantizer adds Z and then rounds, so the two differ where a value is halfway between two codes and Z is odd; in 2.14 both round first.

## 2 · Ranges that follow the batches, then stay

The range of a weight can be read off the weight. The range of an activation changes with every batch, and it also drifts while the network
trains. So an **observer** keeps a moving average of both ends: the first batch sets them, and each further batch moves them by a share $c$
of the difference. This $c$ is the averaging constant (0.01 in PyTorch):

$$ low \leftarrow low + c\,(\min x - low), \qquad high \leftarrow high + c\,(\max x - high) $$

Near the end of the training the observer is **frozen**: batches no longer move the range, and the last steps train with exactly the scale
that the shipped model will have.

**A worked example.** $c = 0.1$, three batches with minima -1, -3, -2: low is $-1$, then $-1 + 0.1 \cdot (-2) = -1.2$, then
$-1.2 + 0.1 \cdot (-0.8) = -1.28$. Frozen after two batches, it stays at $-1.2$.

### Q3 · A moving average that can be frozen
*difficulty 2/5 · importance 4/5 · 10 minutes · 10 points*

`batches` is a tensor (batches, values), one batch per row; `averaging_constant` is $c$; only the first `observed` batches, at least 1, move
the range. Return `low` and `high`, two numbers.

<details><summary>Hint 1: a question</summary>What is the range before the first batch? Would 0 be a good answer?</details>
<details><summary>Hint 2: a step by hand</summary>c = 0.25, maxima 2, 6, 4, observed 2: high is 2, then 2 + 0.25 * (6 - 2) = 3. The third batch does not count: high stays 3.</details>
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
## 3 · Batch norm, folded during training

The shipped model has no batch norm: it was folded into the convolution before it, so it is the **folded** weight,
$w \gamma / \sqrt{var + \varepsilon}$, that gets codes. A training that fake-quantizes $w$ itself learns to tolerate the wrong codes. But
which variance should be used for folding? The variance of the batch changes from batch to batch, and all scales would change with it; the
shipped model will use the running variance. On the other hand, batch norm trains with the statistics of the batch. PyTorch does both: fold
with the running variance, fake-quantize, compute, **undo the factor**, and then apply batch norm with the statistics of the batch.

![What happens to one batch: the weight times the factor, fake-quantized, times the input, divided by the factor, batch norm](figures/folding.png)

$$ f = \frac{\gamma}{\sqrt{var_{run} + \varepsilon}}, \qquad z = \frac{x \, \text{fq}(w f)^T}{f}, \qquad y = \gamma \frac{z - \text{mean}(z)}{\sqrt{\text{var}(z) + \varepsilon}} + \beta $$

Here fq is fake quantization. If nothing were quantized, $z$ would be $x w^T$: the factor cancels. The mean and the variance of $z$ update
the running statistics (for the running variance PyTorch divides by the number of rows minus 1).

**A worked example.** One weight $0.52$, $var_{run} = 0.21$, $\varepsilon = 0.04$, $\gamma = 2$: $f = 2 / 0.5 = 4$, and $w f = 2.08$. With
the scale $0.25$ this has the code 8, which stands for $2$. For $x = 1$ and $3$: $z = 2 / 4 = 0.5$ and $6 / 4 = 1.5$; mean $1$, variance $0.25$.

### Q4 · One batch through the folded layer
*difficulty 4/5 · importance 3/5 · 20 minutes · 10 points*

`x` (rows, in), `weight` (out, in), `running_var`, `gamma` (never 0), `beta` (out,) are float tensors, `scale` is the one scale of the
folded weight (codes -127 to 127, zero-point 0), `eps` a float. Return `y` (rows, out), and the `mean` and `var` (out,) of the batch; var
divides by the number of rows. `fake_quantize` is your Q1.

<details><summary>Hint 1: a question</summary>Which of the two variances will the shipped model use for folding?</details>
<details><summary>Hint 2: a step by hand</summary>The worked example goes on: with beta = 0.1, y for x = 1 is 2 * (0.5 - 1) / sqrt(0.25 + 0.04) + 0.1 = -1.757. Here eps is added to the variance of the batch, inside the root, as it was to the running variance before.</details>
<details><summary>Hint 3: the shape of the code</summary>A quotient; a product with factor[:, None], fake-quantized; a matrix product divided by the factor; two statistics over dim=0; one line of batch norm.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q4", "locked": false, "schema_version": 3, "solution": true, "task": false}
def folded_batch_norm(x, weight, running_var, gamma, beta, scale, eps):
    ### BEGIN SOLUTION
    #| factor = __
    #| folded = fake_quantize( __ , scale, 0, -127, 127)
    #| z = __
    #| mean, var = __ , __
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
## 4 · How long, and at which learning rate

The weights of a trained network need a nudge, not a new training. How big a nudge? There is no theory, only practice. The schedule used
here is **NVIDIA's recommendation** (Wu et al. 2020, [arXiv 2004.09602](https://arxiv.org/abs/2004.09602)), which comes from networks with
8-bit weights and activations: about **a tenth** of the training's steps, beginning with **1 %** of its learning rate and *annealed*, that
is, lowered step by step, along the falling half of a cosine. (Their documentation stops at 0.01 % of the training's learning rate; we go
on toward 0.) With the training's learning rate $r$ and $T$ steps, numbered $t = 0 \dots T - 1$:

$$ r_t = 0.01 \, r \cdot \frac{1 + \cos(\pi t / T)}{2} $$

**A worked example.** 40 training steps at the learning rate 0.1: $T = 4$, and the learning rates are $0.001$, $0.000854$, $0.0005$,
$0.000146$.

### Q5 · The schedule
*difficulty 1/5 · importance 3/5 · 5 minutes · 5 points*

`fp32_steps`, a multiple of 10, and `fp32_rate` are the steps and the learning rate of the training. Return the learning rates of all steps
of the quantization-aware training, a tensor or a list.

<details><summary>Hint 1: a question</summary>What is the learning rate of the first step, and of the step in the middle?</details>
<details><summary>Hint 2: a step by hand</summary>20 training steps at the learning rate 1: T = 2. For t = 0 the cosine is 1: 0.01 * 2 / 2 = 0.01. For t = 1 the angle is pi / 2, and its cosine 0: 0.01 / 2 = 0.005.</details>
<details><summary>Hint 3: the shape of the code</summary>An integer division; a list over range(steps) with math.cos.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q5", "locked": false, "schema_version": 3, "solution": true, "task": false}
import math


def schedule(fp32_steps, fp32_rate):
    ### BEGIN SOLUTION
    #| steps = __
    #| return torch.tensor([ __ for t in range(steps)])
    steps = fp32_steps // 10
    first = 0.01 * fp32_rate
    waves = [(1 + math.cos(math.pi * t / steps)) / 2 for t in range(steps)]
    return torch.tensor([first * wave for wave in waves])
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

The smallest network there is: one weight, one input, the loss $(x \, \text{fq}(w) - target)^2 / 2$. Now there are **two** weights: the
float weight, which the optimizer keeps and moves, and the quantized weight, which the loss sees. An optimizer's step is far smaller than
the distance between two codes: the quantized weight stays where it is for many steps, until the float weight has crossed the middle
between two codes.

$$ w \leftarrow w - rate \cdot (x \, w_q - target) \, x \cdot \text{slope}(w), \qquad w_q = \text{fq}(w) $$

**A worked example.** $w = 0.1$, $x = 2$, target $1.2$, scale $0.25$, learning rate $0.05$. First $w_q = 0$: the error is $-1.2$, so $w$
moves by $+0.12$ to $0.22$. Now $w_q = 0.25$, the error is $-0.7$, and $w$ moves to $0.29$. After two steps: $w = 0.29$, $w_q = 0.25$.

### Q6 · A few steps of training
*difficulty 3/5 · importance 5/5 · 15 minutes · 10 points*

All arguments are numbers, and no test case lands halfway between two codes; the zero-point is 0, and the codes go from `q_min` to `q_max`.
Return the float weight after this many `steps`, and its quantized weight. `forward_and_gradient` is your Q2: called with the upstream
gradient 1, it returns $w_q$ and the slope.

<details><summary>Hint 1: a question</summary>Which of the two weights is multiplied by x, and which one is moved?</details>
<details><summary>Hint 2: a step by hand</summary>w = 1.4, x = 1, target 0.5, scale 0.25, codes -3 to 3, rate 0.1: w has the code 6 before the clamp, so w_q = 0.75 and the slope is 0. The error is 0.25, but the float weight stays at 1.4.</details>
<details><summary>Hint 3: the shape of the code</summary>In the loop: one call, and a subtraction of a product of four factors. After it: one more call, of either function.</details>
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
**Predict:** the target is 1.2 and the input 2, so the best weight is 0.6; the codes offer 0.5 and 0.75. Where does the float weight go in
60 steps, and what does the quantized weight do?
"""

# %% id="trace" tags=["demo"]
train_one = q6.yours_or_provided()

steps = range(61)
reached = [train_one(0.1, 2.0, 1.2, 0.25, -7, 7, 0.02, n) for n in steps]
trace = torch.tensor([[float(value) for value in pair] for pair in reached])
plots.curves(
    steps,
    {"float weight": trace[:, 0], "quantized": trace[:, 1]},
    x_name="step",
    y_name="weight",
    title="One weight: 0.6 would be best, and codes are 0.25 apart",
    level=("best", 0.6),
)

# %% [markdown] id="trace-answer"
"""
It goes to the middle between the two codes, 0.625, and stays there, jumping from side to side: below the middle the loss pulls it up, above
it down. On average the jumping quantized weight is the best one. A weight that cannot be 0.6 spends its training like this, which is one
reason to lower the learning rate at the end.

## 6 · Quantization after training and during training, side by side

A small convolutional network is trained in fp32, then quantized: 8-bit activations, and weights with 8, 4, 3 or 2 bits, symmetric, with one
scale per output channel. With 2 bits a weight is -1, 0 or 1 times its scale. Four ways:

- **after training** (PTQ): the trained network's weights are quantized, and nothing is trained;
- **more fp32**: the trained network is trained for four more epochs in fp32, then quantized. This is the **control**: it gets the extra
  epochs, but never sees quantization;
- **a tenth**: quantization-aware training by your schedule, which is two epochs after a training of twenty;
- **longer**: quantization-aware training for four epochs, beginning with a tenth of the training's learning rate instead of a hundredth.
  The control gets the same learning rates.

**Predict** for each number of bits: how much is lost after training? How much of it comes back, and how much of that does the control get
without seeing quantization?
"""

# %% id="train" tags=["demo"]
import copy

from provided import annealed  # along half a cosine, from a first learning rate down

# Of a bigger data set only this many images: the cell trains 30 times.
dataset = data.load(DATA, download=DOWNLOAD).first(5000, 1000)
recipe = {"epochs": 10, "learning_rate": 0.1}
if DATA == "digits":
    recipe = {"epochs": 20, "learning_rate": 0.4}
batch_size, longer, bits_tried = 128, 4, (8, 4, 3, 2)
seeds = (SEED, SEED + 1, SEED + 2)
fp32_steps = recipe["epochs"] * math.ceil(len(dataset.x_train) / batch_size)
calibration = dataset.x_train[:1000]
first_rate = recipe["learning_rate"]
tenth_rates = [float(rate) for rate in q5.yours_or_provided()(fp32_steps, first_rate)]


def accuracy_of(network):
    with torch.no_grad():
        return training.accuracy_and_loss(network(dataset.x_test), dataset.y_test)[0]


def train_on(network, epochs, rate, seed):
    """Accuracies after 0, 1, ... epochs at an annealed learning rate."""
    found = [accuracy_of(network)]
    training.train(
        network,
        dataset,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        progress=False,
        schedule=rate,
        after_epoch=lambda _: found.append(accuracy_of(network)),
    )
    return found


networks, aware_networks, fp32, fp32_longer = [], {}, [], []
control, tenth, curves = ({bits: [] for bits in bits_tried} for _ in range(3))
for seed in seeds:
    network = models.convnet_for(dataset, seed=seed)
    fp32.append(train_on(network, recipe["epochs"], annealed(first_rate), seed)[-1])
    networks.append(network)
    more = copy.deepcopy(network)
    fp32_longer.append(train_on(more, longer, annealed(first_rate / 10), seed)[-1])
    for bits in bits_tried:
        control[bits].append(accuracy_of(fake_quantized(more, bits, 8, calibration)))
        aware = fake_quantized(network, bits, 8, calibration)
        epochs = recipe["epochs"] // 10
        tenth[bits].append(train_on(aware, epochs, lambda t, _: tenth_rates[t], seed)[-1])
        aware = aware_networks[seed, bits] = fake_quantized(network, bits, 8, calibration)
        curves[bits].append(train_on(aware, longer, annealed(first_rate / 10), seed))
    print(f"seed {seed}: fp32 {fp32[-1]:.1%}")


def mean(values):
    return sum(values) / len(values)


def mean_and_ends(values):
    return f"{mean(values):6.1%} ({min(values):.1%} to {max(values):.1%})"


print(f"\nmean (lowest to highest) over {len(seeds)} seeds")
print(f"fp32 {mean_and_ends(fp32)}; more fp32 {mean_and_ends(fp32_longer)}")
names = ("after training", "more fp32", "a tenth", "longer")
print("bits  " + " ".join(f"{name:24}" for name in names))
after = {bits: [curve[0] for curve in curves[bits]] for bits in bits_tried}
last = {bits: [curve[-1] for curve in curves[bits]] for bits in bits_tried}
for bits in bits_tried:
    columns = (after[bits], control[bits], tenth[bits], last[bits])
    print(f"{bits:4}  " + " ".join(f"{mean_and_ends(column):24}" for column in columns))
fp32_accuracy, longer_fp32 = mean(fp32), mean(fp32_longer)
ptq8, ptq4, ptq3, ptq2 = (mean(after[bits]) for bits in bits_tried)
control8, control4, control3, control2 = (mean(control[bits]) for bits in bits_tried)
tenth8, tenth4, tenth3, tenth2 = (mean(tenth[bits]) for bits in bits_tried)
first2 = mean([curve[1] for curve in curves[2]])
longer8, longer4, longer3, longer2 = (mean(last[bits]) for bits in bits_tried)

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

| weights | after training | more fp32, then quantized | a tenth, by the schedule | longer |
|---|---|---|---|---|
| fp32 | {{ digits.fp32_accuracy }} | {{ digits.longer_fp32 }} | | |
| 8 bits | {{ digits.ptq8 }} | {{ digits.control8 }} | {{ digits.tenth8 }} | {{ digits.longer8 }} |
| 4 bits | {{ digits.ptq4 }} | {{ digits.control4 }} | {{ digits.tenth4 }} | {{ digits.longer4 }} |
| 3 bits | {{ digits.ptq3 }} | {{ digits.control3 }} | {{ digits.tenth3 }} | {{ digits.longer3 }} |
| 2 bits | {{ digits.ptq2 }} | {{ digits.control2 }} | {{ digits.tenth2 }} | {{ digits.longer2 }} |

**At 8 bits there is no gap**: nothing was lost, so nothing can be won back. **At 2 bits the gap is real**: much of the accuracy is gone
after training, how much differs widely from seed to seed, and most of it comes back. At 3 bits one or two points are lost and
found again, at 4 bits next to nothing; compare the bands before you call a difference one.

**What is due to seeing quantization?** Compare *longer* with *more fp32*, not with *after training*: both columns got the same four epochs
at the same learning rates. Of what 2 bits lose, four more epochs in fp32 bring back nothing. So the gain at 2 bits is due to seeing
quantization, all of it. At 3 bits *longer* stays ahead of the control, by half a point to two and a half, depending on `SEED`; at 4 and 8
bits the two columns are equal within the spread over seeds.

**Is one epoch enough?** At 8 and 4 bits none would do. At 2 bits the schedule of Q5 (two epochs from 1 % of the learning rate) leaves
{{ digits.tenth2 }}: its steps are too small for weights that have to change their code. One epoch from ten times that learning rate gives
{{ digits.first2 }}, four give {{ digits.longer2 }}: one epoch is not enough there, and the learning rate counts as much as the number of
epochs. The recommendation was made for 8 bits, where there is little to repair.
<!-- given: the schedule's own learning rate -->

**From a checkpoint or from scratch?** The next cell trains the same network with 2-bit weights from its random start, with as many epochs
as the training and the quantization-aware training had together. **Predict** which is better, then change the numbers and test both claims:
`scratch_bits`, `scratch_epochs`, `scratch_rate`.
"""

# %% id="scratch" tags=["demo"]
scratch_bits, scratch_epochs, scratch_rate = 2, recipe["epochs"] + longer, first_rate
untrained = models.convnet_for(dataset, seed=SEED)
scratch = fake_quantized(
    untrained, scratch_bits, 8, calibration, averaging_constant=0.1
)
scratch_curve = train_on(scratch, scratch_epochs, annealed(scratch_rate), SEED)
scratch_accuracy, checkpoint_accuracy = scratch_curve[-1], curves[2][0][-1]
print("from scratch, after each epoch:")
print(*(f"{value:.0%}" for value in scratch_curve[1:]))
print(f"{scratch_bits} bits from scratch: {scratch_accuracy:.1%}")
print(f"2 bits from the checkpoint of the same seed: {checkpoint_accuracy:.1%}")

# %% [markdown] id="scratch-answer"
r"""
For {{ digits.seeds }} values of `SEED` on digits: from scratch {{ digits.scratch_accuracy }}, from the checkpoint
{{ digits.checkpoint_accuracy }}. On a task this small, a training from scratch that sees quantization in all of its epochs, at the full
learning rate, is no worse, if anything better: it is not true here that quantization-aware training needs a checkpoint. What speaks for the
checkpoint is cost: it exists already and serves every number of bits, in a sixth of the epochs; the training from scratch has to be repeated
for each. Give both the same number of quantization-aware epochs before you decide.
"""

# %% [markdown] id="learned-text"
r"""
## 7 · A learned step size

So far the scale followed the largest weight of a channel. **Learned step size quantization** (LSQ; Esser et al. 2020,
[arXiv 1902.08153](https://arxiv.org/abs/1902.08153)) makes the scale a parameter, called the *step size* $S$, and trains it together with
the weights: one per layer, zero-point 0. For that, the loss needs a gradient for $S$. With $v = w / S$:

$$ y = S \cdot q, \qquad q = \text{round}\big(\text{clamp}(v,\; q_{min},\; q_{max})\big) $$

There are two candidates, and they are not the same.

- **The true derivative.** If $S$ moves a little, no code changes. So $y = S q$ is a straight line in $S$, with the slope $q$, the code.
  Where a code changes, y jumps; the derivative does not see jumps.
- **The paper's gradient** treats rounding as the identity in the backward pass, as in Section 1. By the product rule the slope is
  $q + S \cdot \partial v / \partial S = q - v$ where v is not clamped, and $q_{min}$ or $q_{max}$ where it is:

$$ \frac{\partial y}{\partial S} = \begin{cases} \text{round}(v) - v & q_{min} < v < q_{max} \\ q_{min} & v \le q_{min} \\ q_{max} & v \ge q_{max} \end{cases} \qquad\qquad \frac{\partial y}{\partial w} = \begin{cases} 1 & q_{min} < v < q_{max} \\ 0 & \text{otherwise} \end{cases} $$

![Left: y for the weight 1 and steps from 0.2 to 1.2, a sawtooth around 1. Right: its true slope, which is the code, and the paper's slope, which stays between -0.5 and 0.5 until the weight is clamped](figures/learned_step.png)

The picture shows y for one weight, $w = 1$, and codes up to 3. Where it is not clamped, y stays within half a step of 1, however S moves:
what the line gains, the next jump takes back. The true slope (1, 2 or 3) knows only the line; the paper's slope is small, as y is on
average. Where the weight is clamped, both agree.

Note what is compared with the ends: the paper clamps first and rounds afterwards, so here it is **v itself**, not the rounded code as
in Q2.

All $n$ weights of a layer contribute to the gradient of one $S$. To make up for their number, the paper multiplies the sum by a factor
(its Section 2.2):

$$ \frac{\partial L}{\partial S} = \frac{1}{\sqrt{n \, q_{max}}} \sum_{i=1}^{n} \frac{\partial L}{\partial y_i} \cdot \frac{\partial y_i}{\partial S} $$

**A worked example.** $S = 0.5$, codes -3 to 3, $w = (0.7, -1.6, 1.9)$, so $v = (1.4, -3.2, 3.8)$ and $q = (1, -3, 3)$. The paper's slopes
are $1 - 1.4 = -0.4$, then $-3$ and $3$, since the last two are clamped; that $-3.2$ would round to $-3$ does not matter. With
$\partial L / \partial y = (1, 0.5, 1)$ their sum is $-0.4 - 1.5 + 3 = 1.1$, and the factor is $1 / \sqrt{3 \cdot 3}$: the gradient is $0.3667$.
The true derivative of the loss is $1 \cdot 1 + 0.5 \cdot (-3) + 1 \cdot 3 = 2.5$.

### Q10 · A learned step size (open exercise)
*difficulty 4/5 · importance 4/5 · 30 minutes · 5 points*

Write the function from its description; any method counts: the formulas, or autograd with a rounding that is the identity in the backward
pass. `w` and `upstream` ($\partial L / \partial y$) are float tensors of the same shape, which can be any; `step` is a float above 0, and `q_min` and
`q_max` are integers, `q_max` above 0. No v lies halfway between two codes or on an end. Return four values:

1. `y`, in the shape of w;
2. the gradient for the weights, in the shape of w;
3. the paper's gradient for the step, one number, **with the factor**;
4. the true derivative of the loss with respect to the step, one number, **without a factor**.

You may call your Q1 and Q2.

```python
learned_step(torch.tensor([0.7, -1.6, 1.9]), 0.5, -3, 3, torch.tensor([1.0, 0.5, 1.0]))
# -> y 0.5, -1.5, 1.5;  for the weights 1, 0, 0;  for the step 0.3667;  true 2.5
```

<details><summary>Hint 1: a question</summary>In which of the three cases does y move with S although its code does not change?</details>
<details><summary>Hint 2: a step by hand</summary>One weight 0.3, S = 0.2, codes -2 to 1, upstream 2: v = 1.5 is above 1, so it is clamped: q = 1, y = 0.2, the gradient for the weight is 0. The slope is 1, n = 1 and q_max = 1, so the gradient for the step is 2; the true derivative is 2 * 1 = 2 as well. By the rule of Q2 a v of 1.4 would still pass.</details>
<details><summary>Hint 3: the shape of the code</summary>By formulas: a clamp, a round, two comparisons, torch.where, two sums. By autograd: v + (torch.round(v) - v).detach() has the value of round(v) and the gradient of v.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q10", "locked": false, "schema_version": 3, "solution": true, "task": false}
def learned_step(w, step, q_min, q_max, upstream):
    ### BEGIN SOLUTION
    #| return __  # your own lines, as many as you like
    v = w / step
    codes = torch.round(torch.clamp(v, q_min, q_max))
    not_clamped = (v > q_min) & (v < q_max)
    slopes = torch.where(not_clamped, codes - v, codes)
    for_step = (upstream * slopes).sum() / math.sqrt(w.numel() * q_max)
    return codes * step, upstream * not_clamped, for_step, (upstream * codes).sum()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "q10-check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Check of Q10: visible cases; hidden ones remain.
from checks import q10

### BEGIN HIDDEN TESTS
from checks.q10 import beyond, inside

q10.also(
    beyond("a table of weights", 0.4, -3, 3, 4, 6),
    beyond("unequal ends", 0.9, -2, 5, 5, 5),
    inside("all inside, 8 bits", 0.08, -127, 127, 16),
)
### END HIDDEN TESTS
q10.check(learned_step)

# %% [markdown] id="learned-slopes-text"
r"""
Two numbers for one slope: which of them is right? The next cell computes each in a second and a third way. **Predict:** which of your two
numbers equals the finite difference $(L(S + h) - L(S - h)) / 2h$ of the loss as it is, with torch.round in it? And which one equals the
finite difference of the loss in which round(v) is replaced by $v + r$, where the rounding error $r = \text{round}(v) - v$ is held fixed?
"""

# %% id="learned-slopes" tags=["demo"]
step_function = q10.yours_or_provided()

generator = torch.Generator().manual_seed(1)
some_weights = torch.randn(1000, generator=generator, dtype=torch.float64).abs()
to_mean = torch.full((1000,), 1 / 1000)  # the loss below is the mean of y
ends, at = (-3, 3), 0.45
_, _, paper, true = step_function(some_weights.float(), at, *ends, to_mean)
paper = float(paper) * math.sqrt(len(some_weights) * ends[1])  # without its factor


def clamped(S):
    return torch.clamp(some_weights / S, *ends)


def loss_as_it_is(S):
    return (S * torch.round(clamped(S))).mean()


rounding_error = torch.round(clamped(at)) - clamped(at)


def loss_straight_through(S):
    return (S * (clamped(S) + rounding_error)).mean()


def by_difference(loss, h=1e-6):
    return ((loss(at + h) - loss(at - h)) / (2 * h)).item()


def by_autograd(loss):
    S = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    loss(S).backward()
    return S.grad.item()


print("                    yours   autograd   finite difference")
for name, own, loss in (
    ("straight through", paper, loss_straight_through),
    ("as it is", float(true), loss_as_it_is),
):
    others = by_autograd(loss), by_difference(loss)
    print(f"{name:17}", "   ".join(f"{value:8.4f}" for value in (own, *others)))
far = by_difference(loss_as_it_is, h=0.05)
print(f"the loss as it is, from S = {at - 0.05:.2f} to S = {at + 0.05:.2f}:")
print(f"it rises by {far:.4f} per unit of S")

# %% [markdown] id="learned-slopes-answer"
r"""
Both are right, each for its own function. The paper's number is the exact derivative of a loss that *nobody computes*: the one whose
rounding errors do not move. The other number is the exact derivative of the loss that is computed, and autograd finds it as well if nothing
is done about torch.round. Which of them helps a training? The last line follows the loss as it is over a longer way, on which many codes
change. It is close to the paper's number and far from the true derivative: the jumps undo what the true derivative promises.

**Does learning the step help?** The next cell trains 2-bit weights as in Section 6 (codes -1, 0, 1; four epochs; the same learning rates),
with one step per layer. The paper's first step is $2 \, \text{mean}(|w|) / \sqrt{q_{max}}$. A fair comparison needs a **control** again:
the same first step, which then stays as it is. **Predict:** how much is due to learning the step, and how much to where it starts?
"""

# %% id="learned" tags=["demo"]
from provided import with_steps

stepped = {"fixed": [], "learned": []}
for seed, network in zip(seeds, networks):
    for name in stepped:
        aware = fake_quantized(network, 2, 8, calibration)
        with_steps(aware, step_function, q_max=1, learn=name == "learned")
        stepped[name].append(train_on(aware, longer, annealed(first_rate / 10), seed))
rules = {"the largest weight, per channel": curves[2]}
rules |= {f"its mean, per layer, {name}": found for name, found in stepped.items()}
print("2-bit weights; step from          before training          after four epochs")
for name, found in rules.items():
    columns = [[curve[0] for curve in found], [curve[-1] for curve in found]]
    print(f"{name:33} " + " ".join(f"{mean_and_ends(column):24}" for column in columns))
start2 = mean([curve[0] for curve in stepped["fixed"]])
fixed2, learned2 = (mean([curve[-1] for curve in found]) for found in stepped.values())

# %% [markdown] id="learned-answer"
"""
| 2-bit weights, digits, {{ digits.seeds }} values of `SEED` | before training | after four epochs |
|---|---|---|
| step from the largest weight, one per channel (Section 6) | {{ digits.ptq2 }} | {{ digits.longer2 }} |
| step from the mean, one per layer, **fixed** | {{ digits.start2 }} | {{ digits.fixed2 }} |
| step from the mean, one per layer, **learned** | {{ digits.start2 }} | {{ digits.learned2 }} |

**Where the step starts counts more than learning it.** Before any training the mean gives a much better step than the largest weight.
With only three codes the largest weight of a channel is too far out: in the last two layers, nearly nine weights of ten round to 0. After
four epochs, the fixed step from the mean is still ahead, though it is one per layer and not one per channel. Learning the step adds about
half a point to that for each value of `SEED`: a gain, but smaller than the spread over seeds. Without the control, all of the difference
would have been credited to learning.
"""

# %% [markdown] id="landscape-text"
r"""
## 8 · The loss between the float weights and their codes

Go from a trained network's float weights ($\alpha = 0$) straight to their 2-bit codes ($\alpha = 1$), and beyond. **Predict** both curves:
one for the network that was trained in fp32, one for the network that was trained with quantization.
"""

# %% id="landscape" tags=["demo"]
def layers_of(network):
    return [*network.convolutions, network.linear]


def along(aware, alphas, direction=None):
    """The test loss with float weights that are moved by alpha along a direction."""
    plain = models.convnet_for(dataset, seed=SEED)
    quantized, floats = layers_of(aware), layers_of(plain)
    start = [layer.parametrizations.weight.original.detach() for layer in quantized]
    toward = [layer.weight.detach() - weight for layer, weight in zip(quantized, start)]
    if direction is not None:
        noise = [torch.randn(weight.shape, generator=direction) for weight in start]
        toward = [step / step.norm() * way.norm() for step, way in zip(noise, toward)]
    losses = []
    with torch.no_grad():
        for alpha in alphas:
            for layer, source, weight, way in zip(floats, quantized, start, toward):
                layer.weight.copy_(weight + alpha * way)
                layer.bias.copy_(source.bias)
            outputs = plain(dataset.x_test)
            losses.append(training.accuracy_and_loss(outputs, dataset.y_test)[1])
    return torch.tensor(losses)


alphas = [step / 10 for step in range(-5, 16)]
in_fp32 = [fake_quantized(network, 2, 8, calibration) for network in networks]
with_codes = [aware_networks[seed, 2] for seed in seeds]
toward_codes = {
    "trained in fp32": torch.stack([along(network, alphas) for network in in_fp32]),
    "trained with QAT": torch.stack([along(network, alphas) for network in with_codes]),
}


def at_alpha(losses, alpha):
    return losses[:, alphas.index(alpha)].mean().item()


both = toward_codes.values()
at_float_fp32, at_float_aware = (at_alpha(losses, 0.0) for losses in both)
at_codes_fp32, at_codes_aware = (at_alpha(losses, 1.0) for losses in both)
print(f"loss at the float weights: fp32 {at_float_fp32:.2f}, QAT {at_float_aware:.2f}")
print(f"loss at the codes:         fp32 {at_codes_fp32:.2f}, QAT {at_codes_aware:.2f}")
plots.curves(
    alphas,
    toward_codes,
    x_name="0: float weights, 1: their 2-bit codes",
    y_name="loss on the test images",
    title="From the float weights to the codes",
    lowest=0.0,
)

# %% id="random-direction" tags=["demo"]
def along_random(networks):
    return torch.stack(
        [
            along(network, alphas, torch.Generator().manual_seed(seed))
            for seed, network in zip(seeds, networks)
        ]
    )


random_way = {
    "trained in fp32": along_random(in_fp32),
    "trained with QAT": along_random(with_codes),
}
random_fp32, random_aware = (at_alpha(losses, 1.0) for losses in random_way.values())
plots.curves(
    alphas,
    random_way,
    x_name="steps along a random direction, as long as the way to the codes",
    y_name="loss on the test images",
    title="A random direction of the same length",
    lowest=0.0,
)

# %% [markdown] id="landscape-answer"
r"""
On digits, mean over three seeds, for {{ digits.seeds }} values of `SEED`: at the float weights the loss is {{ digits.at_float_fp32 }}
(fp32) and {{ digits.at_float_aware }} (QAT), at the codes {{ digits.at_codes_fp32 }} and {{ digits.at_codes_aware }}. The fp32 training put
its minimum at $\alpha = 0$, and the codes lie outside its valley: **the valley is too narrow for a step that long**. Quantization-aware
training never sees the loss of its float weights; its valley lies along the way and **reaches the codes**.

One often reads that such training finds wide minima. Look at the second picture before you repeat it: one step along a random direction of
the same length, the loss is {{ digits.random_fp32 }} (fp32) and {{ digits.random_aware }} (QAT). Around its float weights the
quantization-aware network is not the flatter one: it has become tolerant in the direction that matters, not in every direction.

## 9 · PyTorch's flow

The same with PyTorch's own tools. Its older flow (torch.ao) works on the modules of the model as they are, in *eager mode*, that is, without
tracing a graph first. Its name for "which fake quantizers, on what" is a **qconfig**, and it makes one for each *engine*, the library that
runs the int8 layers later: x86, fbgemm and onednn on x86 CPUs, qnnpack on x86 and Arm (Lab 2). Five steps:

1. `fuse_modules_qat(model, [[...]])`, in training mode: convolution, batch norm and ReLU become one module, which does what you did in Q4;
2. `qconfig = get_default_qat_qconfig(engine, version=0)`: the fake quantizers for this engine;
3. `prepare_qat(model)`: inserts them;
4. train; then **freeze** the observers (`disable_observer`) and batch norm's statistics (`freeze_bn_stats`), and train the last steps with
   what the shipped model will have;
5. `eval()` and `convert(model)`: from here on, integers.

**The mistake that nothing reports.** `get_default_qconfig`, without `qat`, is the one for quantization after training. `prepare_qat`
accepts it without complaint: its observers watch, nothing is fake-quantized, and the network **trains plain fp32**. Nothing looks wrong,
and with 8 bits hardly anything is, except that the training was for nothing. So look before you train: does the prepared model contain fake
quantizers?

### Q7 · Fuse, prepare, train, freeze, convert
*difficulty 3/5 · importance 5/5 · 20 minutes · 15 points*

The given line makes a small model in training mode, with the modules `conv`, `bn` and `relu`; `qat.train_steps` trains it. Take the qconfig
of the engine `"x86"` (7-bit activations with one scale; weights with one scale per output channel). After the first training and before the
second, freeze the observers and batch norm's statistics, in either order. The last line returns the codes and scales of the weight and the
scale of the output. All functions of the five steps are in `quantization`.

<details><summary>Hint 1: a question</summary>Which of the functions named above have qat in their name? Which two things have to be frozen?</details>
<details><summary>Hint 2: a step by hand</summary>For quantization after training the first lines would be: fused = quantization.fuse_modules(model, [["conv", "bn", "relu"]]), fused.qconfig = quantization.get_default_qconfig("x86"), prepared = quantization.prepare(fused). Each of the three functions has a counterpart for training. And model.apply(f) calls f for each module: model.apply(quantization.enable_observer) would switch all observers on.</details>
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
Now a whole network: three blocks of convolution, batch norm and ReLU, and a linear layer, on your data. `qat.prepared`, `freeze` and
`converted` are the steps that you wrote. The engine is qnnpack, which runs on x86 and on Arm alike. **Predict:** how many of its outputs
will the converted model compute differently from the fake-quantized one?
"""

# %% id="flow" tags=["demo"]
known = ("qnnpack", "x86", "fbgemm", "onednn")
engine = next((name for name in known if name in torch_flow.engine_names()), None)
normed = models.normed_convnet_for(dataset, seed=SEED)
training.train(
    normed,
    dataset,
    epochs=recipe["epochs"] // 2,
    schedule=annealed(first_rate),
    batch_size=batch_size,
    seed=SEED,
    progress=False,
)
looked_at = dataset.x_test[:400]  # images whose codes are compared below


def one_epoch(network, rate):
    how = {"batch_size": 64, "seed": SEED, "progress": False}
    training.train(network, dataset, epochs=1, learning_rate=rate, **how)


def train_aware(engine, **how):
    """The flow: an epoch with ranges that follow, then one with all of it frozen."""
    aware = qat.prepared(normed, engine, **how)
    count = qat.fake_quantizers(aware)
    print(f"{engine}, {how or 'as it should be'}: {count} fake quantizers")
    with torch_flow.quiet():
        one_epoch(aware, first_rate / 10)
        qat.freeze(aware)
        one_epoch(aware, first_rate / 100)
    return aware.eval(), qat.converted(aware, engine)


unexplained = differing = 0
if engine is None:
    print("PyTorch has no engine for int8 here: read on at the answer below.")
else:
    if engine in engines.available():
        print(engines.standing(engine))
    else:
        print(f"{engine}: {engines.missing()[engine]}")
    wrong = qat.fake_quantizers(qat.prepared(normed, engine, after_training=True))
    print(f"with the qconfig of post-training quantization: {wrong} fake quantizers")
    aware, int8 = train_aware(engine)
    with torch.no_grad():
        logits = {"fp32": normed(dataset.x_test)}
        logits["fake-quantized"] = aware(dataset.x_test)
    logits["converted"] = qat.run(int8, dataset.x_test, engine)
    for name, values in logits.items():
        accuracy = training.accuracy_and_loss(values, dataset.y_test)[0]
        print(f"{name:15} accuracy {accuracy:.2%}")
    same = logits["converted"].argmax(1) == logits["fake-quantized"].argmax(1)
    print(f"the same class for {same.float().mean().item():.2%} of the images")

# %% [markdown] id="rules-text"
r"""
## 10 · The converted model, code by code

The two models have the same codes for their weights and the same scales, and yet some outputs differ. Each layer computes
$y = S_{acc}\, acc + b$, with $S_{acc} = S_x S_w$, and turns it into a code; but the two use different rules:

- the **fake-quantized** layer computes in floats, and its bias is a real number;
- the **engine** adds integers; qnnpack first rounds the bias to whole steps of the accumulator, $\text{round}(b / S_{acc})$ (Lab 2 has the
  rules of the other engines).

$$ exact = \frac{S_{acc}\, acc + b}{S_{out}} + Z_{out}, \qquad fake = \text{round}\Big(\frac{S_{acc}\, acc + b}{S_{out}}\Big) + Z_{out}, \qquad engine = \text{round}\Big(\frac{S_{acc}\,(acc + \text{round}(b / S_{acc}))}{S_{out}}\Big) + Z_{out} $$

Both codes are then clamped to 0..255, with the zero-point already added. Where the exact value lies close to the middle between two codes,
half a step of the accumulator decides.

![A number line from 27 to 28: the exact value 27.55 lies above the middle and becomes 28; with the rounded bias it is 27.4 and becomes 27](figures/two_rules.png)

**A worked example.** $S_{acc} = 0.02$, $S_{out} = 0.05$, $Z_{out} = 3$, $b = 0.1475$, $acc = 54$. Exactly: $1.2275 / 0.05 + 3 = 27.55$, so
fake is 28. The bias is $7.375$ steps, rounded 7: $61 \cdot 0.02 / 0.05 = 24.4$, and engine is $24 + 3 = 27$.

### Q8 · Two rules, one accumulator
*difficulty 3/5 · importance 4/5 · 15 minutes · 10 points*

`acc` (n,) is an int32 tensor, `bias` (n,) a float tensor, one entry per accumulator; `S_acc` and `S_out` are floats, `Z_out` an integer.
Return `exact`, real numbers without a clamp, and the codes `fake` and `engine`, integers of any dtype, from 0 to 255 (if a value is halfway
between two codes, either is accepted).

<details><summary>Hint 1: a question</summary>In which of the three formulas does a second round appear?</details>
<details><summary>Hint 2: a step by hand</summary>S_acc = 0.1, S_out = 0.5, Z_out = 10, b = 0.26, acc = -70: fake is round(-6.74 / 0.5) + 10 = -13 + 10 = -3, clamped 0. The bias is 2.6 steps, rounded 3: -67 * 0.1 / 0.5 = -13.4, and the engine's code is -13 + 10 = -3, clamped 0. Clamped before Z_out is added, both would be 10.</details>
<details><summary>Hint 3: the shape of the code</summary>Each code is torch.clamp(torch.round(...) + Z_out, 0, 255); they differ in what takes the place of the bias.</details>
"""

# %% nbgrader={"grade": false, "grade_id": "q8", "locked": false, "schema_version": 3, "solution": true, "task": false}
def two_rules(acc, bias, S_acc, S_out, Z_out):
    ### BEGIN SOLUTION
    #| exact = __
    #| fake = torch.clamp( __ , 0, 255)
    #| bias_steps = __
    #| engine = torch.clamp( __ , 0, 255)
    exact = (acc * S_acc + bias) / S_out + Z_out
    fake = torch.clamp(torch.round(exact - Z_out) + Z_out, 0, 255)
    bias_steps = torch.round(bias / S_acc)
    in_steps = torch.round((acc + bias_steps) * S_acc / S_out)
    engine = torch.clamp(in_steps + Z_out, 0, 255)
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
Now each layer of the real network. Both models' layers get **the same integer input**, the one that reaches the layer in the converted
model. For each code in which the two differ, the program asks: does each code follow from its own rule, and does the same sum in exact
fractions give one code with the real bias and the other with the rounded one ("bias")? If not, are the codes neighbours, and does the exact
value lie so close to the middle that a rounding of float32 decides ("float32")? If one of the two holds, the difference is explained;
otherwise it is counted as unexplained.
"""

# %% id="layers" tags=["demo"]
def counted(reasons):
    return {why: reasons.count(why) for why in sorted(set(reasons))}


def largest(rows):
    steps = [abs(one.fake - one.engine) for row in rows for one in row.differences]
    return max(steps, default=0)


rows = []
if engine is not None:
    rows = layer_by_layer.compare_layers(aware, int8, looked_at, engine)
for row in rows:
    reasons = counted([one.why or "unexplained" for one in row.differences])
    print(f"{row.name}: {row.weights_differing} of its weights have other codes")
    print(f"   {len(row.differences)} of {row.outputs:,} outputs differ: {reasons}")
    for one in row.differences[:2]:
        print(f"   output {one.place}: exactly {one.exact:.6f},")
        print(f"      fake-quantized {one.fake}, engine {one.engine}: {one.why}")
differing = sum(len(row.differences) for row in rows)
unexplained = sum(row.unexplained for row in rows)
in_100_000 = 100_000 * differing / max(1, sum(row.outputs for row in rows))
print(f"{differing} codes differ, by {largest(rows)} at most")
print(f"{in_100_000:.1f} of 100,000; unexplained: {unexplained}")

# %% [markdown] id="layers-answer"
r"""
On digits, over {{ digits.seeds }} runs, {{ digits.in_100_000 }} of 100,000 codes differ, each by one, and {{ digits.unexplained }} are left
unexplained. Two traps change this picture completely, and the next cell falls into both on purpose. **Predict** what each does to the number
of differing codes.

- *The newer qconfig* (`version=1`, the default): its fake quantizers are fused with their observers. For symmetric weights the fused one
  trains with the scale $\max(-min / 128,\; max / 127)$, but `convert` asks the observer, which says $\max(-min,\; max) / 127.5$.
- *The qconfig of x86 or fbgemm* limits activations to 7 bits, codes 0 to 127, so that pairs of products fit into 16 bits. The fake quantizer
  ends at 127, but the converted layer's output is a byte and goes on to 255.
"""

# %% id="traps" tags=["demo"]
for name, how in ((engine, {"fused_observers": True}), ("x86", {})):
    if name not in torch_flow.engine_names():
        continue
    models_of = train_aware(name, **how)
    trapped = layer_by_layer.compare_layers(*models_of, looked_at[:40], name)
    reasons = [one.why or "unexplained" for row in trapped for one in row.differences]
    print("   weights with other codes:", sum(row.weights_differing for row in trapped))
    print(f"   outputs that differ: {len(reasons)}, by {largest(trapped)} at most")
    print("  ", counted(reasons))

# %% [markdown] id="traps-answer"
"""
With the fused observers some of the weights themselves get other codes, and the outputs differ in ways that no rounding rule explains: the
model that was trained is not the model that is shipped. With x86's qconfig few codes differ, on some seeds none. Most of those that do are
values beyond the range, which the training clipped and the engine does not ("range"), and they may differ by more than one. On a CPU that
adds pairs of products in 16 bits, the engine onednn shows a third kind, "saturation", if you try it.

## 11 · The same by PT2E

PyTorch is about to remove the flow of Section 9. Its successor is **PT2E** in torchao (Lab 4): `torch.export` traces the graph, a *quantizer*
object decides which tensors are quantized, `prepare_qat_pt2e` inserts the fake quantizers, and `convert_pt2e` gives a model in *reference
form*, which computes in floats on dequantized codes until a compiler turns it into int8 kernels.

| step | eager mode (Section 9) | PT2E |
|---|---|---|
| get the graph | - | `torch.export.export(model, inputs).module()` |
| fuse | `fuse_modules_qat`, by name | by itself, from the graph |
| choose | a qconfig per engine | a quantizer, such as `X86InductorQuantizer` |
| prepare | `prepare_qat` | `prepare_qat_pt2e` |
| freeze the observers | `apply(disable_observer)` | the same |
| convert | `convert`, runs on an engine | `convert_pt2e`, reference form |

The next cell trains the network of Section 6 for a few steps by PT2E, twice: with the quantizer's default configuration for training, and with a
configuration that spells out `FakeQuantize` with the same kinds of observers. It then compares, output by output, the fake-quantized model
with the converted one. Both compute in floats, so ideally they are equal. (It needs torchao, tried with 0.18.0; without it the cell prints
one sentence, and the lab goes on.) **Predict:** in which of the two are the trained and the shipped model the same? Remember the first trap.
"""

# %% id="pt2e" tags=["demo"]
from provided import pt2e_names, quietly


def spelled_out(ao):
    """A configuration whose fake quantizers are not fused with their observers."""
    activation = ao.QuantizationSpec(
        dtype=torch.uint8,
        quant_min=0,
        quant_max=255,
        qscheme=torch.per_tensor_affine,
        observer_or_fake_quant_ctr=ao.FakeQuantize.with_args(
            observer=ao.MovingAverageMinMaxObserver
        ),
    )
    weight = ao.QuantizationSpec(
        dtype=torch.int8,
        quant_min=-128,
        quant_max=127,
        qscheme=torch.per_channel_symmetric,
        ch_axis=0,
        observer_or_fake_quant_ctr=ao.FakeQuantize.with_args(
            observer=ao.MovingAveragePerChannelMinMaxObserver
        ),
    )
    return ao.QuantizationConfig(activation, activation, weight, None, is_qat=True)


def few_steps(model, rate, steps=10):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for images, labels in zip(
        dataset.x_train.split(64)[:steps], dataset.y_train.split(64)[:steps]
    ):
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()


def train_by_pt2e(ao, configuration):
    """The fake-quantized model and the converted one."""
    any_batch = ({0: torch.export.Dim.AUTO},)
    example = (dataset.x_train[:64],)
    network = copy.deepcopy(networks[0])  # without batch norm and dropout
    graph = torch.export.export(network, example, dynamic_shapes=any_batch).module()
    quantizer = ao.X86InductorQuantizer().set_global(configuration)
    prepared = ao.prepare_qat_pt2e(graph, quantizer)
    few_steps(prepared, first_rate / 10)
    prepared.apply(ao.disable_observer)
    few_steps(prepared, first_rate / 100)
    return prepared, ao.convert_pt2e(copy.deepcopy(prepared))


pt2e_default = pt2e_spelled_out = 0.0
try:
    ao = pt2e_names()
except ImportError as error:
    print(error)
else:
    with quietly(), training.one_thread():
        default = ao.default_config(is_qat=True)
        for name, how in (("default", default), ("spelled out", spelled_out(ao))):
            trained, shipped = train_by_pt2e(ao, how)
            count = sum(isinstance(m, ao.FakeQuantizeBase) for m in trained.modules())
            with torch.no_grad():
                outputs = trained(dataset.x_test), shipped(dataset.x_test)
            off = (outputs[0] != outputs[1]).float().mean().item()
            classes = (outputs[0].argmax(1) != outputs[1].argmax(1)).sum().item()
            print(f"{name}: {count} fake quantizers; {off:.1%} of the logits differ,")
            most = (outputs[0] - outputs[1]).abs().max().item()
            print(f"   by {most:.4f} at most; other classes: {classes}")
            pt2e_default, pt2e_spelled_out = pt2e_spelled_out, off

# %% [markdown] id="pt2e-answer"
"""
The trap has moved along: the default configuration of `X86InductorQuantizer` for training uses fake quantizers that are fused with their
observers, so it trains with one scale and converts with another. On digits {{ digits.pt2e_default }} of the logits differ. With
`FakeQuantize` spelled out, {{ digits.pt2e_spelled_out }} differ: the trained model is the shipped one. Both have the same number of fake
quantizers, so counting them would not have shown it. Only comparing the two models does.

## 12 · Essay

### Q9 · Is it worth it?
*difficulty 3/5 · importance 4/5 · 30 minutes · 10 points, read by hand*

Your team ships a network for a camera at 8 bits, quantized after training. One colleague proposes quantization-aware training for it,
another one 2-bit weights with it. In 250 to 400 words of your own: what would you answer to each, and which measurement would you ask for
first? Use your own numbers from this lab, with their spread over seeds. Say what quantization-aware training costs (time, data, what has to
be frozen when, what can go wrong without being noticed), why its gradient is not the derivative of the loss and why it works all the same,
and how you would make sure that the shipped model is the one that was trained.

| rubric | points |
|---|---|
| own numbers: where the gap is real and where there is none, with spread, against a control | 3 |
| costs and risks: at least two that nothing reports by itself, and how each is noticed | 3 |
| the straight-through estimator: what is wrong about it, and why weights still find their codes | 2 |
| shipped against trained: what is compared, what may differ and by how much | 2 |
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "q9", "locked": false, "points": 10, "schema_version": 3, "solution": true, "task": false}
"""
### BEGIN SOLUTION
#| *Your essay here.*
What a full answer mentions. At 8 bits: after training the accuracy is within the spread over seeds of fp32's, so there is nothing to win;
first ask for that measurement on the camera's own data, with several seeds. At 2 bits: most is lost after training, most comes back, but a
few points remain lost. The control matters: the same epochs in fp32 bring back little. One epoch by the recommended schedule is too little
there; the learning rate matters more than the number of epochs, and a better first step size helps as much. Costs: the training set and its
pipeline, a tenth of the training or more, a schedule, ranges and batch-norm statistics to freeze before the last steps. Unnoticed: the PTQ
qconfig (count fake quantizers), fused observers whose scale is not the converted one (compare the weights' codes), a gradient that is zero or
not clipped (compare with torch's), observers never frozen. The estimator: rounding is flat, its derivative zero; the identity in its place
points the float weight to where the loss of the quantized weight falls; it accumulates small steps until a code changes, and then jumps
around the middle, which is why the learning rate has to fall. Shipped against trained: layer by layer on the same integer input; the
weights' codes have to be equal, outputs may differ by one code where the exact value lies near the middle (bias rounding, float32), and each
such difference has its reason; some tens of 100,000 are usual.
### END SOLUTION
"""

# %% [markdown] id="end-text"
r"""
## If you want to go on

**Learn the steps of the activations, too.** The paper does. `FakeQuantizedActivation` in `qlab.fake_quantize` has a moving average in the
place where the step would be. What should the first step be for values that are never negative?

**Learn one step per channel.** In Section 7 the learned step is one per layer, the other one per channel. Write the two missing combinations,
and compare all four.

**Change the data.** One line at the top: `DATA = "fashion_mnist"`. Do 3 bits hold there as they do on digits? How many epochs does 2 bits
take? (On 5,000 of its images, one seed: fp32 {{ fashion_mnist.fp32_accuracy }}; 3 bits {{ fashion_mnist.ptq3 }} after training; 2 bits
{{ fashion_mnist.ptq2 }} after training, {{ fashion_mnist.longer2 }} after four epochs.)

## The formulas of this lab

| what | formula |
|---|---|
| fake quantization | $y = S\,\big(\text{clamp}(\text{round}(x / S) + Z,\; q_{min},\; q_{max}) - Z\big)$ |
| straight-through estimator | $\partial y / \partial x = 1$ if $q_{min} \le \text{round}(x / S) + Z \le q_{max}$, else $0$ |
| moving range | $low \leftarrow low + c\,(\min x - low)$, $high \leftarrow high + c\,(\max x - high)$; frozen at the end |
| folding factor | $f = \gamma / \sqrt{var_{run} + \varepsilon}$, and $\text{fq}(w f)$ has the codes |
| folded during training | $z = x \, \text{fq}(w f)^T / f$, then batch norm with the batch's mean and variance |
| schedule | $r_t = 0.01 \, r \, (1 + \cos(\pi t / T)) / 2$, with $T$ a tenth of the training's steps |
| one step of training | $w \leftarrow w - rate \cdot (x \, w_q - target) \, x \cdot \text{slope}(w)$ |
| learned step, the paper's slope | $\text{round}(v) - v$ if $q_{min} < v < q_{max}$, else $q_{min}$ or $q_{max}$; $v = w / S$ |
| learned step, its gradient | $\big(\sum \partial L / \partial y \cdot \text{slope}\big) / \sqrt{n \, q_{max}}$ |
| learned step, the true derivative | $\sum \partial L / \partial y \cdot q$ |
| the fake-quantized layer's code | $\text{clamp}\big(\text{round}((S_{acc}\, acc + b) / S_{out}) + Z_{out},\; 0,\; 255\big)$ |
| qnnpack's code | $\text{clamp}\big(\text{round}(S_{acc}\,(acc + \text{round}(b / S_{acc})) / S_{out}) + Z_{out},\; 0,\; 255\big)$ |

**Next.** Lab 6 takes your fake quantizer and its gradient to number formats whose values are not evenly spaced, so that multiplying by a
weight takes only shifts. Lab 7 uses the comparison layer by layer to find out which layers cause the loss.
"""

# %% [markdown] id="hand-in-text"
"""
## Handing in

1. Run all cells (*Run → Restart Kernel and Run All Cells*), look at the cards, and save.
2. In a terminal (*File → New → Terminal*), run `qlab submit lab5`: it says what is missing, offers a PDF for your report, and writes `Lab5_StudentID_Name.zip`.
3. Upload that file to your course's page. You can hand in an incomplete lab, and you can hand in again.
"""
