"""Generated faults: deviations that nobody wrote, composed from the facts of a profile by a seed.

An operator (`accepts`, `neighbour`, `late`, …) reads the profile, the schemas of replies and the rules of the emulator,
and composes every fault of its kind. What cannot be a fault is left out by a computed reason, which is counted.
"""
