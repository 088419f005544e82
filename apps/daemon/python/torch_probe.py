"""Says what the PyTorch of this python is and sees, as one line of JSON."""

import json
import sys
import warnings

facts = {"python": sys.version.split()[0], "executable": sys.executable, "torch": None, "error": None}
try:
    import torch
except Exception as error:  # A build for another CUDA may fail in many ways.
    facts["error"] = f"{type(error).__name__}: {error}"
else:
    facts["torch"] = torch.__version__
    facts["cuda"] = torch.version.cuda
    facts["hip"] = getattr(torch.version, "hip", None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            facts["cudnn"] = torch.backends.cudnn.version()
            facts["available"] = torch.cuda.is_available()
            facts["devices"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
            facts["architectures"] = torch.cuda.get_arch_list()
        except Exception as error:
            facts["error"] = f"{type(error).__name__}: {error}"
    facts["warnings"] = [str(warning.message).strip().splitlines()[0] for warning in caught][:3]
print(json.dumps(facts))
