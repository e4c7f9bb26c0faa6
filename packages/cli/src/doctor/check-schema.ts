import type { Check } from './examination.ts';
import { type Finding, fault, well } from './finding.ts';

const MIGRATE = 'Run: countersign migrate, as the role that owns the schema.';

/** Whether the schema is this release's. */
export const migrationsCheck: Check = {
  subject: 'Migrations',
  async look({ inspection }) {
    const state = await inspection.migrations();
    if (state === 'current') return [well('The schema is at the version of this release.')];
    if (state === 'behind') return [fault('The schema is behind this release: it will not start.', MIGRATE)];
    return [fault('A newer release has migrated the schema: this one will not start.', 'Update this release.')];
  },
};

const what = {
  missing: 'is missing',
  disabled: 'is not enabled for every session (ENABLE ALWAYS)',
  weakened: 'no longer refuses all that it should',
  altered: 'calls a function that is not ours any more',
  foreign: 'was made by somebody else, and can change what is recorded',
} as const;

/** Whether the database itself still refuses to rewrite the log. */
export const protectionCheck: Check = {
  subject: 'Append-only',
  async look({ inspection }) {
    const faults = await inspection.protection();
    if (faults.length === 0) return [well('The database refuses to change or remove what was recorded.')];
    return faults.map(
      ({ table, trigger, fault: kind }): Finding =>
        fault(
          `The trigger ${trigger} of ${table} ${what[kind]}.`,
          kind === 'foreign'
            ? 'Find out who made it, and drop it.'
            : 'Find out who did it and when, run countersign audit verify with a checkpoint from before, and restore the trigger as the migrations have it.',
        ),
    );
  },
};
