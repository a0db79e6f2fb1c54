"""All exchanges of a run, kept without their secrets so that the run can be judged again by them alone."""
