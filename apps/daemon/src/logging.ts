import { type LoggerOptions, stdSerializers } from 'pino';

/** Redis's client says with what a command failed: with whole jobs, and so with the secrets in them. */
function withoutArguments(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { command, previousErrors, ...said } = stdSerializers.err(error) as unknown as Record<
    string,
    unknown
  >;
  const name = (command as { name?: string } | undefined)?.name;
  return { ...said, ...(name === undefined ? {} : { command: name }) };
}

/** What every log of Berth's leaves out. */
export const DISCREET: LoggerOptions = {
  redact: ['req.headers.authorization'],
  serializers: { err: withoutArguments, error: withoutArguments },
};
