import { CountersignError, type ErrorCode } from '@countersign/core';

/** The connection that held the stream's lock is gone. */
export class ConnectionLost extends Error {
  readonly code = 'CONNECTION_LOST';
}

interface DriverFault {
  readonly code: string;
  readonly facts: Readonly<Record<string, string | number>>;
}

/**
 * Turns whatever a driver or Drizzle throws into one of our errors. The original is *not* kept as the cause: Drizzle's message
 * prints the bound parameters, PostgreSQL's detail prints the row, and PGlite's error carries both. The cause names only the
 * SQLSTATE or system error code and where it arose.
 */
export function storeError(error: unknown, waitCure: string): CountersignError {
  if (CountersignError.is(error)) return error;
  const fault = driverFault(error);
  const code = errorCode(fault.code);
  const cause = Object.assign(new Error(`The database driver reported ${fault.code}.`), {
    code: fault.code,
    ...fault.facts,
  });
  const cure = code === 'store_wait_exceeded' ? waitCure : cures[fault.code];
  return new CountersignError(code, cure === undefined ? { cause } : { cause, cure });
}

const migrateCure =
  'Run migrate() once as the role that owns the schema "countersign", before this release starts (migrate(url, { applicationRole }) also grants what the application needs).';

const cures: Readonly<Record<string, string>> = {
  '42501':
    "Grant the application's role what it needs: grantApplicationRole(url, role), run as the owner of the schema.",
  '42P01': migrateCure,
  '42703': migrateCure,
  '3F000': migrateCure,
};

/**
 * By SQLSTATE class (PostgreSQL manual, appendix A). What the server refused for a reason of its own is definite: nothing was
 * done. Everything else may or may not have been done, and is reported as unavailable.
 */
function errorCode(code: string): ErrorCode {
  // 57014 statement timeout, 55P03 lock timeout, 25P03 idle in transaction, 25P04 transaction timeout
  if (['57014', '55P03', '25P03', '25P04'].includes(code)) return 'store_wait_exceeded';
  // undefined table, undefined column, unknown schema
  if (['42P01', '42703', '3F000'].includes(code)) return 'store_not_migrated';
  // connection exception, invalid authorisation, no such database, resources, operator intervention, system and internal errors;
  // a conflict of transactions can be tried again
  if (!sqlState.test(code) || /^(08|28|3D|40|53|57|58|XX)/.test(code)) return 'store_unavailable';
  return 'store_refused';
}

/** Not the names of faults of the operating system that are as long: EPIPE, EPERM. No class of SQLSTATE begins with E. */
const sqlState = /^[0-9A-DF-Z][0-9A-Z]{4}$/;

function driverFault(error: unknown): DriverFault {
  // Drizzle wraps the driver's error, and Node's connection attempts wrap theirs.
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (!('code' in at) || typeof at.code !== 'string') continue;
    const facts: Record<string, string | number> = {};
    for (const name of [
      'severity',
      'constraint_name',
      'constraint',
      'table_name',
      'table',
      'routine',
      'syscall',
      'address',
      'port',
    ]) {
      const value: unknown = Reflect.get(at, name);
      if (typeof value === 'string' || typeof value === 'number') facts[name] = value;
    }
    return { code: at.code, facts };
  }
  return { code: error instanceof Error ? error.name : typeof error, facts: {} };
}
