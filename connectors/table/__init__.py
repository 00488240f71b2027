"""Other people's CSV, of reads and of hot lists: one bad line costs that line, never the file."""

from connectors.table.head import LONGEST_ROW, names
from connectors.table.lines import decoded
from connectors.table.records import cells, records, rows
from connectors.table.rows import Row, Table, table

__all__ = ["LONGEST_ROW", "Row", "Table", "cells", "decoded", "names", "records", "rows", "table"]
