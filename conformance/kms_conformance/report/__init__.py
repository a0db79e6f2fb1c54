"""What a run says: results on disk, a page, a summary, Allure's files, and comparisons."""
