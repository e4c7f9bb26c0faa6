import { readFile } from 'node:fs/promises';
import { CountersignError, systemClock } from '@countersign/core';
import { inspectDatabase } from '@countersign/postgres';
import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import type { CommandLineSurroundings } from '../command-line.ts';
import { checks } from '../doctor/checks.ts';
import { type Examined, examine } from '../doctor/examination.ts';
import { counted, type Verdict } from '../doctor/finding.ts';
import { databaseOf, keyringOf, type Outcome, withDatabase, withKeys } from '../operator.ts';

interface Options {
  readonly database?: string;
  readonly direct?: string;
  readonly keys?: string;
  readonly applicationRole?: string;
  readonly ntpHost?: string;
  readonly spool?: string;
  readonly url?: URL;
  readonly reviewHours: number;
  readonly apiPath: string;
  readonly pagesPath: string;
  readonly catalogue?: string;
  readonly json?: boolean;
}

/** `countersign doctor`: looks at everything that can be looked at from outside, and says what to do. Changes nothing. */
export function doctorCommand(program: Command, surroundings: CommandLineSurroundings, outcome: Outcome): void {
  const command = program
    .command('doctor')
    .description(
      'Looks at database, clock, keys, seals and site, and says what to cure. Exit status 1 where there is a fault.',
    )
    .option('--application-role <name>', 'the role that the application connects as; without it, that of --database')
    .option('--direct <url>', 'the server itself, where --database leads through a transaction pooler (listenUrl)')
    .option('--ntp-host <host>', 'a time server, host or host:port; without it, one on this machine is tried')
    .option('--spool <folder>', 'the folder of the spool on this machine')
    .option('--url <address>', 'publicUrl of the application: https, or http on this machine', siteAddress)
    .option('--review-hours <number>', 'how soon emergency access has to be reviewed (reviewSeconds)', hours, 72)
    .option('--api-path <path>', 'where its JSON endpoints are', '/api/v1')
    .option('--pages-path <path>', 'where its pages are', '/step-up')
    .option(
      '--catalogue <file>',
      'JSON list of the category ids that code declares; without it, those of the newest start',
    )
    .option('--json', 'findings as JSON');
  withKeys(withDatabase(command)).action(async (options: Options) => {
    const examined = await examination(options, surroundings);
    surroundings.stdout.write(
      options.json === true ? `${JSON.stringify(report(examined), null, 2)}\n` : pageOf(examined),
    );
    if (verdictsIn(examined).includes('fault')) outcome.status = 1;
  });
}

async function examination(options: Options, surroundings: CommandLineSurroundings): Promise<readonly Examined[]> {
  const { env } = surroundings;
  const database = databaseOf(options, surroundings);
  const given = options.keys !== undefined || (env.COUNTERSIGN_KEYS ?? '') !== '';
  const keyring = given ? await keyringOf(options, surroundings) : null;
  const catalogue = options.catalogue === undefined ? null : await catalogueIn(options.catalogue);
  const inspection = await inspectDatabase(database, options.direct === undefined ? {} : { listenUrl: options.direct });
  try {
    const patient = {
      clock: surroundings.clock ?? systemClock,
      inspection,
      store: inspection.store,
      keyring,
      production: env.NODE_ENV === 'production',
      applicationRole: options.applicationRole ?? null,
      ntpHost: options.ntpHost ?? null,
      spool: options.spool ?? null,
      url: options.url ?? null,
      reviewSeconds: options.reviewHours * 3600,
      apiPath: options.apiPath,
      pagesPath: options.pagesPath,
      catalogue,
    };
    return await examine(patient, checks);
  } finally {
    await inspection.close();
  }
}

async function catalogueIn(file: string): Promise<readonly string[]> {
  const refuse = (detail: string) =>
    new CountersignError('input_invalid', { field: 'catalogue', detail, cure: 'Give a JSON list such as ["5", "8"].' });
  const text = await readFile(file, 'utf8').catch(() => {
    throw refuse('The catalogue cannot be read.');
  });
  try {
    return z.array(z.string()).parse(JSON.parse(text));
  } catch {
    throw refuse('The catalogue is no list of category ids.');
  }
}

function hours(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 8760) return value;
  throw new InvalidArgumentError('A number of hours is needed.');
}

/** Plain HTTP only to this machine: what is looked at there would be no secret on the way. */
function siteAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const local = url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && local))) return url;
  throw new InvalidArgumentError('An https:// address is needed, or http:// of this machine.');
}

const marks: Readonly<Record<Verdict, string>> = {
  well: 'well   ',
  warning: 'WARNING',
  fault: 'FAULT  ',
  'not-asked': '-      ',
};

const verdictsIn = (examined: readonly Examined[]): readonly Verdict[] =>
  examined.flatMap(({ findings }) => findings.map(({ verdict }) => verdict));

function report(examined: readonly Examined[]) {
  const verdicts = verdictsIn(examined);
  const of = (verdict: Verdict) => verdicts.filter((one) => one === verdict).length;
  return { faults: of('fault'), warnings: of('warning'), subjects: examined };
}

function pageOf(examined: readonly Examined[]): string {
  const lines = examined.flatMap(({ subject, findings }) =>
    findings.flatMap(({ verdict, says, cure }) => [
      `${marks[verdict]} ${subject}: ${says}`,
      ...(cure === null ? [] : [`        → ${cure}`]),
    ]),
  );
  const { faults, warnings } = report(examined);
  const summary =
    faults + warnings === 0
      ? 'All that was looked at is well.'
      : `${counted(faults, 'fault')}, ${counted(warnings, 'warning')}.`;
  return `${[...lines, summary].join('\n')}\n`;
}
