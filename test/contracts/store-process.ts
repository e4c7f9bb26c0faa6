import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';

export interface StoreProcess {
  readonly child: ChildProcess;
  /** What its watch was told, with our own time of arrival. */
  readonly told: { readonly at: number; readonly what: readonly unknown[] }[];
  ask<T = unknown>(task: string, ...args: unknown[]): Promise<T>;
  kill(): Promise<void>;
}

/** A process with a store of its own, or one that runs another script; it is killed at the end of the test file. */
export function storeProcess(script: URL = new URL('store-process.mjs', import.meta.url)): StoreProcess {
  const child = fork(fileURLToPath(script), { execArgv: [] });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  const told: StoreProcess['told'] = [];
  child.on('message', (message: { id?: number; value?: unknown; error?: object; told?: unknown[] }) => {
    if (message.told) told.push({ at: performance.now(), what: message.told });
    const asked = message.id === undefined ? undefined : waiting.get(message.id);
    if (message.error) asked?.reject(Object.assign(new Error('The process answered with an error.'), message.error));
    else asked?.resolve(message.value);
  });
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  t.teardown(kill);
  let last = 0;
  return {
    child,
    told,
    kill,
    ask: <T>(task: string, ...args: unknown[]) => {
      last += 1;
      const id = last;
      return new Promise<T>((resolve, reject) => {
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        child.send({ id, task, args });
      });
    },
  };
}
