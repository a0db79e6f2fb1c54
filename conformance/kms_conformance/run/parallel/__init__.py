"""Several processes for one run: one for each target, or several for the checks of one target."""
