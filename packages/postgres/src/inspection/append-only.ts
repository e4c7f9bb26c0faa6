import { sql } from 'drizzle-orm';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import type { Session } from '../database.ts';
import { assertCurrent, migrationsFolder } from '../migrations.ts';

/** Something that should protect the log and does not. */
export interface ProtectionFault {
  readonly table: string;
  readonly trigger: string;
  /** `foreign`: a trigger that no migration has made; `altered`: its function is not the one of any migration. */
  readonly fault: 'missing' | 'disabled' | 'weakened' | 'altered' | 'foreign';
}

type Statement = 'UPDATE' | 'DELETE' | 'TRUNCATE';

const never: readonly Statement[] = ['UPDATE', 'DELETE', 'TRUNCATE'];

/** What the trigger `append_only` of each table must refuse. */
const appendOnly: Readonly<Record<string, readonly Statement[]>> = {
  audit_event: never,
  // The end of a stream is recorded in its row.
  audit_stream: ['DELETE', 'TRUNCATE'],
  audit_seal: never,
  audit_seal_range: never,
  audit_node: never,
  audit_archive: never,
  emergency_access: never,
  emergency_access_step: never,
};

/** Bits of `pg_trigger.tgtype`; the statement's, since a trigger of each row would let pass what touches none. */
const bits: Readonly<Record<Statement, number>> = { DELETE: 8, UPDATE: 16, TRUNCATE: 32 };
const BEFORE = 2;
const ROW = 1;

interface TriggerRow {
  readonly relation: string;
  readonly name: string;
  readonly type: number;
  /** `A`: ENABLE ALWAYS, also where `session_replication_role` is `replica`. */
  readonly enabled: string;
  readonly conditional: boolean;
  readonly source: string;
}

/** Looks whether each trigger that makes the log append-only is there, enabled, whole and as a migration made it. */
export async function readProtection(session: Session): Promise<readonly ProtectionFault[]> {
  const tables = await session.rows<{ name: string }>(
    sql`select tablename as name from pg_catalog.pg_tables where schemaname = 'countersign'`,
  );
  const there = new Set(tables.map(({ name }) => name));
  if (!there.has('audit_event')) assertCurrent('behind');
  const rows = await session.rows<TriggerRow>(sql`
    select relation.relname as relation, tgname as name, tgtype::integer as type, tgenabled::text as enabled,
      tgqual is not null or tgattr::text <> '' as conditional, prosrc as source
    from pg_catalog.pg_trigger
    join pg_catalog.pg_class as relation on relation.oid = tgrelid
    join pg_catalog.pg_proc as function on function.oid = tgfoid
    where relation.relnamespace = to_regnamespace('countersign') and not tgisinternal`);
  const ours = readMigrationFiles({ migrationsFolder })
    .flatMap((migration) => migration.sql)
    .join('\n');
  const faults: ProtectionFault[] = [];
  for (const [table, statements] of Object.entries(appendOnly)) {
    // What an older release has not made yet is told as a pending migration.
    if (!there.has(table)) continue;
    const row = rows.find(({ relation, name }) => relation === table && name === 'append_only');
    const wanted = statements.reduce((sum, statement) => sum + bits[statement], BEFORE);
    const fault =
      row === undefined
        ? 'missing'
        : row.enabled !== 'A'
          ? 'disabled'
          : (row.type & (wanted | ROW)) !== wanted || row.conditional
            ? 'weakened'
            : null;
    if (fault !== null) faults.push({ table, trigger: 'append_only', fault });
  }
  for (const { relation: table, name: trigger, source, enabled } of rows) {
    if (!ours.includes(`TRIGGER "${trigger}"`)) faults.push({ table, trigger, fault: 'foreign' });
    else if (!ours.includes(source)) faults.push({ table, trigger, fault: 'altered' });
    else if (trigger !== 'append_only' && enabled === 'D') faults.push({ table, trigger, fault: 'disabled' });
  }
  return faults;
}
