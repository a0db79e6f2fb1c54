"""The verdict: what results and waivers mean for each requirement and for the whole."""
