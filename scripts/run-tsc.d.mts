/** Runs the compiler that the build uses, in `cwd`. */
export function runTsc(cwd: string, ...args: string[]): { readonly ok: boolean; readonly output: string };
