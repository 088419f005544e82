import { run } from './run.js';

// Whoever reads our output may stop reading (`berth logs | head`): that is an end, not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const code = await run(process.argv.slice(2), {
  environment: process.env,
  directory: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  ...(process.stdin.isTTY ? { onKey } : {}),
  onInterrupt: (handler) => {
    process.on('SIGINT', handler);
    return () => process.off('SIGINT', handler);
  },
});
process.exit(code);

function onKey(handler: (text: string) => void): () => void {
  const { stdin } = process;
  // Whoever is told to end leaves the terminal as it was.
  const quit = (): void => handler('\x03');
  stdin.setRawMode(true).setEncoding('utf8').on('data', handler).resume();
  process.on('SIGTERM', quit).on('SIGHUP', quit);
  return () => {
    process.off('SIGTERM', quit).off('SIGHUP', quit);
    stdin.off('data', handler).pause().setRawMode(false);
  };
}
