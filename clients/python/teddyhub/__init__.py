"""Distilled sets by their ID: `teddyhub.load("<id>")`."""

from .distilled_set import DistilledSet, load, open_folder
from .errors import TeddyhubError
from .replay import Batch

__all__ = ["Batch", "DistilledSet", "TeddyhubError", "load", "open_folder"]
