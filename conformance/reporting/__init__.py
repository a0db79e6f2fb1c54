"""What a run says: results on disk, a page, a summary, Allure's files, certificates and comparisons."""
