"""What a network is made of, layer by layer, as text and as a table of a page."""

from dataclasses import dataclass

from fastml.markup import html_text

__all__ = ["Summary"]

COLUMNS = ("layer", "activation", "units", "weights", "connections", "parameters", "operations")


@dataclass(frozen=True)
class Summary:
    """Size and cost of a network. `print` shows it as text, a notebook as HTML.

    rows: one for each layer, in COLUMNS' order: a layer's operations are, for one sample, a multiplication and an
    addition for every connection, and an activation for every unit
    connections: weights between units | parameters: these and the biases | operations: of one sample's forward pass
    nbytes: what the parameters occupy
    """

    rows: list
    connections: int
    parameters: int
    operations: int
    nbytes: int

    @classmethod
    def of(cls, network):
        """The summary of a Network."""
        rows: list[tuple] = []
        for number, (coef, activation) in enumerate(zip(network.coefs, network.activations, strict=True), 1):
            n_in, n_out = coef.shape
            name = str(number) if number < len(network.coefs) else f"{number} (output)"
            size = (n_in * n_out, n_in * n_out + n_out, 2 * n_in * n_out + n_out)
            rows.append((name, activation.name, n_out, f"{n_in} × {n_out}", *size))
        connections, parameters, operations = (sum(row[column] for row in rows) for column in (4, 5, 6))
        return cls(rows, connections, parameters, operations, parameters * network.dtype.itemsize)

    def table(self):
        """The cells as text, with a last row of sums."""
        inputs = self.rows[0][3].split()[0]
        cells: list[tuple[str, ...]] = [("input", "", f"{int(inputs):,}", "", "", "", "")]
        cells += [tuple(f"{cell:,}" if isinstance(cell, int) else cell for cell in row) for row in self.rows]
        total = (f"{count:,}" for count in (self.connections, self.parameters, self.operations))
        return [*cells, ("total", "", "", "", *total)]

    def __str__(self):
        cells = [COLUMNS, *self.table()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        sides = "<<><>>>"  # words to the left, numbers to the right
        lines = [
            "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True))
            for row in cells
        ]
        return "\n".join(line.rstrip() for line in lines)

    def __repr__(self):
        return str(self)

    def _repr_html_(self):
        def row(cells, tag):
            return "<tr>" + "".join(f"<{tag}>{html_text(cell)}</{tag}>" for cell in cells) + "</tr>"

        *layers, total = self.table()
        body = "".join(row(cells, "td") for cells in layers)
        return (
            f"<table><thead>{row(COLUMNS, 'th')}</thead><tbody>{body}</tbody><tfoot>{row(total, 'th')}</tfoot></table>"
        )
