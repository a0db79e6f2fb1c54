"""What continuous integration reads: JUnit, badges, annotations and job summaries."""
