"""Report texts for the terminal and Markdown, and the explanation of a failure."""
