"""The report for a reader: one page of HTML that needs nothing else, and its figures as files."""
