import { type Clock, CountersignError, type Keyring, type Store } from '@countersign/core';
import type { DatabaseInspection } from '@countersign/postgres';
import { type Finding, fault, warning } from './finding.ts';

/** What the checks look at. */
export interface Patient {
  readonly clock: Clock;
  readonly inspection: DatabaseInspection;
  readonly store: Store;
  /** Null where no keys were given. */
  readonly keyring: Keyring | null;
  /** Whether NODE_ENV says so. */
  readonly production: boolean;
  /** The role that the application connects as; null: that of this connection. */
  readonly applicationRole: string | null;
  readonly ntpHost: string | null;
  /** The folder of the spool on this machine. */
  readonly spool: string | null;
  /** The application's public address. */
  readonly url: URL | null;
  /** As `emergencyAccess.reviewSeconds`. */
  readonly reviewSeconds: number;
  readonly apiPath: string;
  readonly pagesPath: string;
  /** Ids that code declares; null: those of the newest start that is on the log. */
  readonly catalogue: readonly string[] | null;
}

/** One subject. Resolves with at least one finding; what it throws is a finding too. */
export interface Check {
  readonly subject: string;
  /** Nothing of the database is asked. */
  readonly offline?: true;
  look(patient: Patient): Promise<readonly Finding[]>;
}

export interface Examined {
  readonly subject: string;
  readonly findings: readonly Finding[];
}

/** A check that takes longer has not been passed. */
const SECONDS_EACH = 30;

/** Looks at one subject after the other. A check that cannot run says so, and counts as a warning. */
export async function examine(patient: Patient, checks: readonly Check[]): Promise<readonly Examined[]> {
  const examined: Examined[] = [];
  const away = await awayBecause(patient);
  if (away !== null) examined.push({ subject: 'Database', findings: [away] });
  for (const check of checks) {
    const findings = away !== null && check.offline !== true ? [unreached] : await bounded(() => check.look(patient));
    examined.push({ subject: check.subject, findings });
  }
  return examined;
}

const unreached = warning('This could not be looked at: the database does not answer.', 'Cure that first.');

/** Asked once, so that a database that is away is not waited for by each check. */
async function awayBecause({ inspection }: Patient): Promise<Finding | null> {
  try {
    await inspection.migrations();
    return null;
  } catch (error) {
    if (!CountersignError.is(error) || !['store_unavailable', 'store_wait_exceeded'].includes(error.code)) return null;
    const { cause } = error;
    if (cause instanceof Error && 'code' in cause && cause.code === PROTOCOL_VIOLATION)
      return fault(
        'The database refuses settings at the start of a session, as a transaction pooler does.',
        'Name the server itself with --direct, and give it to openStore as listenUrl.',
      );
    return fault(error.message, 'See that the server runs, and that address, role and password are right.');
  }
}

/** SQLSTATE with which PgBouncer answers start-up settings that it was not told to let pass. */
const PROTOCOL_VIOLATION = '08P01';

async function bounded(look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Finding[]>((resolve) => {
    const says = `This could not be looked at within ${SECONDS_EACH} seconds.`;
    timer = setTimeout(
      () => resolve([warning(says, 'Run doctor again when the database is less busy.')]),
      SECONDS_EACH * 1000,
    );
  });
  try {
    return await Promise.race([look(), late]);
  } catch (error) {
    return [unlooked(error)];
  } finally {
    clearTimeout(timer);
  }
}

/** Only what is safe to print: a driver's own message may hold what it was sent. */
function unlooked(error: unknown): Finding {
  if (!CountersignError.is(error))
    return warning(
      'This could not be looked at: something went wrong on our side.',
      'Run doctor again, and report it.',
    );
  const { cure } = error.details;
  const reason = cure === undefined ? error.message : error.message.replace(` ${cure}`, '');
  return warning(`This could not be looked at: ${reason} (${error.code})`, cure ?? 'Cure what else is found first.');
}
