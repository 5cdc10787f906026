"""What each section's template block and script are given: texts, pictures and classes made from `ReportData`."""
