"""Data to try autoencoders on: heartbeats made on the spot, and three real data sets."""

from __future__ import annotations

from fastae.datasets._heartbeats import make_heartbeats
from fastae.datasets._loaders import load_ecg, load_fashion_mnist, load_mnist

__all__ = ["load_ecg", "load_fashion_mnist", "load_mnist", "make_heartbeats"]
