"""Random numbers by place: a hash of seed, epoch, row, layer and column.

Products of unsigned arrays wrap around, as they should.
"""

from __future__ import annotations

import numpy as np

GOLDEN = 0x9E3779B97F4A7C15  # 2^64 / golden ratio


def mix64(z):
    """SplitMix64's hash (Steele, Lea & Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def mix32(x):
    """The 32-bit hash that C. Wellons found in 2018."""
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def noise_keys(seed, epoch, rows, layer):
    """Keys of some rows, two uint32 columns: the first number of SplitMix64's stream for each."""
    place = (layer + 1) * 0xD1342543DE82EF95 % 2**64
    stream = (np.uint64(epoch) << np.uint64(32)) + np.asarray(rows, dtype=np.uint64)
    state = mix64(np.array([seed ^ place], dtype=np.uint64)) ^ mix64(~stream)
    bits = mix64(state + np.uint64(GOLDEN))
    return bits.astype(np.uint32)[:, None], (bits >> np.uint64(32)).astype(np.uint32)[:, None]


def random_bits(keys, n, stream=0):
    """Return 32 random bits for each of ``n`` columns of the rows that the keys stand for."""
    x = np.arange(n, dtype=np.uint32) + np.uint32(stream * 0x9E3779B9 % 2**32)
    return mix32(mix32(x * np.uint32(0x9E3779B1) + keys[0]) + keys[1])


def uniform(keys, n, stream=0):
    """Return multiples of 2^-24 and half of one, between 0 and 1."""
    u = ((random_bits(keys, n, stream) >> np.uint32(9)) + 0.5) / 2**23
    return u.astype(np.float32).astype(np.float64)


def normal(keys, n):
    """Return standard normal numbers (Box & Muller 1958)."""
    return np.sqrt(-2 * np.log(uniform(keys, n))) * np.cos(2 * np.pi * uniform(keys, n, 1))


def dropout(p, keys, n):
    """Return factors of ``n`` units: 0 with probability ``p``, else 1 / (1 - p)."""
    return (random_bits(keys, n) >= np.uint32(p * 2**32)) / (1 - p)


def noise_of_its_own(keys):
    """Return the keys of the input's noise, given those of its dropout."""
    return keys[0] ^ np.uint32(0x5BD1E995), keys[1]


def corrupted(x, keys, input_dropout, input_noise):
    """Return what the network sees of the rows ``x``."""
    if input_noise:
        x = x + input_noise * normal(noise_of_its_own(keys), x.shape[1])
    return x * dropout(input_dropout, keys, x.shape[1]) if input_dropout else x
