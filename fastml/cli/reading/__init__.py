"""How tables are read: sources.py finds the bytes, dialect.py the separator and the header, parsing.py the cells,
formats.py what is no text (Parquet, Arrow, Excel, JSON lines), meaning.py and dates.py what the cells of a column are.
"""
