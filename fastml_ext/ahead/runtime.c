/* What the kernels compiled ahead ask of Numba's run time, and the extension that holds the kernels of one level.

   Numba's helpers stand in an extension of its own, which is not there where nothing is compiled. The names and the
   layout of `meminfo` are Numba's; the code is ours. compile.py writes table.c, which includes this file. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "_launch.h"

/* Memory: an array that a kernel makes is a block of bytes whose references are counted. */

typedef void (*destructor_of_data)(void *data, size_t size, void *info);

typedef struct {
    size_t references; /* counted by code that Numba makes, atomically */
    destructor_of_data destructor;
    void *info;
    void *data;
    size_t size;
    void *allocator; /* always null: malloc */
} meminfo;

void *NRT_Allocate(size_t size) { return malloc(size); }

void NRT_Free(void *block) { free(block); }

static meminfo *new_meminfo(size_t size, size_t room)
{
    meminfo *made = room > SIZE_MAX - sizeof(meminfo) ? NULL : malloc(sizeof(meminfo) + room);
    if (made)
        *made = (meminfo){1, NULL, NULL, made + 1, size, NULL};
    return made;
}

void *NRT_MemInfo_alloc_aligned(size_t size, uint32_t align)
{
    meminfo *made = size > SIZE_MAX - align ? NULL : new_meminfo(size, size + align);
    if (made && align)
        made->data = (void *)(((uintptr_t)made->data + align - 1) / align * align);
    return made;
}

void *NRT_MemInfo_alloc(size_t size) { return NRT_MemInfo_alloc_aligned(size, 16); }

void *NRT_MemInfo_data_fast(meminfo *info) { return info->data; }

void NRT_MemInfo_call_dtor(meminfo *info)
{
    if (info->destructor)
        info->destructor(info->data, info->size, info->info);
    free(info);
}

/* A list's data can grow, so it is a block of its own. */
static void free_growing(void *data, size_t size, void *destructor)
{
    (void)size;
    if (destructor)
        ((void (*)(void *))destructor)(data);
    free(data);
}

void *NRT_MemInfo_new_varsize_dtor(size_t size, void *destructor)
{
    meminfo *made = new_meminfo(size, 0);
    if (!made)
        return NULL;
    made->destructor = free_growing, made->info = destructor;
    made->data = malloc(size ? size : 1);
    if (made->data)
        return made;
    free(made);
    return NULL;
}

void *NRT_MemInfo_varsize_realloc(meminfo *info, size_t size)
{
    void *moved = realloc(info->data, size ? size : 1);
    if (!moved)
        return NULL;
    info->data = moved, info->size = size;
    return moved;
}

static void release(void *owner)
{
    meminfo *info = owner;
#if defined(_MSC_VER)
    if (_InterlockedDecrement64((volatile long long *)&info->references) == 0)
#else
    if (__atomic_sub_fetch(&info->references, 1, __ATOMIC_ACQ_REL) == 0)
#endif
        NRT_MemInfo_call_dtor(info);
}

/* Arrays: the strides of `new_shape` over the same data, or 0 where only a copy has that shape.

   The axes of both shapes are walked in groups of equal size; the old axes of a group must lie in memory as one. */
int numba_attempt_nocopy_reshape(Py_ssize_t nd, const Py_ssize_t *shape, const Py_ssize_t *strides, Py_ssize_t new_nd,
                                 const Py_ssize_t *new_shape, Py_ssize_t *new_strides, Py_ssize_t itemsize,
                                 int is_fortran)
{
    Py_ssize_t old_end = nd, new_end = new_nd, size = 1;
    if (is_fortran)
        return 0; /* np.reshape in a kernel asks for C order only */
    for (Py_ssize_t axis = 0; axis < nd; axis++)
        size *= shape[axis];
    if (size == 0) { /* no item, so no step between two */
        for (Py_ssize_t axis = 0; axis < new_nd; axis++)
            new_strides[axis] = itemsize;
        return 1;
    }
    while (new_end > 0) {
        Py_ssize_t old_size = 1, new_size = new_shape[--new_end], first_new = new_end, step = itemsize, chain = 0;
        if (new_size == 1) {
            new_strides[new_end] = itemsize;
            continue;
        }
        for (;;) { /* take axes on either side until the group is complete */
            if (old_size < new_size) {
                if (old_end == 0)
                    return 0;
                if (shape[--old_end] == 1)
                    continue;
                if (chain && strides[old_end] != chain)
                    return 0;
                if (!chain)
                    step = strides[old_end];
                chain = strides[old_end] * shape[old_end];
                old_size *= shape[old_end];
            }
            else if (new_size < old_size) {
                if (new_end == 0)
                    return 0;
                new_size *= new_shape[--new_end];
            }
            else
                break;
        }
        for (Py_ssize_t axis = first_new; axis >= new_end; axis--) {
            new_strides[axis] = step;
            step *= new_shape[axis];
        }
    }
    return 1;
}

/* Numbers. */

double numba_nextafter(double x, double y) { return nextafter(x, y); }
float numba_nextafterf(float x, float y) { return nextafterf(x, y); }
double numba_frexp(double x, int *exponent) { return isfinite(x) ? frexp(x, exponent) : (*exponent = 0, x); }
float numba_frexpf(float x, int *exponent) { return isfinite(x) ? frexpf(x, exponent) : (*exponent = 0, x); }
double numba_ldexp(double x, int exponent) { return ldexp(x, exponent); }
float numba_ldexpf(float x, int exponent) { return ldexpf(x, exponent); }

/* BLAS: SciPy's, which blas.py holds to one thread. It is looked up by the first kernel that needs it. */

typedef void (*gemm)(char *, char *, int *, int *, int *, void *, void *, int *, void *, int *, void *, void *, int *);
typedef void (*gemv)(char *, int *, int *, void *, void *, int *, void *, int *, void *, void *, int *);
typedef float (*sdot)(int *, void *, int *, void *, int *);
typedef double (*ddot)(int *, void *, int *, void *, int *);

enum { SGEMM, DGEMM, SGEMV, DGEMV, SDOT, DDOT, ROUTINES };
static const char *const names[ROUTINES] = {"sgemm", "dgemm", "sgemv", "dgemv", "sdot", "ddot"};
static void *routines[ROUTINES];

static void find_routines(void)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *module = PyImport_ImportModule("scipy.linalg.cython_blas");
    PyObject *functions = module ? PyObject_GetAttrString(module, "__pyx_capi__") : NULL;
    for (int i = ROUTINES; functions && i-- > 0;) { /* the first one last: who sees it sees all */
        PyObject *capsule = PyMapping_GetItemString(functions, names[i]);
        if (capsule)
            routines[i] = PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule));
        Py_XDECREF(capsule);
    }
    if (PyErr_Occurred() || !routines[0])
        Py_FatalError("scipy.linalg.cython_blas does not hold the routines of BLAS");
    Py_DECREF(functions);
    Py_DECREF(module);
    PyGILState_Release(state);
}

static void *routine(int which, char kind)
{
    if (!routines[0])
        find_routines();
    return routines[which + (kind == 'd')];
}

int numba_xxgemm(char kind, char transpose_a, char transpose_b, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, void *alpha,
                 void *a, Py_ssize_t lda, void *b, Py_ssize_t ldb, void *beta, void *c, Py_ssize_t ldc)
{
    int M = (int)m, N = (int)n, K = (int)k, A = (int)lda, B = (int)ldb, C = (int)ldc;
    ((gemm)routine(SGEMM, kind))(&transpose_a, &transpose_b, &M, &N, &K, alpha, a, &A, b, &B, beta, c, &C);
    return 0;
}

int numba_xxgemv(char kind, char transpose, Py_ssize_t m, Py_ssize_t n, void *alpha, void *a, Py_ssize_t lda, void *x,
                 void *beta, void *y)
{
    int M = (int)m, N = (int)n, A = (int)lda, one = 1;
    ((gemv)routine(SGEMV, kind))(&transpose, &M, &N, alpha, a, &A, x, &one, beta, y, &one);
    return 0;
}

int numba_xxdot(char kind, char conjugate, Py_ssize_t n, void *x, void *y, void *result)
{
    int N = (int)n, one = 1;
    (void)conjugate;
    if (kind == 'd')
        *(double *)result = ((ddot)routine(SDOT, kind))(&N, x, &one, y, &one);
    else
        *(float *)result = ((sdot)routine(SDOT, kind))(&N, x, &one, y, &one);
    return 0;
}

void numba_gil_ensure(void *state) { (void)state, abort(); } /* only where BLAS failed, which the functions above never say */

/* The extension. */

static int fill(PyObject *module, const fastml_variant *variants, int32_t count, const char *sources)
{
    static fastml_kernels kernels;
    kernels = (fastml_kernels){variants, count, release};
    PyObject *capsule = PyCapsule_New(&kernels, FASTML_KERNELS, NULL);
    int failed = !capsule || PyModule_AddObjectRef(module, "table", capsule) < 0;
    Py_XDECREF(capsule);
    return failed ? -1 : PyModule_AddStringConstant(module, "sources", sources);
}
