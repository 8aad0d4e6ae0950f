"""One module for each section of the report: its sentences, tables and which figures it shows.

Drawing belongs in `grover.report.figures`.
"""
