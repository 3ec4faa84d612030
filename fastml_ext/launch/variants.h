/* The variants of a kernel, read from the table, and which of them serves a call: a part of _launch.c. */

#define NUMBERS "?bBhHiIlLfd"

/* A row of the table, its code as `pack` writes it, and a mask that is 0 where any character of a call will do. */
typedef struct {
    const fastml_variant *row;
    int length, any_layouts; /* any_layouts: of how many arrays the layout does not matter */
    uint64_t *code, *mask;
} variant;

typedef struct {
    int count;
    variant *each;
    PyObject *classes; /* those whose addresses stand in the codes; held here, so that no other can get their place */
} variants;

typedef struct {
    const char *text; /* what is left to read */
    unsigned char code[MOST_CODE], mask[MOST_CODE];
    int length, any_layouts, n_slots;
    int result; /* whether it is the code of a result */
    PyObject *classes;
} reader;

static void take(reader *r, int mask)
{
    r->mask[r->length] = mask ? 0xFF : 0;
    r->code[r->length++] = *r->text++;
}

static int read_array(reader *r)
{
    const char *c = r->text;
    if (!c[0] || !strchr(NUMBERS, c[0]) || c[1] < '0' || c[1] > '9' || !c[2] || !strchr("CFA", c[2])
        || (c[3] != 'w' && c[3] != 'r'))
        return 0;
    r->n_slots += (r->result ? 5 : 2) + 2 * (c[1] - '0');
    r->any_layouts += c[2] == 'A';
    take(r, 1);
    take(r, 1);
    take(r, c[2] != 'A');
    take(r, c[3] != 'r');
    return 1;
}

/* The class at *text, which is moved behind the '{': new reference. */
static PyObject *class_of(const char **text)
{
    const char *end = strchr(*text, '{'), *dot = end;
    while (dot && dot > *text && *dot != '.')
        dot--;
    if (!end || dot == *text)
        return PyErr_Format(PyExc_SystemError, "no class where there should be one: %s", *text);
    PyObject *module = NULL, *found = NULL;
    PyObject *path = PyUnicode_FromStringAndSize(*text, dot - *text);
    PyObject *whole = path ? PyUnicode_FromFormat("fastml_ext.%U", path) : NULL;
    PyObject *name = whole ? PyUnicode_FromStringAndSize(dot + 1, end - dot - 1) : NULL;
    if (name && (module = PyImport_Import(whole)))
        found = PyObject_GetAttr(module, name);
    if (found && !PyType_Check(found)) {
        PyErr_Format(PyExc_SystemError, "%U.%U is no class", whole, name);
        Py_CLEAR(found);
    }
    Py_XDECREF(path);
    Py_XDECREF(whole);
    Py_XDECREF(name);
    Py_XDECREF(module);
    *text = end + 1;
    return found;
}

static int read_class(reader *r)
{
    PyObject *class = class_of(&r->text);
    if (!class)
        return 0;
    int kept = !PyList_Append(r->classes, class);
    memcpy(r->code + r->length, &class, sizeof class);
    memset(r->mask + r->length, 0xFF, sizeof class);
    r->length += sizeof class;
    Py_DECREF(class); /* the list holds it */
    return kept;
}

/* Read items up to `close`: whether they are of the grammar. */
static int read_items(reader *r, char close)
{
    while (*r->text != close) {
        char c = *r->text;
        if (r->length > MOST_CODE - 3 * WORD)
            return 0;
        take(r, 1);
        if (c == 'A' ? !read_array(r)
            : c == '(' ? !read_items(r, ')')
            : c == 'N' ? r->result || !read_class(r) || !read_items(r, '}')
                       : !c || !strchr(NUMBERS "n", c))
            return 0;
        r->n_slots += c != 'A' && c != '(' && c != 'N';
    }
    if (close)
        take(r, 1);
    return 1;
}

/* Read a code: whether it is of the grammar and there is room for its slots; if not, an exception is set. */
static int read_code(reader *r, const char *text, int result)
{
    r->text = text;
    r->result = result;
    r->length = r->any_layouts = r->n_slots = 0;
    if (read_items(r, 0) && r->n_slots <= (result ? MOST_RESULTS : MOST_SLOTS))
        return 1;
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_SystemError, "the launcher does not understand the code %s", text);
    return 0;
}

static int words(int length) { return (length + WORD - 1) / WORD; }

static int prepare_one(const fastml_variant *row, reader *r, variant *v)
{
    if (!read_code(r, row->ret, 1) || !read_code(r, row->code, 0))
        return 0;
    v->code = calloc(2 * words(r->length) + 1, WORD);
    if (!v->code) {
        PyErr_NoMemory();
        return 0;
    }
    v->row = row;
    v->length = r->length;
    v->any_layouts = r->any_layouts;
    v->mask = v->code + words(r->length);
    memcpy(v->code, r->code, r->length);
    memcpy(v->mask, r->mask, r->length);
    return 1;
}

static void forget(variants *all)
{
    for (int i = 0; i < all->count; i++)
        free(all->each[i].code);
    free(all->each);
    Py_XDECREF(all->classes);
    free(all);
}

/* The rows made ready, those of fewest arrays of any layout first; NULL and an exception if one is not of the grammar. */
static variants *prepare(const fastml_variant *rows, int count)
{
    variants *all = calloc(1, sizeof *all);
    reader *r = calloc(1, sizeof *r);
    if (all) {
        all->each = calloc(count, sizeof *all->each);
        all->classes = PyList_New(0);
    }
    if (!all || !all->each || !all->classes || !r) {
        PyErr_NoMemory();
    } else {
        r->classes = all->classes;
        for (; all->count < count && prepare_one(rows + all->count, r, all->each + all->count); all->count++)
            for (int i = all->count; i > 0 && all->each[i - 1].any_layouts > all->each[i].any_layouts; i--) {
                variant later = all->each[i - 1];
                all->each[i - 1] = all->each[i];
                all->each[i] = later;
            }
    }
    free(r);
    if (all && all->count == count)
        return all;
    if (all)
        forget(all);
    return NULL;
}

static const variant *find(const variants *all, const packed *p)
{
    for (int i = 0; i < all->count; i++) {
        const variant *v = all->each + i;
        if (v->length != p->length)
            continue;
        uint64_t differs = 0, word;
        for (int w = 0; w < words(v->length) && !differs; w++) {
            memcpy(&word, p->code + WORD * w, WORD);
            differs = (word ^ v->code[w]) & v->mask[w];
        }
        if (!differs)
            return v;
    }
    return NULL;
}
