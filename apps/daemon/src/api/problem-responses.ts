import { PROBLEMS, type ProblemCode, ProblemSchema, problemType } from '@berth/contract';

const EVERYWHERE = [
  'unauthorized',
  'forbidden',
  'too_many_attempts',
  'internal_error',
  'damaged_record',
  'ledger_unavailable',
] as const;

/** The `response` entries of a route for the problems that it answers with, and for those that every route may. */
export function problems(...codes: ProblemCode[]) {
  return Object.fromEntries(
    [...byStatus([...codes, ...EVERYWHERE])].map(([status, kinds]) => [
      String(status),
      { description: describe(kinds), content: { 'application/problem+json': { schema: ProblemSchema } } },
    ]),
  );
}

interface Operation {
  requestBody?: { required?: boolean; content?: Record<string, { schema?: Record<string, unknown> }> };
  responses?: Record<string, object>;
}

/** What fastify-zod-openapi notes for itself of a body that may be left out. */
const MAY_BE_LEFT_OUT = 'x-fastify-zod-openapi-optional';

/** Adds to every operation what is answered before its handler is asked: by its method alone; and lets bodies be left out that may be. */
export function withCommonProblems<T extends object>(document: T): T {
  const { paths = {} } = document as { paths?: Record<string, Record<string, Operation>> };
  const schema = { $ref: '#/components/schemas/Problem' };
  for (const [method, operation] of Object.values(paths).flatMap((path) => Object.entries(path))) {
    const ofBodies = ['payload_too_large', 'unsupported_media_type'] as const;
    const codes = ['malformed_request', ...(method === 'get' ? [] : ofBodies)] as const;
    operation.responses ??= {};
    const bodies = Object.values(operation.requestBody?.content ?? {}).map((body) => body.schema ?? {});
    for (const body of bodies.filter((each) => MAY_BE_LEFT_OUT in each)) {
      delete body[MAY_BE_LEFT_OUT];
      delete operation.requestBody?.required;
    }
    for (const [status, kinds] of byStatus(codes)) {
      operation.responses[status] ??= {
        description: describe(kinds),
        content: { 'application/problem+json': { schema } },
      };
    }
  }
  return document;
}

function byStatus(codes: readonly ProblemCode[]): Map<number, ProblemCode[]> {
  const kinds = new Map<number, ProblemCode[]>();
  for (const code of new Set(codes)) {
    const { status } = PROBLEMS[code];
    kinds.set(status, [...(kinds.get(status) ?? []), code]);
  }
  return kinds;
}

function describe(kinds: readonly ProblemCode[]): string {
  return kinds.map((code) => `${PROBLEMS[code].title} (\`${problemType(code)}\`)`).join('; ');
}
