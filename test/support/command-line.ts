import { type CommandLineSurroundings, runCommandLine } from '@countersign/cli';

/** Runs one command of `countersign` in this process, with what it wrote. Without `env` none of the machine's is seen. */
export async function runCommand(args: readonly string[], surroundings: Partial<CommandLineSurroundings> = {}) {
  let out = '';
  let err = '';
  const status = await runCommandLine(args, {
    env: {},
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    ...surroundings,
  });
  return { status, out, err };
}
