"""The source of a kernel that takes many steps of an optimiser, with the generated value and gradient inside."""

import math

__all__ = ["epoch_text"]


def epoch_text(program, shapes, starts, row_shapes, by_row, optimizer):
    """Text of `body` and of epoch(start, stop, order, batch, data..., batches..., weights..., memory...).

    shapes, starts: of the parameters, and where each begins in the flat weights | row_shapes: of each data array's rows
    by_row: body is the loss of one row, and a step averages over a batch; otherwise body is the loss of a batch
    """
    data = [f"d{k}" for k in range(len(row_shapes))]
    batches = [f"b{k}" for k in range(len(row_shapes))]
    rest = "w, g, part, state, hyper, l1, l2, t, constants, indices, work"
    head = ", ".join(["start, stop, order, batch", *data, *batches, rest])
    call = _call(program, shapes, starts, row_shapes, by_row)
    lines = [f"def epoch({head}):", "    total = 0.0", "    for s in range(start, stop):"]
    if by_row:
        lines += ["        last = min((s + 1) * batch, order.size)", "        g[:] = 0"]
        lines += ["        for k in range(s * batch, last):", "            i = order[k]"]
        lines += [f"            {line}" for line in call]
        lines += ["            for j in range(g.size):", "                g[j] += part[j] / (last - s * batch)"]
    else:
        lines += [f"        {line}" for k, shape in enumerate(row_shapes) for line in _copied(k, math.prod(shape))]
        lines += [f"        {line}" for line in call]
    lines += [f"        {optimizer}_step(w, g, state, hyper, l1, l2, t + s)", "    return total"]
    return program.source.text + "\n".join(lines) + "\n"


def _copied(k, size):
    """Lines that copy the rows of a batch together."""
    if size == 1:
        return ["for r in range(batch):", f"    b{k}[r] = d{k}[order[s * batch + r]]"]
    lines = ["for r in range(batch):", "    i = order[s * batch + r]"]
    return [*lines, f"    b{k}[r * {size} : (r + 1) * {size}] = d{k}[i * {size} : (i + 1) * {size}]"]


def _call(program, shapes, starts, row_shapes, by_row):
    """Lines that call body and put its gradients in their places."""
    gradient = "part" if by_row else "g"
    inputs = []
    for shape, start in zip(shapes, starts, strict=False):
        inputs.append(f"w[{start}]" if shape == () else f"w[{start}:{start + math.prod(shape)}]")
    for k, shape in enumerate(row_shapes):
        size = math.prod(shape)
        row = f"d{k}[i]" if shape == () else f"d{k}[i * {size} : (i + 1) * {size}]"
        inputs.append(row if by_row else f"b{k}")
    if not program.source.scalars_only:
        inputs += ["constants", "indices", "work"]
        inputs += [f"{gradient}[{a}:{a + math.prod(s)}]" for a, s in zip(starts, shapes, strict=False) if s != ()]
    lines, place = [f"r = body({', '.join(inputs)})", "total += r[0]"], 1
    for shape, start in zip(shapes, starts, strict=False):
        if shape == ():
            lines.append(f"{gradient}[{start}] = r[{place}]")
            place += 1
    return lines
