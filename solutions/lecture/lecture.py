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
# Lecture · Quantization, live

Ten pictures that move. Ask, let the room answer, then move the control. *Reset* puts a picture back before the next question.
"""

# %% id="setup"
from qlab import demos

# %% [markdown] id="mapping-text"
"""
## 1 · A float becomes an integer and comes back

Divide by the scale, round, add the zero-point, clamp. Then all of it backwards.

**Ask before each move**
1. Before I move *x* to 1.30: what comes back?
2. Before I move *scale* to 0.56: what does the range do, what the error?
3. Before I move *bits* to 4, nothing else: does the error of this x shrink?
4. Before I move *zero-point* to 3: which numbers are lost? Does 0 still come back as 0? And at −8?
"""

# %% id="mapping"
demos.mapping()

# %% [markdown] id="mapping-seen"
"""
<details><summary>What you have seen</summary>

Inside the range the error is at most half a scale; beyond the last code it grows without end. A bit more with the same scale widens the range and leaves the error. The zero-point moves the range; 0 comes back as 0 as long as the zero-point is one of the codes.

</details>
"""

# %% [markdown] id="clipping_ranges-text"
"""
## 2 · Affine or symmetric, clipped or not

An activation, one-sided with a long tail; a weight, shaped like a bell. Left affine, right symmetric.

**Ask before each move**
1. Before I move anything: which panel wastes most codes, and why?
2. Before I move *bits* to 3 and press *what comes back*: how many bars has the activation, symmetric?
3. Back at 8 *bits*. Before I move *range kept* to 70 %: which panel loses most?
4. Before I move *bits* to 4 and *range kept* to 60 %: is that better or worse than 4 bits with all of the range?
"""

# %% id="clipping_ranges"
demos.clipping_ranges()

# %% [markdown] id="clipping_ranges-seen"
"""
<details><summary>What you have seen</summary>

Symmetric codes are wasted on a one-sided tensor, hardly on a bell. At 8 bits, cutting deep costs most where the values beyond the cut weigh most; at 4 bits all four panels gain from the same kind of cut, because the steps between codes cost more than the tail.

</details>
"""

# %% [markdown] id="calibration-text"
"""
## 3 · Where should the range end?

What lies beyond the end is clipped. What lies inside is rounded, the more finely the nearer the end.

**Ask before each move**
1. Before I pull the end in from the largest value: which error grows, which one shrinks?
2. Before we look at the observers: which of them has to land on the largest value, whatever the rest looks like?
3. Before I take bits away: does the best end move in or out?
"""

# %% id="calibration"
demos.calibration()

# %% [markdown] id="calibration-seen"
"""
<details><summary>What you have seen</summary>

The sum of both errors is smallest somewhere between, the further in the fewer the bits. An observer is an opinion about that place; the one by minimum and maximum clips nothing and pays with coarse steps.

</details>
"""

# %% [markdown] id="per_channel-text"
"""
## 4 · One scale, or one for each channel

The channels of a real convolution, each with a range of its own. Folding its batch norm multiplies each by a factor of its own.

**Ask before each move**
1. Before each channel gets its own scale: which channels gain, and which one gains nothing?
2. Before I fold the batch norm: what could make the ranges differ more than before?
"""

# %% id="per_channel"
demos.per_channel()

# %% [markdown] id="per_channel-seen"
"""
<details><summary>What you have seen</summary>

One scale is the scale of the widest channel; a narrow one is left with few codes. Scales of their own give each channel all codes, for one multiplier a channel. Look at the ranges after folding: those are the weights that are quantized.

</details>
"""

# %% [markdown] id="multiplier-text"
"""
## 5 · A multiplier without floats

Between the int32 sum and the int8 output stands a real number M. Hardware has an integer M0 and a shift by n.

**Ask before each move**
1. Before I halve M: what changes, M0 or n?
2. Before M0 loses a bit: how much larger can the error of M become?
3. Before I change the rounding rule: name a product whose result changes.
"""

# %% id="multiplier"
demos.multiplier()

# %% [markdown] id="multiplier-seen"
"""
<details><summary>What you have seen</summary>

n is the order of magnitude, M0 the digits: the bits of its word are the precision of M. Rules of rounding part where the bits shifted out are just one half, and, where bits are simply dropped, almost everywhere.

</details>
"""

# %% [markdown] id="integer_layer-text"
"""
## 6 · One output, from int8 through int32 to int8

Codes times codes, summed exactly; then one multiplication, one rounding, one clamp.

**Ask before each move**
1. Before we follow the path: at which step is information lost for the first time?
2. Before I take another engine: will its sum differ, or its output?
3. Before I move the sum across the last code: what comes out?
"""

# %% id="integer_layer"
demos.integer_layer()

# %% [markdown] id="integer_layer-seen"
"""
<details><summary>What you have seen</summary>

Up to the sum it is integer arithmetic, the same for everyone. What engines do differently is the step back to 8 bits, and each does it by a rule that can be written down.

</details>
"""

# %% [markdown] id="training-text"
"""
## 7 · Quantize after training, or train with it

The same network twice: quantized as it is (PTQ), and trained on with the rounding in its forward pass (QAT).

**Ask before each move**
1. Before I choose the bits: from how many bits on is nothing left to win?
2. Before I press train: will the curve start where PTQ is, or where fp32 is?
3. Before I press stop: would you stop here?
"""

# %% id="training"
demos.training()

# %% [markdown] id="training-seen"
"""
<details><summary>What you have seen</summary>

With many bits training has nothing to bring back; with few it has. It costs labels, a training loop and time: measure PTQ first.

</details>
"""

# %% [markdown] id="grids-text"
"""
## 8 · Grids: uniform, powers of two, FloatSD

Weights of a layer, and the values that each grid has for them.

**Ask before each move**
1. Before I leave the uniform grid: where do most weights lie, and where would you put the values?
2. Before I take powers of two: which weights come off worst?
3. Before I add a bit: which grid gains least, and why?
"""

# %% id="grids"
demos.grids()

# %% [markdown] id="grids-seen"
"""
<details><summary>What you have seen</summary>

Powers of two are dense near 0 and far apart at the ends, and more bits make them denser near 0 only. FloatSD takes sums of a few powers of two: still shifts and adders, with values where powers of two have gaps.

</details>
"""

# %% [markdown] id="sensitivity-text"
"""
## 9 · Which layers hurt?

A bar a layer. Pick layers that stay in fp32; accuracy and size move.

**Ask before each move**
1. Before we read the bars: will the largest layer be the worst?
2. Before I keep the worst layer: how much of the loss comes back, and what does it cost in size?
3. Before I keep the next one: does the order of the bars hold once the first is gone?
"""

# %% id="sensitivity"
demos.sensitivity()

# %% [markdown] id="sensitivity-seen"
"""
<details><summary>What you have seen</summary>

What a layer loses and how large it is are two things. So each layer kept is a choice between accuracy and size, and after each the others have to be measured again.

</details>
"""

# %% [markdown] id="cost-text"
"""
## 10 · What it costs, on this machine

The same network in fp32, dynamic, static and QAT: size, latency, accuracy, measured here.

**Ask before each move**
1. Before we look at size: how many times smaller can int8 make it, at most? What is in the file besides weights?
2. Before we look at latency: will it be as many times faster?
3. Before we compare static with QAT: which of the three numbers may differ?
"""

# %% id="cost"
demos.cost()

# %% [markdown] id="cost-seen"
"""
<details><summary>What you have seen</summary>

Size is arithmetic. Latency belongs to the machine, the engine and the layers: measure it where it has to run. Static and QAT run the same kind of integer network; how it was trained shows in accuracy alone.

</details>
"""
