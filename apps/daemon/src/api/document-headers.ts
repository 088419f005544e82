const TEXT = { schema: { type: 'string' } } as const;
const COUNT = { schema: { type: 'integer', minimum: 0 } } as const;
const ALWAYS = { required: true } as const;

/** What answers carry besides their bodies, as OpenAPI's components have it. */
export const HEADERS = {
  ETag: {
    description: 'What it is now (RFC 9110): for If-None-Match, and of a job for If-Match.',
    ...TEXT,
    ...ALWAYS,
  },
  Location: { description: 'Where what was made is.', ...TEXT, ...ALWAYS },
  'Idempotency-Replayed': {
    description: '`true`: it was made when this key was sent first; left out: there was no such key.',
    ...TEXT,
  },
  'Retry-After': { description: 'After how many seconds to try again.', ...COUNT, ...ALWAYS },
  'Content-Range': {
    description: 'Which bytes of how many these are; with 416: of how many.',
    ...TEXT,
    ...ALWAYS,
  },
  'Berth-Log-Offset': { description: 'At which byte of the log the answer begins.', ...COUNT },
  'WWW-Authenticate': { description: 'How to say who one is (RFC 6750).', ...TEXT, ...ALWAYS },
} as const;
type Header = keyof typeof HEADERS;

const JOB = '#/components/schemas/Job';
const PROBLEM = 'application/problem+json';

interface Answer {
  content?: Record<string, { schema?: { $ref?: string } }>;
  headers?: Record<string, object>;
}
interface Operation {
  operationId?: string;
  parameters?: object[];
  responses?: Record<string, Answer>;
}

/** Adds to every operation the headers of its answers, and If-None-Match where one of them may be 304. */
export function withHeaders<T extends object>(document: T): T {
  const { paths = {} } = document as { paths?: Record<string, Record<string, Operation>> };
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    const { responses = {} } = operation;
    for (const [status, answer] of Object.entries(responses)) {
      const names = headersOf(operation, status, answer);
      if (names.length === 0) continue;
      answer.headers = Object.fromEntries(
        names.map((name) => [name, { $ref: `#/components/headers/${name}` }]),
      );
    }
    if ('304' in responses) {
      const description = 'ETags of answers that are there already: where it is still so, the answer is 304.';
      operation.parameters = [
        ...(operation.parameters ?? []),
        { in: 'header', name: 'if-none-match', description, schema: { type: 'string' } },
      ];
    }
  }
  return document;
}

function headersOf({ operationId, responses = {} }: Operation, status: string, answer: Answer): Header[] {
  const isProblem = answer.content?.[PROBLEM] !== undefined;
  const isJob = answer.content?.['application/json']?.schema?.$ref === JOB;
  const rules: [Header, boolean][] = [
    ['WWW-Authenticate', status === '401'],
    ['Retry-After', isProblem && (status === '429' || status === '503')],
    ['ETag', status === '304' || isJob || (status === '200' && '304' in responses)],
    // A token is at no address.
    ['Location', status === '201' && operationId !== 'createToken'],
    ['Idempotency-Replayed', status === '200' && '201' in responses],
    ['Content-Range', status === '206' || status === '416'],
    ['Berth-Log-Offset', operationId === 'getLogs' && (status === '200' || status === '206')],
  ];
  return rules.filter(([, applies]) => applies).map(([name]) => name);
}
