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

Ten live pictures. Ask a question, let the room answer, then move the control. *Reset* takes a picture back to its start before the next
question. Zoom in (Ctrl and +) until the last row can read the numbers. Sections 1, 2, 5 and 6 belong to Labs 1 and 2, Sections 3 and 4 to
Lab 3, Section 7 to Lab 5, Section 8 to Lab 6, Section 9 to Lab 7, and Section 10 to Lab 4. The course's glossary (`docs/glossary.md`, in
the repository [here](../../docs/glossary.md)) explains the terms.
"""

# %% id="setup"
from qlab import demos

# %% [markdown] id="mapping-text"
"""
## 1 · Linear quantization: from float to integer and back

Divide by the scale, round, add the zero-point, clamp. The result is the **code**. On the way back, subtract the zero-point and multiply by
the scale.

**Ask before each move**
1. Before I move *x* to 1.30: what comes back?
2. Before I move *scale* to 0.56: what happens to the range, and what to the error?
3. Before I move *bits* to 4, nothing else: does the error of this x shrink?
4. Before I move *zero-point* to 3: which numbers can no longer be represented? Does 0 still come back as 0? And at −8?
"""

# %% id="mapping"
demos.mapping()

# %% [markdown] id="mapping-seen"
"""
<details><summary>What you have seen</summary>

Inside the range the error is at most half a scale; beyond the last code it grows without limit. One more bit at the same scale widens the
range and leaves the error as it is. The zero-point moves the range; 0 comes back as exactly 0 as long as the zero-point is one
of the codes.

</details>
"""

# %% [markdown] id="clipping_ranges-text"
"""
## 2 · Affine or symmetric, clipped or not

Above, an activation: one-sided, with a long tail. Below, a weight: bell-shaped. On the left both are quantized **affine** (with
a zero-point, so the range can be one-sided), on the right **symmetric** (zero-point 0).

**Ask before each move**
1. Before I move anything: which panel wastes the most codes, and why?
2. Before I move *bits* to 3 and press *what comes back*: how many bins does the symmetric activation occupy?
3. Back at 8 *bits*. Before I move *range kept* to 70 %: which panel loses the most?
4. Before I move *bits* to 4 and *range kept* to 60 %: is that better or worse than 4 bits with the whole range?
"""

# %% id="clipping_ranges"
demos.clipping_ranges()

# %% [markdown] id="clipping_ranges-seen"
"""
<details><summary>What you have seen</summary>

Symmetric quantization wastes half of its codes or more on a one-sided tensor, and hardly any on a bell. At 8 bits, clipping deeply costs
the most where the tail holds the most; at 4 bits all four panels gain from clipping, because coarse steps cost more than a lost tail.

</details>
"""

# %% [markdown] id="calibration-text"
"""
## 3 · Where should the range end?

**Calibration** chooses the range of an activation from a few images. Values beyond its end are clipped; values inside are rounded, and the
shorter the range, the finer the steps.

**Ask before each move**
1. Before I move *end of the range* to 40 %: which error grows, and which one shrinks?
2. Before I pick from *rule*: which of the five must choose the largest value, whatever the distribution looks like?
3. Before I move *bits* to 8: does the best end move inward or outward? And at 2?
"""

# %% id="calibration"
demos.calibration()

# %% [markdown] id="calibration-seen"
"""
<details><summary>What you have seen</summary>

The sum of both errors has its minimum somewhere in between: the fewer bits, the further inside; with many bits it may be at the largest
value. Each rule makes its own choice of this place; the rule *minimum and maximum* clips nothing and pays with coarse steps.

</details>
"""

# %% [markdown] id="per_channel-text"
"""
## 4 · One scale per tensor, or one per channel

The output channels of a trained convolution have different ranges. Folding the batch norm behind it multiplies each channel by a
different factor.

**Ask before each move**
1. Before I set *scales* to one scale per channel: how much does the narrowest channel gain, and which channel gains nothing?
2. Back to one scale for all. Before I move *bits* to 4: how many channels still have a code other than 0?
3. Before I switch *batch norm folded* off: do the ranges move closer together or further apart? Which of the two does the engine get?
"""

# %% id="per_channel"
demos.per_channel()

# %% [markdown] id="per_channel-seen"
"""
<details><summary>What you have seen</summary>

A single scale has to fit the widest channel; narrow channels get few codes, or only 0. One scale per channel gives every channel all
codes, at the price of one multiplier per channel. The folded layer is the one that is quantized, and folding spreads the ranges.

</details>
"""

# %% [markdown] id="multiplier-text"
r"""
## 5 · Fixed-point multipliers

The int32 sum becomes an int8 output by multiplying with a real number M. Integer hardware writes it as $M = M_0 \cdot 2^{-n}$ with $M_0$ from
0.5 to 1: it multiplies by the integer `M0_int` $= \text{round}(2^{31} M_0)$ and shifts right by 31 + n bits.

**Ask before each move**
1. Before I move *M* to 0.6: which one changes, M0 or n?
2. Back at 0.3: 98 times 0.3 is 29.4, but the result is 30. Why? Before I set *rounding* to once: what will the result be?
3. Before I move *bits of M0* to 4: which M does that give?
"""

# %% id="multiplier"
demos.multiplier()

# %% [markdown] id="multiplier-seen"
"""
<details><summary>What you have seen</summary>

n holds the order of magnitude and M0 the digits: the bits of `M0_int` are the precision of M. Rounding twice is not the same as rounding
once: the first rounding can produce exactly one half, which the second one rounds up.

</details>
"""

# %% [markdown] id="integer_layer-text"
"""
## 6 · One output of an integer layer

Codes are multiplied by codes and summed exactly in int32 (the **accumulator**); one multiplication, one rounding and one clamp make the
int8 output.

**Ask before each move**
1. An **engine** is the library that runs such layers. Before we look at the engines here: will all of them return this byte?
2. Before I move *its value* all the way down: does the sum rise or fall? Look at its weight.
3. Before I press *ReLU*: what does it add to this arithmetic?
"""

# %% id="integer_layer"
demos.integer_layer()

# %% [markdown] id="integer_layer-seen"
"""
<details><summary>What you have seen</summary>

Up to the sum everything is exact integer arithmetic. Engines differ only in the step back to 8 bits, where a value lies close to one half,
and each follows a rule that can be written down. ReLU costs nothing: it raises the lower end of the clamp to the zero-point.

</details>
"""

# %% [markdown] id="training-text"
"""
## 7 · Post-training quantization and quantization-aware training

The same network twice: quantized as it is (post-training quantization, PTQ), and trained further with quantization simulated in its forward
pass (quantization-aware training, QAT).

**Ask before each move**
1. Before I set *bits* to 8: how much can training still gain?
2. Back to few *bits*. Before I press *Train*: how much of the accuracy that PTQ lost will come back?
3. While it climbs: would you *Stop* here? Then move *after epoch* back and compare.
"""

# %% id="training"
demos.training()

# %% [markdown] id="training-seen"
"""
<details><summary>What you have seen</summary>

With many bits PTQ loses nothing that training could bring back; with few bits it does. QAT costs labelled data, a training loop and time:
measure PTQ first.

</details>
"""

# %% [markdown] id="grids-text"
"""
## 8 · Uniform and non-uniform grids: powers of two, FloatSD

The weights of a layer, and the values that each number format can represent (its **grid**). FloatSD is a format of signed powers of two, or
sums of two of them.

**Ask before each move**
1. Before we read the errors: where are most weights, and where would you put 15 values?
2. Before I set *weights* to long tails, then to even: which grid gains, and which one loses?
3. Before I move *bits of the uniform grid* to 8: would 8 bits help powers of two as much? Look at the gap between their largest two values.
4. Before I move *scale, times the best* to 0.25: what happens at the ends?
"""

# %% id="grids"
demos.grids()

# %% [markdown] id="grids-seen"
"""
<details><summary>What you have seen</summary>

Powers of two are dense near 0 and far apart at the ends, and more bits only add values near 0. FloatSD8 uses sums of two powers of two:
multiplying still takes only shifts and additions, and there are values in the gaps.

</details>
"""

# %% [markdown] id="sensitivity-text"
"""
## 9 · Sensitivity analysis: which layers cause the loss?

One bar per layer: the accuracy that is lost if this layer is quantized. Choose layers to keep in fp32, and watch accuracy and size.

**Ask before each move**
1. Before we read the bars: will the largest layer be the worst?
2. Before I keep the worst layer in fp32: how much accuracy comes back, and how much larger does the network get?
3. Before I keep the second one as well: is it worth its bytes?
4. Before I set *bits of the others* to 8: which bars remain?
"""

# %% id="sensitivity"
demos.sensitivity()

# %% [markdown] id="sensitivity-seen"
"""
<details><summary>What you have seen</summary>

How much accuracy a layer costs has little to do with its size. One layer can cause nearly all of the loss; each further layer trades size
for accuracy, and has to be measured again.

</details>
"""

# %% [markdown] id="cost-text"
"""
## 10 · Size and latency on this machine

One network in four forms: fp32, **dynamic** quantization (ranges of activations found in each call), **static** quantization (ranges fixed
beforehand) and QAT. *Measure* trains it, quantizes it, and times all four on this machine.

**Ask before each move**
1. Before I press *Measure*: how many times smaller can int8 make the file at most? What does it contain besides weights?
2. Before it is done: will it be as many times faster?
3. Before I move *images a batch* to 1: does the order of the four stay the same?
4. Before we compare static with QAT: which of the three numbers can differ?
"""

# %% id="cost"
demos.cost()

# %% [markdown] id="cost-seen"
"""
<details><summary>What you have seen</summary>

Size follows from arithmetic. Latency depends on the machine, the engine, the layers and the batch size: measure it where the network has to
run. Static and QAT run the same kind of integer network; how it was trained shows only in the accuracy.

</details>
"""
