# SPDX-License-Identifier: Apache-2.0
"""execute.py NOTEBOOK RESULT: execute a notebook as nbconvert does, on the kernel of this module."""
import os
import sys

import nbclient
import nbformat

source, result = sys.argv[1:]
nb = nbformat.read(source, as_version=4)
nbclient.NotebookClient(
    nb, kernel_name="lateral", timeout=900, allow_errors=True, resources={"metadata": {"path": os.path.dirname(source)}}
).execute()
nbformat.write(nb, result)
