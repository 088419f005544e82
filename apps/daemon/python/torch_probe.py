"""Says what the PyTorch of this python is and sees, as one line of JSON. It makes no tensor on any device."""

import json
import sys
import warnings


def first_line(text):
    return next(iter(str(text).strip().splitlines()), "")


def why(error):
    return first_line(f"{type(error).__name__}: {error}")


facts = {"python": sys.version.split()[0], "executable": sys.executable, "torch": None, "error": None}
try:
    import torch
except Exception as error:  # A build for another CUDA may fail in many ways.
    facts["error"] = why(error)
else:
    facts["torch"] = torch.__version__
    facts["cuda"] = torch.version.cuda
    facts["hip"] = getattr(torch.version, "hip", None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            facts["available"] = torch.cuda.is_available()
            facts["devices"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
            facts["architectures"] = torch.cuda.get_arch_list()
            facts["cudnn"] = torch.backends.cudnn.version()
            if facts["cuda"] and not facts["available"]:
                torch.cuda.init()  # It is to say why.
        except Exception as error:
            facts["error"] = why(error)
    facts["warnings"] = [first_line(warning.message) for warning in caught][:3]
# On a line of its own, whatever was printed before.
print("\n" + json.dumps(facts), flush=True)
