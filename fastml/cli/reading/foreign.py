"""Files that are no table, or one that only its own program reads: told by how they begin."""

import re

__all__ = ["foreign"]

KINDS = {
    rb"%PDF": "a PDF",
    rb"SQLite format 3\0": "an SQLite database",
    rb"\$FL[23]@\(#\)": "a data set of SPSS",
    rb"<stata_dta>|[\x69-\x73][\x01\x02]\x01\x00": "a data set of Stata",
    rb"HEADER RECORD\*{7}LIBRARY|\0{12}\xc2\xea\x81\x60": "a data set of SAS",
    rb"\x89HDF\r\n": "a file of HDF5",
    rb"\x93NUMPY": "an array of NumPy",
    rb"\x80[\x02-\x05][\x95\x8c}\])c]": "a pickle of Python",
    rb"RD[AXB][23]\n|[XAB]\n\0\0\0[\x02\x03]": "a file of R",
    rb"\{\\rtf": "a text with formats (RTF)",
    rb"\x89PNG|\xff\xd8\xff|GIF8": "a picture",
    rb"[\xef\xbb\xbf\s]*<": "a page of HTML or XML",
}
SQL_BEGINS = re.compile(rb"[\xef\xbb\xbf\s]*(?:--|/\*|(?:SET|USE|PRAGMA|BEGIN|DROP|CREATE|INSERT)\s)", re.IGNORECASE)
SQL_ROWS = re.compile(rb"^(?:CREATE (?:TEMPORARY )?TABLE|INSERT INTO|COPY) \S+", re.IGNORECASE | re.MULTILINE)


def foreign(start):
    """What a file is whose first bytes are `start`, in words; None where it may be a table.

    >>> foreign(b"-- dumped by hand\\nCREATE TABLE t (a int);\\nINSERT INTO t VALUES (1);\\n")
    'a dump of SQL'
    """
    if SQL_BEGINS.match(start) and SQL_ROWS.search(start):
        return "a dump of SQL"
    return next((words for mark, words in KINDS.items() if re.match(mark, start)), None)
