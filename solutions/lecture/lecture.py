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

Ten pictures that move. Ask, let the room answer, then move the control. *Reset* puts a picture back before the next question. Zoom the page (Ctrl and +) until the last row can read the numbers.
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
1. Before I move *end of the range* to 40 %: which error grows, which one shrinks?
2. Before I pick from *rule*: which of the five has to land on the largest value, whatever the rest looks like?
3. Before I move *bits* to 8: does the best end move in or out? And at 2?
"""

# %% id="calibration"
demos.calibration()

# %% [markdown] id="calibration-seen"
"""
<details><summary>What you have seen</summary>

The sum of both errors is smallest somewhere between: the fewer the bits, the further in; with many bits it may be the largest value itself. A rule is an opinion about that place; minimum and maximum clips nothing and pays with coarse steps.

</details>
"""

# %% [markdown] id="per_channel-text"
"""
## 4 · One scale, or one for each channel

The channels of a real convolution, each with a range of its own. Folding its batch norm multiplies each by a factor of its own.

**Ask before each move**
1. Before I set *scales* to one scale per channel: what does the narrowest channel gain, and which channel gains nothing?
2. Back to one for all. Before I move *bits* to 4: how many channels are still there?
3. Before I take *batch norm folded* away: do the ranges come closer or move apart? Which of the two does the engine get?
"""

# %% id="per_channel"
demos.per_channel()

# %% [markdown] id="per_channel-seen"
"""
<details><summary>What you have seen</summary>

One scale is the scale of the widest channel; narrow ones are left with few codes, or with 0 alone. Scales of their own give each channel all codes, for one multiplier a channel. What is quantized is the folded layer, and folding is what spreads these ranges.

</details>
"""

# %% [markdown] id="multiplier-text"
"""
## 5 · A multiplier without floats

Between the int32 sum and the int8 output stands a real number M. Hardware has an integer M0 and a shift by n.

**Ask before each move**
1. Before I move *M* to 0.6: what changes, M0 or n?
2. Back at 0.3: 98 times 0.3 is 29.4, and 30 comes out. Why? Before I set *rounding* to once: what will?
3. Before I move *bits of M0* to 4: which M is that really?
"""

# %% id="multiplier"
demos.multiplier()

# %% [markdown] id="multiplier-seen"
"""
<details><summary>What you have seen</summary>

n is the order of magnitude, M0 the digits: its bits are the precision of M. Rounding twice is not rounding once: the first rounding can make a half that the second one rounds up.

</details>
"""

# %% [markdown] id="integer_layer-text"
"""
## 6 · One output, from int8 through int32 to int8

Codes times codes, summed exactly; then one multiplication, one rounding, one clamp.

**Ask before each move**
1. Before we look at the engines: will all of them return this byte?
2. Before I move *its value* all the way down: does the sum rise or fall? Look at its weight.
3. Before I press *ReLU*: where in this arithmetic does it cost anything?
"""

# %% id="integer_layer"
demos.integer_layer()

# %% [markdown] id="integer_layer-seen"
"""
<details><summary>What you have seen</summary>

Up to the sum it is integer arithmetic. Engines part in the step back to 8 bits, where the value lies close to a half, and each does so by a rule that can be written down. ReLU is the lower clamp, moved to the zero-point.

</details>
"""

# %% [markdown] id="training-text"
"""
## 7 · Quantize after training, or train with it

The same network twice: quantized as it is (PTQ), and trained on with the rounding in its forward pass (QAT).

**Ask before each move**
1. Before I set *bits* to 8: what is left to win by training?
2. Back to few *bits*. Before I press *Train*: how much of what PTQ lost will come back?
3. While it climbs: would you press *Stop* here? Then move *after epoch* back and look.
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
1. Before we read the errors: where do most weights lie, and where would you put 15 values?
2. Before I set *weights* to long tails, then to even: which grid gains, which one loses?
3. Before I move *bits of the uniform grid* to 8: would as many bits help powers of two as much? Look at their last gap.
4. Before I move *scale, times the best* to 0.25: what happens at the ends?
"""

# %% id="grids"
demos.grids()

# %% [markdown] id="grids-seen"
"""
<details><summary>What you have seen</summary>

Powers of two are dense near 0 and far apart at the ends, and more bits make them denser near 0 only. FloatSD8 takes sums of two powers of two: still shifts and adders, with values where powers of two have gaps.

</details>
"""

# %% [markdown] id="sensitivity-text"
"""
## 9 · Which layers hurt?

A bar a layer. Pick layers that stay in fp32; accuracy and size move.

**Ask before each move**
1. Before we read the bars: will the largest layer be the worst?
2. Before I keep the worst layer: how much of the loss comes back, and what does it cost in size?
3. Before I keep the second one, too: is that worth its bytes?
4. Before I set *bits of the others* to 8: which bars are left?
"""

# %% id="sensitivity"
demos.sensitivity()

# %% [markdown] id="sensitivity-seen"
"""
<details><summary>What you have seen</summary>

What a layer loses and how large it is are two things. One layer can carry nearly all of the loss; every further one is a choice between accuracy and size, to be measured again.

</details>
"""

# %% [markdown] id="cost-text"
"""
## 10 · What it costs, on this machine

One network in fp32, dynamic, static and QAT. *Measure* trains it, quantizes it and times all four on this machine.

**Ask before each move**
1. Before I press *Measure*: how many times smaller can int8 make the file, at most? What is in it besides weights?
2. And before it is done: will it be as many times faster?
3. Before I move *images a batch* to 1: does the order of the four stay?
4. Before we compare static with QAT: which of the three numbers may differ?
"""

# %% id="cost"
demos.cost()

# %% [markdown] id="cost-seen"
"""
<details><summary>What you have seen</summary>

Size is arithmetic. Latency belongs to the machine, the engine, the layers and the batch: measure it where it has to run. Static and QAT run the same kind of integer network; how it was trained shows in accuracy alone.

</details>
"""
