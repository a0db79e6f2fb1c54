"""What follows for a target and for the whole: results, waivers, and the one decision."""
