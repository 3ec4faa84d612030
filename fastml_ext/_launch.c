/* The launcher: calls kernels that were compiled ahead of time, without Numba.

A kernel has a variant for each list of argument types it was compiled for. A call is packed into slots, eight bytes a
number, and into a code that says what stands in them; the variant with that code gets the slots. Where none has it, or
where an argument is anything that is not spelt out below, the call goes to the kernel's fallback. Since the code
alone says what the slots hold, a variant that matches can never take a slot for what it is not.

    code    = item*                          one a positional argument
    item    = number | none | array | tuple | record
    number  = one of ? b B h H i I l L f d   the letters of module struct; h has 2 bytes, i 4, l 8: one slot
    none    = n                              one slot, 0
    array   = A number ndim layout access    ndim is a digit; layout C, F or A(ny); access w(rite) or r(ead): slots are
                                             size, address, then ndim lengths and ndim strides
    tuple   = ( item* )
    record  = N class { item* }              a named tuple; class is its module below fastml_ext and its name

Results use the same codes, without records; an array that is returned has slots owner, parent, size, itemsize, address, lengths, strides.
A variant that only reads an array (r) takes those that may be written too, and one for any layout takes C and F;
of several that fit, the one with the fewest layouts A is taken. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#define NPY_NO_DEPRECATED_API NPY_1_22_API_VERSION
#include <numpy/arrayobject.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "_launch.h"

#if defined(_MSC_VER)
#include <intrin.h>
#elif defined(__x86_64__)
#include <cpuid.h>
#endif

#if NPY_BYTE_ORDER != NPY_LITTLE_ENDIAN || NPY_SIZEOF_INTP != 8
#error "slots are read as little-endian words of 64 bits"
#endif

enum { MOST_SLOTS = 512, MOST_CODE = 1024, MOST_RESULTS = 128, MOST_DIMENSIONS = 9, WORD = 8 };

/* Loads and stores of the one pointer that threads may set while others read it. */
#if !defined(Py_GIL_DISABLED)
#define READ(place) (*(place))
#define PUBLISH(place, value) (*(place) ? 0 : ((*(place) = (value)), 1))
#elif defined(_MSC_VER)
#define READ(place) (*(void *volatile *)(place))
#define PUBLISH(place, value) (_InterlockedCompareExchangePointer((void *volatile *)(place), (value), NULL) == NULL)
#else
#define READ(place) __atomic_load_n((place), __ATOMIC_ACQUIRE)
static int publish(void **place, void *value)
{
    void *none = NULL;
    return __atomic_compare_exchange_n(place, &none, value, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
#define PUBLISH(place, value) publish((void **)(place), (value))
#endif

/* ---------------------------------------------------------------- packing */

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

/* --------------------------------------------------------------- variants */

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

/* ---------------------------------------------------------------- results */

/* Every function here takes over the arrays that stand in the slots, also where it fails. */
typedef struct {
    const char *code;
    const uint64_t *slots;
    void (*release)(void *);
} results;

static const char OWNER[] = "fastml_ext.memory";

static void release_owner(PyObject *capsule)
{
    void (*release)(void *) = (void (*)(void *))(uintptr_t)PyCapsule_GetContext(capsule);
    release(PyCapsule_GetPointer(capsule, OWNER));
}

static int number_of(char letter)
{
    static const int numbers[] = {NPY_BOOL,   NPY_INT8,  NPY_UINT8,  NPY_INT16,   NPY_UINT16, NPY_INT32,
                                  NPY_UINT32, NPY_INT64, NPY_UINT64, NPY_FLOAT32, NPY_FLOAT64};
    return numbers[strchr(NUMBERS, letter) - NUMBERS];
}

static PyObject *unpack_array(results *r)
{
    int number = number_of(r->code[0]), ndim = r->code[1] - '0';
    void *owner = (void *)(uintptr_t)r->slots[0], *data = (void *)(uintptr_t)r->slots[4];
    npy_intp lengths[MOST_DIMENSIONS], strides[MOST_DIMENSIONS];
    memcpy(lengths, r->slots + 5, ndim * WORD);
    memcpy(strides, r->slots + 5 + ndim, ndim * WORD);
    r->code += 4;
    r->slots += 5 + 2 * ndim;
    if (!owner)
        return PyErr_Format(PyExc_SystemError, "a kernel returned an array whose memory nobody owns");
    PyObject *capsule = PyCapsule_New(owner, OWNER, NULL);
    if (!capsule) {
        r->release(owner);
        return NULL;
    }
    PyCapsule_SetContext(capsule, (void *)(uintptr_t)r->release);
    PyCapsule_SetDestructor(capsule, release_owner);
    PyObject *array = PyArray_New(&PyArray_Type, ndim, lengths, number, strides, data, 0, NPY_ARRAY_WRITEABLE, NULL);
    if (!array) {
        Py_DECREF(capsule);
        return NULL;
    }
    PyArray_UpdateFlags((PyArrayObject *)array, NPY_ARRAY_UPDATE_ALL);
    if (PyArray_SetBaseObject((PyArrayObject *)array, capsule)) /* takes the capsule, also where it fails */
        Py_CLEAR(array);
    return array;
}

static PyObject *unpack(results *r);

/* Items up to `close`, as a tuple. All are unpacked even where one fails, or the memory of the rest would be lost. */
static PyObject *unpack_items(results *r, char close)
{
    PyObject *list = PyList_New(0), *tuple = NULL, *error[3];
    int whole = list != NULL;
    if (!whole)
        PyErr_Fetch(error, error + 1, error + 2);
    while (*r->code != close) {
        PyObject *item = unpack(r);
        if (whole && !(item && !PyList_Append(list, item))) {
            whole = 0;
            PyErr_Fetch(error, error + 1, error + 2);
        }
        Py_XDECREF(item);
    }
    r->code++;
    if (whole)
        tuple = PyList_AsTuple(list);
    else
        PyErr_Restore(error[0], error[1], error[2]);
    Py_XDECREF(list);
    return tuple;
}

static PyObject *unpack(results *r)
{
    char c = *r->code++;
    if (c == 'A')
        return unpack_array(r);
    if (c == '(')
        return unpack_items(r, ')');
    double d;
    float f;
    uint64_t slot = *r->slots++;
    switch (c) {
    case 'n': Py_RETURN_NONE;
    case '?': return PyBool_FromLong(slot & 1);
    case 'b': return PyLong_FromLong((int8_t)slot);
    case 'B': return PyLong_FromLong((uint8_t)slot);
    case 'h': return PyLong_FromLong((int16_t)slot);
    case 'H': return PyLong_FromLong((uint16_t)slot);
    case 'i': return PyLong_FromLong((int32_t)slot);
    case 'I': return PyLong_FromLongLong((uint32_t)slot);
    case 'l': return PyLong_FromLongLong((int64_t)slot);
    case 'L': return PyLong_FromUnsignedLongLong(slot);
    case 'f': memcpy(&f, &slot, sizeof f); return PyFloat_FromDouble(f);
    default: memcpy(&d, &slot, sizeof d); return PyFloat_FromDouble(d);
    }
}

/* Raise what a kernel says: (class, arguments or None, place). */
static PyObject *raise_reason(const fastml_excinfo *reason)
{
    if (!reason || reason->dynamic > 0)
        return PyErr_Format(PyExc_SystemError, "a kernel failed without a reason that could be read");
    PyObject *pickle = PyImport_ImportModule("pickle"), *error = NULL;
    PyObject *told = pickle ? PyObject_CallMethod(pickle, "loads", "y#", reason->pickle, (Py_ssize_t)reason->size) : NULL;
    Py_XDECREF(pickle);
    if (!told)
        return NULL;
    PyObject *class = PyTuple_GetItem(told, 0), *args = class ? PyTuple_GetItem(told, 1) : NULL;
    if (args)
        error = PyObject_CallObject(class, args == Py_None ? NULL : args);
    if (error)
        PyErr_SetObject(class, error);
    Py_XDECREF(error);
    Py_DECREF(told);
    return NULL;
}

/* ----------------------------------------------------------- the launcher */

typedef struct {
    PyObject_HEAD
    const fastml_kernels *table;
    const fastml_variant *rows; /* of this kernel; NULL: it has none */
    int count;
    variants *ready;    /* the rows, from the first call on */
    PyObject *fallback; /* called with the arguments where no variant fits; NULL: the method _fall_back is */
} launcher;

static const variants *ready(launcher *k)
{
    variants *all = READ(&k->ready);
    if (!all && (all = prepare(k->rows, k->count)) && !PUBLISH(&k->ready, all)) {
        forget(all); /* another thread was faster */
        all = READ(&k->ready);
    }
    return all;
}

static PyObject *enter(const launcher *k, const fastml_variant *row, packed *p)
{
    uint64_t ret[MOST_RESULTS];
    fastml_excinfo *reason = NULL;
    PyThreadState *state = PyEval_SaveThread();
    int32_t status = row->entry(p->slots, ret, &reason);
    PyEval_RestoreThread(state);
    if (status > 0)
        return raise_reason(reason);
    if (status != 0 && status != -2)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_SystemError, "a kernel ended with status %d", (int)status);
    if (row->ret[0] == 'n')
        Py_RETURN_NONE;
    results r = {row->ret, ret, k->table->release};
    return unpack(&r);
}

static PyObject *launcher_call(PyObject *self, PyObject *args, PyObject *keywords)
{
    launcher *k = (launcher *)self;
    if (k->rows && !(keywords && PyDict_Size(keywords))) {
        packed p;
        const variants *all = ready(k);
        if (!all)
            return NULL;
        const variant *fit = pack_all(args, &p) ? NULL : find(all, &p);
        if (fit)
            return enter(k, fit->row, &p);
    }
    PyObject *fallback = k->fallback ? Py_NewRef(k->fallback) : PyObject_GetAttrString(self, "_fall_back");
    PyObject *result = fallback ? PyObject_Call(fallback, args, keywords) : NULL;
    Py_XDECREF(fallback);
    return result;
}

/* _bind(table, name): find the kernel's rows; their number. To be called once, before the first call. */
static PyObject *launcher_bind(PyObject *self, PyObject *args)
{
    launcher *k = (launcher *)self;
    PyObject *capsule;
    const char *name;
    if (!PyArg_ParseTuple(args, "Os", &capsule, &name))
        return NULL;
    const fastml_kernels *table = PyCapsule_GetPointer(capsule, FASTML_KERNELS);
    if (!table)
        return NULL;
    if (k->rows)
        return PyErr_Format(PyExc_ValueError, "%s has its variants already", name);
    int low = 0, high = table->count, end;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (strcmp(table->variants[middle].kernel, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < table->count && !strcmp(table->variants[end].kernel, name); end++)
        ;
    if (end > low) {
        k->table = table;
        k->count = end - low;
        k->rows = table->variants + low;
    }
    return PyLong_FromLong(end - low);
}

/* _prepare(): what the first call does before anything else; the number of variants. */
static PyObject *launcher_prepare(PyObject *self, PyObject *unused)
{
    const variants *all = ((launcher *)self)->rows ? ready((launcher *)self) : NULL;
    return PyErr_Occurred() ? NULL : PyLong_FromLong(all ? all->count : 0);
}

static int launcher_traverse(PyObject *self, visitproc visit, void *arg)
{
    launcher *k = (launcher *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(k->fallback);
    return 0;
}

static int launcher_clear(PyObject *self)
{
    Py_CLEAR(((launcher *)self)->fallback);
    return 0;
}

static void launcher_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    launcher_clear(self);
    if (((launcher *)self)->ready)
        forget(((launcher *)self)->ready);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMemberDef launcher_members[] = {
    {"_fallback", T_OBJECT, offsetof(launcher, fallback), 0, "called where no variant fits"},
    {NULL},
};
static PyMethodDef launcher_methods[] = {
    {"_bind", launcher_bind, METH_VARARGS, "_bind(table, name): find the kernel's variants; their number"},
    {"_prepare", launcher_prepare, METH_NOARGS, "_prepare(): read the variants' codes; their number"},
    {NULL},
};
static PyType_Slot launcher_slots[] = {
    {Py_tp_doc, "A kernel whose variants are called as they are, and whose other calls go to _fall_back."},
    {Py_tp_call, launcher_call},
    {Py_tp_traverse, launcher_traverse},
    {Py_tp_clear, launcher_clear},
    {Py_tp_dealloc, launcher_dealloc},
    {Py_tp_members, launcher_members},
    {Py_tp_methods, launcher_methods},
    {0, NULL},
};
static PyType_Spec launcher_spec = {
    "fastml_ext._launch.Launcher", sizeof(launcher), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, launcher_slots,
};

/* ----------------------------------------------------------------- module */

/* How codes spell a class: "neighbors.scan.Scan"; None for one that is not of a module of fastml_ext. */
static PyObject *spelling(PyObject *class)
{
    PyObject *module = PyObject_GetAttrString(class, "__module__");
    PyObject *name = module ? PyObject_GetAttrString(class, "__qualname__") : NULL;
    PyObject *whole = name ? PyUnicode_FromFormat("%S.%S", module, name) : NULL;
    Py_XDECREF(module);
    Py_XDECREF(name);
    if (!whole)
        return NULL;
    PyObject *prefix = PyUnicode_FromString("fastml_ext.");
    PyObject *below = prefix ? PyUnicode_Tailmatch(whole, prefix, 0, PY_SSIZE_T_MAX, -1) == 1
                                   ? PyUnicode_Substring(whole, PyUnicode_GetLength(prefix), PY_SSIZE_T_MAX)
                                   : Py_NewRef(Py_None)
                             : NULL;
    Py_XDECREF(prefix);
    Py_DECREF(whole);
    return below;
}

/* code_of(*args): the code of a call, as the tables spell it; None where it has none. */
static PyObject *module_code_of(PyObject *self, PyObject *args)
{
    packed p;
    if (pack_all(args, &p))
        Py_RETURN_NONE;
    PyObject *text = PyUnicode_FromString("");
    for (int i = 0, n; text && i < p.length; i += n) {
        n = p.code[i] == 'A' ? 5 : 1;
        PyObject *part, *longer, *class;
        if (p.code[i] == 'N') {
            memcpy(&class, p.code + i + 1, sizeof class);
            n += sizeof class;
            PyObject *name = spelling(class);
            if (name == Py_None) {
                Py_DECREF(text);
                return name;
            }
            part = name ? PyUnicode_FromFormat("N%U{", name) : NULL;
            Py_XDECREF(name);
        } else {
            part = PyUnicode_FromStringAndSize((const char *)p.code + i, n);
        }
        longer = part ? PyUnicode_Concat(text, part) : NULL;
        Py_XDECREF(part);
        Py_DECREF(text);
        text = longer;
    }
    return text;
}

#if defined(__x86_64__) || defined(_M_X64)
static void cpuid(uint32_t leaf, uint32_t r[4])
{
#if defined(_MSC_VER)
    __cpuidex((int *)r, (int)leaf, 0);
#else
    __cpuid_count(leaf, 0, r[0], r[1], r[2], r[3]);
#endif
}

/* Which registers the system saves: bits 1 and 2 those of SSE and AVX, 5 to 7 those of AVX-512. */
static uint64_t saved_registers(void)
{
#if defined(_MSC_VER)
    return _xgetbv(0);
#else
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
#endif
}

/* The highest level of x86-64 (psABI, table 3.1) whose every feature is there. */
static int level(void)
{
    uint32_t r[4];
    cpuid(0, r);
    uint32_t most = r[0];
    cpuid(0x80000000, r);
    uint32_t most_extended = r[0];
    if (most < 1 || most_extended < 0x80000001)
        return 1;
    cpuid(1, r);
    uint32_t c1 = r[2], b7 = 0, c8;
    if (most >= 7) {
        cpuid(7, r);
        b7 = r[1];
    }
    cpuid(0x80000001, r);
    c8 = r[2];
    /* sse3 ssse3 cx16 sse4.1 sse4.2 popcnt; lahf */
    const uint32_t C1_V2 = 1u << 0 | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23, C8_V2 = 1u << 0;
    /* fma movbe osxsave avx f16c; bmi1 avx2 bmi2; lzcnt */
    const uint32_t C1_V3 = 1u << 12 | 1u << 22 | 1u << 27 | 1u << 28 | 1u << 29, B7_V3 = 1u << 3 | 1u << 5 | 1u << 8;
    const uint32_t C8_V3 = 1u << 5;
    /* avx512 f dq cd bw vl */
    const uint32_t B7_V4 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;
    if ((c1 & C1_V2) != C1_V2 || (c8 & C8_V2) != C8_V2)
        return 1;
    if ((c1 & C1_V3) != C1_V3 || (b7 & B7_V3) != B7_V3 || (c8 & C8_V3) != C8_V3 || (saved_registers() & 0x6) != 0x6)
        return 2;
    return (b7 & B7_V4) != B7_V4 || (saved_registers() & 0xE6) != 0xE6 ? 3 : 4;
}
#else
static int level(void) { return 0; }
#endif

static PyObject *module_level(PyObject *self, PyObject *unused) { return PyLong_FromLong(level()); }

static PyMethodDef module_methods[] = {
    {"code_of", module_code_of, METH_VARARGS, "code_of(*args): the code of a call's arguments, or None"},
    {"level", module_level, METH_NOARGS, "level(): the highest level of x86-64 that this machine has; 0 on others"},
    {NULL},
};

static int module_exec(PyObject *module)
{
    static const int numbers[] = {NPY_BOOL, NPY_BYTE, NPY_UBYTE, NPY_SHORT, NPY_USHORT, NPY_INT, NPY_UINT,
                                  NPY_LONG, NPY_ULONG, NPY_LONGLONG, NPY_ULONGLONG, NPY_FLOAT, NPY_DOUBLE};
    import_array1(-1);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        PyArray_Descr *d = PyArray_DescrFromType(numbers[i]);
        if (!d)
            return -1;
        int size = (int)PyDataType_ELSIZE(d), wide = size == 2 ? 1 : size == 4 ? 2 : size == 8 ? 3 : 0;
        letters[numbers[i]] = d->kind == 'b' ? '?' : (d->kind == 'f' ? "  fd" : d->kind == 'i' ? "bhil" : "BHIL")[wide];
        Py_DECREF(d);
    }
    PyObject *numpy = PyImport_ImportModule("numpy");
    memmap = numpy ? (PyTypeObject *)PyObject_GetAttrString(numpy, "memmap") : NULL;
    Py_XDECREF(numpy);
    PyObject *type = memmap ? PyType_FromSpec(&launcher_spec) : NULL;
    int failed = !type || PyModule_AddObjectRef(module, "Launcher", type);
    Py_XDECREF(type);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#if defined(Py_GIL_DISABLED)
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};
static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT, "fastml_ext._launch", "Calls kernels that were compiled ahead of time.", 0, module_methods,
    module_slots,
};

PyMODINIT_FUNC PyInit__launch(void) { return PyModuleDef_Init(&module_def); }
