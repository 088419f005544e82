import { readFileSync } from 'node:fs';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

export type Schema = Record<string, unknown> | boolean;
export interface Parameter {
  in: 'path' | 'query' | 'header';
  name: string;
  required?: boolean;
  schema: Schema;
}
export interface Operation {
  id: string;
  method: string;
  path: string;
  description: string;
  parameters: Parameter[];
  body: Schema | null;
  bodyIsRequired: boolean;
  responses: Record<
    string,
    { content?: Record<string, { schema: Schema }>; headers?: Record<string, unknown> }
  >;
  sample: string;
}

/** openapi.yaml, and what it says of answers. */
export class ApiDocument {
  readonly components: { schemas: Record<string, Schema>; headers: Record<string, { required?: boolean }> };
  readonly operations: Operation[];
  private readonly ajv: Ajv2020.default;
  private readonly known = new Map<Schema, ValidateFunction>();

  constructor() {
    const document = parse(readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8'));
    this.components = document.components;
    this.ajv = new Ajv2020.default({ strict: false, allErrors: true });
    addFormats.default(this.ajv);
    this.ajv.addSchema({ $id: 'document', components: document.components });
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods as Record<string, never>).map(([method, said]) =>
        operationOf(path, method, said),
      ),
    );
  }

  /** What of an answer goes against the document; null: nothing. */
  problemOf({ responses }: Operation, status: number, type: string | null, body: string): string | null {
    const documented = responses[String(status)];
    if (!documented) return `status ${status} is not documented`;
    if (!documented.content) return body === '' ? null : 'a body where none is documented';
    const plain = (type ?? '').split(';')[0] as string;
    const content = documented.content[plain];
    if (!content) return `content type ${type} of ${status} is not documented`;
    if (!/[/+]json$/.test(plain)) return null;
    const validate = this.validatorOf(content.schema);
    return validate(JSON.parse(body)) ? null : `${status}: ${this.ajv.errorsText(validate.errors)}`;
  }

  /** Which headers an answer lacks, of those that the document says are always there. */
  missingHeaders({ responses }: Operation, status: number, headers: Record<string, unknown>): string[] {
    return Object.keys(responses[String(status)]?.headers ?? {}).filter(
      (name) => this.components.headers[name]?.required && headers[name.toLowerCase()] === undefined,
    );
  }

  private validatorOf(schema: Schema): ValidateFunction {
    const known = this.known.get(schema);
    if (known) return known;
    const absolute = JSON.parse(
      JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/'),
    );
    const made = this.ajv.compile(absolute);
    this.known.set(schema, made);
    return made;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a document that others have checked
function operationOf(path: string, method: string, said: any): Operation {
  return {
    id: said.operationId,
    method: method.toUpperCase(),
    path,
    description: said.description ?? '',
    parameters: said.parameters ?? [],
    body: said.requestBody?.content?.['application/json']?.schema ?? null,
    bodyIsRequired: said.requestBody?.required === true,
    responses: said.responses,
    sample: said['x-codeSamples']?.[0]?.source ?? '',
  };
}
