# SPDX-License-Identifier: Apache-2.0

"""Parameters of papermill for the notebooks of Lateral.

papermill injects a cell with the parameters behind the one tagged "parameters", and knows no Go. This translator has that
cell put them where kernelext.Param of all later cells finds them: in the environment variable LATERAL_PARAMS.
"""

import json
import math
import re

from papermill.engines import NBClientEngine
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

# A call such as kernelext.Param("units", 128); what stands there is shown by papermill --help-notebook.
PARAM = re.compile(r'\bParam(?:\[(?P<type>\w+)\])?\(\s*"(?P<name>\w+)"\s*,\s*(?P<value>.+?)\)\s*(?://\s*(?P<help>.*))?$', re.M)


class LateralTranslator(Translator):
    @classmethod
    def codify(cls, parameters, comment="Parameters"):
        def finite(value):
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError("a parameter of a Lateral notebook is a finite number, not %s" % value)
            return value

        text = json.dumps({name: finite(value) for name, value in parameters.items()}, separators=(",", ":"))
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        return '%%env LATERAL_PARAMS "%s"\n' % quoted

    @classmethod
    def comment(cls, text):
        return "// " + text

    @classmethod
    def inspect(cls, cell):
        return [
            Parameter(name=m["name"], inferred_type_name=m["type"] or "None", default=m["value"], help=m["help"] or "")
            for m in PARAM.finditer(cell.source)
        ]


for name in ("lateral", "go"):
    papermill_translators.register(name, LateralTranslator)


class LateralEngine(NBClientEngine):
    """papermill's own engine, under the name by which papermill finds this file."""
