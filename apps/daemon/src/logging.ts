import { destination, type Logger, type LoggerOptions, pino, stdSerializers } from 'pino';

/** What finds no room waits for it, up to this much. */
const MOST_WAITING_BYTES = 2 ** 20;

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
const DISCREET: LoggerOptions = {
  redact: ['req.headers.authorization'],
  serializers: { err: withoutArguments, error: withoutArguments },
};

/**
 * The log of this process. Where it can't be written, such as to a full disk, the process goes on.
 * @param descriptor where it goes: the standard output
 */
export function openLog(options: Pick<LoggerOptions, 'level' | 'base'>, descriptor = 1): Logger {
  const output = destination({ dest: descriptor, sync: true, maxLength: MOST_WAITING_BYTES });
  output.on('error', () => undefined);
  return pino({ ...DISCREET, ...options }, output);
}
