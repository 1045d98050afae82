# %% right: plain, filled blanks
fbgemm_codes, qnnpack_codes = 128, 256
fbgemm_scales, qnnpack_scales = 32, 1


# %% right: computed from bits
channels = 32
fbgemm_codes, qnnpack_codes = 2**7, 2**8
fbgemm_scales, qnnpack_scales = channels, 1


# %% right: counted from the ends of the codes, four lines
fbgemm_codes = 127 - 0 + 1  # reduce_range
qnnpack_codes = len(range(0, 256))
fbgemm_scales = 32  # per channel
qnnpack_scales = 1  # per tensor


# %% wrong: the largest code instead of the number of codes
fbgemm_codes, qnnpack_codes = 127, 255
fbgemm_scales, qnnpack_scales = 32, 1


# %% wrong: engines swapped
fbgemm_codes, qnnpack_codes = 256, 128
fbgemm_scales, qnnpack_scales = 1, 32


# %% wrong: number of bits
fbgemm_codes, qnnpack_codes = 7, 8
fbgemm_scales, qnnpack_scales = 32, 1


# %% wrong: reduce_range overlooked
fbgemm_codes, qnnpack_codes = 256, 256
fbgemm_scales, qnnpack_scales = 32, 1


# %% wrong: per channel for both
fbgemm_codes, qnnpack_codes = 128, 256
fbgemm_scales, qnnpack_scales = 32, 32


# %% wrong: per tensor for both
fbgemm_codes, qnnpack_codes = 128, 256
fbgemm_scales, qnnpack_scales = 1, 1


# %% wrong: words instead of integers
fbgemm_codes, qnnpack_codes = '0 to 127', '0 to 255'
fbgemm_scales, qnnpack_scales = 'per channel', 'per tensor'


# %% right: a range object counted
fbgemm_codes = len(range(0, 127 + 1))
qnnpack_codes = len(range(0, 256))
fbgemm_scales = 32
qnnpack_scales = 1.0


# %% wrong: both engines reduced
fbgemm_codes, qnnpack_codes = 128, 128
fbgemm_scales, qnnpack_scales = 32, 1
