"""The CPU features that decide how an engine computes, and the environment variables that cap them."""

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Cpu:
    """The CPU features by which engines choose their kernels.

    Attributes:
        machine: "x86_64", "AMD64", "arm64", ...
        vnni: 8-bit dot products that add in 32 bits. Without them, pairs of products are added in 16 bits and saturate.
        amx: 8-bit matrix tiles.
        avx512: 512-bit registers.
        fbgemm_cap, onednn_cap: the instruction set that the environment limits the library to; "" if it does not.
    """

    machine: str
    vnni: bool
    amx: bool
    avx512: bool
    fbgemm_cap: str = ""
    onednn_cap: str = ""

    @classmethod
    def here(cls) -> "Cpu":
        """This machine's CPU, as PyTorch and the environment report it."""
        return cls(
            platform.machine(),
            _reported("_is_vnni_supported"),
            _reported("_is_amx_tile_supported"),
            _reported("_is_avx512_supported"),
            os.environ.get("FBGEMM_ENABLE_INSTRUCTIONS", "").upper(),
            os.environ.get("ONEDNN_MAX_CPU_ISA", os.environ.get("DNNL_MAX_CPU_ISA", "")).upper(),
        )

    @property
    def x86(self) -> bool:
        """Whether it is an x86 CPU: the rules were measured on x86 only."""
        return self.machine.lower() in ("x86_64", "amd64")

    @property
    def fbgemm_vnni(self) -> bool:
        """Whether fbgemm uses 8-bit dot products."""
        return self.vnni and self.fbgemm_cap in ("", "AVX512_VNNI", "AVX512_256_VNNI", "AVX512_E1", "AVX512_256_E1")

    @property
    def onednn_vnni(self) -> bool:
        """Whether oneDNN uses 8-bit dot products."""
        return self.vnni and (self.onednn_cap in ("", "ALL", "DEFAULT") or "VNNI" in self.onednn_cap or self.onednn_amx)

    @property
    def onednn_amx(self) -> bool:
        """Whether oneDNN uses matrix tiles."""
        return self.amx and (self.onednn_cap in ("", "ALL", "DEFAULT") or "AMX" in self.onednn_cap)

    @property
    def onednn_avx512(self) -> bool:
        """Whether oneDNN uses 512-bit registers."""
        return self.avx512 and (self.onednn_cap in ("", "ALL", "DEFAULT") or "AVX512" in self.onednn_cap)

    def __str__(self) -> str:
        features = [
            name for name, present in (("AVX-512", self.avx512), ("VNNI", self.vnni), ("AMX", self.amx)) if present
        ]
        caps = [
            f"{name} capped to {cap}" for name, cap in (("fbgemm", self.fbgemm_cap), ("oneDNN", self.onednn_cap)) if cap
        ]
        return ", ".join([self.machine, " ".join(features) or "neither AVX-512 nor VNNI", *caps])


def _reported(question: str) -> bool:
    query: Callable[[], bool] = getattr(torch.cpu, question, lambda: False)
    return bool(query())
