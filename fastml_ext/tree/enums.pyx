"""The enums that the kernels of trees share with Python: they stand once, in enums.pxd."""
