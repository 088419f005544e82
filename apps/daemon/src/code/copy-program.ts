/**
 * Copies a tree as an account: `node copy-program.js JSON`, started as root. All code is loaded by then, so the account need not be
 * able to read where we are installed; and a process that gave up root is one that the account can't trace, so what it says is ours.
 * Answers with `{"copied": …}` or `{"refused": "why"}` on stdout.
 */
import { z } from 'zod';
import { CopyRequestSchema, copyCode } from './copy.js';
import { GitError } from './git-program.js';
import { Provenance } from './provenance.js';
import { isAboutFiles, SnapshotRefused } from './tree.js';

const AskedSchema = z.object({
  account: z.object({ name: z.string(), uid: z.int().positive(), gid: z.int(), groups: z.array(z.int()) }),
  request: CopyRequestSchema,
});
const { account, request } = AskedSchema.parse(JSON.parse(process.argv[2] ?? ''));

process.umask(0o077);
// In this order, for each needs what the next one gives up.
process.setgroups?.(account.groups);
process.setgid?.(account.gid);
process.setuid?.(account.uid);
if (process.getuid?.() !== account.uid || process.geteuid?.() !== account.uid)
  throw new Error(`still not ${account.name}`);

try {
  console.log(JSON.stringify({ copied: await copyCode(request, new Provenance()) }));
} catch (error) {
  if (!(error instanceof SnapshotRefused) && !(error instanceof GitError) && !isAboutFiles(error))
    throw error;
  console.log(JSON.stringify({ refused: error.message }));
}
