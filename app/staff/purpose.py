"""What staff look for: said with every look, kept with it, and told to the participant. Pure."""

from __future__ import annotations

from typing import Literal

Purpose = Literal["dispute", "match", "unreached", "support", "correction", "heir", "balance", "core_refusal"]
"""A case is opened for its own kind or for `support`; the database refuses anything else."""
