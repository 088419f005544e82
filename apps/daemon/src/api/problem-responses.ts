import { PROBLEMS, type ProblemCode, ProblemSchema, problemType } from '@berth/contract';

/** The `response` entries of a route for the problems that it answers with, and for those that every route may. */
export function problems(...codes: ProblemCode[]) {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of [
    ...new Set([...codes, 'forbidden'] as const),
    'unauthorized',
    'too_many_attempts',
    'internal_error',
    'ledger_unavailable',
  ] as const) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, kinds]) => [
      String(status),
      {
        description: kinds.map((code) => `${PROBLEMS[code].title} (\`${problemType(code)}\`)`).join('; '),
        content: { 'application/problem+json': { schema: ProblemSchema } },
      },
    ]),
  );
}
