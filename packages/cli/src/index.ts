export { type CommandLineSurroundings, runCommandLine } from './command-line.ts';
