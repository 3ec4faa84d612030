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

Results use the same codes, without records; the slots of an array that is returned are owner, parent, size, itemsize,
address, lengths, strides.
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

#if NPY_BYTE_ORDER != NPY_LITTLE_ENDIAN || NPY_SIZEOF_INTP != 8
#error "slots are read as little-endian words of 64 bits"
#endif

enum { MOST_SLOTS = 512, MOST_CODE = 1024, MOST_RESULTS = 128, MOST_DIMENSIONS = 9, WORD = 8 };

/* One translation unit, because the table of NumPy's functions belongs to one. */
#include "launch/pack.h"
#include "launch/variants.h"
#include "launch/results.h"
#include "launch/level.h"

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
