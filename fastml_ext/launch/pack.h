/* The arguments of a call as slots and a code: see _launch.c, which this is a part of. */

typedef struct {
    uint64_t slots[MOST_SLOTS];
    unsigned char code[MOST_CODE + WORD]; /* as above, but that the class of a record is its address */
    int n_slots, length;
} packed;

static char letters[NPY_NTYPES_LEGACY]; /* of each type number of NumPy's; 0: not served */
static PyTypeObject *memmap;            /* numpy.memmap: an array with a file behind it */

static int pack_array(PyArrayObject *array, packed *p)
{
    int ndim = PyArray_NDIM(array), flags = PyArray_FLAGS(array), number = PyArray_TYPE(array);
    if (ndim > MOST_DIMENSIONS || number < 0 || number >= NPY_NTYPES_LEGACY || !letters[number]
        || !(flags & NPY_ARRAY_ALIGNED) || !PyArray_ISNBO(PyArray_DESCR(array)->byteorder))
        return -1;
    unsigned char *code = p->code + p->length;
    code[0] = 'A';
    code[1] = letters[number];
    code[2] = '0' + ndim;
    code[3] = flags & NPY_ARRAY_C_CONTIGUOUS ? 'C' : flags & NPY_ARRAY_F_CONTIGUOUS ? 'F' : 'A';
    code[4] = flags & NPY_ARRAY_WRITEABLE ? 'w' : 'r';
    p->length += 5;
    uint64_t *slots = p->slots + p->n_slots, size = 1;
    const npy_intp *lengths = PyArray_DIMS(array), *strides = PyArray_STRIDES(array);
    for (int i = 0; i < ndim; i++) {
        size *= (uint64_t)lengths[i];
        slots[2 + i] = (uint64_t)lengths[i];
        slots[2 + ndim + i] = (uint64_t)strides[i];
    }
    slots[0] = size;
    slots[1] = (uint64_t)(uintptr_t)PyArray_DATA(array);
    p->n_slots += 2 + 2 * ndim;
    return 0;
}

static int put(packed *p, char letter, const void *value, size_t size)
{
    uint64_t slot = 0;
    memcpy(&slot, value, size);
    p->slots[p->n_slots++] = slot;
    p->code[p->length++] = letter;
    return 0;
}

/* A number of NumPy's, whose value stands behind the object's head. */
static int pack_scalar(PyObject *o, packed *p)
{
    PyTypeObject *t = Py_TYPE(o);
    int number = t == &PyDoubleArrType_Type    ? NPY_DOUBLE
                 : t == &PyLongArrType_Type    ? NPY_LONG
                 : t == &PyFloatArrType_Type   ? NPY_FLOAT
                 : t == &PyIntArrType_Type     ? NPY_INT
                 : t == &PyBoolArrType_Type    ? NPY_BOOL
                 : t == &PyLongLongArrType_Type  ? NPY_LONGLONG
                 : t == &PyULongArrType_Type   ? NPY_ULONG
                 : t == &PyULongLongArrType_Type ? NPY_ULONGLONG
                 : t == &PyUIntArrType_Type    ? NPY_UINT
                 : t == &PyShortArrType_Type   ? NPY_SHORT
                 : t == &PyUShortArrType_Type  ? NPY_USHORT
                 : t == &PyByteArrType_Type    ? NPY_BYTE
                 : t == &PyUByteArrType_Type   ? NPY_UBYTE
                                               : -1;
    if (number < 0)
        return -1;
    char letter = letters[number];
    size_t size = strchr("?bB", letter) ? 1 : strchr("hH", letter) ? 2 : strchr("iIf", letter) ? 4 : 8;
    return put(p, letter, (const char *)o + sizeof(PyObject), size);
}

static int pack(PyObject *o, packed *p);

static int pack_tuple(PyObject *o, packed *p)
{
    PyTypeObject *t = Py_TYPE(o);
    int named = t != &PyTuple_Type;
    p->code[p->length++] = named ? 'N' : '(';
    if (named) {
        memcpy(p->code + p->length, &t, sizeof t);
        p->length += sizeof t;
    }
    Py_ssize_t n = PyTuple_Size(o);
    for (Py_ssize_t i = 0; i < n; i++)
        if (pack(PyTuple_GetItem(o, i), p))
            return -1;
    p->code[p->length++] = named ? '}' : ')';
    return 0;
}

/* Append an argument: -1, and no exception, if it has no code. Only exact types count, since what a subclass means is
   not known here; a tuple's subclass is told by its address. */
static int pack(PyObject *o, packed *p)
{
    /* room for this item and for the closing characters of all that are open, each of which took one to open */
    if (p->n_slots > MOST_SLOTS - 2 - 2 * MOST_DIMENSIONS || p->length > MOST_CODE / 2 - 2 * WORD)
        return -1;
    PyTypeObject *t = Py_TYPE(o);
    if (t == &PyArray_Type || t == memmap)
        return pack_array((PyArrayObject *)o, p);
    if (t == &PyLong_Type) {
        int beyond;
        int64_t value = PyLong_AsLongLongAndOverflow(o, &beyond);
        return beyond || value == INT64_MIN ? -1 : put(p, 'l', &value, 8); /* Numba makes those unsigned, or refuses */
    }
    if (t == &PyFloat_Type) {
        double value = PyFloat_AsDouble(o);
        return put(p, 'd', &value, 8);
    }
    if (t == &PyBool_Type) {
        char value = o == Py_True;
        return put(p, '?', &value, 1);
    }
    if (PyTuple_Check(o))
        return pack_tuple(o, p);
    if (o == Py_None)
        return put(p, 'n', "", 1);
    return pack_scalar(o, p);
}

static int pack_all(PyObject *args, packed *p)
{
    p->n_slots = p->length = 0;
    Py_ssize_t n = PyTuple_Size(args);
    for (Py_ssize_t i = 0; i < n; i++)
        if (pack(PyTuple_GetItem(args, i), p))
            return -1;
    memset(p->code + p->length, 0, WORD); /* codes are compared by words */
    return 0;
}
