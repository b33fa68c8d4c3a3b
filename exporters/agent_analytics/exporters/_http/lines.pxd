# What the compiler is given beside the text of lines.py: the types of fields, names and values.
# Python does not read this file.

cimport cython
from libc.string cimport memcpy


# Slices of `char*` are copied byte by byte through objects. `Text` looks first whether there is room.
cdef inline int copy_into(char* to, Py_ssize_t at, bytes piece) except -1:
    memcpy(to + at, <const char*>piece, len(piece))
    return 0


cdef int _TOTAL, _SCALED, _FIRST_BUCKET, _MEASURED, _MEASUREMENTS
cdef Py_ssize_t _NUMBER, _EXEMPLAR
cdef long long _EXACT, _LEAST
cdef object _ID, _ID_BITS
cdef int _ID_DIGITS
cdef dict _NO_MARKS
cdef bytes _HEX
cdef int _ZERO
cdef Py_ssize_t _IDS


cdef class Labels:
    cdef dict _begun

    @cython.locals(
        begun=dict, ends=dict, texts=list, row=tuple, values=tuple, ids=tuple, rest=tuple,
        begin=bytes, end=bytes,
    )
    cpdef list of(self, tuple names, rows)


cdef class Lines:
    cdef list _befores, _afters, _forms, _firsts, _sizes
    cdef Py_ssize_t _number, _room
    cdef long long _scale

    @cython.locals(room=Py_ssize_t, label=bytes, row=tuple, text=Text, index=Py_ssize_t)
    cpdef bytes text(self, list labels, list rows, bint exemplars)
    @cython.locals(
        total="long long", cell="long long", empty=bint, line=Py_ssize_t, form=int,
        first=Py_ssize_t, exemplar=tuple,
    )
    cdef int _write(self, Text text, bytes label, list cells, dict marks) except -1


@cython.locals(total="long long", cell="long long", place=Py_ssize_t)
cdef long long _total(list cells, Py_ssize_t first, Py_ssize_t size) except? -1
@cython.locals(cell="long long", place=Py_ssize_t)
cdef int _is_empty(list cells, Py_ssize_t first, Py_ssize_t size) except -1


@cython.final
cdef class Text:
    cdef bytearray _held
    cdef char* _to
    cdef Py_ssize_t _room, _at

    cpdef bytes done(self)
    @cython.locals(at=Py_ssize_t)
    cdef int put(self, bytes piece) except -1
    @cython.locals(left="unsigned long long", width=int)
    cdef int whole(self, long long number) except -1
    @cython.locals(to="char*", at=Py_ssize_t, place=Py_ssize_t)
    cdef int digits(self, unsigned long long number, int width) except -1
    @cython.locals(rest="unsigned long long", width=int)
    cdef int scaled(self, long long number, long long scale) except -1
    @cython.locals(trace_id=object)
    cdef int exemplar(self, tuple exemplar, long long scale) except -1
    @cython.locals(to="char*", at=Py_ssize_t, place=Py_ssize_t)
    cdef int id(self, unsigned long long number) except -1
    cdef Py_ssize_t _end(self, Py_ssize_t size) except -1
