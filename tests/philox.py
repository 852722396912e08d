"""Philox4x32-10 in plain Python integers, and the masks that dropout makes of it."""

import numpy as np

LOW = 0xFFFFFFFF


def philox(counter, key):
    """Four words from four and a key of two; J. Salmon et al., 2011."""
    c, k = list(counter), list(key)
    for _ in range(10):
        left, right = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(right >> 32) ^ c[1] ^ k[0], right & LOW, (left >> 32) ^ c[3] ^ k[1], left & LOW]
        k = [(k[0] + 0x9E3779B9) & LOW, (k[1] + 0xBB67AE85) & LOW]
    return c


def mask(key, step, layer, first, rows, units, rate):
    """What a hidden layer's activations are multiplied by, rows `first`, ... of the order; in longdouble."""
    kept = np.longdouble(1) - np.longdouble(rate)
    result = np.zeros((rows, units), np.longdouble)
    for s in range(rows):
        for j in range(units):
            words = philox((j // 4, first + s, layer, step & LOW), (key & LOW, (key >> 32) ^ (step >> 32)))
            if words[j % 4] < int(kept * 2**32):
                result[s, j] = 1 / kept
    return result
