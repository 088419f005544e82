import { spawnSync } from 'node:child_process';

export interface PyTorch {
  /** The interpreter's absolute path. */
  python: string;
  version: string;
  /** The CUDA that it was built for; null: it uses no GPU. */
  cuda: string | null;
}

const QUESTION = `
import json, sys, torch
print(json.dumps({"python": sys.executable, "version": torch.__version__, "cuda": torch.version.cuda}))`;

/** The first python that has PyTorch: the one of BERTH_PYTHON, of the PATH, of the system. One that can use a GPU goes before. */
export function findPyTorch(): PyTorch | null {
  const pythons = [process.env.BERTH_PYTHON, 'python3', 'python', '/usr/bin/python3'].filter(
    (python) => python !== undefined,
  );
  const found = [...new Set(pythons)].flatMap((python): PyTorch[] => {
    const { status, stdout } = spawnSync(python, ['-c', QUESTION], { encoding: 'utf8', timeout: 120_000 });
    return status === 0 ? [JSON.parse(stdout) as PyTorch] : [];
  });
  return found.find(({ cuda }) => cuda) ?? found[0] ?? null;
}

export function nameOf(pytorch: PyTorch | null): string {
  if (!pytorch) return 'PyTorch is not here';
  const built = pytorch.cuda ? `for CUDA ${pytorch.cuda}` : 'without CUDA: it uses no GPU';
  return `PyTorch ${pytorch.version}, built ${built} (${pytorch.python})`;
}
