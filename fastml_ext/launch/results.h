/* What a kernel returns, or raises, as Python's objects: a part of _launch.c. */

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
