"""Numbers of the machine's instructions, and the columns of a program. Imports nothing."""

UNARY = "negative exp log log1p expm1 sqrt abs sign sin cos tan tanh arctan sigmoid softplus relu step logical_not copy"
BINARY = "add subtract multiply divide power maximum minimum less less_equal equal not_equal logical_and logical_or"
OTHERS = "where sum max min matmul winner gather scatter gather_at scatter_at"

CODES = {name: code for code, name in enumerate((f"{UNARY} {BINARY} {OTHERS}").split())}
COLUMNS = 8  # code, number of axes, out, a, b, c, start of the operands in the table, entries to compute
