import type { FastifyInstance } from 'fastify';
import { ApiProblem } from './problem.js';

/** Reads bodies: JSON alone, as it is; a form or a text is what pages may send anywhere without asking. */
export function readBodies(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
    // Many clients name the type of every POST. Whether a body may be left out the route's schema says.
    if (text === '') return done(null);
    parse(request, text, (error, body) => {
      if (error) return done(whyNoJson(text));
      const half = halfCharacterIn(text, body);
      if (half === null) return done(null, body);
      const detail = `The body has ${half}, one half of a character that takes two (RFC 8259, section 8.2); send both, or leave it out`;
      done(new ApiProblem('malformed_request', detail));
    });
  });
  app.addHook('onRequest', async ({ headers }) => {
    if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
      const detail = `Nothing is known here of the expectation ${JSON.stringify(headers.expect.slice(0, 100))}; leave the header Expect out`;
      throw new ApiProblem('expectation_failed', detail);
    }
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
      const detail = `The body is encoded as ${JSON.stringify(encoding.slice(0, 100))}; send it as it is, without Content-Encoding`;
      throw new ApiProblem('unsupported_media_type', detail);
    }
  });
}

/** A surrogate without its other half: nobody can print it, and no other program reads it alike. null: there is none. */
function halfCharacterIn(text: string, body: unknown): string | null {
  if (!/\\u[dD][89a-fA-F]/.test(text)) return null;
  // JSON.stringify escapes halves, and nothing else in this range.
  const found = /(?<!\\)(?:\\\\)*(\\ud[89a-f][0-9a-f]{2})/.exec(JSON.stringify(body));
  return found?.[1] ?? null;
}

function whyNoJson(text: string): ApiProblem {
  try {
    JSON.parse(text);
  } catch (error) {
    return new ApiProblem('malformed_request', `The body is no JSON: ${(error as Error).message}`);
  }
  const detail =
    'The body has a key __proto__, or a prototype in a constructor, which would change what every JavaScript object is; leave it out';
  return new ApiProblem('malformed_request', detail);
}
