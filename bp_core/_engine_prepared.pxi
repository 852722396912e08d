"""A network prepared for prediction: laid out once, never changed, so that any number of threads may use it at once."""
from cython cimport auto_pickle


@auto_pickle(False)
cdef class Prepared:
    """Predicts with `parameters`, which it keeps open and which must not change; `longer` is asked where arrays are not plain.

    Its own call, not one of Python's, is what makes it quicker than a method: no frame, no plan to lay out.
    """

    cdef Net net                    # every layer with a row of biases of its own, as if each unit had one
    cdef Run parameters
    cdef real* bias_rows
    cdef object longer

    def __cinit__(self, bytes plan, parameters, longer):
        self.longer = longer
        open_net(&self.net, plan)
        open_reals(&self.parameters, parameters, self.net.size, False, "the parameters")
        bind_parameters(&self.net, <real*>self.parameters.data)
        self.bias_rows = <real*>calloc(bias_rows_size(&self.net) + 1, sizeof(real))
        if self.bias_rows == NULL:
            raise MemoryError("no memory for the biases")
        prepare_bias_rows(&self.net, self.bias_rows)
        own_bias_rows(&self.net)

    def __dealloc__(self):
        close_run(&self.parameters)
        close_net(&self.net)
        free(self.bias_rows)

    def __call__(self, X, *, out=None, n_threads=None):
        # What `predict_plain` returns, else what `longer` does.
        plain = None if n_threads is not None else predict_prepared(&self.net, X, out)
        return plain if plain is not None else self.longer(X, out=out, n_threads=n_threads)


cdef void own_bias_rows(Net* net) noexcept:
    """Once they are spread, every layer has a row of biases as if each unit had its own."""
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        net.layers[l].bias = UNIT_BIAS


cdef object predict_prepared(Net* net, object X, object out):
    cdef Prediction p
    open_nothing(&p)
    p.net = net
    p.parameters.data, p.parameters.length = NULL, 0    # nobody else can write there
    try:
        return predict_opened(&p, X, out)
    finally:
        close_prediction(&p)
