import { z } from 'zod';

export const SnapshotModeSchema = z.enum(['git', 'copy']).meta({
  id: 'SnapshotMode',
  description:
    'The job runs in a copy of its code as it is at submission, at the same place inside it. `git`: the files of the repository that ' +
    'the working directory is in, with all uncommitted changes, which are recorded as a diff. `copy`: the tree of that repository, ' +
    'or of the working directory; a file `.berthignore` at its top (as .gitignore) says instead of git what stays out. Absolute ' +
    'paths in the command are left as they are. Ignored files are in neither.',
});
export type SnapshotMode = z.infer<typeof SnapshotModeSchema>;

export const CodeSchema = z
  .object({
    root: z.string().meta({ description: 'The top of the tree.' }),
    commit: z
      .string()
      .nullable()
      .meta({ description: 'null: it is in no git repository, or that has no commit.' }),
    branch: z.string().nullable(),
    dirty: z.boolean().nullable().meta({
      description:
        'Whether anything was uncommitted, files that git does not know included; null: not known in time.',
    }),
    remote: z.string().nullable().meta({ description: 'Of `origin`, without credentials.' }),
    snapshot: z
      .object({
        owner: z.string().meta({ description: 'The job or group whose copy it is.' }),
        directory: z.string().meta({ description: 'Where the job runs: inside its copy.' }),
        files: z.int().nonnegative(),
        bytes: z.int().nonnegative(),
        changes: z.string().nullable().meta({
          description: 'The file with the uncommitted diff (`git apply` takes it); null: there is none.',
        }),
      })
      .nullable()
      .meta({ description: 'null: the job runs in the working directory itself, as it is when it starts.' }),
  })
  .meta({ id: 'Code', description: 'The code in the working directory, at submission.' });
export type Code = z.infer<typeof CodeSchema>;
