"""Output for continuous integration: JUnit, badges, annotations and job summaries."""
