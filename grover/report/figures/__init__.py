"""One module for each group of figures: tables to matplotlib figures.

Text of the report belongs in `grover.report.sections`.
"""
