import { z } from 'zod';

export const LedgerImportSchema = z
  .object({
    jobs: z.int().nonnegative().meta({ description: 'How many jobs there are now.' }),
    held: z.int().nonnegative().meta({
      description:
        'How many of them ran when they were exported: they wait, held, until somebody has looked.',
    }),
  })
  .meta({ id: 'LedgerImport', description: 'What an import has brought.' });
export type LedgerImport = z.infer<typeof LedgerImportSchema>;
